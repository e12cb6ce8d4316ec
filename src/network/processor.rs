//! What the memory of a step depends on beside the network.

/// The vector instructions that libtorch's convolutions run with on a CPU. oneDNN has other kernels for each, which keep
/// feature maps in other layouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorInstructions {
    /// Vectors of 8 values.
    Avx2,
    /// Vectors of 16 values.
    Avx512,
}

impl VectorInstructions {
    /// Values of a vector: as many channels are kept together.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Avx2 => 8,
            Self::Avx512 => 16,
        }
    }
}

/// The processor that a step runs on, as far as the step's memory depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Processor {
    /// Its vector instructions.
    pub instructions: VectorInstructions,
    /// libtorch's threads: each has workspaces, and a single one takes other algorithms for few images.
    pub threads: usize,
}
