//! Networks on Burn: built from a [`Graph`](crate::network::Graph) and named weights, run node by node or by the
//! lowerings that take their segments.

mod batch_norm;
mod composite;
mod dense_block;
pub mod densenet;
mod initialization;
mod lowering;
mod network;
mod operations;
mod parameters;
mod plain;
mod recompute;
mod recompute_backward;
mod recompute_plan;
mod segment;
mod segment_graph;

pub use batch_norm::BatchNorm;
pub use composite::Composite;
pub use dense_block::dense_block;
pub use initialization::{initial_head, initial_weights};
pub use lowering::{AsOperation, CarryOut, Leaves, Lowering, Program, SegmentKernel};
pub use network::{AuxiliaryLogits, Model, Outputs};
pub use operations::{AverageWindows, BatchStatistics, BurnOperations, ConvolutionWindows, MaxWindows, Operations};
pub use parameters::{Layer, Parameters};
pub use plain::Activation;
pub use recompute::Recompute;
pub use recompute_plan::RecomputePlan;
pub use segment::{BackwardPass, Pass, Primitive, SegmentGradients, SegmentInput, SegmentOutput};
pub use segment_graph::{SegmentGraph, Value};
