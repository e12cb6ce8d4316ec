//! Burn's batch normalisation with PyTorch's running variance.

use burn::module::{Module, Param, RunningState};
use burn::nn;
use burn::tensor::module::batch_norm_train;
use burn::tensor::{Device, Tensor};

/// Batch normalisation over `[batch, channels, height, width]` (Ioffe and Szegedy 2015, arXiv 1502.03167).
///
/// Burn's own module feeds its running variance the batch's biased variance, PyTorch's the unbiased one, n / (n - 1)
/// times as large, and PyTorch's numbers are what ours are compared with.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// Burn's module: gamma, beta, the running statistics, and the pass in evaluation.
    pub inner: nn::BatchNorm,
}

impl BatchNorm {
    /// PyTorch's momentum of the running statistics, and the authors'.
    pub const MOMENTUM: f64 = 0.1;

    /// Builds the module from its four tensors, each `[channels]`.
    pub fn new(
        gamma: Tensor<1>,
        beta: Tensor<1>,
        running_mean: Tensor<1>,
        running_var: Tensor<1>,
        epsilon: f64,
    ) -> Self {
        Self {
            inner: nn::BatchNorm {
                gamma: Param::from_tensor(gamma),
                beta: Param::from_tensor(beta),
                training: Param::from_bool(true),
                running_mean: RunningState::new(running_mean),
                running_var: RunningState::new(running_var),
                momentum: Self::MOMENTUM,
                epsilon,
            },
        }
    }

    /// Normalises with the batch's statistics while training and with the running ones in evaluation and where it is
    /// frozen.
    ///
    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        if self.is_fixed() || !input.device().is_autodiff() {
            return self.inner.forward(input);
        }
        let [batch, _, height, width] = input.dims();
        let values = (batch * height * width) as f64;
        let result = batch_norm_train(input, self.inner.gamma.val(), self.inner.beta.val(), self.inner.epsilon);
        follow(&self.inner.running_mean, result.mean, 1.0);
        follow(&self.inner.running_var, result.variance, values / (values - 1.0));
        result.output
    }

    /// The same with a frozen scale or shift. With both frozen it takes its running statistics for the batch's, and leaves
    /// them as they are.
    pub(super) fn frozen(mut self, scale: bool, shift: bool) -> Self {
        self.inner.gamma = self.inner.gamma.set_require_grad(!scale);
        self.inner.beta = self.inner.beta.set_require_grad(!shift);
        self.inner.training = Param::from_bool(!(scale && shift));
        self
    }

    /// Whether it takes its running statistics while the network trains.
    pub(super) fn is_fixed(&self) -> bool {
        !self.inner.training.is_enabled()
    }

    /// The running mean and variance, each `[channels]`.
    pub(super) fn running(&self) -> [Tensor<1>; 2] {
        [
            self.inner.running_mean.value_sync(),
            self.inner.running_var.value_sync(),
        ]
    }

    /// Brings the running statistics one batch further: its mean and its *unbiased* variance, each `[channels]`.
    pub(super) fn follow(&self, [mean, unbiased_variance]: [Tensor<1>; 2]) {
        follow(&self.inner.running_mean, mean, 1.0);
        follow(&self.inner.running_var, unbiased_variance, 1.0);
    }
}

/// running = (1 - momentum) * running + momentum * scale * observed.
fn follow(running: &RunningState<Tensor<1>>, observed: Tensor<1>, scale: f64) {
    let device: Device = observed.device();
    let kept = running
        .value_sync()
        .to_device(&device)
        .mul_scalar(1.0 - BatchNorm::MOMENTUM);
    let followed = kept.add(observed.detach().mul_scalar(BatchNorm::MOMENTUM * scale));
    running.update(followed.detach());
}
