//! What `softmax bench` reports: digits, sizes, what was compared; and that no failure takes it away.

mod common;

use common::{Bench, adapters, text};

/// As little measuring as there can be.
const SHORT: &str = "--time 0 --samples 2";

#[test]
fn short_times_keep_three_digits() {
    let bench = Bench::new();
    let table = bench.ok(&format!("bench {SHORT} --device cpu --shape 1x3 --html page.html"));
    let lines = table.lines().filter(|line| line.starts_with("  1x3 "));
    // The time on the device is the first number behind the kernel's name.
    let times: Vec<_> = lines.map(|line| line.split_whitespace().nth(4).unwrap().to_owned()).collect();
    assert_eq!(times.len(), 3, "{table}");
    let page = std::fs::read_to_string(bench.path("page.html")).unwrap();
    for time in times {
        let digits = time.trim_start_matches(['0', '.']).matches(|c: char| c.is_ascii_digit()).count();
        assert!(digits >= 3, "{time} has {digits} digits: {table}");
        assert!(page.contains(&format!("<td class=\"n\">{time}</td>")), "{time}");
    }
}

#[test]
fn a_page_says_what_was_compared_and_how_large_batches_are() {
    let bench = Bench::new();
    let page = |options: &str| {
        bench.ok(&format!("bench {SHORT} --html page.html {options}"));
        std::fs::read_to_string(bench.path("page.html")).unwrap()
    };
    let whole = page("--device cpu --shape 257x100 --shape 16x1024");
    assert!(whole.contains("Every answer was compared with the specification before it was timed."));
    // 102800 bytes are not the power of two that is nearest to them.
    assert!(whole.contains("\n103 kB\n") && whole.contains("\n64 KiB\n") && !whole.contains("128 KiB"));
    let refused = page(&format!("--device {} --shape 2x5000 --kernel thread", adapters(&bench)[0]));
    assert!(refused.contains("No answer was timed") && !refused.contains("Every answer"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_is_printed_where_a_file_cannot_be_written() {
    let bench = Bench::new();
    let line = format!("bench {SHORT} --device cpu --shape 3x4");
    for (files, left) in [
        ("--csv /dev/full", &[][..]),
        ("--csv /dev/full --html page.html", &["page.html"]),
        ("--html /dev/full --csv cells.csv --json", &["cells.csv", "page.html"]),
    ] {
        let output = bench.run(&format!("{line} {files}"));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{files}: {said}");
        assert!(said.starts_with("error: /dev/full: writing") && said.lines().count() == 1, "{said}");
        assert!(text(&output.stdout).contains("softmax"), "{files}");
        assert_eq!(bench.names(), left, "{files}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_cannot_be_had_is_told_in_a_line() {
    let bench = Bench::new();
    let command = bench.command("bench --device cpu --time 0 --shape 3x4 --shape 10000x10000");
    let mut shell = std::process::Command::new("bash");
    // Threads reserve addresses that they do not use.
    shell.env("MALLOC_ARENA_MAX", "1").env("RAYON_NUM_THREADS", "2");
    shell.args(["-c", "ulimit -v 400000 && exec \"$@\"", "bash"]).arg(command.get_program());
    let output = shell.args(command.get_args()).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("10000x10000: 400 MB of memory cannot be had; give fewer rows")
            && said.lines().count() == 1,
        "{said}"
    );
    // What was measured before is not lost.
    assert!(text(&output.stdout).contains("  3x4 "), "{}", text(&output.stdout));
}
