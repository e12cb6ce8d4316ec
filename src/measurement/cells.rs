//! From an ablation to its measurements: every variant in every mode at every batch size.

use super::origin::Origin;
use super::record::{MeasurementRecord, RoundSpec};
use crate::backends::BackendDevice;
use crate::formats::ablation::{Ablation, Execution, MeasureSettings, Mode, Settings, TrainSettings, Variant};
use crate::network::{Processor, VectorInstructions};
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
    /// The vector instructions that memory is predicted for.
    pub instructions: VectorInstructions,
    /// The machine and the program.
    pub origin: &'a Origin,
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

/// The measurements of the chosen variants in the ablation's order: by variant, by mode, by batch size. Those that measure
/// the same work again follow the first of all variants, so that the two are as far apart within a round as any others.
pub fn measurements(experiment: &Experiment, chosen: &[bool], cells: Cells<'_>) -> Vec<MeasurementRecord> {
    let measured = the_chosen(experiment, chosen).filter_map(|(variant, _)| variant.settings.measure.as_ref());
    let repeats = measured.map(|measure| measure.repeats).max().unwrap_or(0);
    (0..repeats)
        .flat_map(|repeat| of_repeat(experiment, chosen, cells, repeat))
        .collect()
}

fn of_repeat(experiment: &Experiment, chosen: &[bool], cells: Cells<'_>, repeat: usize) -> Vec<MeasurementRecord> {
    let mut records = Vec::new();
    for (variant, prepared) in the_chosen(experiment, chosen) {
        let measure = variant.settings.measure.as_ref();
        let Some(measure) = measure.filter(|measure| repeat < measure.repeats) else {
            continue;
        };
        for &mode in &measure.modes {
            for &batch_size in &measure.batch_sizes {
                let spec = RoundSpec {
                    warmup_steps: measure.warmup_steps,
                    warmup_seconds: measure.warmup_seconds,
                    steps: measure.steps,
                    phase_steps: measure.steps,
                    repeat,
                    ..cells.spec(&variant.name, &variant.settings, prepared, mode, batch_size)
                };
                records.push(cells.record(spec, measure.rounds, prepared));
            }
        }
    }
    records
}

/// How a variant's steps are taken apart: by `[measure]`, or where there is none by its defaults at the batch size of `[train]`.
pub fn profiled(settings: &Settings) -> MeasureSettings {
    settings.measure.clone().unwrap_or_else(|| MeasureSettings {
        batch_sizes: vec![settings.train.clone().unwrap_or_default().batch_size],
        ..MeasureSettings::default()
    })
}

/// The profiles of the chosen variants in the ablation's order, as [`profiled`] says.
pub fn profiles(experiment: &Experiment, chosen: &[bool], cells: Cells<'_>) -> Vec<MeasurementRecord> {
    let mut records = Vec::new();
    for (variant, prepared) in the_chosen(experiment, chosen) {
        let settings = &variant.settings;
        let measure = profiled(settings);
        for batch_size in measure.batch_sizes {
            let spec = RoundSpec {
                warmup_steps: measure.warmup_steps,
                warmup_seconds: measure.warmup_seconds,
                steps: measure.steps,
                phase_steps: measure.steps,
                profile_steps: measure.steps,
                ..cells.spec(&variant.name, settings, prepared, Mode::Train, batch_size)
            };
            records.push(cells.record(spec, measure.rounds, prepared));
        }
    }
    records
}

/// How many measurements the chosen variants ask for; [`measurements`] has as many.
pub fn count_measurements(ablation: &Ablation, chosen: &[bool]) -> usize {
    let variants = ablation.variants.iter().zip(chosen);
    let settings = variants.filter_map(|(variant, chosen)| variant.settings.measure.as_ref().filter(|_| *chosen));
    settings
        .map(|measure| measure.modes.len() * measure.batch_sizes.len() * measure.repeats)
        .sum()
}

/// Keys of the largest-batch searches of the chosen variants: like a measurement's, without batch size and steps.
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
        settings: &Settings,
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
        let first_seed = |train: &TrainSettings| train.seeds.first().copied();
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
            data_files: prepared.data_files.clone(),
            repeat: 0,
            profile_steps: 0,
            settings,
        }
    }

    /// The measurement of a spec.
    pub fn record(&self, spec: RoundSpec, rounds: usize, prepared: &Prepared) -> MeasurementRecord {
        let (graph, size) = (&prepared.graph, spec.batch_size);
        let processor = Processor {
            instructions: self.instructions,
            threads: spec.threads,
        };
        let predicted = || match spec.mode {
            Mode::Train => graph.training_peak(size, spec.optimizer().momentum > 0.0, processor),
            Mode::Evaluate => graph.evaluation_peak(size, processor),
        };
        // The closed forms are of plain execution.
        let holds = self.device.backend().predicts_memory && spec.settings.run.execution == Execution::Plain;
        let predicted = holds.then(predicted);
        MeasurementRecord::new(spec, rounds, predicted, self.origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::ablation::parse;
    use crate::trials::prepare;

    #[test]
    fn the_count_is_the_number_of_measurements() {
        let text = "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n[measure]\n\
                    batch-sizes = [1, 2, 3]\nmode = [\"train\", \"evaluate\"]\n[sweep]\n\"model.growth-rate\" = [4, 6]\n";
        let experiment = prepare(parse(text, Path::new("x.toml")).unwrap(), 1, None).unwrap();
        let cells = Cells {
            device: crate::backends::CPU.device(0),
            threads: None,
            available_threads: 1,
            memory_limit: None,
            instructions: VectorInstructions::Avx2,
            origin: &Origin::default(),
        };
        for (chosen, count) in [([true, true], 12), ([false, true], 6), ([false, false], 0)] {
            assert_eq!(measurements(&experiment, &chosen, cells).len(), count);
            assert_eq!(count_measurements(&experiment.ablation, &chosen), count);
        }
        let twice = text.replace("batch-sizes", "repeats = 2\nbatch-sizes");
        let experiment = prepare(parse(&twice, Path::new("x.toml")).unwrap(), 1, None).unwrap();
        let records = measurements(&experiment, &[true, true], cells);
        assert_eq!(
            (records.len(), count_measurements(&experiment.ablation, &[true, true])),
            (24, 24)
        );
        let repeats: Vec<usize> = records.iter().map(|record| record.spec.repeat).collect();
        assert_eq!(repeats, [[0; 12], [1; 12]].concat());
        assert_eq!(records[12].spec.variant, records[0].spec.variant);
    }
}
