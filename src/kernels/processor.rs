//! Which vector instructions the kernels run with, asked of the processor at run time.

use pulp::{Scalar256b, Simd, WithSimd};

/// A set of vector instructions that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processor {
    /// 16 values a vector, 32 registers.
    Avx512,
    /// 8 values a vector, 16 registers, with fused multiply-add.
    Avx2,
    /// Whatever the compiler makes of loops over 8 values.
    Portable,
}

impl Processor {
    /// Every set that this processor has, the fastest first. The portable one is always there.
    pub fn available() -> Vec<Self> {
        [Self::Avx512, Self::Avx2, Self::Portable]
            .into_iter()
            .filter(|processor| processor.is_available())
            .collect()
    }

    /// The fastest set that this processor has.
    pub fn detect() -> Self {
        Self::available()[0]
    }

    fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => pulp::x86::V4::try_new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => pulp::x86::V3::try_new().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx512 | Self::Avx2 => false,
            Self::Portable => true,
        }
    }

    /// Values in a vector. Packed weights depend on it.
    pub(super) fn lanes(self) -> usize {
        match self {
            Self::Avx512 => 16,
            Self::Avx2 | Self::Portable => 8,
        }
    }

    /// Runs a kernel, compiled for these instructions; for the portable ones where the processor lacks them.
    pub(super) fn run<K: WithSimd>(self, kernel: K) -> K::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 if let Some(simd) = pulp::x86::V4::try_new() => Simd::vectorize(simd, kernel),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 if let Some(simd) = pulp::x86::V3::try_new() => Simd::vectorize(simd, kernel),
            _ => Simd::vectorize(Scalar256b, kernel),
        }
    }
}
