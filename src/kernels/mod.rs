//! The CPU kernels of the `fused` execution: dense blocks that do no work twice, and every other layer (`layers`).
//!
//! A block has one buffer, channels last, that every layer writes its new channels into. A channel's mean and variance
//! are computed once, when it is made, however many layers normalise it. Normalisation and ReLU are never stored: they
//! are computed in tiles that stay in cache and go from there into the convolutions. In the backward pass the parts of
//! the gradient that come by a channel's statistics are summed over all the normalisations that share them, and applied
//! once.
//!
//! Every sum is made in an order that depends on the network and the batch alone: over pixels and over the inputs of a
//! product one after the other, since vectors lie across channels, whatever their width; over a batch chunk by chunk.
//! Products are added by fused multiply-adds alone. So a step gives the same bits with every set of vector instructions
//! and at any number of threads.
//!
//! Nothing here depends on Burn, libtorch or files: values in, values out.

mod affine;
mod backward;
mod buffer;
mod evaluation;
mod exits;
mod forward;
mod layers;
mod memory;
mod moments;
mod parallel;
mod pointwise;
mod prefetch;
mod processor;
mod shape;
mod spatial;
mod stage;
#[cfg(test)]
mod tests;
mod tiles;

pub use backward::{Gradients, Wanted, backward};
pub use buffer::{Buffer, count_buffers};
pub use evaluation::evaluate;
pub use forward::{Forward, Saved, forward};
pub use layers::{
    AveragePool, Convolution, Dropout, MapShape, Maps, MaxPool, Normalisation, Targets, WeightOrder, Windows, add,
    channel_sums, copy_channels, cross_entropy, flatten, pad, relu, relu_backward, scale_maps, scale_maps_backward,
    sigmoid, sigmoid_backward, unflatten, unpad,
};
pub use memory::Memory;
pub use processor::Processor;
pub use shape::{Exit, StageShape};
