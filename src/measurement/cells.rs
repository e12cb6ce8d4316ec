//! From an ablation to what is to be measured: every variant in every mode at every batch size.

use super::record::{MeasurementRecord, RoundSpec};
use crate::backends::BackendDevice;
use crate::formats::ablation::{Execution, Mode, Variant};
use crate::trials::{Experiment, Prepared};

/// What all measurements of a run have in common.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// The device.
    pub device: BackendDevice,
    /// `--threads`, which wins over `run.threads`.
    pub threads: Option<usize>,
    /// Threads where neither says a number.
    pub available_threads: usize,
    /// Bytes of live tensors beyond which an allocation fails.
    pub memory_limit: Option<u64>,
    /// The program's revision.
    pub revision: &'a str,
}

/// The chosen variants with what the checks found of each, in the ablation's order.
fn the_chosen<'a>(experiment: &'a Experiment, chosen: &'a [bool]) -> impl Iterator<Item = (&'a Variant, &'a Prepared)> {
    let variants = experiment
        .ablation
        .variants
        .iter()
        .zip(&experiment.prepared)
        .zip(chosen);
    variants.filter(|(_, chosen)| **chosen).map(|(variant, _)| variant)
}

/// The measurements of the chosen variants in the ablation's order: by variant, by mode, by batch size.
pub fn measurements(experiment: &Experiment, chosen: &[bool], cells: Cells<'_>) -> Vec<MeasurementRecord> {
    let mut records = Vec::new();
    for (variant, prepared) in the_chosen(experiment, chosen) {
        let Some(measure) = &variant.settings.measure else {
            continue;
        };
        for &mode in &measure.modes {
            for &batch_size in &measure.batch_sizes {
                let spec = RoundSpec {
                    warmup_steps: measure.warmup_steps,
                    warmup_seconds: measure.warmup_seconds,
                    steps: measure.steps,
                    phase_steps: measure.steps,
                    ..cells.spec(&variant.name, &variant.settings, prepared, mode, batch_size)
                };
                records.push(cells.record(spec, measure.rounds, prepared));
            }
        }
    }
    records
}

/// What names the searches for the largest batch of the chosen variants: no batch size and no step belong to it.
pub fn searches(experiment: &Experiment, chosen: &[bool], cells: Cells<'_>) -> Vec<MeasurementRecord> {
    let mut records = Vec::new();
    for (variant, prepared) in the_chosen(experiment, chosen) {
        let modes = match &variant.settings.measure {
            Some(measure) => measure.modes.as_slice(),
            None => &[Mode::Train],
        };
        for &mode in modes {
            let spec = cells.spec(&variant.name, &variant.settings, prepared, mode, 0);
            records.push(cells.record(spec, 1, prepared));
        }
    }
    records
}

impl Cells<'_> {
    /// A spec with no step yet.
    pub fn spec(
        &self,
        variant: &str,
        settings: &crate::formats::ablation::Settings,
        prepared: &Prepared,
        mode: Mode,
        batch_size: usize,
    ) -> RoundSpec {
        let mut settings = settings.clone();
        // Absolute, so that the record can be used from any folder.
        settings.weights = settings.weights.map(|path| std::path::absolute(&path).unwrap_or(path));
        settings.data.path = settings
            .data
            .path
            .map(|path| std::path::absolute(&path).unwrap_or(path));
        let first_seed = |train: &crate::formats::ablation::TrainSettings| train.seeds.first().copied();
        RoundSpec {
            variant: variant.to_owned(),
            starting_weights_sha256: prepared.starting_weights_sha256.clone(),
            mode,
            batch_size,
            seed: settings.train.as_ref().and_then(first_seed).unwrap_or(0),
            warmup_steps: 0,
            warmup_seconds: 0.0,
            steps: 0,
            phase_steps: 0,
            device: self.device.to_string(),
            threads: self.threads.or(settings.run.threads).unwrap_or(self.available_threads),
            memory_limit: self.memory_limit,
            input: prepared.graph.input,
            classes: prepared.graph.classes,
            data_fingerprint: prepared.data_fingerprint.clone(),
            settings,
        }
    }

    /// The measurement of a spec.
    pub fn record(&self, spec: RoundSpec, rounds: usize, prepared: &Prepared) -> MeasurementRecord {
        let (graph, size) = (&prepared.graph, spec.batch_size);
        let predicted = || match spec.mode {
            Mode::Train => graph.training_peak(size, spec.optimizer().momentum > 0.0),
            Mode::Evaluate => graph.evaluation_peak(size),
        };
        // The closed forms are of plain execution.
        let holds = self.device.backend().predicts_memory && spec.settings.run.execution == Execution::Plain;
        let predicted = holds.then(predicted);
        MeasurementRecord::new(spec, rounds, predicted, self.revision.to_owned())
    }
}
