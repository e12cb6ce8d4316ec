//! Stochastic gradient descent with PyTorch's semantics.

use std::collections::HashMap;

use burn::module::{ModuleMapper, Param, ParamId};
use burn::optim::momentum::{MomentumConfig, MomentumState};
use burn::optim::{
    DynState, GradientsParams, Optimizer as _, RecordState, Sgd, SgdConfig, SgdState, StateSink,
    decay::WeightDecayConfig,
};
use burn::tensor::{Tensor, TensorData};

use crate::formats::ablation::TrainSettings;
use crate::formats::weights::Weights;
use crate::model::Model;

/// Burn's SGD with a velocity for each parameter.
///
/// The arithmetic is Burn's own. The velocities are kept here rather than by Burn's `ModuleOptimizer`, which names them
/// by IDs that differ in every process: a checkpoint needs them by the parameters' names.
pub struct Optimizer {
    rule: Sgd,
    /// The state of each parameter, `SgdState<RANK>`.
    states: HashMap<ParamId, DynState>,
}

impl Optimizer {
    /// SGD with momentum, Nesterov and weight decay on every parameter, as in PyTorch and the authors' code: Burn's
    /// default dampening of 0.1 is set to 0.
    pub fn new(train: &TrainSettings) -> Self {
        let momentum = (train.momentum > 0.0).then(|| {
            MomentumConfig::new()
                .with_momentum(train.momentum)
                .with_dampening(0.0)
                .with_nesterov(train.nesterov)
        });
        let decay = (train.weight_decay > 0.0).then(|| WeightDecayConfig::new(train.weight_decay as f32));
        let config = SgdConfig::new().with_momentum(momentum).with_weight_decay(decay);
        Self {
            rule: config.build(),
            states: HashMap::new(),
        }
    }

    /// Updates every parameter that has a gradient.
    pub fn step(&mut self, rate: f64, model: Model, gradients: GradientsParams) -> Model {
        model.map(&mut Update {
            optimizer: self,
            gradients,
            rate,
        })
    }

    /// The velocity of each parameter by its name, in PyTorch's layout; empty before the first step and without
    /// momentum.
    pub fn momentum(&self, model: &Model) -> Weights {
        model.learned_values(|id| velocity(self.states.get(&id)?))
    }

    /// Takes velocities as [`Optimizer::momentum`] gave them for the same network.
    pub fn restore(&mut self, model: &Model, momentum: &Weights) {
        self.states.clear();
        let device = model.device().clone().inner();
        model.give_learned_values(momentum, |id, data| {
            let state = match data.shape().num_dims() {
                1 => state_of(Tensor::<1>::from_data(data, &device)),
                2 => state_of(Tensor::<2>::from_data(data, &device)),
                _ => state_of(Tensor::<4>::from_data(data, &device)),
            };
            self.states.insert(id, state);
        });
    }
}

fn state_of<const D: usize>(velocity: Tensor<D>) -> DynState {
    DynState::create(SgdState::new(Some(MomentumState::new(velocity))), D)
}

/// The one tensor of a parameter's state, if it has one.
fn velocity(state: &DynState) -> Option<TensorData> {
    let mut sink = StateSink::default();
    match state.rank() {
        1 => state.downcast_ref::<SgdState<1>>().state_flatten("", &mut sink),
        2 => state.downcast_ref::<SgdState<2>>().state_flatten("", &mut sink),
        _ => state.downcast_ref::<SgdState<4>>().state_flatten("", &mut sink),
    }
    sink.tensors.pop().map(|(_, data)| data)
}

/// One step over the parameters of a network.
struct Update<'a> {
    optimizer: &'a mut Optimizer,
    gradients: GradientsParams,
    rate: f64,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = parameter.consume();
        let Some(gradient) = self.gradients.remove::<D>(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let requires_gradient = tensor.is_require_grad();
        let state = self.optimizer.states.remove(&id).map(DynState::downcast::<SgdState<D>>);
        let (updated, state) = self.optimizer.rule.step(self.rate, tensor.inner(), gradient, state);
        if let Some(state) = state {
            self.optimizer.states.insert(id, DynState::create(state, D));
        }
        let tensor = Tensor::from_inner(updated).set_require_grad(requires_gradient);
        Param::from_mapped_value(id, tensor, mapper)
    }
}
