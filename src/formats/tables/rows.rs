//! The rows of the tables that training fills.

use serde::{Deserialize, Serialize};

use super::cell;
use super::lengths;
use super::row::{Column, Row, row};
use super::status::Status;
use crate::formats::ablation::{Execution, MapLayout, Precision};
use crate::formats::device_name::DeviceName;

/// The version of the columns, recorded in `environment.json`. It rises when a column changes its meaning, not when one
/// is added.
pub const SCHEMA_VERSION: u32 = 1;

/// A cell of the keys that an ablation sweeps, in the file's order: (`model.growth-rate`, `12`).
pub type SweptValue = (String, String);

row! {
    /// `trials.csv`: a row for each trial.
    TrialRow in "trials.csv" {
        /// The ablation's name.
        #[serde(with = "cell")]
        ablation: String,
        /// The trial's ID, which follows from what decides its numbers.
        #[serde(with = "cell")]
        trial: String,
        /// The variant's name, which gives the swept values: `growth-rate=12`.
        #[serde(with = "cell")]
        variant: String,
        /// The seed of weights, batch order and augmentation.
        seed: u64,
        /// `ok`, `failed`, `oom` (out of memory), `timeout` (`--timeout`), `interrupted` (its run was asked to stop), or
        /// `pending` (not started, still running, or its run was killed).
        status: Status,
        /// What went wrong, in words; else empty.
        #[serde(with = "cell")]
        error: String,
        /// The device: `cpu`, `cuda:0`, `flex`.
        device: DeviceName,
        /// How the network's operations were carried out: `plain`, `aten`, `recompute` or `fused`.
        execution: Execution,
        /// The arithmetic of the network's values: `f32`, `tf32` (products of factors that are rounded to TF32), or `bf16`
        /// or `f16` (convolutions and products in 16 bits by libtorch's autocast).
        precision: Precision = "f32",
        /// The family of the network. The columns of another family are empty.
        #[serde(with = "cell")]
        family: String = "densenet",
        /// The data set's name.
        #[serde(with = "cell")]
        dataset: String,
        /// Dense layers in each block, `[12, 12, 12]`; in files from before this form `12-12-12`, which spreadsheets take
        /// for a date.
        #[serde(with = "lengths")]
        block_layers: Option<Vec<usize>>,
        /// Channels that each dense layer adds.
        growth_rate: Option<usize>,
        /// Whether a 1x1 convolution stands before each 3x3.
        bottleneck: Option<bool>,
        /// The share of channels that a transition keeps.
        compression: Option<f64>,
        /// Channels after the stem.
        initial_channels: Option<usize>,
        /// The share of values that dropout sets to zero.
        dropout: Option<f64>,
        /// Learned values; running statistics do not count.
        parameters: usize,
        /// Multiply-accumulates of convolutions and the classifier for one image.
        macs: u64,
        /// Epochs that the trial lasts, a started one counted in full.
        epochs: usize,
        /// Images in a step; the last batch of an epoch may be smaller.
        batch_size: usize,
        /// Training steps that the trial lasts.
        steps: usize,
        /// The last epoch's training loss (mean cross-entropy in nats, auxiliary heads' with their weights added), weighted by images, taken while training.
        final_train_loss: Option<f64>,
        /// The last epoch's share of wrong training images, taken while training.
        final_train_error: Option<f64>,
        /// The loss on the images held out (`[data] validation-share`), after the last epoch.
        final_validation_loss: Option<f64>,
        /// The error on the images held out, after the last epoch.
        final_validation_error: Option<f64>,
        /// The loss on the test split after the last epoch: never the best of many.
        final_test_loss: Option<f64>,
        /// The share of wrong test images after the last epoch: never the best of many.
        final_test_error: Option<f64>,
        /// What its paper prints for this network on CIFAR, with augmentation or without, or on ImageNet (top-1, of one square
        /// of an image or of ten), where it was trained by the paper's recipe (epochs, batch, learning rates, dropout, all
        /// images); else empty.
        published_error: Option<f64>,
        /// Training images over the time of the training parts of the epochs; evaluation, and the first epoch where there
        /// are several, are left out.
        train_images_per_second: Option<f64>,
        /// The highest resident set of any of the trial's processes.
        peak_memory_bytes: Option<u64>,
        /// From the start of the trial's process to its end; of a resumed trial, earlier processes up to their last
        /// checkpoint are added.
        wall_ns: Option<u64>,
        /// The SHA-256 of the exported weights, `trials/ID/weights.safetensors`, in hexadecimal; empty before the end.
        #[serde(with = "cell")]
        weights_sha256: String,
        /// Of the processor time that the threads asked for while training, the share that they got; of a resumed trial since
        /// it was resumed. Empty on CUDA, and where the system does not say it.
        processor_share: Option<f64> = "",
        /// What makes the speed doubtful, with what to do, and the classes without test images; else empty.
        #[serde(with = "cell")]
        warning: String = "",
        /// Images of the test split, on which the error was counted; empty in files from before this column.
        test_images: Option<usize> = "",
        /// The processor, its kind and the vector instructions that were used.
        #[serde(with = "cell")]
        cpu: String = "",
        /// The revision of the program that trained.
        #[serde(with = "cell")]
        revision: String = "",
        /// How feature maps lay in memory: `nchw` or `channels-last`.
        layout: Option<MapLayout> = "",
        /// Training steps without an update, since a gradient of the scaled loss was not finite; `f16` alone, else empty.
        skipped_steps: Option<usize> = "",
        /// Whether training steps were to be replayed from a CUDA graph (`[run] cuda-graph`); a warning says where they were
        /// not. Empty of devices without such graphs.
        cuda_graph: Option<bool> = "",
        /// The name of the host on which it ran last.
        #[serde(with = "cell")]
        host: String = "",
    }
}

row! {
    /// `steps.csv`: a row for each training step.
    StepRow in "steps.csv" {
        /// The trial's ID.
        #[serde(with = "cell")]
        trial: String,
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The trial's seed.
        seed: u64,
        /// The epoch, from 0.
        epoch: usize,
        /// The step, from 0, counted through the whole trial.
        step: usize,
        /// The batch's loss before the step's update: mean cross-entropy in nats.
        loss: f64,
        /// The learning rate of the step's update.
        learning_rate: f64,
    }
}

row! {
    /// `epochs.csv`: a row for each epoch.
    EpochRow in "epochs.csv" {
        /// The trial's ID.
        #[serde(with = "cell")]
        trial: String,
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The trial's seed.
        seed: u64,
        /// The epoch, from 0.
        epoch: usize,
        /// The training loss (mean cross-entropy in nats, auxiliary heads' with their weights added), weighted by images, taken while training.
        train_loss: f64,
        /// The share of wrong training images, taken while training.
        train_error: f64,
        /// The loss on the validation split after the epoch; empty without such a split.
        validation_loss: Option<f64>,
        /// The error on the validation split after the epoch; empty without such a split.
        validation_error: Option<f64>,
        /// The loss on the test split after the epoch.
        test_loss: f64,
        /// The share of wrong test images after the epoch.
        test_error: f64,
        /// The epoch's duration with its evaluation, in nanoseconds.
        wall_ns: u64,
        /// The part of it that its training steps took, in nanoseconds, with the preparation of batches that they waited
        /// for. Their sum up to an epoch is the time to its test error. Empty in earlier files.
        train_ns: Option<u64> = "",
        /// The part that the evaluation on the test split took, in nanoseconds. The rest is the validation split's.
        test_ns: Option<u64> = "",
    }
}

row! {
    /// `correctness.csv`: a row for each finished trial.
    CorrectnessRow in "correctness.csv" {
        /// The trial's ID.
        #[serde(with = "cell")]
        trial: String,
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The trial's seed.
        seed: u64,
        /// The fingerprint of the data: rows with the same one are of the same test images.
        #[serde(with = "cell")]
        data_fingerprint: String,
        /// Images of the test split.
        images: usize,
        /// Which of them the trial got right after its last epoch, in the data set's order: `x`, then a bit for each in
        /// hexadecimal, the first image's the highest of the first byte, as `numpy.unpackbits` reads them.
        #[serde(with = "cell")]
        correct: String,
        /// The SHA-256 of the text in `correct`, in hexadecimal.
        #[serde(with = "cell")]
        sha256: String,
    }
}
