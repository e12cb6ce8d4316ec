//! What a training step gives.

use burn::tensor::Tensor;

/// A step's results, on the device.
pub struct Step {
    /// Mean cross-entropy of the batch with its targets before the step, in nats, `[1]`; with those of auxiliary heads,
    /// times their weights.
    pub loss: Tensor<1>,
    /// Logits before the step, `[batch, classes]`.
    pub logits: Tensor<2>,
}
