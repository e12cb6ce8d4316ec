//! The step times of two measurements with one mode and batch size.

use serde::Serialize;

use super::trained::{CONFIDENCE, unfinished};
use crate::formats::ablation::Precision;
use crate::formats::ablation::{Execution, Mode};
use crate::formats::device_name::DeviceName;
use crate::formats::tables::{BatchRow, SampleRow};
use crate::random::{Purpose, Stream};
use crate::statistics::{RatioIntervalMethod, median, median_interval, median_ratio};
use crate::views::text::one_line;

/// One side's measurement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredSide {
    /// The device.
    pub device: DeviceName,
    /// How the network's operations are carried out.
    pub execution: Execution,
    /// The arithmetic of the network's values.
    pub precision: Precision,
    /// Threads of the device's backend.
    pub threads: usize,
    /// Timed steps.
    pub steps: usize,
    /// Rounds, each a process of its own.
    pub rounds: usize,
    /// The median step, in nanoseconds.
    pub step_ns_median: f64,
    /// The interval of the median between two of the steps; none of too few steps.
    pub interval_ns: Option<(f64, f64)>,
    /// The probability that it covers the true median, 0.95 or a little more, if steps were independent.
    pub interval_coverage: Option<f64>,
    /// The most bytes of live tensors during the timed steps.
    pub allocated_peak_bytes: Option<u64>,
    /// The most bytes that the caching allocator held.
    pub reserved_peak_bytes: Option<u64>,
    /// The most memory of the process.
    pub process_peak_bytes: Option<u64>,
    /// What makes the numbers doubtful; else empty.
    pub warning: String,
    /// The processor in words; empty in earlier tables.
    pub cpu: String,
    /// The program's revision; empty in earlier tables.
    pub revision: String,
}

/// Both sides' measurements with one mode and batch size.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredComparison {
    /// What was timed.
    pub mode: Mode,
    /// Images in a step.
    pub batch_size: usize,
    /// A's side.
    pub a: MeasuredSide,
    /// B's side.
    pub b: MeasuredSide,
    /// B's step time over A's.
    pub ratio: f64,
    /// The 95 % interval of the ratio; none of too few steps.
    pub ratio_interval: Option<(f64, f64)>,
    /// Where that comes from: `welch-on-rounds` or `bootstrap-of-steps`.
    pub ratio_interval_method: &'static str,
}

/// Compares what two sides measured, in A's order; also returns notes about what had to be left out.
pub(super) fn compare(
    a: (&[&BatchRow], &[&SampleRow]),
    b: (&[&BatchRow], &[&SampleRow]),
    notes: &mut Vec<String>,
    label: &str,
) -> Vec<MeasuredComparison> {
    let mut found = Vec::new();
    for row in a.0 {
        let what = format!("{label}: {} at batch {}", row.mode, row.batch_size);
        let Some(other) = partner(row, b.0) else {
            notes.push(format!("{what} left out, which B does not have"));
            continue;
        };
        if let Some(why) = unfinished([(row.status, &row.error), (other.status, &other.error)]) {
            notes.push(format!("{what} left out: {why}"));
            continue;
        }
        for (row, side) in [(*row, "A"), (other, "B")] {
            if !row.warning.is_empty() {
                notes.push(format!("{what} in {side}: {}", one_line(&row.warning)));
            }
        }
        match compare_rows(row, a.1, other, b.1) {
            Some(comparison) => found.push(comparison),
            None => notes.push(format!(
                "{what} left out, since samples.csv has no steps of it on both sides"
            )),
        }
    }
    for row in b.0 {
        if partner(row, a.0).is_none() {
            notes.push(format!(
                "{label}: {} at batch {} left out, which A does not have",
                row.mode, row.batch_size
            ));
        }
    }
    found
}

/// The row with the same mode and batch size: one that was measured in the same way where there is one.
fn partner<'a>(row: &BatchRow, others: &[&'a BatchRow]) -> Option<&'a BatchRow> {
    let same = |other: &&&BatchRow| other.mode == row.mode && other.batch_size == row.batch_size;
    let alike = |other: &&&BatchRow| {
        (&other.device, other.threads) == (&row.device, row.threads)
            && (other.execution, other.precision) == (row.execution, row.precision)
    };
    let candidates = || others.iter().filter(same);
    candidates().find(alike).or_else(|| candidates().next()).copied()
}

fn compare_rows(
    row_a: &BatchRow,
    samples_a: &[&SampleRow],
    row_b: &BatchRow,
    samples_b: &[&SampleRow],
) -> Option<MeasuredComparison> {
    let (rounds_a, rounds_b) = (rounds_of(row_a, samples_a), rounds_of(row_b, samples_b));
    let name = format!(
        "{} {} {} {}",
        row_a.variant, row_b.variant, row_a.mode, row_a.batch_size
    );
    let mut stream = Stream::named(0, Purpose::Resampling, &name);
    let ratio = median_ratio(&rounds_a, &rounds_b, CONFIDENCE, &mut |bound| stream.below(bound))?;
    Some(MeasuredComparison {
        mode: row_a.mode,
        batch_size: row_a.batch_size,
        a: measured(row_a, &rounds_a)?,
        b: measured(row_b, &rounds_b)?,
        ratio: ratio.ratio,
        ratio_interval: ratio.interval,
        ratio_interval_method: match ratio.method {
            RatioIntervalMethod::WelchOnRounds => "welch-on-rounds",
            RatioIntervalMethod::BootstrapOfSteps => "bootstrap-of-steps",
        },
    })
}

/// The steps of a row by round.
fn rounds_of(row: &BatchRow, samples: &[&SampleRow]) -> Vec<Vec<f64>> {
    let mut rounds: Vec<(usize, Vec<f64>)> = Vec::new();
    for sample in samples {
        let is_of_row = sample.variant == row.variant
            && sample.device == row.device
            && sample.execution == row.execution
            && sample.precision == row.precision
            && sample.threads == row.threads
            && sample.mode == row.mode
            && sample.batch_size == row.batch_size;
        if !is_of_row {
            continue;
        }
        match rounds.iter_mut().find(|(round, _)| *round == sample.round) {
            Some((_, steps)) => steps.push(sample.step_ns as f64),
            None => rounds.push((sample.round, vec![sample.step_ns as f64])),
        }
    }
    rounds.into_iter().map(|(_, steps)| steps).collect()
}

fn measured(row: &BatchRow, rounds: &[Vec<f64>]) -> Option<MeasuredSide> {
    let steps = rounds.concat();
    let interval = median_interval(&steps, CONFIDENCE);
    Some(MeasuredSide {
        device: row.device.clone(),
        execution: row.execution,
        precision: row.precision,
        threads: row.threads,
        steps: steps.len(),
        rounds: rounds.len(),
        step_ns_median: median(&steps)?,
        interval_ns: interval.map(|interval| (interval.low, interval.high)),
        interval_coverage: interval.map(|interval| interval.coverage),
        allocated_peak_bytes: row.allocated_peak_bytes,
        reserved_peak_bytes: row.reserved_peak_bytes,
        process_peak_bytes: row.process_peak_bytes,
        warning: row.warning.clone(),
        cpu: row.cpu.clone(),
        revision: row.revision.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::cpu;
    use super::*;
    use crate::formats::tables::Status;

    fn batch(batch_size: usize) -> BatchRow {
        BatchRow {
            variant: "base".to_owned(),
            device: cpu(),
            execution: Execution::Plain,
            precision: Precision::F32,
            mode: Mode::Train,
            batch_size,
            status: Status::Ok,
            error: String::new(),
            steps: 12,
            step_ns_median: None,
            step_ns_mad: None,
            forward_ns_median: None,
            backward_ns_median: None,
            optimizer_ns_median: None,
            images_per_second: None,
            allocated_peak_bytes: Some(1 << 20),
            reserved_peak_bytes: None,
            process_peak_bytes: None,
            process_peak_source: String::new(),
            predicted_peak_bytes: None,
            threads: 2,
            allocator: crate::formats::ablation::Allocator::KeepPages,
            rounds: 3,
            warning: String::new(),
            processor_share: None,
            cpu: String::new(),
            revision: String::new(),
            measured_at: String::new(),
        }
    }

    /// Four steps in each of three rounds around a level.
    fn samples(row: &BatchRow, level: u64) -> Vec<SampleRow> {
        (0..12)
            .map(|step| SampleRow {
                variant: row.variant.clone(),
                device: row.device.clone(),
                execution: row.execution,
                precision: row.precision,
                mode: row.mode,
                batch_size: row.batch_size,
                step,
                step_ns: level + 1_000 * (step as u64 % 5),
                threads: row.threads,
                round: step / 4,
            })
            .collect()
    }

    fn compared(a: &[(BatchRow, u64)], b: &[(BatchRow, u64)]) -> (Vec<MeasuredComparison>, Vec<String>) {
        let rows = |side: &[(BatchRow, u64)]| -> (Vec<BatchRow>, Vec<SampleRow>) {
            let steps = side.iter().flat_map(|(row, level)| samples(row, *level)).collect();
            (side.iter().map(|(row, _)| row.clone()).collect(), steps)
        };
        let ((batches_a, samples_a), (batches_b, samples_b)) = (rows(a), rows(b));
        let mut notes = Vec::new();
        let found = compare(
            (
                &batches_a.iter().collect::<Vec<_>>(),
                &samples_a.iter().collect::<Vec<_>>(),
            ),
            (
                &batches_b.iter().collect::<Vec<_>>(),
                &samples_b.iter().collect::<Vec<_>>(),
            ),
            &mut notes,
            "base",
        );
        (found, notes)
    }

    #[test]
    fn steps_are_compared_batch_size_by_batch_size() {
        let a = [(batch(8), 100_000), (batch(16), 200_000)];
        let b = [(batch(8), 150_000), (batch(16), 200_000)];
        let (found, notes) = compared(&a, &b);
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!(found[0].a.step_ns_median, 101_500.0);
        assert!((found[0].ratio - 1.49).abs() < 0.01, "{found:?}");
        let (low, high) = found[0].ratio_interval.unwrap();
        assert!(low > 1.45 && high < 1.53, "{found:?}");
        assert_eq!(
            (found[1].ratio, found[1].ratio_interval_method),
            (1.0, "welch-on-rounds")
        );
        assert_eq!((found[1].a.steps, found[1].a.rounds), (12, 3));
        let (low, high) = found[1].a.interval_ns.unwrap();
        assert!(low < 201_500.0 && high > 201_500.0 && found[1].a.interval_coverage > Some(0.95));
    }

    #[test]
    fn what_one_side_lacks_or_could_not_do_is_named() {
        let mut large = batch(64);
        large.status = Status::Oom;
        large.error = "not tried".to_owned();
        let a = [(batch(8), 100_000), (batch(32), 100_000), (batch(64), 100_000)];
        let b = [(batch(8), 100_000), (batch(128), 100_000), (large, 100_000)];
        let (found, notes) = compared(&a, &b);
        assert_eq!(found.len(), 1);
        assert_eq!(
            notes,
            [
                "base: train at batch 32 left out, which B does not have",
                "base: train at batch 64 left out: oom in B: not tried",
                "base: train at batch 128 left out, which A does not have"
            ]
        );
    }

    #[test]
    fn a_partner_measured_in_the_same_way_is_preferred() {
        let mut other = batch(8);
        other.threads = 4;
        let (found, _) = compared(&[(batch(8), 100_000)], &[(other.clone(), 50_000), (batch(8), 100_000)]);
        assert_eq!(found[0].b.threads, 2);
        let (found, _) = compared(&[(batch(8), 100_000)], &[(other, 50_000)]);
        assert_eq!((found[0].a.threads, found[0].b.threads), (2, 4));
    }

    #[test]
    fn an_unsteady_measurement_is_reported_with_its_warning() {
        let mut doubtful = batch(8);
        doubtful.warning = "the second half is slower".to_owned();
        let (_, notes) = compared(&[(batch(8), 100_000)], &[(doubtful, 100_000)]);
        assert_eq!(notes, ["base: train at batch 8 in B: the second half is slower"]);
    }
}
