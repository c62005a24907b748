//! The comparison of instruction counts with the checked-in ones.

use xtask::counts::{Counts, Kind, Metrics, Verdict, changes, merge};

const TOOL: &str = "rustc 1.95.0";

fn counts(kernels: &[(&str, f64)]) -> Counts {
    let metrics = |value| Metrics::from([("instr/elem".to_owned(), value)]);
    let kernels = kernels.iter().map(|(name, value)| ((*name).to_owned(), metrics(*value))).collect();
    Counts { tool: TOOL.to_owned(), kernels }
}

fn failure(kind: Kind, before: &Counts, now: &Counts) -> Option<String> {
    Verdict::new(kind, before, now).failure
}

#[test]
fn what_is_written_is_read_again_and_is_sorted() {
    let written = counts(&[("b c", 12.5), ("a/1", 0.125)]);
    let text = written.text("about\nthem");
    assert_eq!(text, "# about\n# them\ntool: rustc 1.95.0\na/1: instr/elem=0.125\nb c: instr/elem=12.5\n");
    assert_eq!(Counts::parse(&text).unwrap(), written);
}

#[test]
fn a_line_that_is_no_count_is_named() {
    for wrong in ["a instr=1", "a: instr", "a: instr=x", "a: instr=-1", "a: instr=NaN", "a: i=1\na: i=1"] {
        let error = format!("{:#}", Counts::parse(&format!("tool: t\n{wrong}\n")).unwrap_err());
        assert!(error.contains("line "), "{wrong}: {error}");
    }
    assert!(Counts::parse("a: instr=1\n").is_err(), "no tool");
}

#[test]
fn the_checked_in_files_are_as_they_would_be_written() {
    for text in [include_str!("../counts/cpu.txt"), include_str!("../counts/shaders.txt")] {
        let read = Counts::parse(text).unwrap();
        assert!(read.kernels.len() > 100, "{}", read.kernels.len());
        let about: Vec<_> = text.lines().filter_map(|l| l.strip_prefix("# ")).collect();
        assert_eq!(read.text(&about.join("\n")), text);
    }
}

/// Both ways: a gain that the file does not hold would be lost.
#[test]
fn a_change_fails_just_beyond_the_tolerance_whichever_way_it_goes() {
    let before = counts(&[("kernel", 100.0)]);
    for kind in Kind::ALL {
        for sign in [-1.0, 1.0] {
            let by = |percent: f64| counts(&[("kernel", 100.0 + sign * percent)]);
            assert_eq!(failure(kind, &before, &by(kind.tolerance())), None);
            let message = failure(kind, &before, &by(kind.tolerance() + 0.01)).unwrap();
            assert!(
                message.contains("cargo xtask counts --write") && message.contains("kernel"),
                "{message}"
            );
        }
    }
}

#[test]
fn from_nothing_to_something_fails_and_nothing_to_nothing_does_not() {
    let (none, some) = (counts(&[("k", 0.0)]), counts(&[("k", 1.0)]));
    assert_eq!(failure(Kind::Shaders, &none, &none), None);
    assert!(failure(Kind::Shaders, &none, &some).is_some());
    assert!(failure(Kind::Shaders, &some, &none).is_some());
}

#[test]
fn a_kernel_or_metric_that_is_new_or_gone_fails_and_is_called_so() {
    let (one, two) = (counts(&[("a", 1.0)]), counts(&[("a", 1.0), ("b", 1.0)]));
    for (before, now, word) in [(&one, &two, "new"), (&two, &one, "gone")] {
        let verdict = Verdict::new(Kind::Cpu, before, now);
        assert!(verdict.failure.is_some());
        assert!(verdict.text.contains(word), "{}", verdict.text);
    }
    let mut wider = one.clone();
    wider.kernels.get_mut("a").unwrap().insert("load_dword".to_owned(), 1.0);
    assert!(failure(Kind::Shaders, &one, &wider).unwrap().contains("load_dword of a"));
}

#[test]
fn another_rustc_is_met_with_a_wider_tolerance_and_another_mesa_with_a_warning() {
    let before = counts(&[("k", 100.0)]);
    let mut now = counts(&[("k", 109.0)]);
    now.tool = "another 2.0".to_owned();
    let verdict = Verdict::new(Kind::Cpu, &before, &now);
    assert_eq!(verdict.failure, None);
    assert!(verdict.text.contains("another 2.0") && verdict.text.contains(TOOL), "{}", verdict.text);
    now.kernels = counts(&[("k", 111.0)]).kernels;
    assert!(failure(Kind::Cpu, &before, &now).is_some());
    let verdict = Verdict::new(Kind::Shaders, &before, &now);
    assert_eq!(verdict.failure, None);
    assert!(verdict.text.contains("warning") && verdict.text.contains("+11.00 %"), "{}", verdict.text);
}

#[test]
fn less_than_the_file_holds_is_no_change() {
    let exact = counts(&[("k", 1.0 / 3.0)]);
    assert_eq!(changes(&Counts::parse(&exact.text("")).unwrap(), &exact), []);
}

#[test]
fn a_filter_renews_its_part_only_and_not_under_another_tool() {
    let (before, now) = (counts(&[("a1", 1.0), ("a2", 2.0), ("b", 3.0)]), counts(&[("a1", 9.0)]));
    assert_eq!(merge(before.clone(), now.clone(), "a").unwrap(), counts(&[("a1", 9.0), ("b", 3.0)]));
    let other = Counts { tool: "another".to_owned(), ..now };
    assert!(merge(before.clone(), other.clone(), "a").is_err());
    assert_eq!(merge(before, other.clone(), "").unwrap(), other);
}
