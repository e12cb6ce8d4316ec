//! Where the time and the memory of a training step go, as one process found it.

use serde::{Deserialize, Serialize};

use crate::network::StepWork;

/// Some training steps, node by node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepProfile {
    /// Its nodes, and the parts that are carried out as one, in the order of the forward pass.
    pub parts: Vec<ProfiledPart>,
    /// The loss, from the logits, and the logits' gradients.
    pub loss: Passes,
    /// What belongs to none of them: layouts that change between parts, gradients that are put into one another.
    pub between: Passes,
    /// The bytes that the forward pass of a step as a whole leaves for its backward pass; none where they cannot be counted.
    pub kept_bytes: Option<i64>,
}

/// A node, or several that are carried out as one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProfiledPart {
    /// The node's name, `features.denseblock1.denselayer1.conv1`; that of its segment where it is several.
    pub name: String,
    /// The segment that it belongs to, `denseblock1`.
    pub segment: String,
    /// The kind of its operation; `part` of several.
    pub operation: String,
    /// What carries it out, `aten`.
    pub execution: String,
    /// How many nodes it is.
    pub nodes: usize,
    /// Its time and memory.
    pub passes: Passes,
    /// The bytes that it leaves in closed form, where there is one.
    pub predicted_bytes: Option<i64>,
    /// Multiply-accumulates for one image, as a description counts them.
    pub macs: u64,
    /// The least work of the forward pass.
    pub forward: StepWork,
    /// The least work of the backward pass.
    pub backward: StepWork,
}

/// The forward and the backward pass of something, in as many steps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passes {
    /// The forward pass of each step, in nanoseconds.
    pub forward_ns: Vec<u64>,
    /// The backward pass of each step, in nanoseconds; 0 where it has none.
    pub backward_ns: Vec<u64>,
    /// The bytes that are live after its forward pass beyond those before it, negative where it releases more than it makes;
    /// of the last step. None where they cannot be counted.
    pub kept_bytes: Option<i64>,
}
