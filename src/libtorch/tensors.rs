//! Between Burn's tensors of libtorch and tch's.
#![expect(
    deprecated,
    reason = "Burn marks its libtorch backend as deprecated; this module is where the harness names its tensors"
)]

/// Burn's backend.
pub type Backend = burn::backend::LibTorch;

/// The backend's tensor: tch's, and a count of those who use its memory.
pub type Counted = burn::backend::libtorch::TchTensor;

/// tch's tensor of Burn's.
pub(super) fn inner(tensor: &Counted) -> tch::Tensor {
    tensor.tensor.shallow_clone()
}

/// Burn's tensor of tch's. None but the caller may use its memory.
pub(super) fn counted(tensor: tch::Tensor) -> Counted {
    Counted::new(tensor)
}
