//! Which values of a segment `recompute` keeps, and which it recomputes.

use std::sync::Arc;

use super::operations::{BatchStatistics, Operations};
use super::segment_graph::{SegmentGraph, Value};
use crate::network::Operation;

/// The values of a segment that are kept for the backward pass, and those that are recomputed there.
#[derive(Debug)]
pub struct RecomputePlan {
    pub(super) graph: Arc<SegmentGraph>,
    pub(super) last_uses: Vec<Option<Value>>,
    /// Of each value, whether it is kept.
    pub(super) kept: Vec<bool>,
}

impl RecomputePlan {
    /// The plan for a segment; none for one in which nothing is to be computed again, for the images' own, which has
    /// little of it, and for one with an operation or a frozen normalisation that has no backward pass here.
    pub fn new(segment: &SegmentGraph) -> Option<Self> {
        let is_known = |operation| match operation {
            Operation::Images
            | Operation::Convolution { bias: true, .. }
            | Operation::Sigmoid
            | Operation::Scaling
            | Operation::AdaptiveAveragePool
            | Operation::Flatten
            | Operation::Linear
            | Operation::MaxPool { .. } => false,
            Operation::Convolution { .. }
            | Operation::BatchNorm
            | Operation::Relu
            | Operation::Dropout { .. }
            | Operation::AveragePool { .. }
            | Operation::ZeroChannels
            | Operation::Concatenation
            | Operation::Addition
            | Operation::GlobalAveragePool => true,
        };
        let all_known = segment.nodes.iter().all(|node| is_known(node.operation));
        let recomputes = segment.nodes.iter().any(|node| node.operation == Operation::BatchNorm);
        if segment.reads_images || segment.has_fixed_statistics() || !all_known || !recomputes {
            return None;
        }
        let mut plan = Self {
            last_uses: segment.last_uses(),
            kept: vec![false; segment.nodes.len() + 1],
            graph: Arc::new(segment.clone()),
        };
        // What the backward pass reads: the inputs of convolutions and normalisations, the outputs of ReLUs.
        for (value, node) in segment.values() {
            match node.operation {
                Operation::Relu => plan.keep_what_makes(value),
                Operation::Convolution { .. } | Operation::BatchNorm => plan.keep_what_makes(segment.inputs(value)[0]),
                _ => {}
            }
        }
        Some(plan)
    }

    /// Keeps a value, or the values that it is recomputed from.
    fn keep_what_makes(&mut self, value: Value) {
        if !self.is_recomputed(value) {
            self.kept[value] = true;
            return;
        }
        let graph = Arc::clone(&self.graph);
        let is_concatenation = graph.is_concatenation(value);
        for &operand in graph.operands(value) {
            if is_concatenation {
                // Each layer's own maps are kept once, whatever made them.
                self.kept[operand] = true;
            } else {
                self.keep_what_makes(operand);
            }
        }
    }

    /// Whether a value is one of those that are cheap to compute again.
    fn is_recomputed(&self, value: Value) -> bool {
        let made_from_one = || self.graph.inputs(value).iter().all(|&input| self.is_recomputed(input));
        match self.graph.node(value).map(|node| node.operation) {
            Some(Operation::BatchNorm | Operation::Concatenation) => true,
            Some(Operation::Relu | Operation::Dropout { .. }) => made_from_one(),
            _ => false,
        }
    }
}

/// The tensors that a forward pass keeps, by value.
pub(super) struct Kept<O: Operations> {
    pub(super) values: Vec<Option<O::Tensor>>,
    pub(super) statistics: Vec<Option<BatchStatistics<O::Tensor>>>,
    pub(super) masks: Vec<Option<O::Mask>>,
}

impl<O: Operations> Kept<O> {
    pub(super) fn new(values: usize) -> Self {
        Self {
            values: (0..values).map(|_| None).collect(),
            statistics: (0..values).map(|_| None).collect(),
            masks: (0..values).map(|_| None).collect(),
        }
    }
}
