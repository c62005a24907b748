//! Real jobs of several ranks. Nothing is skipped: without `mpirun` these fail and say what to install.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use npyz::WriterBuilder;
use wgpu_softmax::{Shape, cpu};

/// Ranks wait by asking again and again: jobs beside each other would take each other's cores.
static ONE_JOB: Mutex<()> = Mutex::new(());

/// `mpirun` as it works for root and in a container, on more ranks than there are cores.
fn mpirun(ranks: usize, arguments: &[&str]) -> Output {
    let _turn = ONE_JOB.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe", "-n", &ranks.to_string()]);
    // One machine: no other has to be reached, so ssh is not needed, and nothing is bound to a core.
    command.args(["--mca", "plm", "isolated", "--bind-to", "none"]);
    command.arg(env!("CARGO_BIN_EXE_sharded-softmax")).args(arguments);
    command.output().unwrap_or_else(|e| {
        panic!("mpirun: {e}; install Open MPI: apt-get install openmpi-bin libopenmpi-dev libclang-dev")
    })
}

#[track_caller]
fn ok(ranks: usize, arguments: &[&str]) -> String {
    let output = mpirun(ranks, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?} on {ranks} ranks: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn rows_cut_by_columns_have_the_bits_of_one_process() {
    // A vocabulary; rows of more than 2^18 columns, which are summed more finely; a rank without any.
    for (ranks, rows, cols) in [(4, "64", "50257"), (4, "4", "262147"), (3, "20", "1000"), (4, "3", "2")] {
        let said = ok(ranks, &["columns", rows, cols]);
        assert_eq!(
            said,
            format!("columns: {rows} rows of {cols} over {ranks} ranks, bit-identical to one process\n")
        );
    }
}

fn write_npy(path: &Path, shape: [u64; 2], x: &[f32]) {
    let options = npyz::WriteOptions::<f32>::new().default_dtype().shape(&shape);
    let mut writer = options.writer(std::fs::File::create(path).unwrap()).begin_nd().unwrap();
    writer.extend(x.iter().copied()).unwrap();
    writer.finish().unwrap();
}

#[test]
fn a_file_cut_by_rows_is_the_file_that_one_process_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("x.npy"), dir.path().join("y.npy"));
    let [from, to] = [input.to_str().unwrap(), output.to_str().unwrap()];
    // Several chunks per rank; fewer rows than ranks.
    for (rows, cols) in [(8001, 1000), (2, 777)] {
        let x: Vec<f32> = (0..rows * cols).map(|i| (i as f32 * 1.7).sin() * 20.0).collect();
        write_npy(&input, [rows as u64, cols as u64], &x);
        assert!(ok(4, &["rows", from, to]).contains("as in one process"));
        let mut y = vec![0.0; x.len()];
        cpu::softmax(&x, Shape::rows(rows, cols), &mut y).unwrap();
        write_npy(&dir.path().join("expected.npy"), [rows as u64, cols as u64], &y);
        let files = ["y.npy", "expected.npy"].map(|name| std::fs::read(dir.path().join(name)).unwrap());
        assert!(files[0] == files[1], "{rows} x {cols}: the files differ");
        assert!(!dir.path().join("y.npy.unfinished").exists());
    }
}

#[test]
fn a_failure_ends_all_ranks_and_leaves_no_output() {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("x.npy"), dir.path().join("y.npy"));
    std::fs::write(&input, b"no array").unwrap();
    for input in [&input, &dir.path().join("not there.npy")] {
        let failed = mpirun(4, &["rows", input.to_str().unwrap(), output.to_str().unwrap()]);
        assert!(!failed.status.success());
        let said = String::from_utf8_lossy(&failed.stderr);
        assert!(said.contains("error: rank") && said.contains(input.to_str().unwrap()), "{said}");
        assert!(!output.exists());
    }
}
