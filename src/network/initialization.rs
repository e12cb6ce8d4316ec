//! How the weights that training starts from are drawn.

use serde::{Deserialize, Serialize};

/// The fan that He initialisation divides by; see [`crate::random`] for the draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialization {
    /// Standard deviation sqrt(2 / (kernel area * output channels)): the DenseNet authors' CIFAR code.
    HeFanOut,
    /// Standard deviation sqrt(2 / (kernel area * input channels)): torchvision's DenseNet and its authors' ImageNet code.
    HeFanIn,
}

impl Initialization {
    /// The standard deviation of a convolution's weights, `[outputs, inputs, rows, columns]` with `kernel` rows and columns (He et al. 2015, arXiv
    /// 1502.01852).
    pub fn deviation(self, outputs: usize, inputs: usize, kernel: [usize; 2]) -> f64 {
        let channels = match self {
            Self::HeFanOut => outputs,
            Self::HeFanIn => inputs,
        };
        (2.0 / (kernel[0] * kernel[1] * channels) as f64).sqrt()
    }
}
