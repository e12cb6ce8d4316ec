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
use crate::model::{Model, SgdRule};

/// Burn's SGD with a velocity for each parameter.
///
/// The arithmetic is Burn's own. The velocities are kept here rather than by Burn's `ModuleOptimizer`, which names them
/// by IDs that differ in every process: a checkpoint needs them by the parameters' names.
pub struct Optimizer {
    rule: Sgd,
    /// The state of each trained parameter, `SgdState<RANK>`.
    states: HashMap<ParamId, DynState>,
    /// What the learning rate is multiplied by, of the parameters that have one of their own.
    factors: HashMap<ParamId, f64>,
}

impl Optimizer {
    /// SGD with momentum, Nesterov and weight decay on every parameter of a network, as in PyTorch and the authors' code:
    /// Burn's default dampening of 0.1 is set to 0.
    pub fn new(train: &TrainSettings, model: &Model) -> Self {
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
            factors: factors(train, model),
        }
    }

    /// Updates every parameter that has a gradient, at the learning rate or at that of its group. Frozen ones have none.
    pub fn step(&mut self, rate: f64, model: Model, gradients: GradientsParams) -> Model {
        model.map(&mut Update {
            optimizer: self,
            gradients,
            rate,
        })
    }

    /// The velocity of each trained parameter by its name, in PyTorch's layout; empty before the first step and without
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

/// The rule of [`Optimizer`] as plain numbers.
pub(super) fn sgd_rule(train: &TrainSettings, model: &Model) -> SgdRule {
    SgdRule {
        momentum: train.momentum,
        nesterov: train.nesterov,
        weight_decay: train.weight_decay,
        factors: factors(train, model),
    }
}

/// The learning rates of groups, as multiples of the one that the schedule is for.
fn factors(train: &TrainSettings, model: &Model) -> HashMap<ParamId, f64> {
    let groups = &train.fine_tuning.groups;
    let mut factors = HashMap::new();
    if groups.is_empty() {
        return factors;
    }
    let ids: HashMap<String, ParamId> = model.learned_ids().collect();
    for group in groups {
        // The names were checked against the network when it was laid out.
        let meant = model.graph().tensors_named(&group.tensors, "learning-rate-groups");
        for name in meant.into_iter().flatten() {
            factors.extend(
                ids.get(&name)
                    .map(|&id| (id, group.learning_rate / train.learning_rate)),
            );
        }
    }
    factors
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
        let rate = self.rate * self.optimizer.factors.get(&id).copied().unwrap_or(1.0);
        let (updated, state) = self.optimizer.rule.step(rate, tensor.inner(), gradient, state);
        if let Some(state) = state {
            self.optimizer.states.insert(id, DynState::create(state, D));
        }
        let tensor = Tensor::from_inner(updated).set_require_grad(requires_gradient);
        Param::from_mapped_value(id, tensor, mapper)
    }
}
