//! `softmax bench`: every cell is there, right, and told in each form; what is wrong is told in a line.

mod common;

use common::{Bench, adapters, text};
use serde_json::Value;

/// As little measuring as there can be.
const SHORT: &str = "--time 0 --samples 2";

fn measure(bench: &Bench, options: &str) -> Value {
    serde_json::from_str(&bench.ok(&format!("bench {SHORT} --json {options}"))).unwrap()
}

fn cells(report: &Value) -> &Vec<Value> {
    report["cells"].as_array().unwrap()
}

/// A cell with times holds together; one without says why.
#[track_caller]
fn assert_cell(cell: &Value) {
    assert_eq!(cell["dtype"], "f32");
    let Some(rate) = cell["gb_per_s"].as_f64() else {
        assert!(!cell["error"].as_str().unwrap().is_empty() && cell["device_time"].is_null(), "{cell}");
        return;
    };
    let time = &cell["device_time"];
    let of = |name: &str| time[name].as_f64().unwrap();
    assert!(0.0 < of("least") && of("least") <= of("low"), "{cell}");
    assert!(of("low") <= of("median") && of("median") <= of("high"), "{cell}");
    assert_eq!((&cell["checked"], &time["runs"]), (&Value::from(true), &Value::from(2)));
    let bytes = cell["bytes"].as_f64().unwrap();
    assert!((rate - bytes / of("median") / 1e9).abs() <= 1e-9 * rate, "{cell}");
    assert!(cell["ring_bytes"].as_u64().unwrap() >= bytes as u64, "{cell}");
}

#[test]
fn the_cpu_is_measured_with_each_operation_and_precision() {
    let bench = Bench::new();
    let report =
        measure(&bench, "--device cpu --shape 50x37 --shape 3x1000 --op all --precision all --kernel all");
    assert!(report["last_level_cache"].as_u64().unwrap() > 0);
    let cells = cells(&report);
    for op in ["softmax", "log-softmax", "logsumexp", "row-stats", "copy"] {
        assert!(cells.iter().any(|cell| cell["op"] == op && cell["rows"] == 3), "{op}");
    }
    assert!(cells.iter().any(|cell| cell["precision"] == "fast"));
    for cell in cells {
        assert_cell(cell);
        assert!(cell["error"].is_null(), "{cell}");
        if cell["op"] == "copy" {
            assert_eq!(cell["bytes"], 8 * cell["rows"].as_u64().unwrap() * cell["cols"].as_u64().unwrap());
        } else {
            let of_copy = |c: &&Value| c["op"] == "copy" && c["cols"] == cell["cols"];
            let copy = cells.iter().find(of_copy).unwrap()["gb_per_s"].as_f64().unwrap();
            let share = cell["share_of_copy"].as_f64().unwrap();
            assert!((share - cell["gb_per_s"].as_f64().unwrap() / copy).abs() <= 1e-9 * share, "{cell}");
        }
    }
    // One planned kernel for each of two shapes, three operations in two precisions and one in one.
    assert_eq!(cells.iter().filter(|cell| cell["planned"] == true).count(), 2 * 7);
}

#[test]
fn every_adapter_is_measured_with_each_kernel() {
    let bench = Bench::new();
    for index in adapters(&bench) {
        let report = measure(&bench, &format!("--device {index} --shape 70x30 --shape 2x5000 --kernel all"));
        let cells = cells(&report);
        cells.iter().for_each(|cell| assert_cell(cell));
        // A row of 5000 columns is not one that an invocation holds: that cell says so, and is no failure.
        let refused = cells.iter().filter(|cell| cell["kernel"] == "thread" && cell["cols"] == 5000);
        for cell in refused {
            assert!(cell["error"].as_str().unwrap().contains("kernel thread cannot run"), "{cell}");
        }
        let planned: Vec<_> = cells.iter().filter(|cell| cell["planned"] == true).collect();
        assert_eq!(planned.len(), 4);
        for cell in planned {
            assert!(cell["error"].is_null() && cell["end_to_end"]["median"].as_f64().unwrap() > 0.0);
            assert!(["timestamps", "wall"].contains(&cell["clock"].as_str().unwrap()));
        }
        assert!(cells.iter().filter(|cell| cell["op"] == "copy").all(|cell| cell["checked"] == true));
    }
}

#[test]
fn a_table_a_csv_and_a_page_tell_the_same_cells() {
    let bench = Bench::new();
    let adapter = adapters(&bench)[0];
    let devices = format!("--device cpu --device {adapter}");
    let line = format!("bench {SHORT} {devices} --sweep cols=3,40,700 --bytes 4KiB,64KiB");
    let table = bench.ok(&format!("{line} --csv cells.csv --html page.html"));
    assert_eq!(bench.names(), ["cells.csv", "page.html"]);
    let mut reader = csv::Reader::from_path(bench.path("cells.csv")).unwrap();
    let columns = reader.headers().unwrap().clone();
    let lines: Vec<_> = reader.records().map(Result::unwrap).collect();
    // Six shapes on two devices, in two precisions and as a copy.
    assert_eq!(lines.len(), 6 * 2 * 3);
    let column = |name: &str| columns.iter().position(|column| column == name).unwrap();
    let page = std::fs::read_to_string(bench.path("page.html")).unwrap();
    for line in &lines {
        assert!(line[column("device_median_s")].parse::<f64>().unwrap() > 0.0);
        let shape = format!("{}x{}", &line[column("rows")], &line[column("cols")]);
        assert!(table.contains(&shape) && table.contains(&line[column("kernel")]), "{shape}");
        assert!(page.contains(&format!("<td class=\"n\">{}</td>", &line[column("rows")])));
    }
    assert_page(&page);
    for heading in ["Share of the copy", "Speed by row length", "CPU against GPU", "All cells"] {
        assert!(page.contains(heading), "{heading}");
    }
    // Four heat maps, four charts by columns, and two of the adapter against the CPU.
    assert_eq!(page.matches("<svg ").count(), 4 + 4 + 2);
}

/// Every element is closed, in order, and nothing comes from elsewhere.
#[track_caller]
fn assert_page(page: &str) {
    let page = page.strip_prefix("<!DOCTYPE html>").unwrap();
    let foreign = page.replace("http://www.w3.org/2000/svg", "");
    for word in ["http", "<script", "<link", "url(", "@import", "NaN", "inf\""] {
        assert!(!foreign.contains(word), "{word}");
    }
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.split_whitespace().next().unwrap();
        if let Some(name) = name.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if name != "meta" && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_report_of_one_cell_is_a_page_too() {
    let bench = Bench::new();
    let line = "--device cpu --shape 5x5 --precision fast --baseline none --html page.html";
    let report = measure(&bench, line);
    assert_eq!(cells(&report).len(), 1);
    assert!(cells(&report)[0]["share_of_copy"].is_null());
    let page = std::fs::read_to_string(bench.path("page.html")).unwrap();
    assert_page(&page);
    assert!(!page.contains("<svg"));
}

#[test]
fn what_makes_no_sense_is_told_in_a_line() {
    let bench = Bench::new();
    for (options, word) in [
        ("--shape 0x7", "--shape 0x7 has no element"),
        ("--shape 7", "8192x4096"),
        ("--sweep cols=", "cols=1..131072"),
        ("--sweep depth=3", "cols=1..131072"),
        ("--bytes much", "--bytes much"),
        ("--kernel warp", "no kernel \"warp\"; there are planned, all, thread"),
        ("--kernel tile --device cpu", "no kernel that was asked for is one of cpu:"),
        ("--op sum", "no operation \"sum\""),
        ("--precision exact", "no precision \"exact\""),
        ("--device no-such-gpu", "no-such-gpu"),
        ("--device 99", "index 99"),
        ("--time soon", "--time soon"),
        ("--time -1", "--time -1"),
        ("--samples 0", "--samples 0"),
        ("--samples -3", "--samples -3"),
        ("--shape 1x1 --html no/such/page.html", "the directory no/such is not there"),
        ("--shape 1x1 --csv .", "directory"),
        ("--shape 1x1 --csv same --html same", "same: --csv and --html name one file"),
        ("--shape 1x1 --csv same --html ./same", "./same: --csv and --html name one file"),
        #[cfg(target_os = "linux")]
        ("--shape 1x1 --profile /dev/zero", "/dev/zero: a profile has at most 1048576 bytes"),
        ("--shape -1x5", "--shape -1x5: write rows and columns"),
        ("--bytes -1", "--bytes -1: write a size"),
        ("--device -1", "the name \"-1\" fits none"),
        ("--shape 4000000000x4000000000", "4000000000 x 4000000000 f32 elements cannot be addressed"),
        #[cfg(target_os = "linux")]
        ("--shape 1000000000x1000", "1000000000x1000 needs 24.0 TB of memory"),
    ] {
        let device = if options.contains("--device") { "" } else { "--device cpu" };
        let output = bench.run(&format!("bench {device} {options}"));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{options}: {said}");
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{options}: {said:?}");
        assert!(said.contains(word), "{said:?} does not say {word:?}");
        assert!(output.stdout.is_empty() && bench.names().is_empty(), "{options}");
    }
}

#[test]
fn an_empty_name_is_no_device() {
    let bench = Bench::new();
    for line in
        ["bench --shape 2x2 --device", "verify --device", "tune --device", "run x.npy -o y.npy --device"]
    {
        bench.array("x.npy", "(1,)", &[1.0]);
        for name in ["", " "] {
            let output = bench.command(line).arg(name).output().unwrap();
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{line}: {said}");
            assert!(said.contains("the name \"\" fits none") && said.lines().count() == 1, "{line}: {said}");
        }
    }
}

#[test]
fn statistics_that_are_not_fast_are_told() {
    let bench = Bench::new();
    for (options, notes) in [("--op row-stats", 1), ("--op all", 1), ("--op softmax", 0)] {
        let line = format!("bench {SHORT} --device cpu --shape 3x4 --precision fast {options}");
        let output = bench.run(&line);
        let said = text(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert_eq!(
            said.matches("note: row-stats have no fast precision").count(),
            notes,
            "{options}: {said}"
        );
        assert_eq!(said.lines().count(), notes, "{options}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn an_interruption_leaves_no_file() {
    use std::process::{Command, Stdio};
    let bench = Bench::new();
    bench.file("page.html", b"old");
    let line = "bench --device cpu --shape 1x1 --time 600 --samples 1000000000 --csv a.csv --html page.html";
    let child = bench.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let unfinished = || bench.names().iter().filter(|name| name.ends_with(".unfinished")).count();
    let since = std::time::Instant::now();
    while unfinished() < 2 {
        assert!(since.elapsed().as_secs() < 60, "no files were begun: {:?}", bench.names());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(text(&output.stderr), "error: interrupted; no output was written\n");
    assert_eq!(bench.names(), ["page.html"]);
    assert_eq!(std::fs::read(bench.path("page.html")).unwrap(), b"old");
}
