//! The rows of each table, column by column.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::cell;

/// The version of these columns, recorded in `environment.json`. It rises when a column changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// A cell of the keys that an ablation sweeps, in the file's order: (`model.growth-rate`, `12`).
pub type SweptValue = (String, String);

/// A row of a result table: a flat struct whose fields are the table's columns.
pub trait Row: Serialize + DeserializeOwned {
    /// The table's file name.
    const FILE: &'static str;
    /// The header: the fields' names in their order. A table without rows has it too, so it cannot come from a row.
    const COLUMNS: &'static [&'static str];
}

/// How a trial or a measurement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Finished; its numbers are final.
    Ok,
    /// Ended by an error, which the row names.
    Failed,
    /// Out of memory.
    Oom,
    /// Ran past its time limit.
    Timeout,
    /// Stopped by the user; it goes on at the next start.
    Interrupted,
    /// Not started or still running.
    Pending,
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Status::Ok => "ok",
            Status::Failed => "failed",
            Status::Oom => "oom",
            Status::Timeout => "timeout",
            Status::Interrupted => "interrupted",
            Status::Pending => "pending",
        })
    }
}

/// `trials.csv`: a row for each trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRow {
    /// The ablation's name.
    #[serde(with = "cell")]
    pub ablation: String,
    /// The trial's ID, which follows from what decides its numbers.
    #[serde(with = "cell")]
    pub trial: String,
    /// The variant's name, `growth-rate=12`.
    #[serde(with = "cell")]
    pub variant: String,
    /// The seed of weights, batch order and augmentation.
    pub seed: u64,
    /// How the trial stands.
    pub status: Status,
    /// What ended it, where it failed; else empty.
    #[serde(with = "cell")]
    pub error: String,
    /// The device, `cpu`, `cuda:0` or `flex`.
    #[serde(with = "cell")]
    pub device: String,
    /// How the network's operations are carried out, `plain`.
    #[serde(with = "cell")]
    pub execution: String,
    /// The data set's name.
    #[serde(with = "cell")]
    pub dataset: String,
    /// Dense layers in each block, `12-12-12`.
    #[serde(with = "cell")]
    pub block_layers: String,
    /// Channels that each dense layer adds.
    pub growth_rate: usize,
    /// Whether a 1x1 convolution stands before each 3x3.
    pub bottleneck: bool,
    /// The share of channels that a transition keeps.
    pub compression: f64,
    /// Channels after the stem.
    pub initial_channels: usize,
    /// The share of values that dropout sets to zero.
    pub dropout: f64,
    /// Learned values.
    pub parameters: usize,
    /// Multiply-accumulates of convolutions and classifier for one image.
    pub macs: u64,
    /// Epochs that the trial lasts, a begun one counted in full.
    pub epochs: usize,
    /// Images in a step; the last batch of an epoch may be smaller.
    pub batch_size: usize,
    /// Training steps that the trial lasts.
    pub steps: usize,
    /// The last epoch's training loss (mean cross-entropy in nats), weighted by images, taken while training.
    pub final_train_loss: Option<f64>,
    /// The last epoch's share of training images told wrong, taken while training.
    pub final_train_error: Option<f64>,
    /// The loss on the validation split after the last epoch; none without such a split.
    pub final_validation_loss: Option<f64>,
    /// The error on the validation split after the last epoch; none without such a split.
    pub final_validation_error: Option<f64>,
    /// The loss on the test split after the last epoch.
    pub final_test_loss: Option<f64>,
    /// The share of test images told wrong after the last epoch.
    pub final_test_error: Option<f64>,
    /// What the paper prints for this network on this data set with augmentation.
    pub published_error: Option<f64>,
    /// Training images a second.
    pub train_images_per_second: Option<f64>,
    /// The highest memory in use, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// The trial's duration, in nanoseconds.
    pub wall_ns: Option<u64>,
    /// The SHA-256 of the exported weights in hexadecimal; empty before the end.
    #[serde(with = "cell")]
    pub weights_sha256: String,
}

impl Row for TrialRow {
    const FILE: &'static str = "trials.csv";
    const COLUMNS: &'static [&'static str] = &[
        "ablation",
        "trial",
        "variant",
        "seed",
        "status",
        "error",
        "device",
        "execution",
        "dataset",
        "block_layers",
        "growth_rate",
        "bottleneck",
        "compression",
        "initial_channels",
        "dropout",
        "parameters",
        "macs",
        "epochs",
        "batch_size",
        "steps",
        "final_train_loss",
        "final_train_error",
        "final_validation_loss",
        "final_validation_error",
        "final_test_loss",
        "final_test_error",
        "published_error",
        "train_images_per_second",
        "peak_memory_bytes",
        "wall_ns",
        "weights_sha256",
    ];
}

/// `steps.csv`: a row for each training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// The trial's ID.
    #[serde(with = "cell")]
    pub trial: String,
    /// The variant's name.
    #[serde(with = "cell")]
    pub variant: String,
    /// The trial's seed.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: usize,
    /// The step, from 0, counted through the whole trial.
    pub step: usize,
    /// The batch's loss before the step's update: mean cross-entropy in nats.
    pub loss: f64,
    /// The learning rate of the step's update.
    pub learning_rate: f64,
}

impl Row for StepRow {
    const FILE: &'static str = "steps.csv";
    const COLUMNS: &'static [&'static str] = &["trial", "variant", "seed", "epoch", "step", "loss", "learning_rate"];
}

/// `epochs.csv`: a row for each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    /// The trial's ID.
    #[serde(with = "cell")]
    pub trial: String,
    /// The variant's name.
    #[serde(with = "cell")]
    pub variant: String,
    /// The trial's seed.
    pub seed: u64,
    /// The epoch, from 0.
    pub epoch: usize,
    /// The training loss (mean cross-entropy in nats), weighted by images, taken while training.
    pub train_loss: f64,
    /// The share of training images told wrong, taken while training.
    pub train_error: f64,
    /// The loss on the validation split after the epoch; none without such a split.
    pub validation_loss: Option<f64>,
    /// The error on the validation split after the epoch; none without such a split.
    pub validation_error: Option<f64>,
    /// The loss on the test split after the epoch.
    pub test_loss: f64,
    /// The share of test images told wrong after the epoch.
    pub test_error: f64,
    /// The epoch's duration with its evaluation, in nanoseconds.
    pub wall_ns: u64,
}

impl Row for EpochRow {
    const FILE: &'static str = "epochs.csv";
    const COLUMNS: &'static [&'static str] = &[
        "trial",
        "variant",
        "seed",
        "epoch",
        "train_loss",
        "train_error",
        "validation_loss",
        "validation_error",
        "test_loss",
        "test_error",
        "wall_ns",
    ];
}
