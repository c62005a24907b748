//! Chores of the workspace, as functions that the program `xtask` and its tests share.
#![deny(missing_docs)]

pub mod bundle;
pub mod ci;
pub mod counts;
pub mod isa;
pub mod machine;
pub mod peers;
pub mod shell;
pub mod test;
pub mod web;
