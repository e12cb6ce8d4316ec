//! One step of training: the same step that `run` trains with, the tests compare with PyTorch and the benches time.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::loss::Targets;
use super::loss_scale;
use super::optimizer::Optimizer;
use super::static_step::{StaticParts, StaticStep};
use super::step_results::Step;
use crate::data::Batch;
use crate::formats::ablation::{Precision, RunSettings, TrainSettings};
use crate::formats::batches::BatchFile;
use crate::formats::loss_scale::LossScale;
use crate::formats::weights::Weights;
use crate::model::{Model, Outputs};

/// A network that learns, and the state of its optimizer.
pub struct Learner {
    /// The network, on an autodiff device.
    pub model: Model,
    rule: Rule,
    /// Where the loss is scaled.
    loss_scale: Option<LossScale>,
    /// The statistics of the last forward pass, where static steps have yet to follow them.
    observed: Vec<[Tensor<1>; 2]>,
}

/// What updates the network.
enum Rule {
    /// Burn's optimizer, which makes new tensors in each step.
    Burn(Optimizer),
    /// Steps whose tensors stay where they are.
    Static(Box<StaticStep>),
}

impl Learner {
    /// A network that was built on an autodiff device, with a new optimizer.
    pub fn new(model: Model, train: &TrainSettings) -> Self {
        Self {
            rule: Rule::Burn(Optimizer::new(train, &model)),
            model,
            loss_scale: None,
            observed: Vec::new(),
        }
    }

    /// The same with steps whose tensors stay where they are, where there is what carries them out. No step has been made yet.
    pub fn with_static_steps(self, parts: Option<StaticParts>) -> Self {
        match parts {
            Some(parts) => Self {
                rule: Rule::Static(Box::new(StaticStep::new(parts))),
                ..self
            },
            None => self,
        }
    }

    /// The same with the loss scaled, from that state on, where there is one.
    pub fn scaling_loss(self, loss_scale: Option<LossScale>) -> Self {
        Self { loss_scale, ..self }
    }

    /// Resumes a network's training with the velocities that [`Learner::momentum`] gave.
    pub fn resumed(model: Model, train: &TrainSettings, momentum: &Weights) -> Self {
        Self::new(model, train).restored(momentum)
    }

    /// The same with the velocities that [`Learner::momentum`] gave.
    pub fn restored(mut self, momentum: &Weights) -> Self {
        match &mut self.rule {
            Rule::Burn(optimizer) => optimizer.restore(&self.model, momentum),
            Rule::Static(steps) => {
                let mut velocities = Vec::new();
                self.model
                    .give_learned_values(momentum, |id, data| velocities.push((id, data)));
                steps.restore(velocities);
            }
        }
        self
    }

    /// The optimizer's velocity of each trained parameter by its name; empty before the first step and without momentum.
    pub fn momentum(&self) -> Weights {
        match &self.rule {
            Rule::Burn(optimizer) => optimizer.momentum(&self.model),
            Rule::Static(steps) => self.model.learned_values(|id| steps.velocity(id)),
        }
    }

    /// The addresses of all that stays where it is in static steps; none of others.
    pub fn static_addresses(&self) -> Vec<usize> {
        match &self.rule {
            Rule::Burn(_) => Vec::new(),
            Rule::Static(steps) => steps.addresses(),
        }
    }

    /// Why steps are not replayed from a graph though they were to be.
    pub fn graph_note(&self) -> Option<&str> {
        match &self.rule {
            Rule::Burn(_) => None,
            Rule::Static(steps) => steps.note(),
        }
    }

    /// The state of the loss' scaling after the last step, where it is scaled.
    pub fn loss_scale(&self) -> Option<LossScale> {
        self.loss_scale
    }

    /// The device that the network is on.
    pub fn device(&self) -> Device {
        self.model.device().clone()
    }

    /// One step of stochastic gradient descent on images `[batch, channels, height, width]` with labels `[batch]`.
    pub fn step(&mut self, images: Tensor<4>, labels: Tensor<1, Int>, rate: f64) -> Step {
        self.step_towards(images, &Targets::labels(labels), rate)
    }

    /// One step on images `[batch, channels, height, width]` towards targets that may be more than labels.
    pub fn step_towards(&mut self, images: Tensor<4>, targets: &Targets, rate: f64) -> Step {
        if let (Rule::Static(steps), None) = (&mut self.rule, self.loss_scale) {
            return steps.step(&self.model, images, targets, rate);
        }
        let outputs = self.outputs(images);
        let loss = targets.loss_of(&outputs);
        let gradients = self.backward(&loss);
        self.update(gradients, rate);
        Step {
            loss: loss.without_autodiff(),
            logits: outputs.logits.without_autodiff(),
        }
    }

    /// The forward pass of a training step: logits `[batch, classes]` and the loss `[1]`, as [`Step`] has them.
    pub fn forward(&mut self, images: Tensor<4>, labels: Tensor<1, Int>) -> (Tensor<2>, Tensor<1>) {
        let outputs = self.outputs(images);
        let loss = Targets::labels(labels).loss_of(&outputs);
        (outputs.logits, loss)
    }

    /// What the network gives for images. The running statistics follow, of static steps when they are updated.
    fn outputs(&mut self, images: Tensor<4>) -> Outputs {
        match self.rule {
            Rule::Burn(_) => self.model.outputs(images),
            Rule::Static(_) => {
                let (outputs, observed) = self.model.outputs_and_statistics(images);
                self.observed = observed;
                outputs
            }
        }
    }

    /// The backward pass: the loss' gradients by every parameter, times the loss' scale where it is scaled.
    pub fn backward(&self, loss: &Tensor<1>) -> GradientsParams {
        let gradients = match self.loss_scale {
            Some(LossScale { scale, .. }) => loss.clone().mul_scalar(scale).backward(),
            None => loss.backward(),
        };
        GradientsParams::from_grads(gradients, self.model.parameters())
    }

    /// The optimizer's step with the gradients of [`Learner::backward`]; none where the loss is scaled and a gradient is not
    /// finite.
    pub fn update(&mut self, mut gradients: GradientsParams, rate: f64) {
        if let Rule::Static(steps) = &mut self.rule {
            steps.follow(std::mem::take(&mut self.observed));
        }
        if let Some(scale) = &mut self.loss_scale {
            let is_finite = loss_scale::unscale(&self.model, &mut gradients, scale.scale);
            loss_scale::follow(scale, is_finite);
            if !is_finite {
                return;
            }
        }
        match &mut self.rule {
            Rule::Burn(optimizer) => self.model = optimizer.step(rate, self.model.clone(), gradients),
            Rule::Static(steps) => steps.update(gradients, rate),
        }
    }
}

/// The state of the loss' scaling at the start of a run; none in a precision whose gradients do not underflow.
pub fn initial_loss_scale(run: &RunSettings) -> Option<LossScale> {
    (run.precision == Precision::F16).then(LossScale::default)
}

/// A batch on a device: images `[batch, channels, height, width]` and labels `[batch]`.
pub fn batch_tensors(batch: Batch, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
    tensors(batch.images, batch.shape, batch.labels, device)
}

/// A batch of a file on a device, likewise; none where there is no such batch.
pub(super) fn file_tensors(file: &BatchFile, index: usize, device: &Device) -> Option<(Tensor<4>, Tensor<1, Int>)> {
    let (images, labels) = file.batch(index)?;
    Some(tensors(images.to_vec(), file.shape, labels.to_vec(), device))
}

fn tensors(images: Vec<f32>, shape: [usize; 4], labels: Vec<i64>, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
    let count = labels.len();
    let images = Tensor::from_data(TensorData::new(images, shape), device);
    let labels = Tensor::from_data(TensorData::new(labels, [count]), device);
    (images, labels)
}

/// How many of the batch have their largest logit elsewhere than at their label, `[1]`.
pub(super) fn wrong(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1, Int> {
    logits.argmax(1).squeeze_dim::<1>(1).not_equal(labels).int().sum()
}

/// 1 for each image of the batch whose largest logit is its label's, else 0, `[batch]`.
pub(super) fn right(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1, Int> {
    logits.argmax(1).squeeze_dim::<1>(1).equal(labels).int()
}
