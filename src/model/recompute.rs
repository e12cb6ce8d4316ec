//! `recompute`: segments that keep the outputs of their convolutions (Pleiss et al. 2017, arXiv 1707.06990).
//!
//! The plain network keeps, for its backward pass, every concatenation, normalisation and ReLU, in a dense block a number
//! of values that grows with the square of its length. Here these are computed again in the backward pass, from the
//! statistics that the forward pass found, so that the running statistics see each batch once.

use std::marker::PhantomData;
use std::sync::Arc;

use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};

use super::lowering::{AsOperation, CarryOut, Leaves, Lowering, SegmentKernel};
use super::operations::{AverageWindows, BurnOperations, ConvolutionWindows, MaxWindows, Operations};
use super::recompute_backward::Backward;
use super::recompute_plan::{Kept, RecomputePlan};
use super::segment::{Pass, Primitive, SegmentInput, SegmentOutput};
use super::segment_graph::{SegmentGraph, Value};
use crate::network::Operation;

/// The execution with the operations of backend `B`.
#[derive(Debug)]
pub struct Recompute<B>(PhantomData<fn() -> B>);

impl<B> Default for Recompute<B> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<B: Backend> Lowering for Recompute<B>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    fn name(&self) -> &'static str {
        "recompute"
    }

    fn take(&self, segment: &SegmentGraph) -> Result<Arc<dyn CarryOut>, Leaves> {
        let plan = RecomputePlan::new(segment)?;
        Ok(AsOperation::of(
            segment,
            Recomputed::<BurnOperations<B>>(plan, PhantomData),
        ))
    }
}

/// A segment with Burn's operations.
#[derive(Debug)]
struct Recomputed<O>(RecomputePlan, PhantomData<fn() -> O>);

impl<B: Backend> SegmentKernel for Recomputed<BurnOperations<B>> {
    type Backend = B;

    fn carry_out(&self, input: SegmentInput<Primitive<B>>) -> SegmentOutput<Primitive<B>> {
        self.0.carry_out::<BurnOperations<B>>(input)
    }

    fn tells_its_nodes(&self) -> bool {
        true
    }
}

impl RecomputePlan {
    /// Runs the segment with the operations `O`.
    pub fn carry_out<O: Operations>(&self, input: SegmentInput<O::Tensor>) -> SegmentOutput<O::Tensor> {
        let SegmentInput {
            maps,
            parameters,
            pass,
            watch,
        } = input;
        let mut forward = Forward::<O> {
            plan: self,
            running: match pass {
                Pass::Training { .. } => None,
                Pass::Evaluation(running) => Some(running),
            },
            values: (0..=self.graph.nodes.len()).map(|_| None).collect(),
            statistics: Vec::new(),
            kept: Kept::new(self.graph.nodes.len() + 1),
        };
        forward.set(0, maps);
        for value in 1..=self.graph.nodes.len() {
            watch.forward(value);
            let made = forward.make(value, &parameters);
            forward.set(value, made);
        }
        watch.pause();
        let is_training = forward.running.is_none();
        let Forward {
            mut values,
            kept,
            statistics,
            ..
        } = forward;
        let output = values.pop().flatten().expect("a segment's last node gives its output");
        let graph = Arc::clone(&self.graph);
        SegmentOutput {
            output,
            statistics,
            backward: is_training.then(|| {
                Box::new(move |gradient| Backward::<O>::new(graph, kept, parameters).run(gradient, &watch)) as _
            }),
        }
    }
}

/// A forward pass: its values so far and those that it keeps.
struct Forward<'a, O: Operations> {
    plan: &'a RecomputePlan,
    /// In evaluation.
    running: Option<Vec<[O::Tensor; 2]>>,
    /// Those that a later node reads.
    values: Vec<Option<O::Tensor>>,
    statistics: Vec<[O::Tensor; 2]>,
    kept: Kept<O>,
}

impl<O: Operations> Forward<'_, O> {
    fn set(&mut self, value: Value, made: O::Tensor) {
        if self.running.is_none() && self.plan.kept[value] {
            self.kept.values[value] = Some(O::share(&made));
        }
        self.values[value] = Some(made);
    }

    /// A value that a node reads; the last reader releases it.
    fn read(&mut self, value: Value, reader: Value) -> O::Tensor {
        let there = &mut self.values[value];
        let found = match self.plan.last_uses[value] == Some(reader) {
            true => there.take(),
            false => there.as_ref().map(O::share),
        };
        found.expect("a node's inputs were made before it")
    }

    /// A value that a node reads and may write into.
    fn read_to_overwrite(&mut self, value: Value, reader: Value) -> O::Tensor {
        let is_alone = self.plan.last_uses[value] == Some(reader) && self.kept.values[value].is_none() && value > 0;
        let found = self.read(value, reader);
        if is_alone { found } else { O::copy(&found) }
    }

    fn make(&mut self, value: Value, parameters: &[O::Tensor]) -> O::Tensor {
        let graph = &self.plan.graph;
        let node = &graph.nodes[value - 1];
        let own = graph.first_parameter(value);
        let inputs = graph.inputs(value);
        match node.operation {
            Operation::Convolution {
                stride, padding, bias, ..
            } => {
                let maps = self.read(inputs[0], value);
                let bias = bias.then(|| &parameters[own + 1]);
                let convolved = O::convolve(&maps, &parameters[own], bias, ConvolutionWindows { stride, padding });
                // Of images a backend may leave maps in another layout.
                let is_of_images = graph.reads_images && inputs[0] == 0;
                if is_of_images {
                    O::laid_out(convolved)
                } else {
                    convolved
                }
            }
            Operation::BatchNorm => {
                let maps = self.read(inputs[0], value);
                self.normalise(value, &maps, [&parameters[own], &parameters[own + 1]])
            }
            Operation::Relu => O::relu(self.read_to_overwrite(inputs[0], value)),
            Operation::Dropout { share } if self.running.is_none() => {
                let (maps, mask) = O::drop_out(self.read(inputs[0], value), share);
                self.kept.masks[value] = Some(mask);
                maps
            }
            Operation::Dropout { .. } => self.read(inputs[0], value),
            Operation::AveragePool {
                kernel,
                stride,
                padding,
            } => {
                let windows = AverageWindows {
                    kernel,
                    stride,
                    padding,
                };
                O::pool(&self.read(inputs[0], value), windows)
            }
            Operation::MaxPool {
                kernel,
                stride,
                padding,
                passes_end,
            } => {
                let windows = MaxWindows {
                    kernel,
                    stride,
                    padding,
                    passes_end,
                };
                let (maps, places) = O::pool_largest(&self.read(inputs[0], value), windows);
                if self.running.is_none() && graph.is_tracked(inputs[0]) {
                    self.kept.places[value] = Some(places);
                }
                maps
            }
            Operation::ZeroChannels => O::zero_channels(&self.read(inputs[0], value), node.output.channels),
            Operation::Concatenation => {
                let parts = graph.operands(value).iter().map(|&part| self.read(part, value));
                O::concatenate(&parts.collect::<Vec<_>>())
            }
            Operation::Addition => {
                let first = self.read_to_overwrite(inputs[0], value);
                O::add(first, self.read(inputs[1], value))
            }
            Operation::AdaptiveAveragePool => {
                O::pool_to(&self.read(inputs[0], value), [node.output.height, node.output.width])
            }
            Operation::Sigmoid => O::sigmoid(self.read_to_overwrite(inputs[0], value)),
            Operation::Scaling => {
                let factors = self.read(inputs[0], value);
                O::scale(&self.read(inputs[1], value), &factors)
            }
            Operation::GlobalAveragePool => O::mean(&self.read(inputs[0], value)),
            Operation::Images | Operation::Flatten | Operation::Linear => {
                unreachable!("no plan is made for a segment with these")
            }
        }
    }

    fn normalise(&mut self, value: Value, maps: &O::Tensor, affine: [&O::Tensor; 2]) -> O::Tensor {
        let epsilon = self.plan.graph.epsilon;
        if let Some(running) = &self.running {
            return O::normalise_with(maps, affine, running[self.plan.graph.norm(value)].each_ref(), epsilon);
        }
        let (normalised, statistics) = O::normalise(maps, affine, epsilon);
        self.statistics
            .push([&statistics.mean, &statistics.unbiased_variance].map(O::share));
        self.kept.statistics[value] = Some(statistics);
        normalised
    }
}
