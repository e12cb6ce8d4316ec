//! Executions: each takes segments of a network and leaves the others to the next one, at last to `plain`.

use std::fmt::Debug;
use std::sync::Arc;

use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor};
use burn::tensor::Tensor;

use super::batch_norm::BatchNorm;
use super::parameters::Layer;
use super::plain::Activation;
use super::segment::{Primitive, SegmentInput, SegmentOutput, evaluate, train};
use super::segment_graph::SegmentGraph;
use crate::formats::part::Part;
use crate::network::{Graph, NodeId, Segment};

/// A way to run segments on one backend.
pub trait Lowering: Debug + Send + Sync {
    /// Its name, that of the execution: `recompute`.
    fn name(&self) -> &'static str;

    /// The implementation of a segment; none where it leaves the segment to the next lowering.
    fn take(&self, segment: &SegmentGraph) -> Option<Arc<dyn CarryOut>>;
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

/// The implementation of one segment, on any backend.
pub trait CarryOut: Debug + Send + Sync {
    /// Maps `[batch, channels, height, width]`, or vectors `[batch, values]`, through the segment, whose layers are given in
    /// the order of its nodes.
    fn forward(&self, layers: &[Layer], entering: Activation) -> CarriedOut;
}

/// Runs one segment on a backend's tensors: the part that an execution implements.
pub trait SegmentKernel: Debug + Send + Sync {
    /// The backend.
    type Backend: Backend;

    /// The segment. The parameters are in the order of its nodes: of a convolution its weight and its bias if it has one, of a
    /// normalisation its scale and shift, of a linear layer its matrix `[inputs, outputs]` and its bias.
    fn carry_out(&self, input: SegmentInput<Primitive<Self::Backend>>) -> SegmentOutput<Primitive<Self::Backend>>;
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
    ) -> (Tensor<D>, Vec<[Tensor<1>; 2]>) {
        let learned = layers.iter().flat_map(Layer::learned);
        let parameters = learned.map(|(_, learned)| learned).collect();
        let norms: Vec<&BatchNorm> = layers.iter().filter_map(Layer::as_norm).collect();
        let carry_out = |input| self.kernel.carry_out(input);
        if !maps.device().is_autodiff() {
            let running = norms.iter().map(|norm| norm.running());
            let output = evaluate::<K::Backend, E, D>(maps, parameters, running.collect(), carry_out);
            return (output, Vec::new());
        }
        let fixed = norms.iter().map(|norm| norm.is_fixed().then(|| norm.running()));
        train::<K::Backend, E, D>(maps, parameters, fixed.collect(), carry_out)
    }
}

impl<K: SegmentKernel + 'static> CarryOut for AsOperation<K>
where
    DispatchTensor: DispatchKindConversion<K::Backend> + DispatchKindConversion<Autodiff<K::Backend>>,
{
    fn forward(&self, layers: &[Layer], entering: Activation) -> CarriedOut {
        let (output, statistics) = match entering {
            Activation::Maps(maps) if self.gives_vectors => {
                let (vectors, statistics) = self.run(layers, maps);
                (Activation::Vectors(vectors), statistics)
            }
            Activation::Maps(maps) => {
                let (maps, statistics) = self.run(layers, maps);
                (Activation::Maps(maps), statistics)
            }
            Activation::Vectors(vectors) => {
                let (vectors, statistics) = self.run(layers, vectors);
                (Activation::Vectors(vectors), statistics)
            }
        };
        CarriedOut { output, statistics }
    }
}

/// Which lowering runs which segment of a network.
#[derive(Debug)]
pub struct Program {
    segments: Vec<Placed>,
    last_uses: Vec<Option<NodeId>>,
}

/// A segment and its implementation.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) segment: Segment,
    /// None: its nodes one by one.
    pub(super) by: Option<(&'static str, Arc<dyn CarryOut>)>,
    /// Whether it belongs to the network's frozen start.
    pub(super) is_frozen: bool,
    /// Whether no later segment reads what enters.
    pub(super) reads_last: bool,
}

/// The name of segments that no lowering takes.
const PLAIN: &str = "plain";

impl Program {
    /// Offers each segment to the lowerings in turn.
    pub fn new(graph: &Graph, lowerings: &[Arc<dyn Lowering>]) -> Self {
        let start = graph.frozen_start();
        let place = |(number, segment): (usize, &Segment)| {
            let own = SegmentGraph::new(graph, segment);
            let taken = lowerings.iter().find_map(|lowering| {
                let carry_out = lowering.take(&own)?;
                Some((lowering.name(), carry_out))
            });
            let mut later = graph.segments[number + 1..].iter();
            Placed {
                segment: segment.clone(),
                by: taken,
                is_frozen: segment.nodes.end <= start,
                reads_last: later.all(|other| other.entering != segment.entering),
            }
        };
        Self {
            segments: graph.segments.iter().enumerate().map(place).collect(),
            last_uses: graph.last_uses(),
        }
    }

    /// Whether a node is the last that reads an output.
    pub(super) fn is_last_use(&self, output: NodeId, node: NodeId) -> bool {
        self.last_uses[output] == Some(node)
    }

    pub(super) fn segments(&self) -> &[Placed] {
        &self.segments
    }

    /// Which execution runs which segment.
    pub fn parts(&self) -> Vec<Part> {
        let part = |placed: &Placed| Part {
            segment: placed.segment.name.clone(),
            execution: placed.by.as_ref().map_or(PLAIN, |(name, _)| name).to_owned(),
        };
        self.segments.iter().map(part).collect()
    }
}
