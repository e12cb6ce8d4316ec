//! A trial in the process that was started for it: train, record rows, tell the parent.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::experiment::sha256;
use super::files::write_whole;
use super::folder::{FolderError, ResultFolder};
use super::record::{TrialRecord, TrialResult};
use super::supervise::Event;
use crate::data::{self, DataError, LoaderError};
use crate::formats::ablation::Settings;
use crate::formats::tables::{EpochRow, Row, Status, StepRow, appended_rows, write_rows};
use crate::formats::weights::{self, Weights, WeightsError};
use crate::host::{self, ArithmeticError, DeviceChoice, DeviceError};
use crate::model::initial_weights;
use crate::network::{NetworkError, Plan};
use crate::training::{BuildError, Final, Observer, TrainError, TrainingImages, build, train};

/// Why a trial failed.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// Its folder cannot be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// There is no such trial.
    #[error("trial {0} has no record in this folder; start it with `densenet-bench run`")]
    NoRecord(String),
    /// The trial does not train.
    #[error("the ablation has no [train]; there is nothing to run")]
    NoTraining,
    /// The data cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data are not those of the trial's start.
    #[error("the data changed since the trial was begun (fingerprint {found}, not {expected}); run again with --fresh")]
    OtherData {
        /// The fingerprint of today.
        found: String,
        /// The recorded one.
        expected: String,
    },
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Determinism or precision cannot be had as the settings say.
    #[error(transparent)]
    Arithmetic(#[from] ArithmeticError),
    /// The network cannot be laid out.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The file of starting weights is another than at the trial's start.
    #[error("{0}: the file changed since the trial was begun; put the old one back, or run again")]
    OtherWeights(String),
    /// The weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The network cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The built modules are not what the closed form says.
    #[error("the built network has {built} parameters and the closed form {planned}; please report this defect")]
    Miscounted {
        /// Counted over the modules.
        built: usize,
        /// In closed form.
        planned: usize,
    },
    /// The batch that is measured cannot be prepared.
    #[error(transparent)]
    Loader(#[from] LoaderError),
    /// Training stopped.
    #[error(transparent)]
    Training(#[from] TrainError),
    /// A file cannot be written.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// The weights that a trial starts from: `model.weights`, or drawn from the seed.
///
/// # Errors
/// A file that is not there any more or does not fit.
pub fn starting_weights(
    settings: &Settings,
    sha256_of_file: Option<&str>,
    seed: u64,
    plan: &Plan,
) -> Result<Weights, TrialError> {
    let Some(path) = &settings.weights else {
        return Ok(initial_weights(plan, seed));
    };
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let text = format!("{name}: {error}; training started from it, so put it back");
        io::Error::new(error.kind(), text)
    })?;
    if Some(sha256(&bytes).as_str()) != sha256_of_file {
        return Err(TrialError::OtherWeights(name));
    }
    let read = weights::read(&bytes, &name)?;
    weights::check(&read, plan, &name)?;
    Ok(read)
}

/// Trains the trial whose record is in the folder, and records its rows, weights and result. Events go to `tell`.
///
/// # Errors
/// Whatever kept the trial from its end; the result file says so too.
pub fn run_trial(folder: &ResultFolder, trial: &str, tell: &mut dyn FnMut(&Event)) -> Result<(), TrialError> {
    let begun = Instant::now();
    let record = folder
        .record(trial)?
        .ok_or_else(|| TrialError::NoRecord(trial.to_owned()))?;
    match trained(folder, &record, tell) {
        Ok(mut result) => {
            result.peak_memory_bytes = host::peak_resident_bytes();
            result.wall_ns = Some(nanoseconds(begun.elapsed()));
            folder.end(trial, &result)?;
            Ok(())
        }
        Err(error) => {
            let mut result = TrialResult::unfinished(Status::Failed, error.to_string());
            result.wall_ns = Some(nanoseconds(begun.elapsed()));
            folder.end(trial, &result)?;
            Err(error)
        }
    }
}

fn trained(
    folder: &ResultFolder,
    record: &TrialRecord,
    tell: &mut dyn FnMut(&Event),
) -> Result<TrialResult, TrialError> {
    let settings = &record.settings;
    let training = settings.train.as_ref().ok_or(TrialError::NoTraining)?;
    let choice: DeviceChoice = record.device.parse()?;
    host::limit_threads(record.threads);
    host::apply_arithmetic(&settings.run, choice)?;
    let data = data::load(&settings.data, record.threads, host::available_memory())?;
    if data.fingerprint != record.data_fingerprint {
        return Err(TrialError::OtherData {
            found: data.fingerprint,
            expected: record.data_fingerprint.clone(),
        });
    }
    let plan = settings.model.plan(data.shape, data.classes.len())?;
    let device = host::open(choice);
    device.seed(record.seed);
    let weights = starting_weights(settings, record.starting_weights_sha256.as_deref(), record.seed, &plan)?;
    let model = build(&plan, &weights, &settings.run, choice, &device.autodiff())?;
    drop(weights);
    let (built, planned) = (model.parameters(), plan.parameters());
    if built != planned {
        return Err(TrialError::Miscounted { built, planned });
    }
    let loaders = host::loader_threads(choice, record.threads);
    let images = TrainingImages::new(Arc::new(data), &settings.data, record.seed, loaders)?;
    let mut rows = Rows::create(folder, record, tell)?;
    let trained = train(model, training, &images, record.seed, &mut rows)?;
    // The result says that the rows are there: they must be, also after a power cut.
    rows.steps.sync_all()?;
    rows.epochs.sync_all()?;
    let exported = weights::write(&trained.model.weights())?;
    write_whole(&folder.trial(&record.trial).join("weights.safetensors"), &exported)?;
    let last = trained.last;
    Ok(TrialResult {
        final_train_loss: Some(last.train.loss),
        final_train_error: Some(last.train.error),
        final_validation_loss: last.validation.map(|validation| validation.loss),
        final_validation_error: last.validation.map(|validation| validation.error),
        final_test_loss: Some(last.test.loss),
        final_test_error: Some(last.test.error),
        train_images_per_second: Some(trained.images_per_second),
        weights_sha256: sha256(&exported),
        ..TrialResult::unfinished(Status::Ok, "")
    })
}

/// Appends a trial's rows to its own tables and tells the parent of each.
struct Rows<'a> {
    record: &'a TrialRecord,
    steps: File,
    epochs: File,
    tell: &'a mut dyn FnMut(&Event),
    /// When the last steps were told, and how many had been made.
    told: (Instant, usize),
}

impl<'a> Rows<'a> {
    fn create(
        folder: &ResultFolder,
        record: &'a TrialRecord,
        tell: &'a mut dyn FnMut(&Event),
    ) -> Result<Self, TrialError> {
        Ok(Self {
            record,
            steps: begin_table::<StepRow>(folder, &record.trial)?,
            epochs: begin_table::<EpochRow>(folder, &record.trial)?,
            tell,
            told: (Instant::now(), 0),
        })
    }
}

fn begin_table<T: Row>(folder: &ResultFolder, trial: &str) -> Result<File, TrialError> {
    let path = folder.trial(trial).join(T::FILE);
    let header = write_rows::<T>(&[]).map_err(io::Error::other)?;
    write_whole(&path, &header)?;
    Ok(OpenOptions::new().append(true).open(&path)?)
}

fn append<T: Row>(file: &mut File, rows: &[T]) -> io::Result<()> {
    file.write_all(&appended_rows(rows).map_err(io::Error::other)?)
}

impl Observer for Rows<'_> {
    fn steps(&mut self, epoch: usize, first: usize, losses: &[f64], rates: &[f64]) -> io::Result<()> {
        let row = |(index, (&loss, &learning_rate)): (usize, (&f64, &f64))| StepRow {
            trial: self.record.trial.clone(),
            variant: self.record.variant.clone(),
            seed: self.record.seed,
            epoch,
            step: first + index,
            loss,
            learning_rate,
        };
        let rows: Vec<StepRow> = losses.iter().zip(rates).enumerate().map(row).collect();
        append(&mut self.steps, &rows)?;
        let done = first + losses.len();
        let batch_size = self.record.settings.train.as_ref().map_or(0, |train| train.batch_size);
        let images = (done.saturating_sub(self.told.1) * batch_size) as f64;
        (self.tell)(&Event::Steps {
            epoch,
            done,
            losses: losses
                .iter()
                .map(|&loss| Some(loss).filter(|loss| loss.is_finite()))
                .collect(),
            images_per_second: images / self.told.0.elapsed().as_secs_f64().max(1e-9),
        });
        self.told = (Instant::now(), done);
        Ok(())
    }

    fn epoch(&mut self, epoch: usize, outcome: &Final, wall: Duration) -> io::Result<()> {
        let row = EpochRow {
            trial: self.record.trial.clone(),
            variant: self.record.variant.clone(),
            seed: self.record.seed,
            epoch,
            train_loss: outcome.train.loss,
            train_error: outcome.train.error,
            validation_loss: outcome.validation.map(|validation| validation.loss),
            validation_error: outcome.validation.map(|validation| validation.error),
            test_loss: outcome.test.loss,
            test_error: outcome.test.error,
            wall_ns: nanoseconds(wall),
        };
        append(&mut self.epochs, &[row])?;
        (self.tell)(&Event::Epoch {
            epoch,
            test_error: outcome.test.error,
        });
        // Evaluation's time is no training time.
        self.told.0 = Instant::now();
        Ok(())
    }
}

/// Whole nanoseconds, as the tables have them.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
