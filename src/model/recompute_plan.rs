//! Which values of a segment `recompute` keeps, and which it recomputes.

use std::sync::Arc;

use super::lowering::Leaves;
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
    /// The plan for a segment.
    ///
    /// # Errors
    /// A segment in which nothing is to be computed again, and one with a linear layer or a frozen normalisation, which have
    /// no backward pass here.
    pub fn new(segment: &SegmentGraph) -> Result<Self, Leaves> {
        if segment.has_fixed_statistics() {
            return Err(Leaves::FROZEN_NORMALISATION);
        }
        let has = |operation| segment.nodes.iter().any(|node| node.operation == operation);
        if has(Operation::Linear) || has(Operation::Flatten) {
            return Err(Leaves("linear layers are Burn's own"));
        }
        if !has(Operation::BatchNorm) {
            return Err(Leaves("there is no normalisation to compute again"));
        }
        let mut plan = Self {
            last_uses: segment.last_uses(),
            kept: vec![false; segment.nodes.len() + 1],
            graph: Arc::new(segment.clone()),
        };
        // What the backward pass reads: the inputs of normalisations, of convolutions that are trained and of what scales
        // maps, the outputs of ReLUs and sigmoids; nothing where no gradient arrives.
        for (value, node) in segment.values().filter(|&(value, _)| segment.is_tracked(value)) {
            match node.operation {
                Operation::Relu | Operation::Sigmoid => plan.keep_what_makes(value),
                Operation::Scaling => segment
                    .inputs(value)
                    .iter()
                    .for_each(|&input| plan.keep_what_makes(input)),
                Operation::BatchNorm => plan.keep_what_makes(segment.inputs(value)[0]),
                Operation::Convolution { .. } if segment.trained()[segment.first_parameter(value)] => {
                    plan.keep_what_makes(segment.inputs(value)[0]);
                }
                _ => {}
            }
        }
        Ok(plan)
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
    pub(super) places: Vec<Option<O::Places>>,
}

impl<O: Operations> Kept<O> {
    pub(super) fn new(values: usize) -> Self {
        Self {
            values: (0..values).map(|_| None).collect(),
            statistics: (0..values).map(|_| None).collect(),
            masks: (0..values).map(|_| None).collect(),
            places: (0..values).map(|_| None).collect(),
        }
    }
}
