//! Stochastic gradient descent with PyTorch's semantics.

use burn::optim::{ModuleOptimizer, SgdConfig, decay::WeightDecayConfig, momentum::MomentumConfig};

use crate::formats::ablation::TrainSettings;

/// SGD with momentum, Nesterov and weight decay on every parameter, as in PyTorch and the authors' code: Burn's default
/// dampening of 0.1 is set to 0.
pub fn sgd(train: &TrainSettings) -> ModuleOptimizer {
    let momentum = (train.momentum > 0.0).then(|| {
        MomentumConfig::new()
            .with_momentum(train.momentum)
            .with_dampening(0.0)
            .with_nesterov(train.nesterov)
    });
    let decay = (train.weight_decay > 0.0).then(|| WeightDecayConfig::new(train.weight_decay as f32));
    SgdConfig::new().with_momentum(momentum).with_weight_decay(decay).init()
}
