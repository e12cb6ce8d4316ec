//! The step times of two measurements with one mode and batch size.

use serde::Serialize;

use super::pairs::unfinished;
use super::timed_rounds::{TimedRound, pairs_of, rounds_of, steps_of};
use super::trained::CONFIDENCE;
use crate::formats::ablation::Precision;
use crate::formats::ablation::{Execution, Mode};
use crate::formats::device_name::DeviceName;
use crate::formats::tables::{BatchRow, SampleRow};
use crate::statistics::{RatioMethod, RoundRatio, median, paired_ratio, step_interval, unpaired_ratio};
use crate::views::noise_floor::NoiseFloor;
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
    /// The 95 % interval of the median, from the rounds' medians; none of fewer than three rounds.
    pub interval_ns: Option<(f64, f64)>,
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
    /// The 95 % interval of the ratio; none of too few rounds.
    pub ratio_interval: Option<(f64, f64)>,
    /// Where that comes from: `paired-rounds` (both took turns in one run) or `welch-on-rounds`.
    pub ratio_interval_method: &'static str,
    /// Rounds that were paired, or those of the side with fewer.
    pub ratio_rounds: usize,
    /// Whether the same work measured again may be as far from 1; none where it was not.
    pub within_noise_floor: Option<bool>,
}

/// Compares what two sides measured, in A's order; also returns notes about what had to be left out, and why a ratio
/// is not of pairs. Rounds of one folder took turns where they are of one run.
pub(super) fn compare(
    a: (&[&BatchRow], &[&SampleRow]),
    b: (&[&BatchRow], &[&SampleRow]),
    is_one_folder: bool,
    floor: &NoiseFloor,
    notes: &mut Vec<String>,
    label: &str,
) -> Vec<MeasuredComparison> {
    let mut found: Vec<MeasuredComparison> = Vec::new();
    let mut is_unpaired = false;
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
        let (rounds_a, rounds_b) = (rounds_of(row, a.1), rounds_of(other, b.1));
        if !rounds_a.is_empty() && steps_of(&rounds_a) == steps_of(&rounds_b) {
            notes.push(format!(
                "{what} left out: both sides are one measurement, step by step, which cannot differ from itself; write \
                 repeats = 2 in [measure] and run again to see how far the same work lies apart"
            ));
            continue;
        }
        let pairs = if is_one_folder {
            pairs_of(&rounds_a, &rounds_b)
        } else {
            Vec::new()
        };
        is_unpaired |= pairs.is_empty();
        match compare_rows(row, &rounds_a, other, &rounds_b, &pairs) {
            Some(comparison) => found.push(MeasuredComparison {
                within_noise_floor: floor.factor.map(|_| floor.covers(comparison.ratio)),
                ..comparison
            }),
            None => notes.push(format!(
                "{what} left out, since samples.csv has no steps of it on both sides"
            )),
        }
    }
    if is_unpaired && !found.is_empty() {
        notes.push(format!(
            "{label}: A's and B's rounds did not take turns in one run, so they are not paired: what the machine was like \
             at the two times is not in the interval; for pairs, measure both as variants of one ablation"
        ));
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
    rounds_a: &[TimedRound],
    row_b: &BatchRow,
    rounds_b: &[TimedRound],
    pairs: &[(Vec<f64>, Vec<f64>)],
) -> Option<MeasuredComparison> {
    let steps = |rounds: &[TimedRound]| -> Vec<Vec<f64>> { rounds.iter().map(|round| round.steps.clone()).collect() };
    let (steps_a, steps_b) = (steps(rounds_a), steps(rounds_b));
    let ratio: RoundRatio = match pairs {
        [] => unpaired_ratio(&steps_a, &steps_b, CONFIDENCE)?,
        pairs => paired_ratio(pairs, CONFIDENCE)?,
    };
    Some(MeasuredComparison {
        mode: row_a.mode,
        batch_size: row_a.batch_size,
        a: measured(row_a, &steps_a)?,
        b: measured(row_b, &steps_b)?,
        ratio: ratio.ratio,
        ratio_interval: ratio.interval,
        ratio_interval_method: match ratio.method {
            RatioMethod::Paired => "paired-rounds",
            RatioMethod::Unpaired => "welch-on-rounds",
        },
        ratio_rounds: ratio.rounds,
        within_noise_floor: None,
    })
}

fn measured(row: &BatchRow, rounds: &[Vec<f64>]) -> Option<MeasuredSide> {
    let steps = rounds.concat();
    Some(MeasuredSide {
        device: row.device.clone(),
        execution: row.execution,
        precision: row.precision,
        threads: row.threads,
        steps: steps.len(),
        rounds: rounds.len(),
        step_ns_median: median(&steps)?,
        interval_ns: step_interval(rounds, CONFIDENCE),
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
            rounds: 6,
            warning: String::new(),
            processor_share: None,
            cpu: String::new(),
            revision: String::new(),
            host: String::new(),
            measured_at: String::new(),
            step_ns_low: None,
            step_ns_high: None,
            repeat: 0,
            step_ratio: None,
            step_ratio_low: None,
            step_ratio_high: None,
            discarded_rounds: 0,
            images_per_second_window: None,
            startup_ns: None,
            first_step_ns: None,
            step_flops: None,
            step_bytes: None,
            flops_per_second: None,
            device_flops_per_second: None,
            device_bytes_per_second: None,
            roofline_share: None,
            step_joules: None,
            joules_per_image: None,
            energy_source: String::new(),
            layout: None,
            cuda_graph: None,
        }
    }

    /// Two steps in each of six rounds around a level.
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
                round: step / 2,
                repeat: row.repeat,
                run: "now".to_owned(),
            })
            .collect()
    }

    fn compared(a: &[(BatchRow, u64)], b: &[(BatchRow, u64)]) -> (Vec<MeasuredComparison>, Vec<String>) {
        compared_in(a, b, true, &NoiseFloor::default())
    }

    fn compared_in(
        a: &[(BatchRow, u64)],
        b: &[(BatchRow, u64)],
        is_one_folder: bool,
        floor: &NoiseFloor,
    ) -> (Vec<MeasuredComparison>, Vec<String>) {
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
            is_one_folder,
            floor,
            &mut notes,
            "base",
        );
        (found, notes)
    }

    #[test]
    fn steps_are_compared_batch_size_by_batch_size_and_round_by_round() {
        let a = [(batch(8), 100_000), (batch(16), 200_000)];
        let b = [(batch(8), 150_000), (batch(16), 201_000)];
        let (found, notes) = compared(&a, &b);
        assert!(notes.is_empty(), "{notes:?}");
        assert_eq!(found[0].a.step_ns_median, 101_500.0);
        assert!((found[0].ratio - 1.49).abs() < 0.01, "{found:?}");
        let (low, high) = found[0].ratio_interval.unwrap();
        assert!(low > 1.48 && high < 1.51, "{found:?}");
        assert_eq!(
            (found[1].ratio_interval_method, found[1].ratio_rounds),
            ("paired-rounds", 6)
        );
        assert_eq!((found[1].a.steps, found[1].a.rounds), (12, 6));
        let (low, high) = found[1].a.interval_ns.unwrap();
        assert!(low < 201_500.0 && high > 201_500.0);
    }

    #[test]
    fn two_folders_are_not_paired_and_that_is_said() {
        let (found, notes) = compared_in(
            &[(batch(8), 100_000)],
            &[(batch(8), 150_000)],
            false,
            &NoiseFloor::default(),
        );
        assert_eq!(found[0].ratio_interval_method, "welch-on-rounds");
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0].starts_with("base: A's and B's rounds did not take turns"),
            "{notes:?}"
        );
    }

    #[test]
    fn a_measurement_is_not_compared_with_itself() {
        let shared = BatchRow {
            variant: "another name".to_owned(),
            ..batch(8)
        };
        let (found, notes) = compared(&[(batch(8), 100_000)], &[(shared, 100_000)]);
        assert_eq!(found, []);
        assert!(
            notes[0].contains("both sides are one measurement") && notes[0].contains("repeats = 2"),
            "{notes:?}"
        );
    }

    #[test]
    fn a_ratio_within_the_noise_floor_is_marked() {
        let floor = NoiseFloor {
            factor: Some(1.05),
            ..NoiseFloor::default()
        };
        let a = [(batch(8), 100_000), (batch(16), 100_000)];
        let b = [(batch(8), 150_000), (batch(16), 102_000)];
        let (found, _) = compared_in(&a, &b, true, &floor);
        assert_eq!(
            (found[0].within_noise_floor, found[1].within_noise_floor),
            (Some(false), Some(true))
        );
    }

    #[test]
    fn what_one_side_lacks_or_could_not_do_is_named() {
        let mut large = batch(64);
        large.status = Status::Oom;
        large.error = "not tried".to_owned();
        let a = [(batch(8), 100_000), (batch(32), 100_000), (batch(64), 100_000)];
        let b = [(batch(8), 101_000), (batch(128), 100_000), (large, 100_000)];
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
        let (found, _) = compared(&[(batch(8), 100_000)], &[(other.clone(), 50_000), (batch(8), 101_000)]);
        assert_eq!(found[0].b.threads, 2);
        let (found, _) = compared(&[(batch(8), 100_000)], &[(other, 50_000)]);
        assert_eq!((found[0].a.threads, found[0].b.threads), (2, 4));
    }

    #[test]
    fn an_unsteady_measurement_is_reported_with_its_warning() {
        let mut doubtful = batch(8);
        doubtful.warning = "the second half is slower".to_owned();
        let (_, notes) = compared(&[(batch(8), 100_000)], &[(doubtful, 101_000)]);
        assert_eq!(notes, ["base: train at batch 8 in B: the second half is slower"]);
    }
}
