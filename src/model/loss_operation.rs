//! The loss of a batch as one operation of Burn's autodiff.

use std::fmt::Debug;

use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};
use burn::tensor::Tensor;

use super::segment::{Primitive, SegmentInput, SegmentOutput, evaluate, train};
use super::watch::Watch;
use crate::kernels::Targets;

/// The implementation of the loss, on any backend.
pub trait CarryOutLoss: Debug + Send + Sync {
    /// The mean cross-entropy of logits `[batch, classes]` with the targets, in nats, `[1]`.
    fn cross_entropy(&self, logits: Tensor<2>, targets: Targets) -> Tensor<1>;
}

/// The loss on a backend's tensors: the part that an execution implements.
pub trait LossKernel: Debug + Send + Sync {
    /// The backend.
    type Backend: Backend;

    /// The loss of logits, which enter as a segment's vectors do.
    fn carry_out(
        &self,
        input: SegmentInput<Primitive<Self::Backend>>,
        targets: Targets,
    ) -> SegmentOutput<Primitive<Self::Backend>>;
}

/// A loss kernel as one operation of Burn's.
#[derive(Debug)]
pub struct LossOperation<K>(pub K);

impl<K: LossKernel> CarryOutLoss for LossOperation<K>
where
    DispatchTensor: DispatchKindConversion<K::Backend> + DispatchKindConversion<Autodiff<K::Backend>>,
{
    fn cross_entropy(&self, logits: Tensor<2>, targets: Targets) -> Tensor<1> {
        let carry_out = |input| self.0.carry_out(input, targets);
        if logits.device().is_autodiff() {
            train::<K::Backend, 2, 1>(logits, Vec::new(), Vec::new(), &Watch::default(), carry_out).0
        } else {
            evaluate::<K::Backend, 2, 1>(logits, Vec::new(), Vec::new(), &Watch::default(), carry_out)
        }
    }
}
