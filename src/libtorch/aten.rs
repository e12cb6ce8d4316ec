//! `aten`: the graph that PyTorch builds, with ATen's operations, under libtorch's own autograd.
//!
//! A segment is one operation to Burn. Inside it the maps and the parameters are leaves of a graph of libtorch's, and
//! backward is one call of its engine, which frees what the graph keeps node by node.

use std::sync::Arc;

use tch::{Kind, Tensor};

use super::autocast::{Half, with_autocast};
use super::layout::{fastest, laid_out};
use super::native::{announce, gradients};
use super::tensors::{Backend, BurnTensor, from_tch, gradients_from_tch, pairs_to_tch, to_tch};
use crate::formats::ablation::{MapLayout, Precision, RunSettings};
use crate::model::{
    AsOperation, AverageWindows, CarryOut, Leaves, Lowering, Pass, SegmentGradients, SegmentGraph, SegmentInput,
    SegmentKernel, SegmentOutput, Value, Watch,
};
use crate::network::{Node, Operation};

/// ATen's operations in the order in which PyTorch's modules call them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aten {
    /// None: as is fastest on the device.
    layout: Option<MapLayout>,
    /// The type of 16 bits in which autocast computes.
    half: Option<Half>,
}

impl Aten {
    pub(super) fn new(run: &RunSettings) -> Self {
        Self {
            layout: run.layout,
            half: match run.precision {
                Precision::F32 | Precision::Tf32 => None,
                Precision::Bf16 => Some(Half::Bf16),
                Precision::F16 => Some(Half::F16),
            },
        }
    }
}

impl Lowering for Aten {
    fn name(&self) -> &'static str {
        "aten"
    }

    /// Every segment of feature maps. The classifier is Burn's in f32, which is as fast; in 16 bits all is libtorch's, whose
    /// autocast it is.
    fn take(&self, segment: &SegmentGraph) -> Result<Arc<dyn CarryOut>, Leaves> {
        let own = AtenSegment::new(segment, *self);
        match own.has_matrix && self.half.is_none() {
            true => Err(Leaves("linear layers are Burn's own")),
            false => Ok(AsOperation::of(segment, own)),
        }
    }
}

/// A segment with ATen's operations.
#[derive(Debug)]
pub(super) struct AtenSegment {
    graph: SegmentGraph,
    last_uses: Vec<Option<Value>>,
    has_matrix: bool,
    how: Aten,
}

impl AtenSegment {
    pub(super) fn new(segment: &SegmentGraph, how: Aten) -> Self {
        Self {
            graph: segment.clone(),
            last_uses: segment.last_uses(),
            has_matrix: segment.nodes.iter().any(|node| node.operation == Operation::Linear),
            how,
        }
    }

    /// What enters, maps in the layout that they are to have.
    fn laid_out(&self, entering: &Tensor) -> Tensor {
        if entering.dim() != 4 {
            return entering.shallow_clone();
        }
        laid_out(entering, self.how.layout.unwrap_or_else(|| fastest(entering.device())))
    }

    /// The segment's output; behind the classifier all is f32 again.
    fn run(&self, mut forward: Forward<'_>, entering: Tensor) -> (Tensor, Vec<[Tensor; 2]>) {
        let output = with_autocast(self.how.half, entering.device(), || forward.run(entering));
        let output = if self.has_matrix {
            output.to_kind(Kind::Float)
        } else {
            output
        };
        (output, forward.statistics)
    }
}

impl SegmentKernel for AtenSegment {
    type Backend = Backend;

    fn carry_out(&self, input: SegmentInput<BurnTensor>) -> SegmentOutput<BurnTensor> {
        let SegmentInput {
            maps,
            parameters,
            pass,
            watch,
        } = input;
        let watch = Arc::new(watch);
        let maps_laid_out = self.laid_out(&to_tch(&maps));
        match pass {
            Pass::Evaluation(running) => {
                let running = pairs_to_tch(&running).into_iter().map(Some).collect();
                let parameters = parameters.iter().map(to_tch).collect();
                drop(maps);
                let forward = Forward::new(self, parameters, running, Arc::clone(&watch), false);
                let (output, _) = tch::no_grad(|| self.run(forward, maps_laid_out));
                SegmentOutput {
                    output: from_tch(output),
                    statistics: Vec::new(),
                    backward: None,
                }
            }
            Pass::Training { maps_gradient, fixed } => {
                let leaf = |tensor: &Tensor| tensor.detach().set_requires_grad(true);
                let maps_leaf = maps_gradient.then(|| leaf(&maps_laid_out));
                // A frozen parameter is no leaf, and has no gradient.
                let trained = self.graph.trained();
                let own: Vec<Tensor> = parameters
                    .iter()
                    .map(to_tch)
                    .zip(trained)
                    .map(|(tensor, &is_trained)| if is_trained { leaf(&tensor) } else { tensor })
                    .collect();
                let fixed = fixed
                    .iter()
                    .map(|pair| pair.as_ref().map(|pair| pair.each_ref().map(to_tch)));
                let shared = own.iter().map(Tensor::shallow_clone).collect();
                let mut leaves: Vec<Tensor> = own.into_iter().filter(Tensor::requires_grad).collect();
                let forward = Forward::new(self, shared, fixed.collect(), Arc::clone(&watch), true);
                let input = maps_leaf.as_ref().unwrap_or(&maps_laid_out).shallow_clone();
                drop(maps_laid_out);
                let (root, statistics) = tch::with_grad(|| self.run(forward, input));
                leaves.extend(maps_leaf);
                let output = from_tch(root.detach());
                let trained = trained.to_vec();
                let backward = move |gradient: BurnTensor| {
                    let mut found = gradients(&root, &to_tch(&gradient), &leaves);
                    watch.pause();
                    let maps_gradient = maps_gradient.then(|| found.pop()).flatten();
                    // Only now: while the graph exists, Burn must not write into the memory that it keeps.
                    drop((maps, parameters));
                    let mut found = found.into_iter();
                    let in_place = |is_trained: bool| if is_trained { found.next() } else { None };
                    SegmentGradients {
                        maps: maps_gradient.map(from_tch),
                        parameters: gradients_from_tch(trained.into_iter().map(in_place).collect()),
                    }
                };
                SegmentOutput {
                    output,
                    statistics: statistics.into_iter().map(|pair| pair.map(from_tch)).collect(),
                    backward: Some(Box::new(backward)),
                }
            }
        }
    }

    fn tells_its_nodes(&self) -> bool {
        true
    }
}

/// A forward pass: its segment and parameters, the values so far and the statistics found.
struct Forward<'a> {
    segment: &'a AtenSegment,
    parameters: Vec<Tensor>,
    /// The statistics of each normalisation that does not take the batch's: in evaluation all, else the frozen ones.
    running: Vec<Option<[Tensor; 2]>>,
    is_training: bool,
    watch: Arc<Watch>,
    /// Those that a later node reads.
    values: Vec<Option<Tensor>>,
    statistics: Vec<[Tensor; 2]>,
}

impl<'a> Forward<'a> {
    fn new(
        segment: &'a AtenSegment,
        parameters: Vec<Tensor>,
        running: Vec<Option<[Tensor; 2]>>,
        watch: Arc<Watch>,
        is_training: bool,
    ) -> Self {
        Self {
            parameters,
            running,
            is_training,
            watch,
            values: (0..=segment.graph.nodes.len()).map(|_| None).collect(),
            statistics: Vec::new(),
            segment,
        }
    }

    fn run(&mut self, maps: Tensor) -> Tensor {
        self.values[0] = Some(maps);
        for (value, node) in self.segment.graph.values() {
            self.watch.forward(value);
            let made = self.make(value, node);
            if self.is_training && !self.watch.is_off() {
                announce(&made, &self.watch, value);
            }
            self.values[value] = Some(made);
        }
        self.watch.pause();
        let output = self.values.pop().flatten();
        output.expect("a segment's last node gives its output")
    }

    /// A value that a node reads; the last reader releases it.
    fn read(&mut self, value: Value, reader: Value) -> Tensor {
        let there = &mut self.values[value];
        let found = match self.segment.last_uses[value] == Some(reader) {
            true => there.take(),
            false => there.as_ref().map(Tensor::shallow_clone),
        };
        found.expect("a node's inputs were made before it")
    }

    /// Whether a node may write into a value, as PyTorch's modules do: it reads it last, and the segment made it.
    fn may_overwrite(&self, value: Value, reader: Value) -> bool {
        value > 0 && self.segment.last_uses[value] == Some(reader)
    }

    fn make(&mut self, value: Value, node: &Node) -> Tensor {
        let graph = &self.segment.graph;
        let inputs = graph.inputs(value);
        let own = graph.first_parameter(value);
        match node.operation {
            Operation::Convolution {
                stride, padding, bias, ..
            } => {
                let maps = self.read(inputs[0], value);
                let bias = bias.then(|| &self.parameters[own + 1]);
                let convolved = convolution(&maps, &self.parameters[own], bias, stride, padding);
                // Of images ATen may leave maps in another layout.
                let is_of_images = graph.reads_images && inputs[0] == 0;
                if is_of_images {
                    self.segment.laid_out(&convolved)
                } else {
                    convolved
                }
            }
            Operation::BatchNorm => {
                let maps = self.read(inputs[0], value);
                self.normalise(value, &maps)
            }
            Operation::Relu => {
                let is_own = self.may_overwrite(inputs[0], value);
                let mut maps = self.read(inputs[0], value);
                if is_own { maps.relu_() } else { maps.relu() }
            }
            Operation::Dropout { share } => {
                let maps = self.read(inputs[0], value);
                if self.is_training {
                    maps.dropout(share, true)
                } else {
                    maps
                }
            }
            Operation::MaxPool {
                kernel,
                stride,
                padding,
                passes_end,
            } => {
                let [kernel, stride, padding] = [kernel, stride, padding].map(|size| [size as i64; 2]);
                self.read(inputs[0], value)
                    .max_pool2d(kernel, stride, padding, [1, 1], passes_end)
            }
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
                average_pool(&self.read(inputs[0], value), windows)
            }
            Operation::ZeroChannels => zero_channels(&self.read(inputs[0], value), node.output.channels),
            Operation::Concatenation => {
                let parts = graph.operands(value).iter().map(|&part| self.read(part, value));
                concatenated(&parts.collect::<Vec<_>>())
            }
            Operation::Addition => {
                let is_own = self.may_overwrite(inputs[0], value);
                let (mut first, second) = (self.read(inputs[0], value), self.read(inputs[1], value));
                if is_own { first.g_add_(&second) } else { first + second }
            }
            Operation::Sigmoid => self.read(inputs[0], value).sigmoid(),
            Operation::Scaling => {
                let factors = self.read(inputs[0], value);
                self.read(inputs[1], value) * factors
            }
            Operation::GlobalAveragePool => {
                let maps = self.read(inputs[0], value);
                maps.mean_dim([2i64, 3].as_slice(), false, None)
            }
            Operation::AdaptiveAveragePool => {
                let sides = [node.output.height, node.output.width].map(|side| side as i64);
                self.read(inputs[0], value).adaptive_avg_pool2d(sides)
            }
            // By channel, whatever the layout: the linear layer's weights are in this order.
            Operation::Flatten => self.read(inputs[0], value).contiguous().flatten(1, -1),
            Operation::Linear => {
                let vectors = self.read(inputs[0], value);
                // Burn keeps the matrix as [inputs, outputs].
                vectors.linear(&self.parameters[own].tr(), Some(&self.parameters[own + 1]))
            }
            Operation::Images => unreachable!("the images are no segment's node"),
        }
    }

    fn normalise(&mut self, value: Value, maps: &Tensor) -> Tensor {
        let own = self.segment.graph.first_parameter(value);
        let (gamma, beta) = (&self.parameters[own], &self.parameters[own + 1]);
        let given = &self.running[self.segment.graph.norm(value)];
        let takes_the_batchs = given.is_none();
        let statistics = match given {
            Some(running) => running.each_ref().map(Tensor::shallow_clone),
            None => [gamma.zeros_like().detach(), gamma.zeros_like().detach()],
        };
        let [mean, variance] = &statistics;
        // With a momentum of 1 the running statistics are the batch's: its mean and its unbiased variance.
        let normalised = maps.batch_norm(
            Some(gamma),
            Some(beta),
            Some(mean),
            Some(variance),
            takes_the_batchs,
            1.0,
            self.segment.graph.epsilon,
            true,
        );
        if takes_the_batchs {
            // Copies: the graph keeps the tensors themselves, and the network is free to write into what it gets.
            self.statistics.push(statistics.map(|tensor| tensor.copy()));
        }
        normalised
    }
}

pub(super) fn convolution(
    maps: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: [usize; 2],
) -> Tensor {
    if takes_pixels_out(weight, stride) {
        return thinned(maps, stride).conv2d(weight, bias, [1, 1], [0, 0], [1, 1], 1);
    }
    let padding = padding.map(|size| size as i64);
    maps.conv2d(weight, bias, [stride as i64; 2], padding, [1, 1], 1)
}

/// Whether a convolution reads single pixels, some of which it leaves out. These are taken out first: where oneDNN does it by
/// itself, on AVX2 and in channels-last layout, it writes beyond its buffer (libtorch 2.9.0: wrong gradients of the weights, a
/// damaged heap; PyTorch 2.9.0 likewise).
pub(super) fn takes_pixels_out(weight: &Tensor, stride: usize) -> bool {
    stride > 1 && weight.size()[2..] == [1, 1]
}

/// Every `stride`-th row and column, a view.
pub(super) fn thinned(maps: &Tensor, stride: usize) -> Tensor {
    let stride = stride as i64;
    maps.slice(2, None, None, stride).slice(3, None, None, stride)
}

/// Average pooling, in which padding counts as zeros.
pub(super) fn average_pool(maps: &Tensor, windows: AverageWindows) -> Tensor {
    let [kernel, stride, padding] = windows.sides().map(|sides| sides.map(|side| side as i64));
    maps.avg_pool2d(kernel, stride, padding, false, true, None)
}

/// Channels of zeros behind the maps' own, up to `channels`.
pub(super) fn zero_channels(maps: &Tensor, channels: usize) -> Tensor {
    let added = channels as i64 - maps.size()[1];
    maps.constant_pad_nd([0, 0, 0, 0, 0, added])
}

/// All maps of a block so far, `[batch, channels, height, width]`.
pub(super) fn concatenated(maps: &[Tensor]) -> Tensor {
    match maps {
        [only] => only.shallow_clone(),
        several => Tensor::cat(several, 1),
    }
}
