//! Single layers on feature maps, forward and backward: whatever of a network is no dense block.

mod average_pool;
mod band;
mod convolution;
mod convolution_gradients;
mod cross_entropy;
mod dropout;
mod elementwise;
mod maps;
mod max_pool;
mod normalisation;
#[cfg(test)]
mod tests;

pub use average_pool::AveragePool;
pub use convolution::{Convolution, WeightOrder};
pub use convolution_gradients::channel_sums;
pub use cross_entropy::{Targets, cross_entropy};
pub use dropout::Dropout;
pub use elementwise::{add, relu, relu_backward, scale_maps, scale_maps_backward, sigmoid, sigmoid_backward};
pub use maps::{MapShape, Maps, Windows, copy_channels, flatten, pad, unflatten, unpad};
pub use max_pool::MaxPool;
pub use normalisation::Normalisation;
