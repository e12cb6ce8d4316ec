//! The rows of the result tables: CSV with a header, one row an observation (see `docs/results.md`).
//!
//! Times are whole nanoseconds, memory is bytes, errors are shares from 0 to 1; an empty field was not measured.

use serde::{Deserialize, Serialize};

/// The version of these columns, recorded in `environment.json`. It rises when a column changes its meaning.
pub const SCHEMA_VERSION: u32 = 1;

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

/// `trials.csv`: a row for each trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRow {
    pub ablation: String,
    pub trial: String,
    pub variant: String,
    pub seed: u64,
    pub status: Status,
    pub error: String,
    pub device: String,
    pub execution: String,
    pub dataset: String,
    pub block_layers: String,
    pub growth_rate: usize,
    pub bottleneck: bool,
    pub compression: f64,
    pub initial_channels: usize,
    pub dropout: f64,
    pub parameters: usize,
    pub macs: u64,
    pub epochs: usize,
    pub batch_size: usize,
    pub steps: usize,
    pub final_train_loss: Option<f64>,
    pub final_train_error: Option<f64>,
    pub final_validation_loss: Option<f64>,
    pub final_validation_error: Option<f64>,
    pub final_test_loss: Option<f64>,
    pub final_test_error: Option<f64>,
    /// What the paper prints for this network on this data set with augmentation.
    pub published_error: Option<f64>,
    pub train_images_per_second: Option<f64>,
    pub peak_memory_bytes: Option<u64>,
    pub wall_ns: Option<u64>,
    pub weights_sha256: String,
}

/// `steps.csv`: a row for each training step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    pub trial: String,
    pub variant: String,
    pub seed: u64,
    pub epoch: usize,
    pub step: usize,
    pub loss: f64,
    pub learning_rate: f64,
}

/// `epochs.csv`: a row for each epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochRow {
    pub trial: String,
    pub variant: String,
    pub seed: u64,
    pub epoch: usize,
    pub train_loss: f64,
    pub train_error: f64,
    pub validation_loss: Option<f64>,
    pub validation_error: Option<f64>,
    pub test_loss: f64,
    pub test_error: f64,
    pub wall_ns: u64,
}

/// A cell of the keys that an ablation sweeps, in the file's order: (`model.growth-rate`, `12`).
pub type SweptValue = (String, String);
