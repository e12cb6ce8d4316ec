//! The rows of the table that takes a training step apart.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cell;
use super::row::{Column, Row, row};
use super::status::Status;
use crate::formats::ablation::{Allocator, Execution, Mode, Precision};
use crate::formats::device_name::DeviceName;

/// What a row of `profile.csv` is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProfileKind {
    /// A step as a whole.
    Step,
    /// A node of the network's graph.
    Node,
    /// Nodes that are carried out as one.
    Part,
    /// The loss, from the logits, and their gradients.
    Loss,
    /// The optimizer's step.
    Optimizer,
    /// What a step in parts does between them.
    Between,
    /// The step as a whole less all others.
    Rest,
}

impl fmt::Display for ProfileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Step => "step",
            Self::Node => "node",
            Self::Part => "part",
            Self::Loss => "loss",
            Self::Optimizer => "optimizer",
            Self::Between => "between",
            Self::Rest => "rest",
        })
    }
}

row! {
    /// `profile.csv`: of each variant and batch size that `run --profile` took apart, a row for the training step as a whole,
    /// one for each node of the graph or part that is carried out as one, in the order of the forward pass, and one each for
    /// the loss, the optimizer, what is done between the parts, and the rest.
    ProfileRow in "profile.csv" {
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The device.
        device: DeviceName,
        /// How the network's operations were carried out.
        execution: Execution,
        /// The arithmetic of the network's values.
        precision: Precision,
        /// `train`.
        mode: Mode,
        /// Images in a step.
        batch_size: usize,
        /// Threads of the device's backend.
        threads: usize,
        /// What became of freed main memory.
        allocator: Allocator,
        /// Its place in its step, from 0.
        place: usize,
        /// `step`, `node`, `part` (nodes that are carried out as one), `loss`, `optimizer`, `between` (gradients and layouts on
        /// their way from one part to another) or `rest` (the step as a whole less all the others).
        kind: ProfileKind,
        /// The segment of the network, `denseblock1`, as `describe --execution` names it; empty of what is in none.
        #[serde(with = "cell")]
        segment: String,
        /// The node's name, `features.denseblock1.denselayer1.conv1`; of a part its segment's, of others the kind in words.
        #[serde(with = "cell")]
        name: String,
        /// The kind of operation, `3x3 convolution`; `part` of a part; empty of what is no operation.
        #[serde(with = "cell")]
        operation: String,
        /// What carries it out: `plain`, `aten`, `recompute` or `fused`; empty of what is in no segment.
        #[serde(with = "cell")]
        carried_out_by: String,
        /// Nodes of the graph that it is.
        nodes: usize,
        /// How the profile stands, as in `batches.csv`.
        status: Status,
        /// What went wrong, in words; else empty.
        #[serde(with = "cell")]
        error: String,
        /// Processes that contributed.
        rounds: usize,
        /// Steps that the medians are of.
        steps: usize,
        /// The median time in a step, forward and backward, in nanoseconds. Of the rest it may be negative: parts that are
        /// timed one by one may take longer than together.
        time_ns_median: Option<i64>,
        /// The median absolute deviation of that time from its median, in nanoseconds, not scaled.
        time_ns_mad: Option<u64>,
        /// The median forward pass, in nanoseconds.
        forward_ns_median: Option<u64>,
        /// Its median absolute deviation, in nanoseconds.
        forward_ns_mad: Option<u64>,
        /// The median backward pass, in nanoseconds; 0 of what has none.
        backward_ns_median: Option<u64>,
        /// Its median absolute deviation, in nanoseconds.
        backward_ns_mad: Option<u64>,
        /// `time_ns_median` over that of the step as a whole.
        step_share: Option<f64>,
        /// The bytes of live tensors after its forward pass less those before it, counted by the backend's allocator: what it
        /// makes and keeps for the backward pass, less what it is the last to read; of the step as a whole what its forward pass
        /// leaves for backward. Empty where they are not counted.
        kept_bytes: Option<i64>,
        /// The same in closed form, where the execution and the device have one.
        predicted_kept_bytes: Option<i64>,
        /// Multiply-accumulates for one image in its convolutions and linear layers, as `describe` counts them.
        macs: Option<u64>,
        /// Floating-point operations of these in a step, forward and backward, two a multiply-accumulate.
        flops: Option<u64>,
        /// The fewest bytes that it moves in a step, forward and backward, in 32 bits: a node reads its inputs once and writes
        /// its output once; a part, and the step, those of its convolutions and linear layers.
        bytes: Option<u64>,
        /// `flops` over the median time.
        flops_per_second: Option<f64>,
        /// What the device reached in the product of two matrices, as in `batches.csv`.
        device_flops_per_second: Option<f64>,
        /// Likewise the bytes that a pass over a long vector read and wrote a second.
        device_bytes_per_second: Option<f64>,
        /// The share of the roofline: the least time of the forward pass and that of the backward pass, each the longer of its
        /// arithmetic's and its bytes', over the median time.
        roofline_share: Option<f64>,
        /// What makes the numbers doubtful, with what to do; else empty.
        #[serde(with = "cell")]
        warning: String,
        /// The processor, its kind and the vector instructions that were used.
        #[serde(with = "cell")]
        cpu: String,
        /// The revision of the program that measured.
        #[serde(with = "cell")]
        revision: String,
        /// When the first round ended, RFC 3339, UTC.
        #[serde(with = "cell")]
        measured_at: String,
    }
}
