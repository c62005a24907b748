//! Softmax by this library beside others. Each *contestant* is a process of its own that answers
//! requests on its standard input ([`protocol`]): ours are served by this package ([`ours`]), burn and
//! candle by the package in `benches/peers`, the Python ones by the scripts there. [`run`] starts
//! them, gives all the same rows, runs them in turn, and writes one report.
#![deny(missing_docs)]

mod accuracy;
mod child;
mod contestants;
mod measure;
pub mod options;
mod oracle;
pub mod ours;
pub mod protocol;
pub mod report;
mod rows;
mod run;
mod special;
mod team;

pub use options::Options;
pub use run::run;
