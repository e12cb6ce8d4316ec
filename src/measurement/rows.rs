//! From a measurement's rounds to its rows of the tables.

use super::record::{MeasurementRecord, Phases, Rates, RoundResult};
use crate::formats::device_name::DeviceName;
use crate::formats::tables::{BatchRow, PhaseRow, SampleRow, Status};
use crate::host::{EnergySource, GpuRecord, ProcessorTime, recorded_graph, recorded_layout};
use crate::network::StepWork;
use crate::statistics::{median, median_absolute_deviation, stability, step_interval};

/// The confidence of the intervals in the tables.
pub(super) const CONFIDENCE: f64 = 0.95;

/// A measurement and the rounds that have ended.
#[derive(Clone, Debug)]
pub struct MeasurementRounds {
    /// What was asked for.
    pub record: MeasurementRecord,
    /// A result for each round that has ended.
    pub rounds: Vec<Option<RoundResult>>,
}

impl MeasurementRounds {
    /// Its status: that of its first round that did not end well, or pending until the last has ended.
    pub fn status(&self) -> Status {
        let bad = self
            .ended()
            .map(|result| result.status)
            .find(|&status| status != Status::Ok);
        let whole = self.rounds.iter().all(Option::is_some);
        bad.unwrap_or(if whole { Status::Ok } else { Status::Pending })
    }

    fn ended(&self) -> impl Iterator<Item = &RoundResult> {
        self.rounds.iter().flatten()
    }

    /// Its row of `batches.csv`, without a ratio; numbers come from the rounds that ended well.
    pub fn batch_row(&self) -> BatchRow {
        let good = || self.ended().filter(|result| result.status == Status::Ok);
        let steps: Vec<Vec<f64>> = good().map(|result| floats(&result.step_ns)).collect();
        let all = steps.concat();
        let step = median(&all);
        let interval = step_interval(&steps, CONFIDENCE);
        let middle = |times: Vec<u64>| whole(median(&floats(&times)));
        let phase =
            |of: fn(&Phases) -> Option<u64>| middle(good().flat_map(|result| &result.phases).filter_map(of).collect());
        let most = |of: fn(&RoundResult) -> Option<u64>| good().filter_map(of).max();
        let of_rounds = |of: fn(&RoundResult) -> Option<u64>| middle(good().filter_map(of).collect());
        let note = good().map(|result| &result.note).find(|note| !note.is_empty());
        let processor = good().filter_map(|result| result.processor).reduce(ProcessorTime::and);
        let gpu = good()
            .filter_map(|result| result.gpu.as_ref())
            .find_map(GpuRecord::warning);
        let warnings = [
            self.record.origin.warning(),
            processor.and_then(|processor| processor.warning()),
            gpu,
            stability(&steps).warning(),
            note.cloned(),
        ];
        let warnings: Vec<String> = warnings.into_iter().flatten().collect();
        let spec = &self.record.spec;
        let work = good().find_map(|result| result.work);
        let rates = good().filter_map(|result| result.rates).reduce(Rates::or_better);
        let seconds = step.map(|step| step.round() / 1e9);
        let (step_joules, energy_source) = self.step_energy().unzip();
        BatchRow {
            variant: spec.variant.clone(),
            device: DeviceName::recorded(&spec.device),
            execution: spec.settings.run.execution,
            precision: spec.settings.run.precision,
            mode: spec.mode,
            batch_size: spec.batch_size,
            status: self.status(),
            error: self
                .ended()
                .find(|result| result.status != Status::Ok)
                .map_or_else(String::new, |result| result.error.clone()),
            steps: all.len(),
            step_ns_median: whole(step),
            step_ns_mad: whole(median_absolute_deviation(&all)),
            forward_ns_median: phase(|phases| Some(phases.forward_ns)),
            backward_ns_median: phase(|phases| phases.backward_ns),
            optimizer_ns_median: phase(|phases| phases.optimizer_ns),
            // Over the median as the row has it, so that a reader's division gives the same.
            images_per_second: step.map(|step| spec.batch_size as f64 / (step.round() / 1e9)),
            allocated_peak_bytes: most(|result| result.allocated_peak_bytes),
            reserved_peak_bytes: most(|result| result.reserved_peak_bytes),
            process_peak_bytes: most(|result| result.process_peak_bytes),
            process_peak_source: good()
                .next()
                .map_or_else(String::new, |result| result.process_peak_source.clone()),
            predicted_peak_bytes: self.record.predicted_peak_bytes,
            threads: spec.threads,
            allocator: spec.settings.run.allocator,
            rounds: steps.len(),
            warning: warnings.join("; "),
            processor_share: processor.and_then(|processor| processor.share()),
            cpu: self.record.origin.cpu.clone(),
            revision: self.record.origin.revision.clone(),
            host: {
                let mut hosts: Vec<&str> = good().map(|result| result.host.as_str()).collect();
                hosts.dedup();
                hosts.retain(|host| !host.is_empty());
                hosts.join("; ")
            },
            measured_at: good().next().map_or_else(String::new, |result| result.ended.clone()),
            step_ns_low: whole(interval.map(|(low, _)| low)),
            step_ns_high: whole(interval.map(|(_, high)| high)),
            repeat: spec.repeat,
            step_ratio: None,
            step_ratio_low: None,
            step_ratio_high: None,
            discarded_rounds: self.ended().map(|result| result.discarded.len()).sum(),
            images_per_second_window: self.window_rate(),
            startup_ns: of_rounds(|result| result.startup_ns),
            first_step_ns: of_rounds(|result| result.first_step_ns),
            step_flops: work.map(|work| work.flops),
            step_bytes: work.map(|work| work.bytes),
            flops_per_second: work.zip(seconds).map(|(work, seconds)| work.flops as f64 / seconds),
            device_flops_per_second: rates.map(|rates| rates.flops_per_second),
            device_bytes_per_second: rates.map(|rates| rates.bytes_per_second),
            roofline_share: roofline_share(work, rates, seconds),
            step_joules,
            joules_per_image: step_joules.map(|joules| joules / spec.batch_size as f64),
            energy_source: energy_source.map_or_else(String::new, |source| source.to_string()),
            layout: recorded_layout(&spec.settings.run, &spec.device),
            cuda_graph: recorded_graph(&spec.settings.run, &spec.device),
        }
    }

    /// Images in each second of the passes with one synchronisation; none where a round that ended well has none.
    fn window_rate(&self) -> Option<f64> {
        let good = self.ended().filter(|result| result.status == Status::Ok);
        let (mut steps, mut nanoseconds) = (0, 0);
        for result in good {
            steps += result.step_ns.len();
            nanoseconds += result.window_ns?;
        }
        let images = (steps * self.record.spec.batch_size) as f64;
        (nanoseconds > 0).then(|| images / (nanoseconds as f64 / 1e9))
    }

    /// Joules of a step, the mean over the rounds whose energy was counted, and by whose counter.
    fn step_energy(&self) -> Option<(f64, EnergySource)> {
        let good = self.ended().filter(|result| result.status == Status::Ok);
        let (mut steps, mut microjoules, mut source) = (0, 0, None);
        for (result, energy) in good.filter_map(|result| Some((result, result.energy?))) {
            steps += result.step_ns.len();
            microjoules += energy.microjoules;
            source = source.or(Some(energy.source));
        }
        (steps > 0).then(|| Some((microjoules as f64 / 1e6 / steps as f64, source?)))?
    }

    /// Its rows of `samples.csv`.
    pub fn sample_rows(&self) -> Vec<SampleRow> {
        let spec = &self.record.spec;
        let timed = self.rounds.iter().enumerate().flat_map(|(round, result)| {
            let run = result.as_ref().map_or("", |result| result.run.as_str());
            let times = result.iter().flat_map(|result| &result.step_ns);
            times.map(move |&step_ns| (round, run, step_ns))
        });
        let row = |(step, (round, run, step_ns)): (usize, (usize, &str, u64))| SampleRow {
            variant: spec.variant.clone(),
            device: DeviceName::recorded(&spec.device),
            execution: spec.settings.run.execution,
            precision: spec.settings.run.precision,
            mode: spec.mode,
            batch_size: spec.batch_size,
            step,
            step_ns,
            threads: spec.threads,
            round,
            repeat: spec.repeat,
            run: run.to_owned(),
        };
        timed.enumerate().map(row).collect()
    }

    /// Its rows of `phases.csv`.
    pub fn phase_rows(&self) -> Vec<PhaseRow> {
        let spec = &self.record.spec;
        let timed = self.rounds.iter().enumerate().flat_map(|(round, result)| {
            let phases = result.iter().flat_map(|result| &result.phases);
            phases.map(move |phases| (round, *phases))
        });
        let row = |(step, (round, phases)): (usize, (usize, Phases))| PhaseRow {
            variant: spec.variant.clone(),
            device: DeviceName::recorded(&spec.device),
            execution: spec.settings.run.execution,
            precision: spec.settings.run.precision,
            mode: spec.mode,
            batch_size: spec.batch_size,
            step,
            forward_ns: phases.forward_ns,
            backward_ns: phases.backward_ns,
            optimizer_ns: phases.optimizer_ns,
            threads: spec.threads,
            round,
            repeat: spec.repeat,
        };
        timed.enumerate().map(row).collect()
    }
}

/// The least time of a step over the time that it took.
fn roofline_share(work: Option<StepWork>, rates: Option<Rates>, seconds: Option<f64>) -> Option<f64> {
    Some(rates?.least_seconds(work?) / seconds?)
}

/// Times as the statistics take them.
pub(super) fn floats(times: &[u64]) -> Vec<f64> {
    times.iter().map(|&time| time as f64).collect()
}

/// A time in whole nanoseconds.
pub(super) fn whole(nanoseconds: Option<f64>) -> Option<u64> {
    nanoseconds.map(|nanoseconds| nanoseconds.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::*;
    use crate::host::Energy;

    fn round(step_ns: &[u64], allocated: u64) -> Option<RoundResult> {
        Some(RoundResult {
            step_ns: step_ns.to_vec(),
            phases: vec![
                Phases {
                    forward_ns: 4,
                    backward_ns: Some(5),
                    optimizer_ns: Some(1),
                };
                step_ns.len()
            ],
            allocated_peak_bytes: Some(allocated),
            ..RoundResult::unfinished(Status::Ok, "")
        })
    }

    #[test]
    fn a_row_has_the_median_over_all_rounds_and_the_highest_peak() {
        let measured = MeasurementRounds {
            record: record("a", 8, 2),
            rounds: vec![round(&[10, 11, 30], 100), round(&[9, 12], 120)],
        };
        let row = measured.batch_row();
        assert_eq!((row.status, row.steps, row.rounds), (Status::Ok, 5, 2));
        assert_eq!((row.step_ns_median, row.step_ns_mad), (Some(11), Some(1)));
        assert_eq!(
            (row.forward_ns_median, row.backward_ns_median, row.optimizer_ns_median),
            (Some(4), Some(5), Some(1))
        );
        assert_eq!(row.images_per_second, Some(8.0 / 11e-9));
        assert_eq!(row.allocated_peak_bytes, Some(120));
    }

    #[test]
    fn a_row_has_the_share_of_the_processor_time_over_all_rounds_and_a_warning_where_it_is_small() {
        let with = |ran_ns, waited_ns| {
            round(&[10], 1).map(|result| RoundResult {
                processor: Some(ProcessorTime {
                    wall_ns: 100,
                    ran_ns,
                    waited_ns,
                    ..ProcessorTime::default()
                }),
                ..result
            })
        };
        let row = |rounds| {
            let record = record("a", 8, 2);
            MeasurementRounds { record, rounds }.batch_row()
        };
        let alone = row(vec![with(200, 0), with(198, 2)]);
        assert_eq!((alone.processor_share, alone.warning.as_str()), (Some(0.995), ""));
        let beside = row(vec![with(100, 100), with(60, 140)]);
        assert_eq!(beside.processor_share, Some(0.4));
        assert!(beside.warning.starts_with("its threads got 40 %"), "{}", beside.warning);
        // On a GPU, on another system, or from before this was recorded.
        let unknown = row(vec![round(&[10], 1), round(&[10], 1)]);
        assert_eq!((unknown.processor_share, unknown.warning.as_str()), (None, ""));
    }

    #[test]
    fn a_row_has_the_throughput_over_all_passes_with_one_synchronisation() {
        let with = |steps: &[u64], window_ns| round(steps, 1).map(|result| RoundResult { window_ns, ..result });
        let rate = |rounds| {
            let record = record("a", 8, 2);
            MeasurementRounds { record, rounds }
                .batch_row()
                .images_per_second_window
        };
        // Five steps of eight images in 20 ns.
        assert_eq!(
            rate(vec![with(&[10, 10, 10], Some(14)), with(&[10, 10], Some(6))]),
            Some(40.0 / 20e-9)
        );
        // On the processor, or with a round from before it was measured.
        assert_eq!(rate(vec![with(&[10], None), with(&[10], None)]), None);
        assert_eq!(rate(vec![with(&[10], Some(5)), with(&[10], None)]), None);
        assert_eq!(rate(vec![None, None]), None);
    }

    #[test]
    fn a_row_has_the_share_of_the_roofline_of_its_own_rounds() {
        let with = |flops_per_second, bytes_per_second| {
            round(&[10], 1).map(|result| RoundResult {
                work: Some(StepWork { flops: 80, bytes: 30 }),
                rates: Some(Rates {
                    flops_per_second,
                    bytes_per_second,
                }),
                ..result
            })
        };
        let row = |rounds| {
            let record = record("a", 8, 2);
            MeasurementRounds { record, rounds }.batch_row()
        };
        // 80 operations at 20 a nanosecond take 4 ns, 30 bytes at 5 take 6 ns: memory is the limit.
        let bound_by_memory = row(vec![with(20e9, 4e9), with(18e9, 5e9)]);
        assert_eq!(bound_by_memory.flops_per_second, Some(8e9));
        assert_eq!(bound_by_memory.device_flops_per_second, Some(20e9));
        assert_eq!(bound_by_memory.device_bytes_per_second, Some(5e9));
        assert!((bound_by_memory.roofline_share.unwrap() - 0.6).abs() < 1e-12);
        let bound_by_arithmetic = row(vec![with(10e9, 6e9), with(10e9, 6e9)]);
        assert!((bound_by_arithmetic.roofline_share.unwrap() - 0.8).abs() < 1e-12);
        // From before this was recorded.
        let unknown = row(vec![round(&[10], 1), round(&[10], 1)]);
        assert_eq!((unknown.step_flops, unknown.roofline_share), (None, None));
    }

    #[test]
    fn a_row_has_the_energy_of_a_step_over_the_rounds_that_counted_it() {
        let with = |steps: &[u64], microjoules| {
            round(steps, 1).map(|result| RoundResult {
                energy: Some(Energy {
                    microjoules,
                    wall_ns: 500_000_000,
                    source: EnergySource::NvmlGpu,
                }),
                ..result
            })
        };
        let row = |rounds| {
            let record = record("a", 8, 3);
            MeasurementRounds { record, rounds }.batch_row()
        };
        let counted = row(vec![
            with(&[10, 10], 30_000_000),
            with(&[10], 18_000_000),
            round(&[10; 9], 1),
        ]);
        assert_eq!((counted.step_joules, counted.joules_per_image), (Some(16.0), Some(2.0)));
        assert_eq!(counted.energy_source, "nvml-gpu");
        let not_counted = row(vec![round(&[10], 1), None, None]);
        assert_eq!((not_counted.step_joules, not_counted.joules_per_image), (None, None));
        assert_eq!(not_counted.energy_source, "");
    }

    #[test]
    fn a_gpu_that_was_held_down_in_any_round_is_a_warning_of_the_row() {
        let with = |reason: &str| {
            let json = serde_json::json!({
                "name": "NVIDIA A100", "uuid": "GPU-1", "memory_bytes": 80, "driver": "570", "compute_capability": "8.0",
                "start": {}, "end": {"throttle_reasons": [reason]},
            });
            round(&[10], 1).map(|result| RoundResult {
                gpu: Some(serde_json::from_value(json).unwrap()),
                ..result
            })
        };
        let warning = |rounds| {
            let record = record("a", 8, 2);
            MeasurementRounds { record, rounds }.batch_row().warning
        };
        assert_eq!(
            warning(vec![with("GPU_IDLE"), with("HW_SLOWDOWN")]),
            "the GPU's clocks were held down (HW_SLOWDOWN)"
        );
        assert_eq!(warning(vec![with("GPU_IDLE"), round(&[10], 1)]), "");
    }

    #[test]
    fn every_step_of_every_round_is_a_sample_counted_through() {
        let measured = MeasurementRounds {
            record: record("a", 8, 2),
            rounds: vec![round(&[10, 11], 1), round(&[9], 1)],
        };
        let samples: Vec<_> = measured
            .sample_rows()
            .iter()
            .map(|row| (row.round, row.step, row.step_ns))
            .collect();
        assert_eq!(samples, [(0, 0, 10), (0, 1, 11), (1, 2, 9)]);
        assert_eq!(measured.phase_rows().len(), 3);
    }

    #[test]
    fn a_round_that_failed_is_the_rows_status_and_the_others_numbers_stay() {
        let failed = Some(RoundResult::unfinished(Status::Timeout, "too long"));
        let measured = MeasurementRounds {
            record: record("a", 8, 2),
            rounds: vec![round(&[10], 1), failed],
        };
        let row = measured.batch_row();
        assert_eq!(
            (row.status, row.error.as_str(), row.step_ns_median),
            (Status::Timeout, "too long", Some(10))
        );
        let unfinished = MeasurementRounds {
            record: record("a", 8, 2),
            rounds: vec![round(&[10], 1), None],
        };
        assert_eq!(unfinished.batch_row().status, Status::Pending);
    }
}
