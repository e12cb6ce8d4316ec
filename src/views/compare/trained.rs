//! The results of trials with the same seeds, pair by pair.

use std::collections::BTreeMap;

use serde::Serialize;

use super::metrics::{METRICS, Metric, Scope};
use crate::formats::tables::{Status, TrialRow};
use crate::random::{Purpose, Stream};
use crate::statistics::{BOOTSTRAP_FROM, mean, mean_difference, sign_flip_test};
use crate::views::text::one_line;
use crate::words::plural;

/// The level of intervals.
pub(super) const CONFIDENCE: f64 = 0.95;
/// The level of the sign-flip test.
const SIGNIFICANCE: f64 = 0.05;

/// What the sign-flip test comes to at the level 0.05.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every pair has the same number on both sides.
    Equal,
    /// However they came out, so few pairs could not differ significantly.
    NTooSmall,
    /// p is at most 0.05.
    Differ,
    /// p is above 0.05; which does not show that they are equal.
    NoDifferenceShown,
    /// A speed of trials: each ran once, in its own hour, so that its seeds are no repetitions of the same conditions.
    NotTested,
}

/// One number on both sides, over the seeds that both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainedComparison {
    /// The number's column in `trials.csv`, and its unit.
    pub metric: &'static str,
    /// The seeds that both sides have it for.
    pub seeds: Vec<u64>,
    /// As many pairs.
    pub n: usize,
    /// A's mean over the pairs.
    pub mean_a: f64,
    /// B's mean over the pairs.
    pub mean_b: f64,
    /// The mean of B less A.
    pub difference: f64,
    /// Its 95 % interval; none of one pair, and of what is not tested.
    pub interval: Option<(f64, f64)>,
    /// Where that comes from: `student-t` or `bootstrap`.
    pub interval_method: Option<&'static str>,
    /// The two-sided p of the sign-flip test, where there was one.
    pub p: Option<f64>,
    /// The smallest p that so many pairs can have.
    pub smallest_p: Option<f64>,
    /// What that comes to.
    pub verdict: Verdict,
}

/// Compares what pairs of trials came to, number by number.
pub(super) fn compare(pairs: &[(&TrialRow, &TrialRow)], scope: Scope, label: &str) -> Vec<TrainedComparison> {
    METRICS
        .iter()
        .filter(|metric| metric.is_in(scope))
        .filter_map(|metric| compare_metric(metric, pairs, label))
        .collect()
}

/// The pairs of finished trials with one seed, in A's order; what has to be left out is noted.
pub(super) fn finished_pairs<'a>(
    a: &[&'a TrialRow],
    b: &[&'a TrialRow],
    notes: &mut Vec<String>,
    label: &str,
) -> Vec<(&'a TrialRow, &'a TrialRow)> {
    // The first row of a seed counts.
    let by_seed = |rows: &[&'a TrialRow]| -> BTreeMap<u64, &'a TrialRow> {
        rows.iter().rev().map(|&row| (row.seed, row)).collect()
    };
    let (of_a, of_b) = (by_seed(a), by_seed(b));
    for (own, other, side) in [(a, &of_b, "A"), (b, &of_a, "B")] {
        let alone: Vec<String> = (own.iter())
            .filter(|row| !other.contains_key(&row.seed))
            .map(|row| row.seed.to_string())
            .collect();
        if !alone.is_empty() {
            notes.push(format!(
                "{label}: {} {} of {side} left out, which the other side does not have",
                plural(alone.len(), "seed"),
                alone.join(", ")
            ));
        }
    }
    let mut pairs = Vec::new();
    for row in a {
        let Some(&other) = of_b.get(&row.seed) else { continue };
        match unfinished([(row.status, &row.error), (other.status, &other.error)]) {
            None => pairs.push((*row, other)),
            Some(why) => notes.push(format!("{label}: seed {} left out: {why}", row.seed)),
        }
    }
    pairs
}

/// Notes the trials of the pairs whose speed is doubtful.
pub(super) fn note_doubtful_speeds(pairs: &[(&TrialRow, &TrialRow)], notes: &mut Vec<String>, label: &str) {
    for (a, b) in pairs {
        for (row, side) in [(a, "A"), (b, "B")] {
            if !row.warning.is_empty() {
                let warning = one_line(&row.warning);
                notes.push(format!(
                    "{label}: training speed of seed {} in {side}: {warning}",
                    row.seed
                ));
            }
        }
    }
}

/// What A and B ended with, where one did not end well.
pub(super) fn unfinished([a, b]: [(Status, &String); 2]) -> Option<String> {
    let sides = [(a, "A"), (b, "B")]
        .into_iter()
        .filter(|((status, _), _)| *status != Status::Ok);
    let texts = sides.map(|((status, error), side)| {
        let error = one_line(error);
        let separator = if error.is_empty() { "" } else { ": " };
        format!("{status} in {side}{separator}{error}")
    });
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

fn compare_metric(metric: &Metric, pairs: &[(&TrialRow, &TrialRow)], label: &str) -> Option<TrainedComparison> {
    let finite = |row: &TrialRow| (metric.value)(row).filter(|value| value.is_finite());
    let values: Vec<(u64, f64, f64)> = pairs
        .iter()
        .filter_map(|(a, b)| Some((a.seed, finite(a)?, finite(b)?)))
        .collect();
    let differences: Vec<f64> = values.iter().map(|(_, a, b)| b - a).collect();
    // A stream of its own, so that a number does not depend on which others are shown.
    let mut stream = Stream::named(0, Purpose::Resampling, &format!("{label} {}", metric.column));
    let mut draw = |bound| stream.below(bound);
    let found = mean_difference(&differences, CONFIDENCE, &mut draw)?;
    let test = match metric.is_speed {
        true => None,
        false => Some(sign_flip_test(&differences, &mut draw)?),
    };
    // What the machine was like in the hours of the two sides is the same for all of their seeds.
    let interval = found.interval.filter(|_| test.is_some());
    let verdict = if differences.iter().all(|&difference| difference == 0.0) {
        Verdict::Equal
    } else {
        match test {
            None => Verdict::NotTested,
            Some(test) if !test.can_reach(SIGNIFICANCE) => Verdict::NTooSmall,
            Some(test) if test.p <= SIGNIFICANCE => Verdict::Differ,
            Some(_) => Verdict::NoDifferenceShown,
        }
    };
    Some(TrainedComparison {
        metric: metric.column,
        seeds: values.iter().map(|(seed, _, _)| *seed).collect(),
        n: found.n,
        mean_a: mean(&values.iter().map(|(_, a, _)| *a).collect::<Vec<_>>())?,
        mean_b: mean(&values.iter().map(|(_, _, b)| *b).collect::<Vec<_>>())?,
        difference: found.mean,
        interval,
        interval_method: interval.map(|_| {
            if found.n < BOOTSTRAP_FROM {
                "student-t"
            } else {
                "bootstrap"
            }
        }),
        p: test.map(|test| test.p),
        smallest_p: test.map(|test| test.smallest_p),
        verdict,
    })
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{self, SampleVariant};
    use super::*;

    /// Trials of one variant with these errors, seeds from 0.
    fn trials(errors: &[f64]) -> Vec<TrialRow> {
        let mut rows = samples::trained(&[SampleVariant::new("base")], errors.len() as u64, 1).trials;
        for (row, error) in rows.iter_mut().zip(errors) {
            row.final_test_error = Some(*error);
        }
        rows
    }

    fn compared(a: &[TrialRow], b: &[TrialRow]) -> (TrainedComparison, Vec<String>) {
        let (a, b): (Vec<&TrialRow>, Vec<&TrialRow>) = (a.iter().collect(), b.iter().collect());
        let mut notes = Vec::new();
        let pairs = finished_pairs(&a, &b, &mut notes, "base");
        let mut found = compare(&pairs, Scope::Results, "base");
        assert_eq!(found[0].metric, "final_test_error");
        (found.remove(0), notes)
    }

    #[test]
    fn three_seeds_have_a_difference_and_an_interval_but_no_verdict() {
        let (found, notes) = compared(&trials(&[0.05, 0.04, 0.06]), &trials(&[0.03, 0.03, 0.03]));
        assert_eq!((found.n, found.verdict, found.p), (3, Verdict::NTooSmall, Some(0.25)));
        assert!((found.difference + 0.02).abs() < 1e-12);
        // 0.02 ± t(0.975, 2) * 0.01 / sqrt(3)
        let (low, high) = found.interval.unwrap();
        assert!(
            (low + 0.044_841).abs() < 1e-6 && (high - 0.004_841).abs() < 1e-6,
            "{found:?}"
        );
        assert_eq!(found.interval_method, Some("student-t"));
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn seeds_are_paired_by_number_not_by_place() {
        let a = trials(&[0.01, 0.02, 0.03, 0.04, 0.05, 0.06]);
        let mut b = a.clone();
        for row in &mut b {
            row.final_test_error = row.final_test_error.map(|error| error + 0.001);
        }
        b.reverse();
        let (found, _) = compared(&a, &b);
        assert!((found.difference - 0.001).abs() < 1e-12);
        assert_eq!((found.verdict, found.p), (Verdict::Differ, Some(0.03125)));
        let (low, high) = found.interval.unwrap();
        assert!(high - low < 1e-9, "every pair differs alike: {found:?}");
    }

    #[test]
    fn ten_seeds_take_a_bootstrap_that_repeats() {
        let a = trials(&[0.05, 0.04, 0.06, 0.05, 0.07, 0.05, 0.04, 0.06, 0.05, 0.05]);
        let b = trials(&[0.04, 0.05, 0.05, 0.06, 0.06, 0.05, 0.05, 0.05, 0.06, 0.04]);
        let (found, _) = compared(&a, &b);
        assert_eq!(
            (found.interval_method, found.verdict),
            (Some("bootstrap"), Verdict::NoDifferenceShown)
        );
        assert_eq!(found, compared(&a, &b).0);
    }

    #[test]
    fn a_trial_whose_speed_is_doubtful_is_noted_with_its_warning() {
        let (a, mut b) = (trials(&[0.05, 0.04]), trials(&[0.05, 0.04]));
        b[1].warning = "its threads got 41 %".to_owned();
        let pairs: Vec<(&TrialRow, &TrialRow)> = a.iter().zip(&b).collect();
        let mut notes = Vec::new();
        note_doubtful_speeds(&pairs, &mut notes, "base");
        assert_eq!(notes, ["base: training speed of seed 1 in B: its threads got 41 %"]);
    }

    #[test]
    fn seeds_without_a_partner_and_failed_trials_are_named_and_left_out() {
        let a = trials(&[0.05, 0.04, 0.06, 0.07, 0.05]);
        let mut b = trials(&[0.03, 0.03, 0.03]);
        b[1].status = Status::Failed;
        b[1].error = "the loss became NaN\n at step 3".to_owned();
        b[1].final_test_error = None;
        let (found, notes) = compared(&a, &b);
        assert_eq!(found.seeds, [0, 2]);
        assert_eq!(
            notes,
            [
                "base: seeds 3, 4 of A left out, which the other side does not have",
                "base: seed 1 left out: failed in B: the loss became NaN at step 3"
            ]
        );
    }

    #[test]
    fn equal_numbers_are_called_equal_however_few() {
        let a = trials(&[0.05, 0.04]);
        assert_eq!(compared(&a, &a).0.verdict, Verdict::Equal);
    }

    #[test]
    fn errors_alone_leave_speeds_out_and_speeds_alone_leave_errors_out() {
        let rows = trials(&[0.05, 0.04]);
        let pairs: Vec<(&TrialRow, &TrialRow)> = rows.iter().zip(&rows).collect();
        let metrics = |scope| -> Vec<&str> {
            let found = compare(&pairs, scope, "base");
            found.iter().map(|comparison| comparison.metric).collect()
        };
        assert_eq!(
            metrics(Scope::Results),
            [
                "final_test_error",
                "final_test_loss",
                "final_train_error",
                "final_train_loss"
            ]
        );
        assert_eq!(metrics(Scope::Speeds), ["train_images_per_second", "wall_ns"]);
        assert_eq!(metrics(Scope::All).len(), 6);
    }

    #[test]
    fn speeds_of_trials_have_a_difference_and_neither_interval_nor_p() {
        let (a, mut b) = (trials(&[0.05; 8]), trials(&[0.05; 8]));
        // Whatever ran beside B slowed all of its seeds.
        for row in &mut b {
            row.train_images_per_second = row.train_images_per_second.map(|speed| speed / 1.5);
        }
        let pairs: Vec<(&TrialRow, &TrialRow)> = a.iter().zip(&b).collect();
        let found = compare(&pairs, Scope::Speeds, "base").remove(0);
        assert_eq!(
            (found.metric, found.verdict),
            ("train_images_per_second", Verdict::NotTested)
        );
        assert!(found.difference < 0.0);
        assert_eq!((found.interval, found.interval_method, found.p), (None, None, None));
    }
}
