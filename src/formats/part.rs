//! Which execution carries out which part of a network.

use serde::{Deserialize, Serialize};

/// A segment of a network and the execution that carries it out: one that a file names may leave parts to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The segment's name, `denseblock1`.
    pub segment: String,
    /// `plain`, `aten`, `recompute` or `fused`.
    pub execution: String,
}

/// A segment that an execution leaves to the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftPart {
    /// The segment's name.
    pub segment: String,
    /// The execution that leaves it.
    pub execution: String,
    /// Why, as a clause.
    pub reason: String,
}
