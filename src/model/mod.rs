//! DenseNet as Burn modules, built from a [`Plan`](crate::network::Plan) and named weights.

mod batch_norm;
mod composite;
mod densenet;
mod initialization;
mod named_tensors;
mod operations;
mod recompute;
mod segment;
mod segments;

pub use batch_norm::BatchNorm;
pub use composite::Composite;
pub use densenet::{DenseBlock, DenseLayer, DenseNet, Transition};
pub use initialization::initial_weights;
pub use operations::{BatchStatistics, BurnOperations, Operations};
pub use recompute::{Recompute, stage as recompute_stage};
pub use segment::{BackwardPass, Pass, Primitive, SegmentGradients, SegmentInput, SegmentOutput};
pub use segments::{Means, Segmented, Segments, StemMeans};
