//! Serves a Rust library as a contestant of `cargo xtask peers`; see `softmax_compare::protocol`.

mod burn;
mod candle;

use anyhow::Result;
use clap::Parser;
use softmax_compare::ours::Seat;
use softmax_compare::protocol::serve;

const LOCK: &str = include_str!("../Cargo.lock");

/// Softmax by another library
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    seat: Seat,
}

fn main() -> Result<()> {
    let seat = Arguments::parse().seat;
    serve(|| match seat.name.as_str() {
        "burn" => burn::open(&seat),
        "candle" => candle::open(&seat),
        other => anyhow::bail!("{other:?} is not served here; there are \"burn\" and \"candle\""),
    })
}

/// The version of a package that the lock file names.
fn version(package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let after = LOCK.lines().skip_while(|line| *line != name).nth(1);
    after.and_then(|line| line.strip_prefix("version = ")).unwrap_or("unknown").trim_matches('"').to_owned()
}
