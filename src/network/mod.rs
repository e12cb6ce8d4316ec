//! What a DenseNet *is*, as plain data: its options, its layers in order, and their counts in closed form.

mod convolution_memory;
mod densenet;
mod evaluation_memory;
mod layers;
mod memory;
mod presets;
mod segments;

pub use densenet::{DenseNet, DropoutAfter, Initialization, NetworkError, Order, Stem};
pub use layers::{Layer, Operation, Plan, Shape};
pub use memory::{Pass, TrainingMemory};
pub use presets::{Preset, PublishedError, nearest_preset, preset, presets};
pub use segments::{CompositeStep, EPSILON, Exit, Stage, StemSegment};
