//! What an ablation file says once it is read, checked and every default is filled in.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::network::DenseNet;

/// A whole ablation.
#[derive(Clone, Debug, PartialEq)]
pub struct Ablation {
    /// `[a-z0-9-]+`, the folder's name under `results/`.
    pub name: String,
    /// The question that the ablation answers.
    pub question: String,
    /// The keys that `[sweep]` and `[[variant]]` set, in the file's order, `model.growth-rate`.
    pub swept_keys: Vec<String>,
    /// The variants: the sweep's product in the file's order (the last key changes fastest), then `[[variant]]`.
    pub variants: Vec<Variant>,
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
    /// The line of the file that decided each dotted key that the file gives (`model.growth-rate`), from 1.
    pub lines: BTreeMap<String, usize>,
}

/// Every setting of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub data: DataSettings,
    /// The preset's name, if `model.preset` is given.
    pub preset: Option<String>,
    pub model: DenseNet,
    /// `model.weights`, made absolute or relative to the working directory by way of the file's own folder.
    pub weights: Option<PathBuf>,
    pub train: Option<TrainSettings>,
    pub measure: Option<MeasureSettings>,
    pub run: RunSettings,
}

/// A data set by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataSetName {
    Digits,
    Synthetic,
    Cifar10,
    Cifar100,
    Folder,
}

/// How training images are changed from epoch to epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Augment {
    None,
    /// Normalised, mirrored with probability 1/2, shifted by up to 4 pixels with zeros moving in.
    ShiftFlip,
}

/// `[data]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSettings {
    pub dataset: DataSetName,
    /// Resolved against the file's own folder.
    pub path: Option<PathBuf>,
    pub train_limit: Option<usize>,
    pub test_limit: Option<usize>,
    /// The share of the training images held out, `[0, 1)`; 0 holds out none.
    pub validation_share: f64,
    /// For `folder` and `synthetic`; their default is 32.
    pub image_size: usize,
    /// For `synthetic`.
    pub classes: usize,
    /// For `synthetic`.
    pub channels: usize,
    /// For `synthetic`.
    pub train_images: usize,
    /// For `synthetic`.
    pub test_images: usize,
    /// One value a channel, after scaling to 0..1; none: the training split's.
    pub mean: Option<Vec<f64>>,
    /// One value a channel, after scaling to 0..1; none: the training split's.
    pub std: Option<Vec<f64>>,
    pub augment: Augment,
}

/// How long training lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duration {
    Epochs(usize),
    Steps(usize),
}

/// How the learning rate changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Schedule {
    Constant,
    /// times gamma at the start of the first epoch that is at or past each milestone's share of the run.
    Step {
        milestones: Vec<f64>,
        gamma: f64,
    },
    /// Half a cosine from the learning rate to 0, by step.
    Cosine,
}

/// `[train]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSettings {
    pub duration: Duration,
    pub batch_size: usize,
    pub learning_rate: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub weight_decay: f64,
    pub schedule: Schedule,
    pub shuffle: bool,
    pub seeds: Vec<u64>,
}

/// `[measure]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureSettings {
    pub batch_sizes: Vec<usize>,
    pub modes: Vec<Mode>,
    pub warmup_steps: usize,
    pub steps: usize,
}

/// What `[measure]` times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    Train,
    Evaluate,
}

/// How the network's operations are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Execution {
    /// Burn's stock modules.
    Plain,
}

/// `[run]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    pub execution: Execution,
}
