//! The steps that are measured: of training, and of evaluation.

use std::sync::Arc;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};

use super::timer::{Phase, Workload};
use crate::data::{Batch, LoaderError};
use crate::formats::ablation::TrainSettings;
use crate::model::{Isolation, Model, NodeByNode, ProgramUnit, Watcher};
use crate::training::{Learner, Targets, TrainingImages, batch_tensors};

/// A batch of `size` images: the first of the training split in the data set's order, not augmented, from the first
/// again where there are fewer. What images show does not change how long a step takes or what it needs.
///
/// # Errors
/// Images that cannot be prepared.
pub fn resident_batch(images: &TrainingImages, size: usize) -> Result<Batch, LoaderError> {
    let first = images.train_batches_in_order(size.min(images.split_images()))?.next();
    let mut batch = first.unwrap_or_else(|| Err(LoaderError::Plan("there are no training images".to_owned())))?;
    let there = batch.labels.len().max(1);
    let values = batch.images.len() / there;
    batch.images = batch.images.iter().copied().cycle().take(values * size).collect();
    batch.labels = batch.labels.iter().copied().cycle().take(size).collect();
    batch.indices = batch.indices.iter().copied().cycle().take(size).collect();
    batch.shape[0] = size;
    Ok(batch)
}

/// Training steps on one batch that stays on the device.
pub struct TrainingSteps {
    learner: Learner,
    device: Device,
    images: Tensor<4>,
    labels: Tensor<1, Int>,
    rate: f64,
    loss: Option<Tensor<1>>,
    gradients: Option<GradientsParams>,
}

impl TrainingSteps {
    /// Steps of a network that was built on an autodiff device.
    pub fn new(model: Model, optimizer: &TrainSettings, batch: Batch) -> Self {
        let learner = Learner::new(model, optimizer);
        let device = learner.device();
        let (images, labels) = batch_tensors(batch, &device);
        Self {
            learner,
            device,
            images,
            labels,
            rate: optimizer.learning_rate,
            loss: None,
            gradients: None,
        }
    }
}

impl TrainingSteps {
    /// The device that the network is on.
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// What a step is made of.
    pub(super) fn units(&self) -> Vec<ProgramUnit> {
        self.learner.model.program().units()
    }

    /// Forward and backward node by node; the weights stay as they are.
    pub(super) fn step_node_by_node(&mut self, isolation: &dyn Isolation, watcher: Arc<dyn Watcher>) {
        let targets = Targets::labels(self.labels.clone());
        let steps = NodeByNode::new(&self.learner.model, isolation, watcher);
        // As in a step, the gradients of all parameters are there until its end.
        drop(steps.step(self.images.clone(), |outputs| targets.loss_of(&outputs)));
    }
}

impl Workload for TrainingSteps {
    fn step(&mut self) {
        self.learner.step(self.images.clone(), self.labels.clone(), self.rate);
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::Forward, Phase::Backward, Phase::Optimizer]
    }

    fn phase(&mut self, phase: Phase) {
        match phase {
            Phase::Forward => {
                let (_, loss) = self.learner.forward(self.images.clone(), self.labels.clone());
                self.loss = Some(loss);
            }
            Phase::Backward => self.gradients = self.loss.take().map(|loss| self.learner.backward(&loss)),
            Phase::Optimizer => {
                if let Some(gradients) = self.gradients.take() {
                    self.learner.update(gradients, self.rate);
                }
            }
        }
    }

    fn synchronize(&mut self) {
        wait_for(&self.device);
    }
}

/// Forward passes in evaluation on one batch that stays on the device.
pub struct EvaluationSteps {
    model: Model,
    device: Device,
    images: Tensor<4>,
}

impl EvaluationSteps {
    /// Passes of a network that was built on an autodiff device.
    pub fn new(model: &Model, batch: Batch) -> Self {
        let model = model.valid();
        let device = model.device().clone();
        let (images, _) = batch_tensors(batch, &device);
        Self { model, device, images }
    }
}

impl Workload for EvaluationSteps {
    fn step(&mut self) {
        self.model.forward(self.images.clone());
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::Forward]
    }

    fn phase(&mut self, _: Phase) {
        self.step();
    }

    fn synchronize(&mut self) {
        wait_for(&self.device);
    }
}

/// Waits for the device. A device that fails meanwhile has failed the measurement: the panic ends its process, as
/// those of Burn's own operations do, and the parent reads why.
pub(super) fn wait_for(device: &Device) {
    if let Err(error) = device.sync() {
        std::panic::panic_any(format!("the device failed: {error:?}"));
    }
}
