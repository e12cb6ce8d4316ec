//! Networks as plain data: its family's options, its graph of operations, and their counts in closed form.

mod backward_order;
mod builder;
mod convolution_memory;
mod dense_connections;
mod error;
mod evaluation_memory;
pub mod families;
mod family;
mod foreign_names;
mod forward_memory;
mod freezing;
mod gradient_memory;
mod graph;
mod initialization;
mod memory;
mod node_work;
mod onednn_memory;
mod options;
mod processor;
mod recognition;
mod series_parallel;
mod shape;
mod stem;
mod step_work;

pub use builder::GraphBuilder;
pub use dense_connections::{DenseConnections, FeatureReader};
pub use error::NetworkError;
pub use families::FAMILIES;
#[cfg(test)]
pub use families::tests::tiny;
pub use family::{
    Architecture, Family, FamilyColumns, Network, Preset, PublishedError, family, family_names, nearest_preset, preset,
    presets,
};
pub use foreign_names::ForeignNames;
pub use graph::{AuxiliaryHead, Block, EPSILON, Graph, Node, NodeId, Operation, Segment};
pub use initialization::Initialization;
pub use memory::{Pass, TrainingMemory};
pub use node_work::PartWork;
pub use options::{LARGEST_WIDTH, Options};
pub use processor::{Processor, VectorInstructions};
pub use recognition::{RecognizedNetwork, TensorShapes, recognized_network};
pub use series_parallel::{Part, Ways};
pub use shape::Shape;
pub use stem::Stem;
pub use step_work::StepWork;
