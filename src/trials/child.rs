//! A trial in the process that was started for it: train, record rows, report to the parent.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::checkpoints::CheckpointsError;
use super::ending::{TAKE_LESS_MEMORY, says_out_of_memory};
use super::folder::{FolderError, ResultFolder};
use super::identity::sha256;
use super::opened_data::{OpenedDataError, Use, opened_data};
use super::record::{TrialRecord, TrialResult};
use super::recording::Recording;
use super::supervise::Event;
use crate::backends::{BackendDevice, DeviceError};
use crate::data::{DataError, LoaderError, untested_in_words};
use crate::files::{read_bounded, write_whole};
use crate::formats::ablation::Settings;
use crate::formats::checkpoint::Position;
use crate::formats::network_weights::{Head, take_with};
use crate::formats::tables::Status;
use crate::formats::weights::{self, Weights, WeightsError};
use crate::host::{self, ArithmeticError, ProcessorWatch, Stop, nanoseconds};
use crate::model::{initial_head, initial_weights};
use crate::network::{Graph, NetworkError};
use crate::training::{
    BuildError, Start, TrainError, TrainingImages, build, initial_loss_scale, static_parts, train, uploads,
};

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
    /// The images cannot be divided or normalised.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data cannot be used, or are not those of the trial's start.
    #[error(transparent)]
    OpenedData(#[from] OpenedDataError),
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
    #[error("{0}: the file changed since the trial was started; put the old one back, or run again")]
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
    /// No step to start from can be found.
    #[error(transparent)]
    Checkpoints(#[from] CheckpointsError),
    /// The limit on the process's processor time was reached; a checkpoint was left.
    #[error(
        "the limit on processor time (ulimit -t) was reached after {0} steps; raise it, as with `ulimit -t unlimited`, and \
         run the same command again to resume"
    )]
    OutOfTime(usize),
    /// A file cannot be written.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// The weights that a trial starts from: `model.weights`, or drawn from the seed (or `[train] initialization-seed`), as is
/// the classifier where `new-head` asks for it.
///
/// # Errors
/// A file that is not there any more or does not fit.
pub fn starting_weights(
    settings: &Settings,
    sha256_of_file: Option<&str>,
    seed: u64,
    graph: &Graph,
) -> Result<Weights, TrialError> {
    let train = settings.train.as_ref();
    let own = train.and_then(|train| train.fixed_seeds.initialization);
    let seed = own.unwrap_or(seed);
    let Some(path) = &settings.weights else {
        return Ok(initial_weights(graph, seed));
    };
    let name = path.display().to_string();
    let bytes = read_bounded(path, weights::largest_file(graph)).map_err(|error| {
        let text = format!("{name}: {error}; training started from it, so put it back");
        io::Error::new(error.kind(), text)
    })?;
    if Some(sha256(&bytes).as_str()) != sha256_of_file {
        return Err(TrialError::OtherWeights(name));
    }
    let head = Head::of(settings);
    let mut weights = take_with(&bytes, &name, &*settings.model, graph, head)?.weights;
    if head == Head::New {
        weights.extend(initial_head(graph, seed));
    }
    Ok(weights)
}

/// Trains the trial whose record is in the folder, from its newest checkpoint if it has one, and records its rows,
/// checkpoints, weights and result. Events go to `report`.
///
/// # Errors
/// Whatever kept the trial from its end; the result file says so too.
pub fn run_trial(
    folder: &ResultFolder,
    trial: &str,
    stop: &Stop,
    report: &mut dyn FnMut(&Event),
) -> Result<(), TrialError> {
    let started = Instant::now();
    let record = folder
        .record(trial)?
        .ok_or_else(|| TrialError::NoRecord(trial.to_owned()))?;
    let _held = folder.hold_trial(trial)?;
    folder.forget_result(trial)?;
    match trained(folder, &record, started, stop, report) {
        Ok(result) => {
            folder.end(trial, &result)?;
            // Nothing is left to resume. Where they cannot be removed they do no harm.
            let _ = folder.checkpoints(trial).remove();
            Ok(())
        }
        Err(error) => {
            let error = error.at_the_time_limit(stop);
            let mut result = TrialResult::unfinished(error.status(), error.with_remedy());
            result.wall_ns = Some(nanoseconds(started.elapsed()));
            // Where this cannot be recorded, the error still reaches the parent.
            let _ = folder.end(trial, &result);
            Err(error)
        }
    }
}

impl TrialError {
    /// The same, with the reason where it is the limit on processor time that asked to stop.
    fn at_the_time_limit(self, stop: &Stop) -> Self {
        match self {
            Self::Training(TrainError::Interrupted { steps }) if stop.is_out_of_time() => Self::OutOfTime(steps),
            other => other,
        }
    }

    /// The trial's status after it.
    fn status(&self) -> Status {
        match self {
            Self::Training(TrainError::Interrupted { .. }) | Self::OutOfTime(_) => Status::Interrupted,
            Self::Training(TrainError::Backend { said, .. }) if says_out_of_memory(said) => Status::Oom,
            _ => Status::Failed,
        }
    }

    /// Its message, with a remedy where it has none.
    fn with_remedy(&self) -> String {
        match (self, self.status()) {
            (_, Status::Oom) => format!("{self}; {TAKE_LESS_MEMORY}"),
            (Self::Training(TrainError::Backend { .. }), _) => {
                format!(
                    "{self}; run the same command again to resume from the last checkpoint, and report it if it repeats"
                )
            }
            _ => self.to_string(),
        }
    }
}

fn trained(
    folder: &ResultFolder,
    record: &TrialRecord,
    started: Instant,
    stop: &Stop,
    report: &mut dyn FnMut(&Event),
) -> Result<TrialResult, TrialError> {
    let settings = &record.settings;
    let training = settings.train.as_ref().ok_or(TrialError::NoTraining)?;
    let choice: BackendDevice = record.device.parse()?;
    host::limit_threads(choice, record.threads)?;
    host::apply_arithmetic(&settings.run, choice)?;
    let data = opened_data(record.data(), record.threads, Use::Training)?;
    let graph = settings.graph(data.shape, data.classes.len())?;
    let device = choice.open()?;
    device.seed(record.seed);

    let (begin, mut recording) = Recording::begin(folder, record, &graph, started, stop, report)?;
    let (weights, momentum, mut position) = match begin {
        Some(checkpoint) => (checkpoint.weights, checkpoint.momentum, checkpoint.position),
        None => {
            let sha256 = record.starting_weights_sha256.as_deref();
            let drawn = starting_weights(settings, sha256, record.seed, &graph)?;
            let trial = record.trial.clone();
            let nothing = Position {
                trial,
                ..Position::default()
            };
            (drawn, Weights::new(), nothing)
        }
    };
    // A checkpoint has the scale that the run had come to.
    position.loss_scale = position.loss_scale.or_else(|| initial_loss_scale(&settings.run));
    let model = build(&graph, &weights, &settings.run, choice, &device.autodiff())?;
    drop(weights);
    let (built, planned) = (model.learned_count(), graph.parameters());
    if built != planned {
        return Err(TrialError::Miscounted { built, planned });
    }
    let loaders = host::loader_threads(choice, record.threads);
    let untested = untested_in_words(&data.classes, &data.test.labels);
    let images = TrainingImages::new(Arc::new(data), &settings.data, record.seed, loaders)?;
    let static_parts = static_parts(&model, training, &settings.run, choice)?;
    let start = Start {
        model,
        momentum,
        position,
        static_parts,
        uploads: uploads(choice)?,
    };
    // Where a GPU does the work, how long the processor's threads waited says little.
    let is_of_processor = !choice.backend().runs_beside_processor;
    let watch = is_of_processor.then(ProcessorWatch::start).flatten();
    let trained = train(start, training, &images, record.seed, &mut recording)?;
    let processor = watch.and_then(|watch| watch.elapsed());
    // The result says that the rows are there: they must be, also after a power cut.
    recording.sync()?;
    let exported = weights::write(&trained.model.weights())?;
    write_whole(&folder.weights(&record.trial), &exported)?;
    let spent = recording.spent_by_now();
    let last = recording.last_epoch();
    Ok(TrialResult {
        final_train_loss: last.map(|row| row.train_loss),
        final_train_error: last.map(|row| row.train_error),
        final_validation_loss: last.and_then(|row| row.validation_loss),
        final_validation_error: last.and_then(|row| row.validation_error),
        final_test_loss: last.map(|row| row.test_loss),
        final_test_error: last.map(|row| row.test_error),
        train_images_per_second: Some(trained.images_per_second),
        peak_memory_bytes: spent.peak_memory_bytes,
        wall_ns: Some(spent.wall_ns),
        processor,
        skipped_steps: trained.skipped_steps,
        without_graph: trained.graph_note,
        untested,
        weights_sha256: sha256(&exported),
        parts: trained.model.program().parts(),
        ..TrialResult::unfinished(Status::Ok, "")
    })
}
