//! Which vector instructions the kernels run with, asked of the processor at run time.

use pulp::{Scalar256b, Simd, WithSimd};

/// Code that is compiled for every set of vector instructions.
pub(super) trait Kernel {
    /// Runs it in tiles of `M` rows, as many as leave their sums in registers.
    fn run<S: Simd, const M: usize>(self, simd: S);
}

/// A kernel with the height of its tiles to be chosen.
struct InTiles<K>(K);

impl<K: Kernel> WithSimd for InTiles<K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.0.run::<S, 8>(simd);
        } else {
            self.0.run::<S, 4>(simd);
        }
    }
}

/// A set of vector instructions that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// 16 values a vector, 32 registers.
    Avx512,
    /// 8 values a vector, 16 registers, with fused multiply-add.
    Avx2,
    /// 4 values a vector, two of which make one of ours, with fused multiply-add: what aarch64 always has, so that the
    /// compiler uses it by itself.
    Neon,
    /// Whatever the compiler makes of loops over 8 values.
    Portable,
}

impl Processor {
    /// Every set that this processor has, the fastest first. The portable one is always there.
    pub fn available() -> Vec<Self> {
        [Self::Avx512, Self::Avx2, Self::Neon, Self::Portable]
            .into_iter()
            .filter(|processor| processor.is_available())
            .collect()
    }

    /// The fastest set that this processor has.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    /// Its name to a reader.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Neon => "NEON",
            Self::Portable => "portable",
        }
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::try_new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::try_new().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Neon => cfg!(target_arch = "aarch64"),
            Self::Portable => true,
        }
    }

    /// Values in a vector. Packed weights depend on it.
    pub(super) fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 | Self::Neon | Self::Portable => 8,
        }
    }

    /// Runs a kernel, compiled for these instructions; for the portable ones where the processor lacks them.
    pub(super) fn run<K: Kernel>(self, kernel: K) {
        let kernel = InTiles(kernel);
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if let Some(simd) = pulp::x86::V4::try_new() => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if let Some(simd) = pulp::x86::V3::try_new() => Simd::vectorize(simd, kernel),
            _ => Simd::vectorize(Scalar256b, kernel),
        }
    }
}
