//! How the weights that training starts from are drawn.

use serde::{Deserialize, Serialize};

use super::graph::Node;

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
    /// The standard deviation of a convolution's weights (He et al. 2015, arXiv 1502.01852).
    pub fn deviation(self, convolution: &Node, kernel: usize) -> f64 {
        let channels = match self {
            Self::HeFanOut => convolution.output.channels,
            Self::HeFanIn => convolution.input.channels,
        };
        (2.0 / (kernel * kernel * channels) as f64).sqrt()
    }
}
