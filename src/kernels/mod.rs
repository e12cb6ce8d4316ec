//! Dense blocks that do no work twice: the CPU kernels of the `fused` execution.
//!
//! A block has one buffer, channels last, that every layer writes its new channels into. A channel's mean and variance
//! are computed once, when it is made, however many layers normalise it. Normalisation and ReLU are never stored: they
//! are computed in tiles that stay in cache and go from there into the convolutions. In the backward pass the parts of
//! the gradient that come by a channel's statistics are summed over all the normalisations that share them, and applied
//! once.
//!
//! Nothing here depends on Burn, libtorch or files: values in, values out.

mod affine;
mod backward;
mod buffer;
mod evaluation;
mod exits;
mod forward;
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
pub use memory::Memory;
pub use processor::Processor;
pub use shape::{Exit, StageShape};
