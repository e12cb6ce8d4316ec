//! What a measurement is asked for, and what each of its rounds found.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::origin::Origin;
use super::step_profile::StepProfile;
use crate::data::FilesSurvey;
use crate::formats::ablation::{Instructions, Mode, Settings, TrainSettings};
use crate::formats::part::Part;
use crate::formats::tables::Status;
use crate::host::{Energy, GpuRecord, ProcessorTime, now};
use crate::network::{Shape, StepWork};
use crate::trials::{RecordedData, arithmetic_of, digest};

/// All that one process needs in order to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundSpec {
    /// The variant's name.
    pub variant: String,
    /// Every setting.
    pub settings: Settings,
    /// SHA-256 of the file of `model.weights`, if there is one.
    pub starting_weights_sha256: Option<String>,
    /// What is timed.
    pub mode: Mode,
    /// Images in a step.
    pub batch_size: usize,
    /// The seed of the weights.
    pub seed: u64,
    /// Steps before the timed ones.
    pub warmup_steps: usize,
    /// The least time of those steps.
    pub warmup_seconds: f64,
    /// Steps to time.
    pub steps: usize,
    /// Steps of the pass that times forward, backward and optimizer separately.
    pub phase_steps: usize,
    /// The device, `cpu`.
    pub device: String,
    /// Threads of the device's backend.
    pub threads: usize,
    /// Bytes of live tensors beyond which an allocation fails; none: whatever the device has.
    pub memory_limit: Option<u64>,
    /// One image.
    pub input: Shape,
    /// Classes of the data.
    pub classes: usize,
    /// The data's fingerprint.
    pub data_fingerprint: String,
    /// What the run found of the data's files, so that a round reads the images of its batch alone; none for images
    /// that are in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_files: Option<FilesSurvey>,
    /// Which of the measurements of the same work this is, from 0.
    #[serde(default)]
    pub repeat: usize,
    /// Training steps that are taken apart, node by node, after all others.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub profile_steps: usize,
}

fn is_none_of_them(steps: &usize) -> bool {
    *steps == 0
}

/// `measurements/ID/measurement.json`: a variant at a batch size in a mode on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasurementRecord {
    /// The measurement's identity, its folder's name.
    pub measurement: String,
    /// What is measured, whatever the device and the threads.
    pub cell: String,
    /// The spec of all rounds together.
    pub spec: RoundSpec,
    /// Processes that share its steps.
    pub rounds: usize,
    /// The allocated peak in closed form, where there is one.
    pub predicted_peak_bytes: Option<u64>,
    /// On what it is measured.
    #[serde(flatten)]
    pub origin: Origin,
}

/// The phases of a step, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// The forward pass, in training with the loss.
    pub forward_ns: u64,
    /// The backward pass; none in evaluation.
    pub backward_ns: Option<u64>,
    /// The optimizer's step; none in evaluation.
    pub optimizer_ns: Option<u64>,
}

/// What a device reaches at most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Floating-point operations a second, in the product of two matrices.
    pub flops_per_second: f64,
    /// Bytes read and written a second, in a pass over a vector.
    pub bytes_per_second: f64,
}

impl Rates {
    /// The higher of each.
    pub fn or_better(self, other: Self) -> Self {
        Self {
            flops_per_second: self.flops_per_second.max(other.flops_per_second),
            bytes_per_second: self.bytes_per_second.max(other.bytes_per_second),
        }
    }

    /// The least seconds that a step can take: the roofline of Williams, Waterman and Patterson (2009, "Roofline: An
    /// Insightful Visual Performance Model for Multicore Architectures").
    pub fn least_seconds(self, work: StepWork) -> f64 {
        (work.flops as f64 / self.flops_per_second).max(work.bytes as f64 / self.bytes_per_second)
    }
}

/// What one process found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundResult {
    /// How it ended.
    pub status: Status,
    /// The error, empty where there was none.
    pub error: String,
    /// When it ended, RFC 3339, UTC; empty in earlier records.
    #[serde(default)]
    pub ended: String,
    /// Each timed step.
    pub step_ns: Vec<u64>,
    /// As many steps more, one behind the other with one synchronisation at their end, all together; none where the processor
    /// does the work, and in earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_ns: Option<u64>,
    /// Each step of the pass that times the phases.
    pub phases: Vec<Phases>,
    /// The most bytes of live tensors during the timed steps.
    pub allocated_peak_bytes: Option<u64>,
    /// The most bytes that the caching allocator held.
    pub reserved_peak_bytes: Option<u64>,
    /// The most memory of the process.
    pub process_peak_bytes: Option<u64>,
    /// Where that figure comes from, `resident-set`.
    pub process_peak_source: String,
    /// What its threads did during the timed steps; none where the device is not the processor, or the system does not
    /// say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<ProcessorTime>,
    /// The GPU before and after the timed steps; none on another device, where NVML does not report it, and in earlier
    /// records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<GpuRecord>,
    /// What the device took during the timed steps; none where that is not counted, of less than half a second, and in
    /// earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<Energy>,
    /// Why a figure is missing, in words; else empty.
    pub note: String,
    /// Which execution carried out which part of the network; empty where it was not built.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// When the run that it belongs to started: rounds of one run take turns. Empty where that was not recorded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run: String,
    /// The name of the host that measured it; empty in earlier records.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// From the process's start to its first step, in nanoseconds; none where the system does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ns: Option<u64>,
    /// The first step, in nanoseconds; none in earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_step_ns: Option<u64>,
    /// The arithmetic and the fewest bytes of a step; none in earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<StepWork>,
    /// What the device reached in this process, after the timed steps; none where `memory_limit` leaves no room, and in
    /// earlier records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
    /// The tries before this one, each discarded since it was disturbed: what disturbed it, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discarded: Vec<String>,
    /// The steps that were taken apart; none where none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<StepProfile>,
}

impl RoundResult {
    /// The result of a round that did not end well.
    pub fn unfinished(status: Status, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            ended: now(),
            step_ns: Vec::new(),
            window_ns: None,
            phases: Vec::new(),
            allocated_peak_bytes: None,
            reserved_peak_bytes: None,
            process_peak_bytes: None,
            process_peak_source: String::new(),
            processor: None,
            gpu: None,
            energy: None,
            note: String::new(),
            parts: Vec::new(),
            run: String::new(),
            host: String::new(),
            startup_ns: None,
            first_step_ns: None,
            work: None,
            rates: None,
            discarded: Vec::new(),
            profile: None,
        }
    }
}

impl RoundSpec {
    /// The data that it was made for.
    pub fn data(&self) -> RecordedData<'_> {
        RecordedData {
            settings: &self.settings.data,
            fingerprint: &self.data_fingerprint,
            files: self.data_files.as_ref(),
        }
    }

    /// The optimizer: `[train]`'s, or its defaults without one.
    pub fn optimizer(&self) -> TrainSettings {
        self.settings.train.clone().unwrap_or_default()
    }
}

impl MeasurementRecord {
    /// A measurement of these settings, with the identities that follow from them.
    pub fn new(spec: RoundSpec, rounds: usize, predicted_peak_bytes: Option<u64>, origin: Origin) -> Self {
        let optimizer = spec.optimizer();
        let mut work = json!({
            // It changes no number of a trial, but how long a step takes.
            "allocator": spec.settings.run.allocator,
            "batch": spec.batch_size,
            "data": spec.data_fingerprint,
            "input": spec.input,
            "classes": spec.classes,
            "mode": spec.mode,
            "model": spec.settings.model,
            "optimizer": [
                json!(optimizer.learning_rate),
                json!(optimizer.momentum),
                json!(optimizer.nesterov),
                json!(optimizer.weight_decay),
            ],
            "rounds": rounds,
            "run": arithmetic_of(&spec.settings.run),
            "seed": spec.optimizer().fixed_seeds.initialization.unwrap_or(spec.seed),
            "steps": spec.steps,
            "warmup": [json!(spec.warmup_steps), json!(spec.warmup_seconds)],
            "weights": spec.starting_weights_sha256,
        });
        // What came later is not in the identities of those without it.
        if !optimizer.fine_tuning.is_empty() {
            work["fine_tuning"] = json!(optimizer.fine_tuning);
        }
        if spec.profile_steps > 0 {
            work["profile_steps"] = json!(spec.profile_steps);
        }
        // They change no number of a trial either.
        let instructions = spec.settings.run.instructions;
        if instructions != Instructions::Auto {
            work["instructions"] = json!(instructions);
        }
        let work = digest(&work);
        let cell = match spec.repeat {
            0 => work,
            repeat => digest(&json!([work, "repeat", repeat])),
        };
        let measurement = digest(&json!([cell, spec.device, spec.threads, origin]));
        Self {
            measurement,
            cell,
            spec,
            rounds,
            predicted_peak_bytes,
            origin,
        }
    }

    /// The spec of one round, from 0, with its share of the steps: the first rounds take one more where they do not
    /// come out even. A record without rounds, which only a damaged file can hold, is as one of a single round.
    pub fn round(&self, round: usize) -> RoundSpec {
        let rounds = self.rounds.max(1);
        let share = |steps: usize| steps / rounds + usize::from(round < steps % rounds);
        RoundSpec {
            steps: share(self.spec.steps),
            phase_steps: share(self.spec.phase_steps),
            profile_steps: share(self.spec.profile_steps),
            ..self.spec.clone()
        }
    }

    /// Whether another measurement's rows may stand beside this one's: it is of the same cell, processor and program, and
    /// as many were measured at once.
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.cell == other.cell && self.origin.is_comparable(&other.origin)
    }

    /// The execution as the tables name it.
    pub fn execution_name(&self) -> String {
        self.spec.settings.run.execution.name().to_owned()
    }

    /// The mode as the tables name it.
    pub fn mode_name(&self) -> &'static str {
        match self.spec.mode {
            Mode::Train => "train",
            Mode::Evaluate => "evaluate",
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::ablation::parse;

    /// A measurement of training on the digits.
    pub fn record(variant: &str, batch_size: usize, rounds: usize) -> MeasurementRecord {
        of("", variant, batch_size, rounds, 10, 2)
    }

    fn of(
        more: &str,
        variant: &str,
        batch_size: usize,
        rounds: usize,
        steps: usize,
        threads: usize,
    ) -> MeasurementRecord {
        let text = format!(
            "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n[measure]\n{more}"
        );
        let settings = parse(&text, Path::new("x.toml")).unwrap().variants.remove(0).settings;
        let spec = RoundSpec {
            variant: variant.to_owned(),
            settings,
            starting_weights_sha256: None,
            mode: Mode::Train,
            batch_size,
            seed: 0,
            warmup_steps: 3,
            warmup_seconds: 0.5,
            steps,
            phase_steps: steps,
            device: "cpu".to_owned(),
            threads,
            memory_limit: None,
            input: Shape {
                channels: 1,
                height: 8,
                width: 8,
            },
            classes: 10,
            data_fingerprint: "digits".to_owned(),
            data_files: None,
            repeat: 0,
            profile_steps: 0,
        };
        MeasurementRecord::new(spec, rounds, None, origin("AMD EPYC with AVX-512", "r"))
    }

    fn origin(cpu: &str, revision: &str) -> Origin {
        Origin {
            cpu: cpu.to_owned(),
            gpu: None,
            revision: revision.to_owned(),
            at_once: 1,
        }
    }

    #[test]
    fn another_processor_or_program_makes_another_measurement_of_the_same_cell() {
        let one = record("a", 8, 3);
        for (cpu, revision) in [("AMD EPYC with AVX2", "r"), ("AMD EPYC with AVX-512", "s")] {
            let other = MeasurementRecord::new(one.spec.clone(), 3, None, origin(cpu, revision));
            assert_eq!(other.cell, one.cell);
            assert_ne!(other.measurement, one.measurement);
            assert!(!one.is_comparable(&other));
        }
        // Another number of threads stands beside it.
        assert!(one.is_comparable(&of("", "a", 8, 3, 10, 1)));
        // A record from before the processor was recorded is read.
        let mut earlier = serde_json::to_value(&one).unwrap();
        earlier.as_object_mut().unwrap().remove("cpu");
        let earlier: MeasurementRecord = serde_json::from_value(earlier).unwrap();
        assert_eq!(earlier.origin, origin("", "r"));
    }

    #[test]
    fn the_rounds_share_the_steps() {
        let record = of("", "a", 8, 3, 10, 2);
        let shares: Vec<usize> = (0..3).map(|round| record.round(round).steps).collect();
        assert_eq!(shares, [4, 3, 3]);
    }

    #[test]
    fn measurements_at_once_are_others_than_those_alone_which_keep_their_identity() {
        let alone = record("a", 8, 3);
        let origin = Origin {
            at_once: 2,
            ..alone.origin.clone()
        };
        let two = MeasurementRecord::new(alone.spec.clone(), 3, None, origin);
        assert_eq!(two.cell, alone.cell);
        assert_ne!(two.measurement, alone.measurement);
        assert!(!two.is_comparable(&alone));
        let written = serde_json::to_value(&alone).unwrap();
        assert_eq!(
            written.get("at_once"),
            None,
            "as it was before there were several at once"
        );
        assert_eq!(serde_json::from_value::<MeasurementRecord>(written).unwrap(), alone);
        let written = serde_json::to_value(&two).unwrap();
        assert_eq!(serde_json::from_value::<MeasurementRecord>(written).unwrap(), two);
    }

    #[test]
    fn a_record_without_rounds_is_as_one_of_a_single_round() {
        let record = of("", "a", 8, 0, 10, 2);
        assert_eq!(record.round(0).steps, 10);
    }

    #[test]
    fn the_cell_is_the_same_on_every_device_and_the_measurement_is_not() {
        let (two, one) = (record("a", 8, 3), of("", "a", 8, 3, 10, 1));
        assert_eq!(two.cell, one.cell);
        assert_ne!(two.measurement, one.measurement);
        // A name decides no number.
        assert_eq!(record("b", 8, 3).measurement, two.measurement);
    }

    #[test]
    fn the_same_work_measured_again_is_a_measurement_of_its_own_and_the_first_keeps_its_identity() {
        let first = record("a", 8, 3);
        let again = RoundSpec {
            repeat: 1,
            ..first.spec.clone()
        };
        let again = MeasurementRecord::new(again, 3, None, first.origin.clone());
        assert_ne!(again.cell, first.cell);
        assert_ne!(again.measurement, first.measurement);
        // A record from before there were repeats is the first.
        let mut json = serde_json::to_value(&first).unwrap();
        json["spec"].as_object_mut().unwrap().remove("repeat");
        json["spec"]["settings"]["measure"]
            .as_object_mut()
            .unwrap()
            .remove("repeats");
        assert_eq!(serde_json::from_value::<MeasurementRecord>(json).unwrap(), first);
    }

    #[test]
    fn the_cell_follows_from_what_decides_its_numbers() {
        let base = record("a", 8, 3).cell;
        assert_ne!(record("a", 16, 3).cell, base);
        assert_ne!(record("a", 8, 2).cell, base);
        assert_ne!(of("", "a", 8, 3, 11, 2).cell, base);
        assert_ne!(of("[train]\nmomentum = 0.5\n", "a", 8, 3, 10, 2).cell, base);
        assert_ne!(of("[run]\ndeterministic = false\n", "a", 8, 3, 10, 2).cell, base);
        assert_ne!(of("[run]\nallocator = \"return-pages\"\n", "a", 8, 3, 10, 2).cell, base);
        // How long training lasts does not.
        assert_eq!(of("[train]\nepochs = 3\n", "a", 8, 3, 10, 2).cell, base);
        assert_eq!(of("[run]\nthreads = 7\n", "a", 8, 3, 10, 2).cell, base);
    }
}
