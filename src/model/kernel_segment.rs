//! Segments of any layers that the [kernels](crate::kernels) carry out, on numbers in main memory: which value is made from
//! which, by what, and how long it is kept.
//!
//! Every value of a segment is feature maps, channels last, in rows padded to whole vectors; vectors are maps of a single
//! pixel. A normalisation and the ReLU behind it are one pass.

use super::segment_graph::{SegmentGraph, Value};
use crate::kernels::{AveragePool, Convolution, Dropout, MapShape, MaxPool, Processor, WeightOrder, Windows};
use crate::network::{Node, Operation};

/// A segment that the kernels carry out.
#[derive(Clone, Debug)]
pub struct KernelSegment {
    pub(super) graph: SegmentGraph,
    pub(super) processor: Processor,
    /// For each value the values that it is made from: a ReLU behind a normalisation from what that reads, and the
    /// normalisation from nothing, since it is not made.
    sources: Vec<Vec<Value>>,
    /// The normalisation that each ReLU carries out with itself.
    norm_of: Vec<Option<Value>>,
    /// The last value that is made from each.
    pub(super) last_uses: Vec<Option<Value>>,
    /// Whether a backward pass reads a value.
    pub(super) is_kept: Vec<bool>,
}

impl KernelSegment {
    /// Any segment.
    pub fn new(graph: &SegmentGraph, processor: Processor) -> Self {
        let count = graph.nodes.len() + 1;
        let mut readers = vec![0usize; count];
        for (value, _) in graph.values() {
            graph.operands(value).iter().for_each(|&operand| readers[operand] += 1);
        }
        let is = |value: Value, operation: Operation| graph.node(value).is_some_and(|node| node.operation == operation);
        let mut norm_of = vec![None; count];
        for (value, node) in graph.values() {
            let source = graph.operands(value).first().copied().unwrap_or(0);
            if node.operation == Operation::Relu && is(source, Operation::BatchNorm) && readers[source] == 1 {
                norm_of[value] = Some(source);
            }
        }
        let sources: Vec<Vec<Value>> = (0..count)
            .map(|value| match norm_of[value] {
                Some(norm) => graph.operands(norm).to_vec(),
                None if norm_of.contains(&Some(value)) => Vec::new(),
                None => graph.operands(value).to_vec(),
            })
            .collect();
        // What is not tracked has no backward pass, and a frozen convolution's reads its weights alone.
        let reads_input = |value: Value| {
            let Some(node) = graph.node(value).filter(|_| graph.is_tracked(value)) else {
                return false;
            };
            match node.operation {
                Operation::Convolution { .. } | Operation::Linear => graph.trained()[graph.first_parameter(value)],
                Operation::BatchNorm | Operation::MaxPool { .. } | Operation::Scaling => true,
                _ => norm_of[value].is_some(),
            }
        };
        let mut last_uses = vec![None; count];
        let mut is_kept = vec![false; count];
        for value in 1..count {
            for &source in &sources[value] {
                last_uses[source] = Some(value);
                is_kept[source] |= reads_input(value);
            }
            let reads_output = |node: &Node| matches!(node.operation, Operation::Relu | Operation::Sigmoid);
            let is_alone = norm_of[value].is_none() && graph.node(value).is_some_and(reads_output);
            is_kept[value] |= is_alone && graph.is_tracked(value);
        }
        Self {
            graph: graph.clone(),
            processor,
            sources,
            norm_of,
            last_uses,
            is_kept,
        }
    }

    /// Whether a pass of training draws.
    pub fn draws(&self) -> bool {
        let is_dropout = |node: &Node| matches!(node.operation, Operation::Dropout { .. });
        self.graph.nodes.iter().any(is_dropout)
    }

    /// One image's part of the output: height, width and channels.
    pub fn output_shape(&self, images: usize) -> MapShape {
        self.shape(self.graph.nodes.len(), images)
    }

    /// Whether the input is copied into rows with padding: where its rows are not whole vectors and another layer than a
    /// convolution, which copies them anyway, reads them.
    pub(super) fn pads_input(&self) -> bool {
        let shape = self.shape(0, 1);
        let mut readers = (1..self.sources.len()).filter(|&value| self.sources[value].contains(&0));
        let is_convolution = |value: Value| {
            let node = self.graph.node(value);
            node.is_some_and(|node| matches!(node.operation, Operation::Convolution { .. } | Operation::Linear))
        };
        shape.stride() != shape.channels && !readers.all(is_convolution)
    }

    /// The sizes of a value.
    pub(super) fn shape(&self, value: Value, images: usize) -> MapShape {
        let shape = match self.graph.node(value) {
            Some(node) => node.output,
            None => self.graph.entering,
        };
        MapShape {
            images,
            height: shape.height,
            width: shape.width,
            channels: shape.channels,
        }
    }

    /// The values that a value is made from.
    pub(super) fn sources(&self, value: Value) -> &[Value] {
        &self.sources[value]
    }

    /// The normalisation that a ReLU carries out with itself.
    pub(super) fn norm_of(&self, value: Value) -> Option<Value> {
        self.norm_of[value]
    }

    /// Whether a value is not made: a normalisation that a ReLU carries out.
    pub(super) fn is_part_of_relu(&self, value: Value) -> bool {
        self.norm_of.contains(&Some(value))
    }

    /// The convolution, or the linear layer, that makes a value.
    pub(super) fn convolution(&self, value: Value, images: usize) -> Option<Convolution> {
        let node = self.graph.node(value)?;
        let (windows, order) = match node.operation {
            Operation::Convolution {
                kernel,
                stride,
                padding,
                ..
            } => {
                let windows = Windows {
                    kernel,
                    stride,
                    padding,
                };
                (windows, WeightOrder::OutputsFirst)
            }
            Operation::Linear => (windows(1, 1, 0), WeightOrder::InputsFirst),
            _ => return None,
        };
        Some(Convolution {
            input: self.shape(self.sources[value][0], images),
            outputs: node.output.channels,
            windows,
            order,
        })
    }

    /// The average pooling that makes a value.
    pub(super) fn average_pool(&self, value: Value, images: usize) -> Option<AveragePool> {
        let node = self.graph.node(value)?;
        let input = self.shape(self.sources[value][0], images);
        let output = self.shape(value, images);
        match node.operation {
            Operation::AveragePool {
                kernel,
                stride,
                padding,
            } => Some(AveragePool::over(input, output, windows(kernel, stride, padding))),
            Operation::GlobalAveragePool => Some(AveragePool::to(input, 1, 1)),
            Operation::AdaptiveAveragePool => Some(AveragePool::to(input, output.height, output.width)),
            _ => None,
        }
    }

    /// The max pooling that makes a value.
    pub(super) fn max_pool(&self, value: Value, images: usize) -> Option<MaxPool> {
        let Operation::MaxPool {
            kernel,
            stride,
            padding,
            ..
        } = self.graph.node(value)?.operation
        else {
            return None;
        };
        Some(MaxPool {
            input: self.shape(self.sources[value][0], images),
            output: self.shape(value, images),
            windows: windows(kernel, stride, padding),
        })
    }

    /// The dropout that makes a value, in a pass with that seed.
    pub(super) fn dropout(&self, value: Value, seed: u64) -> Option<Dropout> {
        match self.graph.node(value)?.operation {
            // Each layer its own series of masks.
            Operation::Dropout { share } => Some(Dropout::new(share, seed ^ (value as u64).rotate_left(32))),
            _ => None,
        }
    }
}

fn windows(kernel: usize, stride: usize, padding: usize) -> Windows {
    Windows {
        kernel: [kernel; 2],
        stride,
        padding: [padding; 2],
    }
}
