//! The training loop.

use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::{Int, Tensor};

use super::evaluation::{Evaluation, evaluate, read_counts, read_losses};
use super::images::TrainingImages;
use super::schedule::RunLength;
use super::step::{Learner, Step, batch_tensors, wrong};
use crate::data::{Batch, LoaderError};
use crate::formats::ablation::TrainSettings;
use crate::model::DenseNet;
use crate::random::{Purpose, Stream};

/// Steps between two readings of the losses, which stay on the device in between: a reading waits for the device.
const STEPS_BETWEEN_READINGS: usize = 50;

/// Told what happens while a network trains.
pub trait Observer {
    /// Losses (mean cross-entropy of the batch, in nats) of the steps from `first` on, and their learning rates.
    ///
    /// # Errors
    /// Whatever keeps the observer from recording them; training stops.
    fn steps(&mut self, epoch: usize, first: usize, losses: &[f64], rates: &[f64]) -> std::io::Result<()>;

    /// An epoch has ended.
    ///
    /// # Errors
    /// Whatever keeps the observer from recording it; training stops.
    fn epoch(&mut self, epoch: usize, outcome: &Final, wall: Duration) -> std::io::Result<()>;
}

/// Loss and error after an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Final {
    /// Mean over the epoch's images, taken while training.
    pub train: Evaluation,
    /// On the images held out, if any.
    pub validation: Option<Evaluation>,
    /// On the test split.
    pub test: Evaluation,
}

impl Final {
    /// The step that spoils a network shows in its next loss, and after the last step that is the evaluation's.
    fn check_finite(&self, epoch: usize) -> Result<(), TrainError> {
        let splits = [("test", Some(self.test)), ("validation", self.validation)];
        for (split, evaluation) in splits {
            if let Some(Evaluation { loss, .. }) = evaluation
                && !loss.is_finite()
            {
                return Err(TrainError::NotFinite { split, loss, epoch });
            }
        }
        Ok(())
    }
}

/// A network that has been trained.
pub struct Trained {
    /// The network.
    pub model: DenseNet,
    /// Loss and error after the last epoch.
    pub last: Final,
    /// Training images a second over whole epochs, evaluation left out.
    pub images_per_second: f64,
}

/// Why training stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The loss is no finite number any more.
    #[error("the loss became {loss} at step {step} (epoch {epoch}); take a smaller learning-rate")]
    Diverged {
        /// The loss.
        loss: f64,
        /// The step, from 0.
        step: usize,
        /// The epoch, from 0.
        epoch: usize,
    },
    /// The network gives no finite loss in evaluation.
    #[error("the {split} loss is {loss} after epoch {epoch}; take a smaller learning-rate")]
    NotFinite {
        /// `test` or `validation`.
        split: &'static str,
        /// The loss.
        loss: f64,
        /// The epoch, from 0.
        epoch: usize,
    },
    /// The images could not be prepared.
    #[error(transparent)]
    Images(#[from] LoaderError),
    /// A row could not be recorded.
    #[error("a row could not be recorded: {0}")]
    Record(#[from] std::io::Error),
    /// The run has no step.
    #[error("the run has no step; give epochs or steps of at least 1")]
    Empty,
}

/// Trains a network that was built on an autodiff device; `seed` decides batch order, augmentation and dropout.
///
/// # Errors
/// A loss that is not finite, images that cannot be prepared, an observer that cannot record.
pub fn train(
    model: DenseNet,
    train: &TrainSettings,
    data: &TrainingImages,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let length = RunLength::new(train, data.train_images());
    let mut run = Run {
        learner: Learner::new(model, train),
        train,
        length,
        seed,
    };
    let mut loader = data.training_batches(train, seed, length.epochs)?;
    let mut last = None;
    let mut timed = Throughput::default();
    for epoch in 0..length.epochs {
        let begun = Instant::now();
        let while_training = run.epoch(epoch, &mut loader, observer)?;
        timed.add(while_training.images, begun.elapsed());
        let settled = run.learner.model.valid();
        let outcome = Final {
            train: while_training,
            validation: match data.validation_batches(train.batch_size)? {
                Some(batches) => Some(evaluate(&settled, batches)?),
                None => None,
            },
            test: evaluate(&settled, data.test_batches(train.batch_size)?)?,
        };
        observer.epoch(epoch, &outcome, begun.elapsed())?;
        outcome.check_finite(epoch)?;
        last = Some(outcome);
    }
    let last = last.ok_or(TrainError::Empty)?;
    Ok(Trained {
        model: run.learner.model,
        last,
        images_per_second: timed.images_per_second(),
    })
}

/// What one training run keeps from step to step.
struct Run<'a> {
    learner: Learner,
    train: &'a TrainSettings,
    length: RunLength,
    seed: u64,
}

impl Run<'_> {
    fn epoch(
        &mut self,
        epoch: usize,
        batches: &mut impl Iterator<Item = Result<Batch, LoaderError>>,
        observer: &mut dyn Observer,
    ) -> Result<Evaluation, TrainError> {
        let first = epoch * self.length.steps_per_epoch;
        let mut pending = Pending::default();
        let mut sums = Sums::default();
        for step in first..first + self.length.steps_in(epoch) {
            let ended = || LoaderError::Plan(format!("they ended before step {step}"));
            let batch = batches.next().unwrap_or_else(|| Err(ended()))?;
            let rate = self.length.learning_rate(self.train, step);
            pending.sizes.push(batch.labels.len());
            let (loss, wrong) = self.step(step, batch, rate);
            pending.losses.push(loss);
            pending.wrongs.push(wrong);
            pending.rates.push(rate);
            if pending.losses.len() == STEPS_BETWEEN_READINGS {
                sums.read(epoch, step, std::mem::take(&mut pending), observer)?;
            }
        }
        let end = first + self.length.steps_in(epoch);
        sums.read(epoch, end.saturating_sub(1), pending, observer)?;
        Ok(sums.evaluation())
    }

    /// One step; the loss `[1]` and the count of wrong images `[1]` stay on the device.
    fn step(&mut self, step: usize, batch: Batch, rate: f64) -> (Tensor<1>, Tensor<1, Int>) {
        let device = self.learner.device();
        // Dropout's masks come from the device's generator, seeded so that they depend on seed and step alone.
        device.seed(Stream::new(self.seed, Purpose::Device, step as u64).bits());
        let (images, labels) = batch_tensors(batch, &device);
        let Step { loss, logits } = self.learner.step(images, labels.clone(), rate);
        (loss, wrong(logits, labels.without_autodiff()))
    }
}

/// What the device still holds of the steps since the last reading.
#[derive(Default)]
struct Pending {
    losses: Vec<Tensor<1>>,
    wrongs: Vec<Tensor<1, Int>>,
    sizes: Vec<usize>,
    rates: Vec<f64>,
}

/// An epoch's sums over images.
#[derive(Default)]
struct Sums {
    loss: f64,
    wrong: usize,
    images: usize,
}

impl Sums {
    /// Reads what is pending, the last of it being `last_step`, and reports it.
    fn read(
        &mut self,
        epoch: usize,
        last_step: usize,
        pending: Pending,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let losses = read_losses(pending.losses);
        let first = (last_step + 1).saturating_sub(losses.len());
        let finite = losses.iter().take_while(|loss| loss.is_finite()).count();
        if !losses.is_empty() {
            // The loss that is not finite is recorded too: it is what happened.
            let recorded = losses.len().min(finite + 1);
            observer.steps(epoch, first, &losses[..recorded], &pending.rates[..recorded])?;
        }
        if let Some(&loss) = losses.get(finite) {
            let step = first + finite;
            return Err(TrainError::Diverged { loss, step, epoch });
        }
        self.loss += losses
            .iter()
            .zip(&pending.sizes)
            .map(|(loss, &size)| loss * size as f64)
            .sum::<f64>();
        self.wrong += read_counts(pending.wrongs);
        self.images += pending.sizes.iter().sum::<usize>();
        Ok(())
    }

    fn evaluation(&self) -> Evaluation {
        Evaluation {
            loss: self.loss / self.images as f64,
            error: self.wrong as f64 / self.images as f64,
            images: self.images,
        }
    }
}

/// Images and time of whole epochs. The first epoch counts only where it is the only one: it holds the warm-up.
#[derive(Default)]
struct Throughput {
    first: Option<(usize, Duration)>,
    images: usize,
    time: Duration,
}

impl Throughput {
    fn add(&mut self, images: usize, time: Duration) {
        if self.first.is_none() {
            self.first = Some((images, time));
        } else {
            self.images += images;
            self.time += time;
        }
    }

    fn images_per_second(&self) -> f64 {
        let (images, time) = match self.first {
            Some(first) if self.images == 0 => first,
            _ => (self.images, self.time),
        };
        images as f64 / time.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}
