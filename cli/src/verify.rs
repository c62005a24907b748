//! `softmax verify` (filled in next).

use crate::failure::Failure;

/// Verify
#[derive(clap::Args)]
pub struct Args {}

impl Args {
    /// Does it.
    pub fn run(self) -> Result<(), Failure> {
        Ok(())
    }
}
