//! A segment of the network as one operation of Burn's autodiff, with a backward pass of its own.

use std::fmt;
use std::sync::{Arc, Mutex};

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, AutodiffBackend, Backend, DispatchKindConversion, DispatchTensor};
use burn::tensor::Tensor;

use super::parameters::Learned;
use super::watch::Watch;

/// A backend's tensor of floats.
pub type Primitive<B> = <B as burn::backend::BackendTypes>::FloatTensorPrimitive;

/// A segment's input.
#[derive(Debug)]
pub struct SegmentInput<T> {
    /// `[batch, channels, height, width]`; behind flattened maps `[batch, values]`.
    pub maps: T,
    /// The parameters, in the order of the segment's nodes.
    pub parameters: Vec<T>,
    /// How the normalisations get their statistics.
    pub pass: Pass<T>,
    /// Who is told of the nodes.
    pub watch: Watch,
}

/// Training or evaluation.
#[derive(Debug)]
pub enum Pass<T> {
    /// Statistics of the batch; a backward pass follows.
    Training {
        /// Whether the maps' own gradient is wanted, as it is of all but images and what is frozen.
        maps_gradient: bool,
        /// Of each normalisation the running mean and variance, each `[channels]`, where it is frozen and takes them for
        /// the batch's.
        fixed: Vec<Option<[T; 2]>>,
    },
    /// Running mean and variance of each normalisation, each `[channels]`.
    Evaluation(Vec<[T; 2]>),
}

/// A segment's output.
pub struct SegmentOutput<T> {
    /// Maps `[batch, channels, height, width]`, or the means of maps, `[batch, channels]`.
    pub output: T,
    /// While training: the mean and the *unbiased* variance of each normalisation's input, each `[channels]`, but for
    /// frozen ones. The unbiased one is what PyTorch's running variance follows.
    pub statistics: Vec<[T; 2]>,
    /// While training: from the output's gradient to the others'.
    pub backward: Option<BackwardPass<T>>,
}

/// A backward pass, to be run once; the kept tensors are freed when it has run or is dropped.
pub type BackwardPass<T> = Box<dyn FnOnce(T) -> SegmentGradients<T> + Send>;

/// The gradients of a backward pass.
pub struct SegmentGradients<T> {
    /// The maps', where it was wanted.
    pub maps: Option<T>,
    /// Every parameter's, in their order; none of a frozen one.
    pub parameters: Vec<Option<T>>,
}

/// Runs a segment on tensors of backend `B` with autodiff; `fixed` are the statistics of its frozen normalisations.
///
/// Burn fixes an operation's number of parents when it is compiled, and a dense block has hundreds of parameters. So
/// the operation has two parents: the maps, through which the backward pass continues, and one parameter, so that it is
/// tracked where the maps are not, as images are not. The gradients of the parameters are registered under their own
/// nodes: parameters are leaves, below which nothing is to be visited, so that a gradient that is registered is all
/// that they need.
pub(super) fn train<B: Backend, const E: usize, const D: usize>(
    maps: Tensor<E>,
    parameters: Vec<Learned<'_>>,
    fixed: Vec<Option<[Tensor<1>; 2]>>,
    watch: &Watch,
    carry_out: impl FnOnce(SegmentInput<Primitive<B>>) -> SegmentOutput<Primitive<B>>,
) -> (Tensor<D>, Vec<[Tensor<1>; 2]>)
where
    DispatchTensor: DispatchKindConversion<Autodiff<B>>,
{
    let maps = primitive::<Autodiff<B>, E>(maps);
    let parameters: Vec<_> = parameters.iter().map(Learned::primitive::<Autodiff<B>>).collect();
    let nodes: Vec<Option<NodeId>> = parameters
        .iter()
        .map(|parameter| parameter.is_tracked().then(|| parameter.id()))
        .collect();
    let tracked = parameters.iter().find(|parameter| parameter.is_tracked());
    let parents = [maps.node(), tracked.unwrap_or(&maps).node()];
    let maps_gradient = maps.is_tracked();
    let without_autodiff = |tensor| primitive::<Autodiff<B>, 1>(tensor).into_primitive();
    let fixed = fixed
        .into_iter()
        .map(|pair| pair.map(|pair| pair.map(without_autodiff)));
    let result = carry_out(SegmentInput {
        maps: maps.into_primitive(),
        parameters: parameters
            .into_iter()
            .map(|parameter| parameter.into_primitive())
            .collect(),
        pass: Pass::Training {
            maps_gradient,
            fixed: fixed.collect(),
        },
        watch: watch.clone(),
    });
    let prepared = Segment.prepare::<NoCheckpointing>(parents).compute_bound().stateful();
    let output = match prepared {
        OpsKind::Tracked(prepared) => prepared.finish(Kept::<B>::new(result.backward, nodes), result.output),
        OpsKind::UnTracked(prepared) => prepared.finish(result.output),
    };
    let untracked = |tensor| Tensor::from_primitive::<Autodiff<B>>(Autodiff::<B>::from_inner(tensor));
    let statistics = result.statistics.into_iter().map(|pair| pair.map(untracked));
    (Tensor::from_primitive::<Autodiff<B>>(output), statistics.collect())
}

/// Runs a segment on tensors of backend `B` without autodiff; `running` are the normalisations' statistics.
pub(super) fn evaluate<B: Backend, const E: usize, const D: usize>(
    maps: Tensor<E>,
    parameters: Vec<Learned<'_>>,
    running: Vec<[Tensor<1>; 2]>,
    watch: &Watch,
    carry_out: impl FnOnce(SegmentInput<Primitive<B>>) -> SegmentOutput<Primitive<B>>,
) -> Tensor<D>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    let running = running.into_iter().map(|pair| pair.map(primitive::<B, 1>));
    let result = carry_out(SegmentInput {
        maps: primitive::<B, E>(maps),
        parameters: parameters.iter().map(Learned::primitive::<B>).collect(),
        pass: Pass::Evaluation(running.collect()),
        watch: watch.clone(),
    });
    Tensor::from_primitive::<B>(result.output)
}

impl Learned<'_> {
    fn primitive<B: Backend>(&self) -> Primitive<B>
    where
        DispatchTensor: DispatchKindConversion<B>,
    {
        match self {
            Self::Vector(vector) => primitive::<B, 1>(vector.val()),
            Self::Matrix(matrix) => primitive::<B, 2>(matrix.val()),
            Self::Kernel(kernel) => primitive::<B, 4>(kernel.val()),
        }
    }
}

pub(super) fn primitive<B: Backend, const D: usize>(tensor: Tensor<D>) -> Primitive<B>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    tensor
        .try_into_primitive::<B>()
        .expect("a network's tensors are on the backend whose segments were chosen for it")
}

/// The operation.
#[derive(Debug)]
struct Segment;

/// The state of the operation for its backward pass.
#[derive(Clone)]
struct Kept<B: Backend> {
    backward: Arc<Mutex<Option<BackwardPass<Primitive<B>>>>>,
    parameters: Vec<Option<NodeId>>,
}

impl<B: Backend> Kept<B> {
    fn new(backward: Option<BackwardPass<Primitive<B>>>, parameters: Vec<Option<NodeId>>) -> Self {
        Self {
            backward: Arc::new(Mutex::new(backward)),
            parameters,
        }
    }
}

impl<B: Backend> fmt::Debug for Kept<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept")
            .field("parameters", &self.parameters.len())
            .finish_non_exhaustive()
    }
}

impl<B: Backend> Backward<B, 2> for Segment {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let output = gradients.consume::<B>(&ops.node);
        let pass = ops.state.backward.lock().ok().and_then(|mut pass| pass.take());
        // Burn visits an operation once in a backward pass and forgets it then.
        let pass = pass.expect("a segment goes backward once");
        let found = pass(output);
        let [maps, _] = ops.parents;
        if let (Some(node), Some(gradient)) = (maps, found.maps) {
            gradients.register::<B>(node.id, gradient);
        }
        for (node, gradient) in ops.state.parameters.into_iter().zip(found.parameters) {
            if let (Some(node), Some(gradient)) = (node, gradient) {
                gradients.register::<B>(node, gradient);
            }
        }
    }
}
