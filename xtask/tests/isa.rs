//! The kernels on AMD's compiler: what promises the same bits has nothing fused that matters.
#![cfg(target_os = "linux")]

use std::path::Path;

use xtask::isa::{self, FAMILY, Kernel, Report};

fn check(kernel: &Kernel) -> Report {
    isa::check(Path::new(env!("CARGO_BIN_EXE_xtask")), FAMILY, kernel).unwrap_or_else(|e| panic!("{e:#}"))
}

fn kernel(name: &str, wgsl: &str) -> Kernel {
    Kernel {
        name: name.to_owned(),
        wgsl: wgsl.to_owned(),
        entry_point: "main".to_owned(),
        reproducible: true,
        ..Kernel::default()
    }
}

#[test]
fn a_sealed_kernel_passes_with_its_exact_products_fused() {
    let mut sealed = kernel("sealed", include_str!("kernels/sealed.wgsl"));
    sealed.constants = vec![("group".to_owned(), 64.0)];
    sealed.width = 4;
    let report = check(&sealed);
    assert_eq!(report.failures, Vec::<String>::new());
    assert_eq!(report.fused_exact, 8, "two products for each of four elements");
    assert_eq!(report.memory["buffer_load_dwordx4"], 1, "one load of 16 bytes");
    assert_eq!(report.loops.len(), 1);
    let (all, integer) = report.per_element.unwrap();
    assert!((20.0..45.0).contains(&all) && (5.0..20.0).contains(&integer), "{all} {integer}");
}

#[test]
fn the_same_kernel_without_seals_is_caught() {
    let report = check(&kernel("unsealed", include_str!("kernels/unsealed.wgsl")));
    assert!(report.fused_inexact.len() >= 4 * 6, "{:?}", report.fused_inexact);
    assert!(report.failures.iter().any(|f| f.contains("v_fma")), "{:?}", report.failures);
}

#[test]
fn only_products_of_halves_may_be_fused() {
    let wgsl = include_str!("kernels/halves.wgsl");
    let report = check(&kernel("halves", wgsl));
    assert_eq!(report.failures, Vec::<String>::new());
    assert!(report.fused_exact >= 3, "{report:?}");
    let broken = wgsl.replace("+ al * bl", "+ a * bl");
    assert_ne!(broken, wgsl);
    assert_eq!(check(&kernel("not halves", &broken)).fused_inexact.len(), 1);
}

#[test]
fn a_built_in_exponential_is_caught_unless_the_kernel_promises_nothing() {
    let wgsl = "@group(0) @binding(0) var<storage, read_write> data: array<f32>;
        @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
            data[id.x] = exp(data[id.x]);
        }";
    let mut fast = kernel("exp", wgsl);
    assert!(check(&fast).failures.iter().any(|f| f.contains("v_exp_f32")));
    fast.reproducible = false;
    assert_eq!(check(&fast).failures, Vec::<String>::new());
}

#[test]
fn a_mistake_in_the_source_is_shown_with_its_place() {
    let error = isa::check(Path::new(env!("CARGO_BIN_EXE_xtask")), FAMILY, &kernel("wrong", "fn main( {"))
        .unwrap_err();
    assert!(format!("{error:#}").contains("wrong:1"), "{error:#}");
}

/// The library's own kernels. Fast ones are compiled too: they may fuse, but not spill.
#[test]
fn the_library_s_kernels_keep_their_promise() {
    let kernels = isa::catalogue();
    assert!(kernels.iter().any(|k| k.reproducible), "the catalogue is empty");
    let reports = isa::check_all(Path::new(env!("CARGO_BIN_EXE_xtask")), FAMILY, &kernels)
        .unwrap_or_else(|e| panic!("{e:#}"));
    let failures: Vec<_> =
        reports.iter().flat_map(|r| r.failures.iter().map(move |f| (&r.name, f))).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    for (kernel, report) in kernels.iter().zip(&reports) {
        let loads: Vec<_> = report.memory.keys().filter(|name| name.contains("_load_")).collect();
        // Four elements that lie together are one access: 16 bytes of f32, 8 of halves.
        let four = format!("_dwordx{}", kernel.element_bytes);
        let in_one = loads.iter().any(|name| name.ends_with(&four));
        // The last stage of split rows reads the elements only where it has results for each of them.
        let reads = kernel.entry_point != "split_write" || kernel.wgsl.contains("PER_ELEMENT: bool = true");
        let is_one = kernel.width == 4 && kernel.in_one_access;
        assert!(loads.is_empty() || in_one || !is_one || !reads, "{}: {loads:?}", kernel.name);
        // What lies in quarters is not, and nothing else that these kernels read is of four words.
        assert!(!in_one || !kernel.name.contains("in quarters"), "{}: {loads:?}", kernel.name);
    }
}

#[test]
fn the_library_s_kernels_are_caught_without_their_seals() {
    let mut kernel = isa::catalogue().swap_remove(0);
    assert!(kernel.reproducible && kernel.wgsl.contains("seal_source.zero"));
    // What the seals take for zero is then known to be it.
    kernel.wgsl = kernel.wgsl.replace("seal_source.zero", "0u");
    let found = check(&kernel).fused_inexact;
    assert!(!found.is_empty(), "{found:?}");
}

#[test]
fn decorated_kernels_are_caught_without_their_decorations() {
    let found = isa::catalogue().into_iter().find(|kernel| kernel.decorated);
    let mut kernel = found.expect("kernels are decorated");
    let decorated = check(&kernel);
    assert_eq!((decorated.fused_exact, decorated.fused_inexact), (0, Vec::new()));
    kernel.decorated = false;
    let found = check(&kernel).fused_inexact;
    assert!(!found.is_empty(), "{found:?}");
}
