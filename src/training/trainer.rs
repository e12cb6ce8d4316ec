//! The training loop.

use std::time::{Duration, Instant};

use burn::tensor::{Int, Tensor};

use super::arrivals::{Arrivals, Arrived};
use super::error::TrainError;
use super::evaluation::{Evaluated, Evaluation, evaluate, read_counts, read_losses};
use super::images::TrainingImages;
use super::loss::Targets;
use super::mixup::Mixture;
use super::schedule::RunLength;
use super::static_step::StaticParts;
use super::step::{Learner, wrong};
use super::step_results::Step;
use crate::data::{Batch, LoaderError};
use crate::formats::ablation::TrainSettings;
use crate::formats::checkpoint::{Checkpoint, Position, Sums};
use crate::formats::weights::Weights;
use crate::host::{caught, nanoseconds};
use crate::model::{Model, Uploads};
use crate::random::{Purpose, Stream};

/// Steps between two readings of the losses, which stay on the device in between: a reading waits for the device.
const STEPS_BETWEEN_READINGS: usize = 50;

/// Receives the events of a training run, and decides whether it continues.
pub trait Observer {
    /// Losses (mean cross-entropy of the batch with its targets, in nats) of the steps from `first` on, and their learning rates.
    ///
    /// # Errors
    /// The observer could not record them; training stops.
    fn steps(&mut self, epoch: usize, first: usize, losses: &[f64], rates: &[f64]) -> std::io::Result<()>;

    /// An epoch has ended.
    ///
    /// # Errors
    /// The observer could not record it; training stops.
    fn epoch(&mut self, epoch: usize, outcome: &Final, time: EpochTime) -> std::io::Result<()>;

    /// The run can resume from here. Every step and epoch before it has been reported.
    ///
    /// # Errors
    /// The observer could not record it; training stops.
    fn checkpoint(&mut self, checkpoint: Checkpoint) -> std::io::Result<()>;

    /// Whether training is to stop, with a checkpoint, when the step or the evaluation at work has ended.
    fn is_to_stop(&self) -> bool;
}

/// Where training starts: a new network, or a checkpoint.
pub struct Start {
    /// The network, built on an autodiff device.
    pub model: Model,
    /// The optimizer's velocities; empty for a new network.
    pub momentum: Weights,
    /// The position in the run.
    pub position: Position,
    /// What carries static steps out, where they are to be made.
    pub static_parts: Option<StaticParts>,
    /// What brings batches to the device beside its work, where there is anything.
    pub uploads: Option<Box<dyn Uploads>>,
}

/// How long an epoch took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochTime {
    /// With its evaluation.
    pub wall: Duration,
    /// Its training steps.
    pub train: Duration,
    /// The evaluation on the test split.
    pub test: Duration,
}

/// Loss and error after an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Final {
    /// Mean over the epoch's images, taken while training.
    pub train: Evaluation,
    /// On the images held out, if any.
    pub validation: Option<Evaluation>,
    /// On the test split.
    pub test: Evaluation,
    /// Whether each image of the test split was right, in the data set's order.
    pub correct: Vec<bool>,
}

impl Final {
    /// A step that makes a network diverge shows in the next loss, and after the last step that is the evaluation's.
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
    pub model: Model,
    /// Training images a second over whole epochs, evaluation and checkpoints left out. The first epoch, which holds the
    /// warm-up, counts only where it is the only one.
    pub images_per_second: f64,
    /// Steps that were skipped since a gradient was not finite; none where the loss is not scaled.
    pub skipped_steps: Option<usize>,
    /// Why steps were not replayed from a graph though they were to be.
    pub graph_note: Option<String>,
}

/// Trains a network from its start to the run's end; `seed` decides batch order, augmentation and dropout. The numbers
/// are the same to the last bit wherever the run was stopped and resumed in between, as far as the device's operations
/// repeat.
///
/// # Errors
/// A loss that is not finite, a backend that throws, images that cannot be prepared, an observer that cannot record, or
/// one that asks to stop.
pub fn train(
    start: Start,
    train: &TrainSettings,
    data: &TrainingImages,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    let length = RunLength::new(train, data.train_images());
    if length.steps == 0 {
        return Err(TrainError::Empty);
    }
    let begun = start.position.epoch;
    let first_batch = start.position.steps.saturating_sub(begun * length.steps_per_epoch);
    let mut loader = data.training_batches(train, seed, begun..length.epochs, first_batch)?;
    let mut run = Run {
        learner: Learner::new(start.model, train)
            .with_static_steps(start.static_parts)
            .restored(&start.momentum)
            .scaling_loss(start.position.loss_scale),
        arrivals: Arrivals::new(start.uploads),
        train,
        length,
        seed,
        position: start.position,
    };
    while run.position.epoch < length.epochs {
        run.steps_of_epoch(&mut loader, observer)?;
        run.end_epoch(data, observer)?;
    }
    Ok(Trained {
        images_per_second: run.images_per_second(),
        graph_note: run.learner.graph_note().map(str::to_owned),
        skipped_steps: run.learner.loss_scale().map(|scale| scale.skipped),
        model: run.learner.model,
    })
}

/// The state of a training run.
struct Run<'a> {
    learner: Learner,
    arrivals: Arrivals,
    train: &'a TrainSettings,
    length: RunLength,
    seed: u64,
    /// Its position, as reported to the observer.
    position: Position,
}

impl Run<'_> {
    /// The steps that are left of the epoch.
    fn steps_of_epoch(
        &mut self,
        batches: &mut impl Iterator<Item = Result<Batch, LoaderError>>,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let epoch = self.position.epoch;
        let end = epoch * self.length.steps_per_epoch + self.length.steps_in(epoch);
        let mut pending = Pending::default();
        let mut begun = Instant::now();
        for step in self.position.steps..end {
            let rate = self.length.learning_rate(self.train, step);
            let doing = || format!("step {step}");
            let device = self.learner.device();
            let arrived = caught(|| self.arrivals.next(batches, step + 1 == end, &device));
            let arrived = arrived.map_err(|said| self.threw(doing(), said))??;
            pending.sizes.push(arrived.size);
            let (loss, wrong) = caught(|| self.step(step, arrived, rate)).map_err(|said| self.threw(doing(), said))?;
            pending.losses.push(loss);
            pending.wrongs.push(wrong);
            pending.rates.push(rate);

            let made = step + 1;
            let stops = observer.is_to_stop();
            let is_due = self.train.checkpoint_every.is_some_and(|every| made % every == 0);
            // At the epoch's end a checkpoint follows its evaluation.
            let keeps = stops || (is_due && made < end);
            if keeps || made == end || pending.losses.len() == STEPS_BETWEEN_READINGS {
                self.read(std::mem::take(&mut pending), observer)?;
            }
            if keeps || made == end {
                self.position.spent.epoch_ns += nanoseconds(begun.elapsed());
            }
            if keeps {
                self.keep(observer)?;
                begun = Instant::now();
            }
            if stops {
                return Err(TrainError::Interrupted { steps: made });
            }
        }
        Ok(())
    }

    /// Evaluates the epoch that has ended, and continues with the next.
    fn end_epoch(&mut self, data: &TrainingImages, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let begun = Instant::now();
        let epoch = self.position.epoch;
        let batch_size = self.train.batch_size;
        let settled = self.learner.model.valid();
        let evaluated = |batches: crate::data::Loader| {
            let until_stopped = batches.take_while(|_| !observer.is_to_stop());
            match caught(|| evaluate(&settled, until_stopped)) {
                Ok(evaluation) => evaluation.map_err(TrainError::from),
                Err(said) => Err(self.threw("the evaluation".to_owned(), said)),
            }
        };
        let validation = data.validation_batches(batch_size)?.map(evaluated).transpose()?;
        let tested = Instant::now();
        let Evaluated { whole: test, correct } = evaluated(data.test_batches(batch_size)?)?;
        let tested = tested.elapsed();
        if observer.is_to_stop() {
            // The evaluation may be incomplete; the next process repeats it.
            self.keep(observer)?;
            let steps = self.position.steps;
            return Err(TrainError::Interrupted { steps });
        }
        let outcome = Final {
            train: of_epoch(&self.position.sums),
            validation: validation.map(|validation| validation.whole),
            test,
            correct,
        };
        let train = Duration::from_nanos(self.position.spent.epoch_ns);
        let time = EpochTime {
            wall: train + begun.elapsed(),
            train,
            test: tested,
        };
        observer.epoch(epoch, &outcome, time)?;
        outcome.check_finite(epoch)?;
        self.count_time();
        self.position.epoch += 1;
        self.position.sums = Sums::default();
        self.keep(observer)
    }

    /// One step; the loss `[1]` and the count of wrong images `[1]` stay on the device.
    fn step(&mut self, step: usize, batch: Arrived, rate: f64) -> (Tensor<1>, Tensor<1, Int>) {
        // Seeded so that dropout's masks depend on seed and step alone.
        let seed = self.train.fixed_seeds.dropout.unwrap_or(self.seed);
        let seed = Stream::new(seed, Purpose::Device, step as u64).bits();
        self.learner.model.seed(seed);
        let Arrived { images, labels, .. } = batch;
        let (images, targets) = if self.train.mixup > 0.0 {
            let seed = self.train.fixed_seeds.augmentation.unwrap_or(self.seed);
            Mixture::draw(self.train.mixup, seed, step, labels.dims()[0]).apply(images, labels.clone())
        } else {
            (images, Targets::labels(labels.clone()))
        };
        let targets = targets.smoothed(self.train.label_smoothing);
        let Step { loss, logits } = self.learner.step_towards(images, &targets, rate);
        (loss, wrong(logits, labels.without_autodiff()))
    }

    /// Reads the pending results, reports them and adds them up.
    fn read(&mut self, pending: Pending, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let (epoch, first) = (self.position.epoch, self.position.steps);
        let Pending {
            losses,
            wrongs,
            sizes,
            rates,
        } = pending;
        let doing = || format!("reading the losses of {} steps from step {first}", sizes.len());
        let read = caught(|| (read_losses(losses), read_counts(wrongs)));
        let (losses, wrong) = read.map_err(|said| self.threw(doing(), said))?;
        let finite = losses.iter().take_while(|loss| loss.is_finite()).count();
        // A loss that is not finite is recorded too.
        let recorded = losses.len().min(finite + 1);
        observer.steps(epoch, first, &losses[..recorded], &rates[..recorded])?;
        if let Some(&loss) = losses.get(finite) {
            let step = first + finite;
            return Err(TrainError::Diverged { loss, step, epoch });
        }
        let sums = &mut self.position.sums;
        // One after the other, so that the sum does not depend on where the readings were.
        for (loss, &size) in losses.iter().zip(&sizes) {
            sums.loss += loss * size as f64;
        }
        sums.wrong += wrong;
        sums.images += sizes.iter().sum::<usize>();
        self.position.steps += losses.len();
        Ok(())
    }

    /// Hands a checkpoint to the observer, unless the network is not finite: the next loss will report that, and the
    /// checkpoint before it stays the last.
    fn keep(&self, observer: &mut dyn Observer) -> Result<(), TrainError> {
        let doing = || format!("reading the weights after step {}", self.position.steps);
        let read = caught(|| (self.learner.model.weights(), self.learner.momentum()));
        let (weights, momentum) = read.map_err(|said| self.threw(doing(), said))?;
        let is_finite = |tensors: &Weights| {
            let mut values = tensors.values().flat_map(|tensor| &tensor.values);
            values.all(|value| value.is_finite())
        };
        if is_finite(&weights) && is_finite(&momentum) {
            observer.checkpoint(Checkpoint {
                weights,
                momentum,
                position: Position {
                    loss_scale: self.learner.loss_scale(),
                    ..self.position.clone()
                },
            })?;
        }
        Ok(())
    }

    fn threw(&self, doing: String, said: String) -> TrainError {
        let epoch = self.position.epoch;
        TrainError::Backend { doing, epoch, said }
    }

    /// Adds the time and the images of the epoch that has ended to those of the run.
    fn count_time(&mut self) {
        let spent = &mut self.position.spent;
        let (images, time) = (self.position.sums.images, std::mem::take(&mut spent.epoch_ns));
        if self.position.epoch == 0 {
            (spent.first_images, spent.first_training_ns) = (images, time);
        } else {
            spent.images += images;
            spent.training_ns += time;
        }
    }

    fn images_per_second(&self) -> f64 {
        let spent = &self.position.spent;
        let (images, time) = match spent.images {
            0 => (spent.first_images, spent.first_training_ns),
            images => (images, spent.training_ns),
        };
        images as f64 * 1e9 / (time.max(1) as f64)
    }
}

/// The results of the steps since the last reading, still on the device.
#[derive(Default)]
struct Pending {
    losses: Vec<Tensor<1>>,
    wrongs: Vec<Tensor<1, Int>>,
    sizes: Vec<usize>,
    rates: Vec<f64>,
}

/// The means of an epoch's sums.
fn of_epoch(sums: &Sums) -> Evaluation {
    Evaluation {
        loss: sums.loss / sums.images as f64,
        error: sums.wrong as f64 / sums.images as f64,
        images: sums.images,
    }
}
