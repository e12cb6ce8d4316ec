//! The two records in a trial's folder: the one it starts with and the result it ends with.

use serde::{Deserialize, Serialize};

use super::opened_data::RecordedData;
use crate::data::FilesSurvey;
use crate::formats::ablation::Settings;
use crate::formats::device_name::DeviceName;
use crate::formats::part::Part;
use crate::formats::tables::{Status, TrialRow};
use crate::host::{Difference, ProcessorTime, Way, recorded_graph, recorded_layout};
use crate::network::Shape;
use crate::words::counted;

/// `trials/ID/trial.json`: all that the trial's process needs, and what must not change when it is resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// The trial's identity.
    pub trial: String,
    /// The ablation's name.
    pub ablation: String,
    /// The variant's name.
    pub variant: String,
    /// The seed.
    pub seed: u64,
    /// Every setting.
    pub settings: Settings,
    /// SHA-256 of the file of `model.weights`, if training starts from one.
    pub starting_weights_sha256: Option<String>,
    /// One image.
    pub input: Shape,
    /// Classes of the data.
    pub classes: usize,
    /// The data's fingerprint.
    pub data_fingerprint: String,
    /// What the run found of the data's files, so that the trial need not read them all before its first step; none for
    /// images that are in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_files: Option<FilesSurvey>,
    /// Learned values, in closed form.
    pub parameters: usize,
    /// Multiply-accumulates for one image, in closed form.
    pub macs: u64,
    /// Epochs that the run starts.
    pub epochs: usize,
    /// Training steps of the whole run.
    pub steps: usize,
    /// The published test error, if the paper has one for this network on these data.
    pub published_error: Option<f64>,
    /// The device it runs on, `cpu`.
    pub device: String,
    /// Threads of the device's backend.
    pub threads: usize,
    /// Images of the test split; none in earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_images: Option<usize>,
    /// The processor in words, with its kind and the vector instructions in use; empty in earlier records.
    #[serde(default)]
    pub cpu: String,
    /// The program's revision.
    pub revision: String,
    /// How many trials run at once beside each other, itself counted.
    #[serde(default = "alone", skip_serializing_if = "is_alone")]
    pub at_once: usize,
    /// The name of the host on which it is started or resumed; empty in earlier records.
    #[serde(default)]
    pub host: String,
}

/// `trials/ID/result.json`: how the trial ended. A trial without it is pending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// How it ended.
    pub status: Status,
    /// The error, empty where there was none.
    pub error: String,
    /// Mean cross-entropy over the last epoch, taken while training.
    pub final_train_loss: Option<f64>,
    /// Share of wrong images over the last epoch, taken while training.
    pub final_train_error: Option<f64>,
    /// On the images held out, after the last epoch.
    pub final_validation_loss: Option<f64>,
    /// On the images held out, after the last epoch.
    pub final_validation_error: Option<f64>,
    /// On the test split, after the last epoch.
    pub final_test_loss: Option<f64>,
    /// On the test split, after the last epoch.
    pub final_test_error: Option<f64>,
    /// Training images a second, evaluation left out.
    pub train_images_per_second: Option<f64>,
    /// The process's highest resident set.
    pub peak_memory_bytes: Option<u64>,
    /// From the process's start to its end.
    pub wall_ns: Option<u64>,
    /// What the process's threads did while training; none where the device is not the processor, or the system does not
    /// say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<ProcessorTime>,
    /// Training steps that were skipped, since a gradient was not finite; none where the loss is not scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_steps: Option<usize>,
    /// Why training steps were not replayed from a graph though they were to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_graph: Option<String>,
    /// What the test images cannot tell; none where every class has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untested: Option<String>,
    /// SHA-256 of the exported weights.
    pub weights_sha256: String,
    /// Which execution carried out which part of the network; empty where it was not built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

fn alone() -> usize {
    1
}

fn is_alone(at_once: &usize) -> bool {
    *at_once == 1
}

impl TrialResult {
    /// What whoever reads its numbers should know, `; ` between; empty where there is nothing.
    fn warning(&self, at_once: usize) -> String {
        let processor = self.processor.and_then(|processor| processor.warning());
        let graph = self.without_graph.as_ref();
        let graph = graph.map(|reason| format!("the training step was not recorded in a CUDA graph ({reason})"));
        let shared = (at_once > 1 && self.train_images_per_second.is_some())
            .then(|| format!("its speed is that of {at_once} trials at once, which share the machine"));
        let warnings = [processor, shared, graph, self.untested.clone()];
        warnings.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// The result of a trial that did not end well.
    pub fn unfinished(status: Status, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            final_train_loss: None,
            final_train_error: None,
            final_validation_loss: None,
            final_validation_error: None,
            final_test_loss: None,
            final_test_error: None,
            train_images_per_second: None,
            peak_memory_bytes: None,
            wall_ns: None,
            processor: None,
            skipped_steps: None,
            without_graph: None,
            untested: None,
            weights_sha256: String::new(),
            parts: Vec::new(),
        }
    }
}

impl TrialRecord {
    /// The data that it was made for.
    pub fn data(&self) -> RecordedData<'_> {
        RecordedData {
            settings: &self.settings.data,
            fingerprint: &self.data_fingerprint,
            files: self.data_files.as_ref(),
        }
    }

    /// The values that decide numbers, beside the identity, and differ in a later record.
    pub fn differences(&self, later: &Self) -> Vec<Difference> {
        let circumstance = |words: &str| Way::Circumstance(words.to_owned());
        let revision = format!("with program revision {}", self.revision);
        let fingerprints = (&self.data_fingerprint, &later.data_fingerprint);
        let values = [
            (
                self.device != later.device,
                format!("on {} (now {})", self.device, later.device),
                Way::Option(format!("--device {}", self.device)),
            ),
            (
                self.threads != later.threads,
                format!("with {} (now {})", counted(self.threads, "thread"), later.threads),
                Way::Option(format!("--threads {}", self.threads)),
            ),
            (
                self.revision != later.revision,
                format!("{revision} (now {})", later.revision),
                circumstance(&revision),
            ),
            (
                fingerprints.0 != fingerprints.1,
                format!(
                    "with data of the fingerprint {} (now {})",
                    fingerprints.0, fingerprints.1
                ),
                circumstance("with the data that it was started with"),
            ),
        ];
        let differing = values.into_iter().filter(|(differs, ..)| *differs);
        differing.map(|(_, words, way)| Difference { words, way }).collect()
    }

    /// The trial's row of `trials.csv`.
    pub fn row(&self, result: Option<&TrialResult>) -> TrialRow {
        let pending = TrialResult::unfinished(Status::Pending, "");
        let result = result.unwrap_or(&pending);
        let model = self.settings.model.columns();
        TrialRow {
            ablation: self.ablation.clone(),
            trial: self.trial.clone(),
            variant: self.variant.clone(),
            seed: self.seed,
            status: result.status,
            error: result.error.clone(),
            device: DeviceName::recorded(&self.device),
            execution: self.settings.run.execution,
            precision: self.settings.run.precision,
            family: self.settings.model.family().name.to_owned(),
            dataset: self.settings.data.dataset.name().to_owned(),
            block_layers: model.block_layers,
            growth_rate: model.growth_rate,
            bottleneck: model.bottleneck,
            compression: model.compression,
            initial_channels: model.initial_channels,
            dropout: model.dropout,
            parameters: self.parameters,
            macs: self.macs,
            epochs: self.epochs,
            batch_size: self.settings.train.as_ref().map_or(0, |train| train.batch_size),
            steps: self.steps,
            final_train_loss: result.final_train_loss,
            final_train_error: result.final_train_error,
            final_validation_loss: result.final_validation_loss,
            final_validation_error: result.final_validation_error,
            final_test_loss: result.final_test_loss,
            final_test_error: result.final_test_error,
            published_error: self.published_error,
            train_images_per_second: result.train_images_per_second,
            peak_memory_bytes: result.peak_memory_bytes,
            wall_ns: result.wall_ns,
            weights_sha256: result.weights_sha256.clone(),
            processor_share: result.processor.and_then(|processor| processor.share()),
            warning: result.warning(self.at_once),
            test_images: self.test_images,
            cpu: self.cpu.clone(),
            revision: self.revision.clone(),
            layout: recorded_layout(&self.settings.run, &self.device),
            skipped_steps: result.skipped_steps,
            cuda_graph: recorded_graph(&self.settings.run, &self.device),
            host: self.host.clone(),
        }
    }
}
