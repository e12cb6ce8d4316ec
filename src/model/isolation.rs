//! Where an autodiff graph is cut into the graphs of single nodes: a gradient that leaves one is put into the one before.
//!
//! Both operations copy nothing: a value that nothing else holds may be written into behind a cut as before it, and the
//! handle of a graph does not hold its output.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients as Found;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::{Autodiff, Backend, DispatchKindConversion, DispatchTensor, TensorMetadata};
use burn::tensor::{Device, Gradients, Tensor};

use super::plain::Activation;
use super::segment::{Primitive, primitive};

/// Cuts graphs on one backend.
pub trait Isolation: fmt::Debug + Send + Sync {
    /// A value without autodiff as the input of a graph, and where that graph's backward pass leaves its gradient.
    fn enter(&self, value: Activation, origin: &Origin) -> (Activation, Slot);

    /// The output of a graph without autodiff, and the graph; none where it has no backward pass.
    fn leave(&self, output: Activation) -> (Activation, Option<Isolated>);
}

/// What all inputs of graphs depend on, so that they have gradients.
#[derive(Debug)]
pub struct Origin(Tensor<1>);

impl Origin {
    /// On an autodiff device.
    pub fn on(device: &Device) -> Self {
        Self(Tensor::zeros([1], device).require_grad())
    }
}

/// A gradient on its way from one graph to another.
#[derive(Clone, Debug, Default)]
pub struct Slot(Arc<Mutex<Option<Activation>>>);

impl Slot {
    fn put(&self, gradient: Activation) {
        if let Ok(mut there) = self.0.lock() {
            *there = Some(gradient);
        }
    }

    /// The gradient; none where the backward pass did not come here.
    pub fn take(&self) -> Option<Activation> {
        self.0.lock().ok()?.take()
    }
}

/// The graph of one node, for one backward pass.
#[derive(Debug)]
pub struct Isolated {
    end: Tensor<1>,
    given: Slot,
}

impl Isolated {
    /// The backward pass from the gradient of the output: those of the parameters, and those of the inputs in their slots.
    pub fn backward(self, gradient: Activation) -> Gradients {
        self.given.put(gradient);
        self.end.backward()
    }
}

/// The cuts on backend `B`.
pub struct Cuts<B>(PhantomData<fn() -> B>);

impl<B> Default for Cuts<B> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<B> fmt::Debug for Cuts<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cuts")
    }
}

impl<B: Backend> Isolation for Cuts<B>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    fn enter(&self, value: Activation, origin: &Origin) -> (Activation, Slot) {
        let slot = Slot::default();
        let entered = match value {
            Activation::Maps(maps) => Activation::Maps(enter::<B, 4>(maps, origin, slot.clone(), Activation::Maps)),
            Activation::Vectors(vectors) => {
                Activation::Vectors(enter::<B, 2>(vectors, origin, slot.clone(), Activation::Vectors))
            }
        };
        (entered, slot)
    }

    fn leave(&self, output: Activation) -> (Activation, Option<Isolated>) {
        match output {
            Activation::Maps(maps) => {
                let (maps, graph) = leave::<B, 4>(maps);
                (Activation::Maps(maps), graph)
            }
            Activation::Vectors(vectors) => {
                let (vectors, graph) = leave::<B, 2>(vectors);
                (Activation::Vectors(vectors), graph)
            }
        }
    }
}

fn enter<B: Backend, const D: usize>(
    value: Tensor<D>,
    origin: &Origin,
    slot: Slot,
    wrap: fn(Tensor<D>) -> Activation,
) -> Tensor<D>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    let origin = primitive::<Autodiff<B>, 1>(origin.0.clone());
    let value = primitive::<B, D>(value);
    let prepared = Entry::<D>
        .prepare::<NoCheckpointing>([origin.node()])
        .compute_bound()
        .stateful();
    let entered = match prepared {
        OpsKind::Tracked(prepared) => prepared.finish(Taken { slot, wrap }, value),
        OpsKind::UnTracked(prepared) => prepared.finish(value),
    };
    Tensor::from_primitive::<Autodiff<B>>(entered)
}

fn leave<B: Backend, const D: usize>(output: Tensor<D>) -> (Tensor<D>, Option<Isolated>)
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    if !output.device().is_autodiff() {
        return (output, None);
    }
    let output = primitive::<Autodiff<B>, D>(output);
    let (value, node) = output.into_parts();
    let given = Slot::default();
    let graph = match Exit::<D>.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::UnTracked(_) => None,
        OpsKind::Tracked(prepared) => {
            let end = B::float_zeros([1].into(), &value.device(), value.dtype().into());
            let end = prepared.finish(given.clone(), end);
            Some(Isolated {
                end: Tensor::from_primitive::<Autodiff<B>>(end),
                given,
            })
        }
    };
    (Tensor::from_primitive::<B>(value), graph)
}

/// The input of a graph: its backward pass leaves the gradient in the slot.
#[derive(Debug)]
struct Entry<const D: usize>;

/// Where an entry leaves its gradient.
#[derive(Clone, Debug)]
struct Taken<const D: usize> {
    slot: Slot,
    wrap: fn(Tensor<D>) -> Activation,
}

impl<B: Backend, const D: usize> Backward<B, 1> for Entry<D>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    type State = Taken<D>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Found, _: &mut Checkpointer) {
        let gradient = gradients.consume::<B>(&ops.node);
        let Taken { slot, wrap } = ops.state;
        slot.put(wrap(Tensor::from_primitive::<B>(gradient)));
    }
}

/// The end of a graph: its backward pass begins with the gradient in the slot, whatever that of the end is.
#[derive(Debug)]
struct Exit<const D: usize>;

impl<B: Backend, const D: usize> Backward<B, 1> for Exit<D>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    type State = Slot;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Found, _: &mut Checkpointer) {
        drop(gradients.consume::<B>(&ops.node));
        let [parent] = ops.parents;
        if let (Some(parent), Some(gradient)) = (parent, ops.state.take()) {
            gradients.register::<B>(parent.id, of_activation::<B>(gradient));
        }
    }
}

fn of_activation<B: Backend>(gradient: Activation) -> Primitive<B>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    match gradient {
        Activation::Maps(maps) => primitive::<B, 4>(maps),
        Activation::Vectors(vectors) => primitive::<B, 2>(vectors),
    }
}
