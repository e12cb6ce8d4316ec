//! `[run] instructions`.

use serde::{Deserialize, Serialize};

use crate::kernels::Processor;

/// The vector instructions of the kernels of `fused`. They change no result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instructions {
    /// The fastest that the processor has.
    #[default]
    Auto,
    /// AVX-512.
    Avx512,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// NEON.
    Neon,
    /// Those that every processor of its kind has.
    Portable,
}

impl Instructions {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Portable => "portable",
        }
    }

    /// What the kernels are to run with, whether the processor has it or not; none: the fastest that it has.
    pub fn processor(self) -> Option<Processor> {
        match self {
            Self::Auto => None,
            Self::Avx512 => Some(Processor::Avx512),
            Self::Avx2 => Some(Processor::Avx2),
            Self::Neon => Some(Processor::Neon),
            Self::Portable => Some(Processor::Portable),
        }
    }

    /// What the kernels run with.
    pub fn fastest(self) -> Processor {
        self.processor().unwrap_or_else(Processor::detect)
    }
}
