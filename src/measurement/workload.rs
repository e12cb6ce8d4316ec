//! The steps that are measured: of training, and of evaluation.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};

use super::timer::{Phase, Workload};
use crate::data::{Batch, LoaderError};
use crate::formats::ablation::{RunSettings, TrainSettings};
use crate::model::Model;
use crate::training::{Learner, StaticParts, TrainingImages, batch_tensors, initial_loss_scale};

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
    /// Steps of a network that was built on an autodiff device; static ones where there is what carries them out.
    pub fn new(
        model: Model,
        run: &RunSettings,
        optimizer: &TrainSettings,
        static_parts: Option<StaticParts>,
        batch: Batch,
    ) -> Self {
        let learner = Learner::new(model, optimizer)
            .with_static_steps(static_parts)
            .scaling_loss(initial_loss_scale(run));
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

    fn note(&self) -> Option<String> {
        let reason = self.learner.graph_note()?;
        Some(format!("the training step was not recorded in a CUDA graph ({reason})"))
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
