//! Executions: each takes segments of a network and leaves the others to the next one, at last to `plain`.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};
use burn::tensor::Tensor;

use super::batch_norm::BatchNorm;
use super::loss_operation::CarryOutLoss;
use super::parameters::Layer;
use super::plain::Activation;
use super::segment::{Primitive, SegmentInput, SegmentOutput, evaluate, train};
use super::segment_graph::SegmentGraph;
use super::watch::Watch;
use crate::formats::part::{LeftPart, Part};
use crate::network::{Graph, NodeId, Segment};

/// A way to run segments on one backend.
pub trait Lowering: Debug + Send + Sync {
    /// Its name, that of the execution: `recompute`.
    fn name(&self) -> &'static str;

    /// The implementation of a segment.
    ///
    /// # Errors
    /// Why it leaves the segment to the next lowering.
    fn take(&self, segment: &SegmentGraph) -> Result<Arc<dyn CarryOut>, Leaves>;

    /// The implementation of the loss; none where it is left to Burn's operations.
    fn loss(&self) -> Option<Arc<dyn CarryOutLoss>> {
        None
    }

    /// Starts the series of its own draws, where it does not leave them to the device.
    fn seed(&self, _seed: u64) {}
}

/// Why a lowering leaves a segment to the next one, as a clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaves(pub &'static str);

impl Leaves {
    /// Of lowerings whose normalisations take the batch's statistics alone.
    pub(super) const FROZEN_NORMALISATION: Self =
        Self("a frozen normalisation behind a trained layer takes its running statistics");
}

/// What a segment gives.
#[derive(Debug)]
pub struct CarriedOut {
    /// Its output.
    pub output: Activation,
    /// While training, of each of its normalisations that is not frozen, the mean and the unbiased variance of the batch, each
    /// `[channels]`, which the running statistics follow.
    pub statistics: Vec<[Tensor<1>; 2]>,
}

impl CarriedOut {
    /// The output, once each normalisation that is not frozen was given its statistics; `layers` are the segment's.
    pub(super) fn hand_out(self, layers: &[Layer], follow: &mut dyn FnMut(&BatchNorm, [Tensor<1>; 2])) -> Activation {
        let following = layers.iter().filter_map(Layer::as_norm).filter(|norm| !norm.is_fixed());
        for (norm, pair) in following.zip(self.statistics) {
            follow(norm, pair);
        }
        self.output
    }
}

/// The implementation of one segment, on any backend.
pub trait CarryOut: Debug + Send + Sync {
    /// Maps `[batch, channels, height, width]`, or vectors `[batch, values]`, through the segment, whose layers are given in
    /// the order of its nodes.
    fn forward(&self, layers: &[Layer], entering: Activation, watch: &Watch) -> CarriedOut;

    /// Whether it tells `watch` of each of its nodes, rather than being watched as one.
    fn tells_its_nodes(&self) -> bool;
}

/// Runs one segment on a backend's tensors: the part that an execution implements.
pub trait SegmentKernel: Debug + Send + Sync {
    /// The backend.
    type Backend: Backend;

    /// The segment. The parameters are in the order of its nodes: of a convolution its weight and its bias if it has one, of a
    /// normalisation its scale and shift, of a linear layer its matrix `[inputs, outputs]` and its bias.
    fn carry_out(&self, input: SegmentInput<Primitive<Self::Backend>>) -> SegmentOutput<Primitive<Self::Backend>>;

    /// Whether it tells the input's `watch` of each of its nodes.
    fn tells_its_nodes(&self) -> bool;
}

/// A kernel as one operation of Burn's.
#[derive(Debug)]
pub struct AsOperation<K> {
    kernel: K,
    gives_vectors: bool,
}

impl<K: SegmentKernel + 'static> AsOperation<K>
where
    DispatchTensor: DispatchKindConversion<K::Backend> + DispatchKindConversion<Autodiff<K::Backend>>,
{
    /// The kernel of a segment.
    pub fn of(segment: &SegmentGraph, kernel: K) -> Arc<dyn CarryOut> {
        Arc::new(Self {
            gives_vectors: segment.gives_vectors(),
            kernel,
        })
    }

    fn run<const E: usize, const D: usize>(
        &self,
        layers: &[Layer],
        maps: Tensor<E>,
        watch: &Watch,
    ) -> (Tensor<D>, Vec<[Tensor<1>; 2]>) {
        let learned = layers.iter().flat_map(Layer::learned);
        let parameters = learned.map(|(_, learned)| learned).collect();
        let norms: Vec<&BatchNorm> = layers.iter().filter_map(Layer::as_norm).collect();
        let carry_out = |input| self.kernel.carry_out(input);
        if !maps.device().is_autodiff() {
            let running = norms.iter().map(|norm| norm.running());
            let output = evaluate::<K::Backend, E, D>(maps, parameters, running.collect(), watch, carry_out);
            return (output, Vec::new());
        }
        let fixed = norms.iter().map(|norm| norm.is_fixed().then(|| norm.running()));
        train::<K::Backend, E, D>(maps, parameters, fixed.collect(), watch, carry_out)
    }
}

impl<K: SegmentKernel + 'static> CarryOut for AsOperation<K>
where
    DispatchTensor: DispatchKindConversion<K::Backend> + DispatchKindConversion<Autodiff<K::Backend>>,
{
    fn forward(&self, layers: &[Layer], entering: Activation, watch: &Watch) -> CarriedOut {
        let (output, statistics) = match entering {
            Activation::Maps(maps) if self.gives_vectors => {
                let (vectors, statistics) = self.run(layers, maps, watch);
                (Activation::Vectors(vectors), statistics)
            }
            Activation::Maps(maps) => {
                let (maps, statistics) = self.run(layers, maps, watch);
                (Activation::Maps(maps), statistics)
            }
            Activation::Vectors(vectors) => {
                let (vectors, statistics) = self.run(layers, vectors, watch);
                (Activation::Vectors(vectors), statistics)
            }
        };
        CarriedOut { output, statistics }
    }

    fn tells_its_nodes(&self) -> bool {
        self.kernel.tells_its_nodes()
    }
}

/// Which lowering runs which segment of a network.
#[derive(Debug)]
pub struct Program {
    segments: Vec<Placed>,
    last_uses: Vec<Option<NodeId>>,
    loss: Option<Arc<dyn CarryOutLoss>>,
    lowerings: Vec<Arc<dyn Lowering>>,
}

/// A segment and its implementation.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) segment: Segment,
    /// None: its nodes one by one.
    pub(super) by: Option<(&'static str, Arc<dyn CarryOut>)>,
    /// The lowerings before that one, each with why it left the segment.
    left_by: Vec<(&'static str, Leaves)>,
    /// Whether it belongs to the network's frozen start.
    pub(super) is_frozen: bool,
    /// Whether no later segment reads what enters.
    pub(super) reads_last: bool,
}

impl Placed {
    fn execution(&self) -> &'static str {
        self.by.as_ref().map_or(PLAIN, |(name, _)| name)
    }
}

/// A node, or a segment that is carried out as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramUnit {
    /// The segment's name.
    pub segment: String,
    /// What carries it out.
    pub execution: &'static str,
    /// Whether it is a segment as a whole.
    pub is_one: bool,
    /// Its nodes.
    pub nodes: Range<NodeId>,
}

/// The name of segments that no lowering takes.
const PLAIN: &str = "plain";

impl Program {
    /// Offers each segment to the lowerings in turn.
    pub fn new(graph: &Graph, lowerings: &[Arc<dyn Lowering>]) -> Self {
        let start = graph.frozen_start();
        let place = |(number, segment): (usize, &Segment)| {
            let own = SegmentGraph::new(graph, segment);
            let mut left_by = Vec::new();
            let taken = lowerings.iter().find_map(|lowering| match lowering.take(&own) {
                Ok(carry_out) => Some((lowering.name(), carry_out)),
                Err(reason) => {
                    left_by.push((lowering.name(), reason));
                    None
                }
            });
            let mut later = graph.segments[number + 1..].iter();
            Placed {
                segment: segment.clone(),
                by: taken,
                left_by,
                is_frozen: segment.nodes.end <= start,
                reads_last: later.all(|other| other.entering != segment.entering),
            }
        };
        Self {
            segments: graph.segments.iter().enumerate().map(place).collect(),
            last_uses: graph.last_uses(),
            loss: lowerings.iter().find_map(|lowering| lowering.loss()),
            lowerings: lowerings.to_vec(),
        }
    }

    /// Starts every lowering's series of draws.
    pub(super) fn seed(&self, seed: u64) {
        self.lowerings.iter().for_each(|lowering| lowering.seed(seed));
    }

    /// The implementation of the loss; none where it is Burn's operations.
    pub fn loss(&self) -> Option<&Arc<dyn CarryOutLoss>> {
        self.loss.as_ref()
    }

    /// Whether a node is the last that reads an output.
    pub(super) fn is_last_use(&self, output: NodeId, node: NodeId) -> bool {
        self.last_uses[output] == Some(node)
    }

    pub(super) fn segments(&self) -> &[Placed] {
        &self.segments
    }

    /// Which lowering leaves which segment to the next one, and why.
    pub fn left(&self) -> Vec<LeftPart> {
        let of_segment = |placed: &Placed| {
            let left = placed.left_by.iter().map(|(execution, reason)| LeftPart {
                segment: placed.segment.name.clone(),
                execution: (*execution).to_owned(),
                reason: reason.0.to_owned(),
            });
            left.collect::<Vec<_>>()
        };
        self.segments.iter().flat_map(of_segment).collect()
    }

    /// What a step is made of, in the order of the forward pass: single nodes, and segments that are carried out as one.
    pub fn units(&self) -> Vec<ProgramUnit> {
        let units = self.segments.iter().flat_map(|placed| {
            let nodes = placed.segment.nodes.clone();
            let is_whole = (placed.by.as_ref()).is_some_and(|(_, carry_out)| !carry_out.tells_its_nodes());
            let is_one = is_whole && nodes.len() > 1;
            let ranges: Vec<Range<NodeId>> = match is_one {
                true => vec![nodes],
                false => nodes.map(|node| node..node + 1).collect(),
            };
            ranges.into_iter().map(move |nodes| ProgramUnit {
                segment: placed.segment.name.clone(),
                execution: placed.execution(),
                is_one,
                nodes,
            })
        });
        units.collect()
    }

    /// Which execution runs which segment.
    pub fn parts(&self) -> Vec<Part> {
        let part = |placed: &Placed| Part {
            segment: placed.segment.name.clone(),
            execution: placed.execution().to_owned(),
        };
        self.segments.iter().map(part).collect()
    }
}
