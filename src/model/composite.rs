//! The composite function H of the paper's section 3: normalisation, ReLU and convolution, in either order.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;

use super::batch_norm::BatchNorm;

/// Normalisation, ReLU and convolution, or convolution, normalisation and ReLU; then dropout, if any.
#[derive(Module, Debug)]
pub struct Composite {
    /// The normalisation.
    pub norm: BatchNorm,
    /// The convolution, without bias.
    pub conv: Conv2d,
    /// Dropout after the convolution, where the network has it.
    pub dropout: Option<Dropout>,
    /// Whether a ReLU follows the normalisation.
    pub relu: bool,
    /// Whether the normalisation stands before the convolution (pre-activation).
    pub norm_first: bool,
}

impl Composite {
    /// Builds the function; `dropout` is the share of values set to zero, 0 for none.
    pub fn new(norm: BatchNorm, conv: Conv2d, dropout: f64, relu: bool, norm_first: bool) -> Self {
        let dropout = (dropout > 0.0).then(|| DropoutConfig::new(dropout).init());
        Self {
            norm,
            conv,
            dropout,
            relu,
            norm_first,
        }
    }

    /// `[batch, channels in, height, width]` to `[batch, channels out, height, width]`.
    pub fn forward(&self, input: Tensor<4>) -> Tensor<4> {
        let output = if self.norm_first {
            self.conv.forward(self.activate(input))
        } else {
            self.activate(self.conv.forward(input))
        };
        match &self.dropout {
            Some(dropout) => dropout.forward(output),
            None => output,
        }
    }

    fn activate(&self, input: Tensor<4>) -> Tensor<4> {
        let normalised = self.norm.forward(input);
        if self.relu { relu(normalised) } else { normalised }
    }
}
