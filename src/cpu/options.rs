//! Which instructions and how many threads: chosen by the machine unless forced.

use fearless_simd::Level;

use crate::Error;

/// A set of vector instructions. Results of `Precision::Reproducible` are the same with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SimdLevel {
    /// No vector instructions that the library knows.
    Scalar,
    /// x86, 128 bits.
    Sse2,
    /// x86-64-v2, 128 bits.
    Sse42,
    /// x86-64-v3, 256 bits.
    Avx2,
    /// AVX-512 as Ice Lake has it, 512 bits.
    Avx512,
    /// AArch64, 128 bits.
    Neon,
    /// WebAssembly, 128 bits.
    Wasm128,
}

impl SimdLevel {
    const ALL: [Self; 7] =
        [Self::Scalar, Self::Sse2, Self::Sse42, Self::Avx2, Self::Avx512, Self::Neon, Self::Wasm128];

    /// The levels this machine has, the best one last.
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|level| level.token().is_some()).collect()
    }

    /// The best level this machine has.
    pub fn best() -> Self {
        Self::of(Level::new())
    }

    /// The name reports use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Sse2 => "sse2",
            Self::Sse42 => "sse4.2",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
            Self::Wasm128 => "wasm128",
        }
    }

    fn of(level: Level) -> Self {
        match level {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx512(_) => Self::Avx512,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Avx2(_) => Self::Avx2,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Sse4_2(_) => Self::Sse42,
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Level::Sse2(_) => Self::Sse2,
            #[cfg(target_arch = "aarch64")]
            Level::Neon(_) => Self::Neon,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Level::WasmSimd128(_) => Self::Wasm128,
            #[allow(unreachable_patterns, reason = "the levels differ by target")]
            _ => Self::Scalar,
        }
    }

    /// Proof that the machine has this level, if it does.
    pub(crate) fn token(self) -> Option<Level> {
        let best = Level::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        match self {
            Self::Sse2 => return best.as_sse2().map(Level::Sse2),
            Self::Sse42 => return best.as_sse4_2().map(Level::Sse4_2),
            Self::Avx2 => return best.as_avx2().map(Level::Avx2),
            Self::Avx512 => return best.as_avx512().map(Level::Avx512),
            _ => {}
        }
        (Self::of(best) == self).then_some(best)
    }
}

/// How the CPU computes: by default with the best instructions there are, large work on rayon's
/// threads and small work on the calling one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use]
pub struct Options {
    /// Only these instructions.
    pub level: Option<SimdLevel>,
    /// Cut the work into exactly this many parts where it can be cut so often, for the calling
    /// thread and rayon's to take; with 1 the calling thread does all of it.
    pub threads: Option<usize>,
}

impl Options {
    /// The machine's best.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forces a level; a call fails where the machine lacks it.
    pub fn level(mut self, level: SimdLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Forces the number of parts; 0 counts as 1.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// The level to use, and the proof that the machine has it.
    pub(crate) fn resolve(&self) -> Result<(SimdLevel, Level), Error> {
        let level = self.level.unwrap_or_else(SimdLevel::best);
        let found = level.token().ok_or_else(|| Error::Kernel {
            kernel: level.name(),
            why: format!("this CPU lacks the instructions; its best level is {}", SimdLevel::best().name()),
        })?;
        Ok((level, found))
    }
}
