//! The choice of a compiled kernel: by the level of instructions, and by the arithmetic of a job's precision.

/// Evaluates `$run` for the level and the arithmetic of `$job`; it names them `$simd` and `$math`. After `of` stands
/// the number of elements that are summed where that may be many: it decides the bins.
///
/// Everything below `$run` is compiled in the module where this stands, once for each level and arithmetic. A compiler
/// makes one unit of a module, and units side by side: so each kernel but `long`, whose passes are functions, calls
/// this in its own module.
macro_rules! dispatch_math {
    ($job:expr, of $elements:expr, $math:ident, $simd:ident => $run:expr) => {
        if !$job.is_fast() && $crate::cpu::sum::third_bin($elements) {
            use $crate::cpu::simd::exact::ExactLong as $math;
            fearless_simd::dispatch!($job.token, $simd => $run)
        } else {
            $crate::cpu::dispatch::dispatch_math!($job, $math, $simd => $run)
        }
    };
    ($job:expr, $math:ident, $simd:ident => $run:expr) => {
        if $job.is_fast() {
            use $crate::cpu::simd::fast::Fast as $math;
            fearless_simd::dispatch!($job.token, $simd => $run)
        } else {
            use $crate::cpu::simd::exact::Exact as $math;
            fearless_simd::dispatch!($job.token, $simd => $run)
        }
    };
}

pub(crate) use dispatch_math;
