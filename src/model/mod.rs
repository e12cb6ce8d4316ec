//! Networks on Burn: built from a [`Graph`](crate::network::Graph) and named weights, run node by node or by the
//! lowerings that take their segments.

mod batch_norm;
mod composite;
mod dense_block;
pub mod densenet;
mod in_place;
mod initialization;
mod isolation;
mod lowering;
mod network;
mod node_by_node;
mod operations;
mod parameters;
mod plain;
mod recompute;
mod recompute_backward;
mod recompute_plan;
mod segment;
mod segment_graph;
mod watch;

pub use batch_norm::BatchNorm;
pub use composite::Composite;
pub use dense_block::dense_block;
pub use in_place::{InPlace, SgdRule, StepGraph, TrainedPrimitive, Uploads, gradient_primitive, primitive_of};
pub use initialization::{initial_head, initial_weights};
pub use isolation::{Cuts, Isolated, Isolation, Origin, Slot};
pub use lowering::{AsOperation, CarriedOut, CarryOut, Leaves, Lowering, Program, ProgramUnit, SegmentKernel};
pub use network::{AuxiliaryLogits, Model, Outputs};
pub use node_by_node::NodeByNode;
pub use operations::{AverageWindows, BatchStatistics, BurnOperations, ConvolutionWindows, MaxWindows, Operations};
pub use parameters::{Layer, Parameters};
pub use plain::Activation;
pub use recompute::Recompute;
pub use recompute_plan::RecomputePlan;
pub use segment::{BackwardPass, Pass, Primitive, SegmentGradients, SegmentInput, SegmentOutput};
pub use segment_graph::{SegmentGraph, Value};
pub use watch::{Moment, Told, Watch, Watcher};
