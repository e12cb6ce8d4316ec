//! The ratios of a result folder's measurements: each beside what it stands beside, paired by the rounds in which both
//! took turns.

use super::record::RoundResult;
use super::rows::{CONFIDENCE, MeasurementRounds, floats};
use crate::formats::tables::{BatchRow, Status};
use crate::statistics::{RoundRatio, paired_ratio};

/// The rows of `batches.csv`, with the ratios of step times.
pub fn batch_rows(measured: &[MeasurementRounds]) -> Vec<BatchRow> {
    let row = |own: &MeasurementRounds| {
        let ratio = baseline(own, measured).and_then(|baseline| step_ratio(baseline, own));
        let interval = ratio.and_then(|ratio| ratio.interval);
        BatchRow {
            step_ratio: ratio.map(|ratio| ratio.ratio),
            step_ratio_low: interval.map(|(low, _)| low),
            step_ratio_high: interval.map(|(_, high)| high),
            ..own.batch_row()
        }
    };
    measured.iter().map(row).collect()
}

/// What a measurement stands beside: the first of the same work where it measures that again; else the first variant
/// with the same mode, batch size, device and threads. `None` of that one itself, and of what shares its measurement.
fn baseline<'a>(own: &MeasurementRounds, measured: &'a [MeasurementRounds]) -> Option<&'a MeasurementRounds> {
    let place = |of: &MeasurementRounds| {
        let spec = &of.record.spec;
        (spec.mode, spec.batch_size, spec.device.clone(), spec.threads)
    };
    let is_again = own.record.spec.repeat > 0;
    let is_sought = |other: &&MeasurementRounds| {
        other.record.spec.repeat == 0
            && place(other) == place(own)
            && (!is_again || other.record.spec.variant == own.record.spec.variant)
    };
    let first = measured.iter().find(is_sought)?;
    (first.record.measurement != own.record.measurement).then_some(first)
}

/// The second's step time over the first's, of the rounds that ended well on both sides within one run.
fn step_ratio(first: &MeasurementRounds, second: &MeasurementRounds) -> Option<RoundRatio> {
    let good = |round: &Option<RoundResult>| round.clone().filter(|round| round.status == Status::Ok);
    let pairs: Vec<(Vec<f64>, Vec<f64>)> = (first.rounds.iter().zip(&second.rounds))
        .filter_map(|(first, second)| good(first).zip(good(second)))
        .filter(|(first, second)| first.run == second.run)
        .map(|(first, second)| (floats(&first.step_ns), floats(&second.step_ns)))
        .collect();
    paired_ratio(&pairs, CONFIDENCE)
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::record;
    use super::super::record::{MeasurementRecord, RoundSpec};
    use super::*;

    /// Five rounds that a machine slows down more and more, of a measurement that takes `times` as long as the first.
    fn measured(record: MeasurementRecord, times: f64, run: &str) -> MeasurementRounds {
        let round = |round: u32| RoundResult {
            step_ns: vec![(1e6 * times * (1.0 + 0.2 * f64::from(round))) as u64; 2],
            run: run.to_owned(),
            ..RoundResult::unfinished(Status::Ok, "")
        };
        MeasurementRounds {
            record,
            rounds: (0..5).map(|number| Some(round(number))).collect(),
        }
    }

    fn again(of: &MeasurementRecord) -> MeasurementRecord {
        let spec = RoundSpec {
            repeat: 1,
            ..of.spec.clone()
        };
        MeasurementRecord::new(spec, of.rounds, None, of.origin.clone())
    }

    #[test]
    fn a_variant_stands_beside_the_first_and_the_same_work_beside_itself() {
        let (a, b) = (record("a", 8, 5), record("b", 8, 6));
        let rows = batch_rows(&[
            measured(a.clone(), 1.0, "now"),
            measured(b.clone(), 1.5, "now"),
            measured(again(&a), 1.01, "now"),
            measured(again(&b), 1.53, "now"),
        ]);
        let ratios: Vec<Option<f64>> = rows
            .iter()
            .map(|row| row.step_ratio.map(|ratio| (1e3 * ratio).round() / 1e3))
            .collect();
        assert_eq!(ratios, [None, Some(1.5), Some(1.01), Some(1.02)]);
        // What slows down a whole round is not in the interval of a ratio.
        assert!(rows[1].step_ratio_low > Some(1.499) && rows[1].step_ratio_high < Some(1.501));
        assert!(rows[1].step_ns_low < Some(1_600_000) && rows[1].step_ns_high > Some(2_600_000));
        assert_eq!(rows.iter().map(|row| row.repeat).collect::<Vec<_>>(), [0, 0, 1, 1]);
    }

    #[test]
    fn rounds_of_two_runs_are_no_pairs_and_a_measurement_does_not_stand_beside_itself() {
        let (a, b) = (record("a", 8, 5), record("b", 8, 6));
        let rows = batch_rows(&[measured(a.clone(), 1.0, "now"), measured(b, 1.5, "later")]);
        assert_eq!(rows[1].step_ratio, None);
        // The variants differ in nothing that is measured.
        let rows = batch_rows(&[measured(a.clone(), 1.0, "now"), measured(record("c", 8, 5), 1.0, "now")]);
        assert_eq!(rows[1].step_ratio, None);
        // Another batch size is another baseline.
        let rows = batch_rows(&[measured(a, 1.0, "now"), measured(record("b", 16, 5), 2.0, "now")]);
        assert_eq!(rows[1].step_ratio, None);
    }
}
