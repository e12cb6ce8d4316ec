//! Converts between Burn's libtorch tensors and tch's.
#![expect(
    deprecated,
    reason = "Burn marks its libtorch backend as deprecated; this module is where the harness names its tensors"
)]

/// Burn's backend.
pub type Backend = burn::backend::LibTorch;

/// Burn's libtorch tensor: a tch tensor with a reference-counted storage.
pub type BurnTensor = burn::backend::libtorch::TchTensor;

/// Unwraps Burn's tensor; the result shares its storage.
pub(super) fn to_tch(tensor: &BurnTensor) -> tch::Tensor {
    tensor.tensor.shallow_clone()
}

/// Wraps a tch tensor; the caller must hold the only reference to its storage.
pub(super) fn from_tch(tensor: tch::Tensor) -> BurnTensor {
    BurnTensor::new(tensor)
}
