//! An ablation file once it is read, checked and every default is filled in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::fine_tuning::FineTuning;
use super::fixed_seeds::FixedSeeds;
use super::instructions::Instructions;
use super::layout::MapLayout;
use super::precision::Precision;
pub use crate::data_sets::{Augment, DataSetName, DataSettings, LimitOrder};
use crate::network::{Architecture, Graph, NetworkError, Shape};

/// A whole ablation.
#[derive(Clone, Debug, PartialEq)]
pub struct Ablation {
    /// The file, as the caller named it; errors about it say so.
    pub file: PathBuf,
    /// `[a-z0-9-]+`, the folder's name under `results/`.
    pub name: String,
    /// The question that the ablation answers.
    pub question: String,
    /// The keys that `[sweep]` and `[[variant]]` set, in the file's order, `model.growth-rate`.
    pub swept_keys: Vec<String>,
    /// The variants: the sweep's product in the file's order (the last key changes fastest), then `[[variant]]`.
    pub variants: Vec<Variant>,
    /// The number of a trial that answers the question.
    pub primary: PrimaryMetric,
}

/// The number of a trial that answers an ablation's question, by its column in `trials.csv`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrimaryMetric {
    /// The test error after the last epoch.
    #[default]
    FinalTestError,
    /// The test loss.
    FinalTestLoss,
    /// The error on the images held out.
    FinalValidationError,
    /// The loss on the images held out.
    FinalValidationLoss,
    /// The error over the last epoch, taken while training.
    FinalTrainError,
    /// The loss over the last epoch, taken while training.
    FinalTrainLoss,
}

impl PrimaryMetric {
    /// The columns' names, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &[
        "final_test_error",
        "final_test_loss",
        "final_validation_error",
        "final_validation_loss",
        "final_train_error",
        "final_train_loss",
    ];

    /// The column's name.
    pub fn column(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whether it needs images that are held out.
    pub fn needs_validation(self) -> bool {
        matches!(self, Self::FinalValidationError | Self::FinalValidationLoss)
    }
}

/// One point of an ablation.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `growth-rate=12`, several joined by commas; a `[[variant]]`'s own name; `base` where nothing is swept.
    pub name: String,
    /// Every setting.
    pub settings: Settings,
    /// The swept keys' values as the name prints them, (`model.growth-rate`, `12`), in the file's order; for a
    /// `[[variant]]` those that it sets.
    pub swept: Vec<(String, String)>,
    /// The line of the file that decided each dotted key that the file gives (`model.growth-rate`), from 1, and that
    /// of each section's header (`model`).
    pub lines: BTreeMap<String, usize>,
}

/// Every setting of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The images.
    pub data: DataSettings,
    /// The preset's name, if `model.preset` is given.
    pub preset: Option<String>,
    /// The network.
    pub model: Architecture,
    /// `model.weights`, made absolute or relative to the working directory by way of the file's own folder.
    pub weights: Option<PathBuf>,
    /// How it is trained; none without `[train]`.
    pub train: Option<TrainSettings>,
    /// What is measured apart from training; none without `[measure]`.
    pub measure: Option<MeasureSettings>,
    /// How the program carries it out.
    pub run: RunSettings,
}

impl Settings {
    /// The network that is trained, laid out for images of one shape, with what `[train]` freezes of it.
    ///
    /// # Errors
    /// Images that the network has no room for, a key of fine-tuning that does not fit it.
    pub fn graph(&self, input: Shape, classes: usize) -> Result<Graph, NetworkError> {
        let mut graph = self.model.graph(input, classes)?;
        if let Some(train) = &self.train {
            train.fine_tuning.apply(&mut graph)?;
        }
        Ok(graph)
    }

    /// Whether the classifier is drawn anew rather than taken from `weights`.
    pub fn has_new_head(&self) -> bool {
        self.train.as_ref().is_some_and(|train| train.fine_tuning.new_head)
    }
}

/// How long training lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duration {
    /// Passes over the training images.
    Epochs(usize),
    /// Optimizer steps.
    Steps(usize),
}

/// How the learning rate changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not.
    Constant,
    /// times gamma at the start of the first epoch that is at or past each milestone's share of the run.
    Step {
        /// Shares of the run, ascending, each above 0 and below 1.
        milestones: Vec<f64>,
        /// The factor at each.
        gamma: f64,
    },
    /// Half a cosine from the learning rate to 0, by step.
    Cosine,
}

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSettings {
    /// How long.
    pub duration: Duration,
    /// Images in a step; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// The learning rate that the schedule starts from.
    pub learning_rate: f64,
    /// Momentum without dampening; 0 has none.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's.
    pub nesterov: bool,
    /// The factor of every parameter that is added to its gradient.
    pub weight_decay: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// The first steps, in which the learning rate rises to its schedule; a trial's identity is without it where it is 0.
    #[serde(default, skip_serializing_if = "is_zero_steps")]
    pub warmup_steps: usize,
    /// The share of the training target that is spread over all classes, `[0, 1)`; likewise left out where it is 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub label_smoothing: f64,
    /// alpha of mixup's Beta(alpha, alpha), at least 0; 0 mixes nothing, and is likewise left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mixup: f64,
    /// Whether each epoch has an order of its own; else it is the data set's.
    pub shuffle: bool,
    /// A trial each; different, at least one.
    pub seeds: Vec<u64>,
    /// Steps between two checkpoints, beside the one at the end of every epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<usize>,
    /// Sources of randomness with seeds of their own.
    #[serde(default, skip_serializing_if = "FixedSeeds::is_empty")]
    pub fixed_seeds: FixedSeeds,
    /// What is frozen, drawn anew, or learns at another rate.
    #[serde(default, skip_serializing_if = "FineTuning::is_empty")]
    pub fine_tuning: FineTuning,
}

fn is_zero_steps(steps: &usize) -> bool {
    *steps == 0
}

fn is_zero(share: &f64) -> bool {
    *share == 0.0
}

impl Default for TrainSettings {
    /// `[train]` without a key: the paper's optimizer.
    fn default() -> Self {
        Self {
            duration: Duration::Epochs(10),
            batch_size: 64,
            learning_rate: 0.1,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 1e-4,
            schedule: Schedule::Step {
                milestones: vec![0.5, 0.75],
                gamma: 0.1,
            },
            warmup_steps: 0,
            label_smoothing: 0.0,
            mixup: 0.0,
            shuffle: true,
            seeds: vec![0],
            checkpoint_every: None,
            fixed_seeds: FixedSeeds::default(),
            fine_tuning: FineTuning::default(),
        }
    }
}

/// `[measure]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureSettings {
    /// Batch sizes; different, at least one.
    pub batch_sizes: Vec<usize>,
    /// What is timed; different, at least one.
    pub modes: Vec<Mode>,
    /// Steps before the timed ones, in each round.
    pub warmup_steps: usize,
    /// The least time of the steps before the timed ones, in each round.
    pub warmup_seconds: f64,
    /// Timed steps of all rounds together.
    pub steps: usize,
    /// How often every batch size of every variant gets its turn; each round is a process of its own.
    pub rounds: usize,
    /// How often the same work is measured, each time as a measurement of its own.
    #[serde(default = "one")]
    pub repeats: usize,
}

impl Default for MeasureSettings {
    /// `[measure]` without a key.
    fn default() -> Self {
        Self {
            batch_sizes: vec![64],
            modes: vec![Mode::Train],
            warmup_steps: 3,
            warmup_seconds: 0.5,
            steps: 10,
            rounds: 5,
            repeats: 1,
        }
    }
}

/// The repeats of a record from before there were any.
fn one() -> usize {
    1
}

/// What `[measure]` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Training steps.
    Train,
    /// Forward passes in evaluation.
    Evaluate,
}

impl Mode {
    /// Its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Evaluate => "evaluate",
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How the network's operations are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Burn's stock modules.
    Plain,
    /// ATen's operations under libtorch's own autograd: the graph that PyTorch builds.
    Aten,
    /// Concatenation, normalisation and ReLU computed again in backward rather than kept (arXiv 1707.06990).
    Recompute,
    /// One operation a dense block on the CPU, which does no work twice.
    Fused,
}

impl Execution {
    /// Every execution, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Plain, Self::Aten, Self::Recompute, Self::Fused];

    /// Its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Aten => "aten",
            Self::Recompute => "recompute",
            Self::Fused => "fused",
        }
    }
}

impl std::fmt::Display for Execution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What becomes of main memory that is freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allocator {
    /// It stays with the process, for the next step.
    #[default]
    KeepPages,
    /// It goes back to the system at once, and has to be asked for again.
    ReturnPages,
    /// Tensors are allocated by the C library, as in a program without an allocator of its own.
    System,
}

impl Allocator {
    /// Its name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeepPages => "keep-pages",
            Self::ReturnPages => "return-pages",
            Self::System => "system",
        }
    }
}

impl std::fmt::Display for Allocator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// `[run]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// How the network's operations are carried out.
    pub execution: Execution,
    /// Whether that is left to the device and the network: it stands as `plain` until the device is known. No record of a trial
    /// or a measurement has it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub chooses_execution: bool,
    /// Whether the backend is held to operations whose results repeat to the last bit.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub deterministic: bool,
    /// What numbers are computed in; earlier records have `tf32`, a flag.
    #[serde(default, alias = "tf32", skip_serializing_if = "is_f32")]
    pub precision: Precision,
    /// How the feature maps of `aten` lie in memory; none: as is fastest on the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<MapLayout>,
    /// Threads of the device's backend; none: `OMP_NUM_THREADS`, else all that the system allows. `--threads` wins over
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// What becomes of main memory that is freed.
    #[serde(default, skip_serializing_if = "keeps_pages")]
    pub allocator: Allocator,
    /// Whether cuDNN times its algorithms and takes the fastest, which may be another each time; on CUDA alone.
    #[serde(default, skip_serializing_if = "is_no")]
    pub cudnn_benchmark: bool,
    /// Whether training steps are recorded in a CUDA graph and replayed.
    #[serde(default, skip_serializing_if = "is_no")]
    pub cuda_graph: bool,
    /// The vector instructions of the kernels of `fused`.
    #[serde(default, skip_serializing_if = "is_auto")]
    pub instructions: Instructions,
}

impl Default for RunSettings {
    /// `[run]` without a key.
    fn default() -> Self {
        Self {
            execution: Execution::Plain,
            chooses_execution: false,
            deterministic: true,
            precision: Precision::F32,
            layout: None,
            threads: None,
            allocator: Allocator::KeepPages,
            cudnn_benchmark: false,
            cuda_graph: false,
            instructions: Instructions::Auto,
        }
    }
}

// A trial's identity is made from what is serialised: a key that came later must not change that of earlier trials
// where it has its default.

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_yes(flag: &bool) -> bool {
    *flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_auto(instructions: &Instructions) -> bool {
    *instructions == Instructions::Auto
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_no(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn keeps_pages(allocator: &Allocator) -> bool {
    *allocator == Allocator::KeepPages
}
