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

/// Unwraps pairs, such as the running statistics of normalisations.
pub(super) fn pairs_to_tch(pairs: &[[BurnTensor; 2]]) -> Vec<[tch::Tensor; 2]> {
    pairs.iter().map(|pair| pair.each_ref().map(to_tch)).collect()
}

/// Wraps a tch tensor; the caller must hold the only reference to its storage.
pub(super) fn from_tch(tensor: tch::Tensor) -> BurnTensor {
    BurnTensor::new(tensor)
}

/// Wraps the gradients of parameters, in the order of the parameters' own values, so that the optimizer walks both in
/// step.
pub(super) fn gradients_from_tch(gradients: Vec<Option<tch::Tensor>>) -> Vec<Option<BurnTensor>> {
    let in_order = |gradient: tch::Tensor| from_tch(gradient.contiguous());
    let gradients = gradients.into_iter();
    gradients.map(|gradient| gradient.map(in_order)).collect()
}
