//! What a training step needs whose tensors stay where they are: so that the step can be captured once and replayed.

use std::collections::HashMap;

use burn::backend::{Backend, DispatchKindConversion, DispatchTensor};
use burn::module::ParamId;
use burn::optim::GradientsParams;
use burn::tensor::{Int, Tensor, TensorData};

use super::batch_norm::BatchNorm;
use super::network::Model;
use super::parameters::{Layer, Learned};
use super::segment::Primitive;

/// Stochastic gradient descent with PyTorch's semantics, dampening 0.
#[derive(Clone, Debug, Default)]
pub struct SgdRule {
    /// The share of the velocity that is kept; 0 for none.
    pub momentum: f64,
    /// Whether the step looks ahead by the velocity.
    pub nesterov: bool,
    /// Times the weights, added to the gradient.
    pub weight_decay: f64,
    /// What the learning rate is multiplied by, of the parameters that have one of their own.
    pub factors: HashMap<ParamId, f64>,
}

/// Updates a network where its tensors are. The network shares them: it is updated as these are.
pub trait InPlace {
    /// Copies a batch, images `[batch, channels, height, width]` and labels `[batch]`, into buffers of its own and gives these;
    /// none of a batch of another size than the first.
    fn load(&mut self, images: &Tensor<4>, labels: &Tensor<1, Int>) -> Option<(Tensor<4>, Tensor<1, Int>)>;

    /// Sets the learning rate of the next updates, on the device.
    fn set_rate(&mut self, rate: f64);

    /// One update of every parameter that has a gradient, in the same operations each time after the first.
    fn update(&mut self, gradients: GradientsParams);

    /// Brings the running statistics one batch further: of each normalisation that is not frozen, in the network's order, its
    /// mean and its unbiased variance, each `[channels]`.
    fn follow(&mut self, statistics: Vec<[Tensor<1>; 2]>);

    /// A parameter's velocity; none before the first update and without momentum.
    fn velocity(&self, id: ParamId) -> Option<TensorData>;

    /// Takes the velocities that [`InPlace::velocity`] gave.
    fn restore(&mut self, velocities: Vec<(ParamId, TensorData)>);

    /// The addresses of all that stays where it is.
    fn addresses(&self) -> Vec<usize>;
}

/// A step's operations on a device, recorded once and then carried out again with one call.
pub trait StepGraph {
    /// From here on operations are recorded and not carried out.
    ///
    /// # Errors
    /// The device's message.
    fn begin(&mut self) -> Result<(), String>;

    /// Ends the recording.
    ///
    /// # Errors
    /// The device's message.
    fn end(&mut self) -> Result<(), String>;

    /// Carries out what was recorded.
    ///
    /// # Errors
    /// The device's message.
    fn replay(&mut self) -> Result<(), String>;
}

/// Brings batches to a device beside its work.
pub trait Uploads {
    /// Begins to bring a batch, images `[batch, channels, height, width]` and their labels, and returns while it is on its way.
    ///
    /// # Errors
    /// The device's message.
    fn begin(&mut self, images: &[f32], shape: [usize; 4], labels: &[i64]) -> Result<(), String>;

    /// The batch that was begun first, on the device, without autodiff. What the device is given from now on is done after it
    /// has arrived; the caller does not wait.
    ///
    /// # Errors
    /// The device's message.
    fn end(&mut self) -> Result<(Tensor<4>, Tensor<1, Int>), String>;
}

/// A parameter that is trained.
pub struct TrainedPrimitive<B: Backend> {
    /// Its ID.
    pub id: ParamId,
    /// Its dimensions.
    pub rank: usize,
    /// The tensor itself.
    pub tensor: Primitive<B>,
}

impl Model {
    /// The parameters that are trained, in the network's order.
    ///
    /// # Panics
    /// Of a network on another backend.
    pub fn trained_primitives<B: Backend>(&self) -> Vec<TrainedPrimitive<B>>
    where
        DispatchTensor: DispatchKindConversion<B>,
    {
        let learned = self.parameters().layers().iter().flat_map(Layer::learned);
        learned
            .filter_map(|(_, learned)| {
                let (rank, tensor) = match &learned {
                    Learned::Vector(vector) if vector.val().is_require_grad() => {
                        (1, primitive_of::<B, 1>(vector.val()))
                    }
                    Learned::Matrix(matrix) if matrix.val().is_require_grad() => {
                        (2, primitive_of::<B, 2>(matrix.val()))
                    }
                    Learned::Kernel(kernel) if kernel.val().is_require_grad() => {
                        (4, primitive_of::<B, 4>(kernel.val()))
                    }
                    _ => return None,
                };
                let id = learned.id();
                Some(TrainedPrimitive { id, rank, tensor })
            })
            .collect()
    }

    /// The running mean and variance of every normalisation that is not frozen, in the network's order.
    ///
    /// # Panics
    /// Of a network on another backend.
    pub fn running_primitives<B: Backend>(&self) -> Vec<[Primitive<B>; 2]>
    where
        DispatchTensor: DispatchKindConversion<B>,
    {
        let norms = self.parameters().layers().iter().filter_map(Layer::as_norm);
        let following = norms.filter(|norm| !norm.is_fixed()).map(BatchNorm::running);
        following.map(|pair| pair.map(primitive_of::<B, 1>)).collect()
    }
}

/// A parameter's gradient; none of a frozen one.
pub fn gradient_primitive<B: Backend>(gradients: &mut GradientsParams, id: ParamId, rank: usize) -> Option<Primitive<B>>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    match rank {
        1 => gradients.remove::<1>(id).map(primitive_of::<B, 1>),
        2 => gradients.remove::<2>(id).map(primitive_of::<B, 2>),
        _ => gradients.remove::<4>(id).map(primitive_of::<B, 4>),
    }
}

/// A tensor's primitive, without autodiff; it shares the tensor's memory.
pub fn primitive_of<B: Backend, const D: usize>(tensor: Tensor<D>) -> Primitive<B>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    let primitive = tensor.without_autodiff().try_into_primitive::<B>();
    primitive.expect("a network's tensors are on the backend that updates them")
}
