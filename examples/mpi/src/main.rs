//! Softmax over the ranks of an MPI job, bit for bit what one process computes.
//!
//! ```console
//! $ mpirun -n 4 sharded-softmax columns 64 50257    # each rank holds some columns of every row
//! $ mpirun -n 4 sharded-softmax rows IN.npy OUT.npy # each rank streams some rows of one file
//! ```
//!
//! Everything that is merged goes through stock reductions, `MPI_MAX` and `MPI_SUM` of integers, of
//! which no order of the ranks changes a bit.

mod columns;
mod cut;
mod file;
mod rows;

use std::error::Error;
use std::path::Path;

use mpi::topology::SimpleCommunicator;
use mpi::traits::*;

const USAGE: &str = "usage: sharded-softmax columns ROWS COLUMNS | rows IN.npy OUT.npy";

/// What any part of the job may fail with.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() {
    let universe = mpi::initialize().expect("MPI is initialised once");
    let world = universe.world();
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Err(error) = run(&world, &arguments) {
        eprintln!("error: rank {}: {error}", world.rank());
        // The other ranks may be waiting for this one: they end with it.
        world.abort(2);
    }
}

fn run(world: &SimpleCommunicator, arguments: &[String]) -> Result<()> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["columns", rows, cols] => columns::run(world, rows.parse()?, cols.parse()?),
        ["rows", input, output] => rows::run(world, Path::new(input), Path::new(output)),
        _ => Err(USAGE.into()),
    }
}
