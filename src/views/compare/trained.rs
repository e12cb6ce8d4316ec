//! The results of trials with the same seeds, pair by pair.

use serde::Serialize;

use super::metrics::{METRICS, Metric, Scope};
use super::pairs::Pairs;
use crate::formats::ablation::PrimaryMetric;
use crate::random::{Purpose, Stream};
use crate::statistics::{BOOTSTRAP_FROM, CrossedMean, correlation, mean, mean_difference, sign_flip_test};

/// The level of intervals.
pub(super) const CONFIDENCE: f64 = 0.95;
/// The level of the tests.
pub(super) const SIGNIFICANCE: f64 = 0.05;
/// With fewer seeds a difference over seeds and images is not judged: the spread of two seeds is hardly known.
const FEWEST_SEEDS: usize = 3;

/// What a test comes to at the level 0.05.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every pair has the same number on both sides.
    Equal,
    /// However they came out, so few pairs could not differ significantly.
    NTooSmall,
    /// p is at most 0.05; of several comparisons of the primary number the adjusted one.
    Differ,
    /// p is above 0.05; which does not show that they are equal.
    NoDifferenceShown,
    /// Other seeds failed in A than in B, so that those that are left were not chosen alike.
    OtherSurvivors,
    /// A speed of trials: each ran once, in its own hour, so that its seeds are no repetitions of the same conditions.
    NotTested,
}

/// Which test a p is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Of a mean over seeds and test images; its interval, at the same level, leaves out 0 where the test says that they differ.
    SeedsAndImages,
    /// The sign-flip test over the seeds.
    SignFlip,
}

/// One number on both sides, over the seeds that both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrainedComparison {
    /// The number's column in `trials.csv`, and its unit.
    pub metric: &'static str,
    /// Whether it answers the ablation's question (`[compare] primary`); the others are exploratory.
    pub is_primary: bool,
    /// The seeds that both sides have it for.
    pub seeds: Vec<u64>,
    /// As many pairs.
    pub n: usize,
    /// The test images that the pairs are paired on, too.
    pub test_images: Option<usize>,
    /// A's mean over the pairs.
    pub mean_a: f64,
    /// B's mean over the pairs.
    pub mean_b: f64,
    /// The mean of B less A.
    pub difference: f64,
    /// Its 95 % interval; none of one pair, and of what is not tested.
    pub interval: Option<(f64, f64)>,
    /// Where that comes from: `seeds-and-images`, `student-t` or `bootstrap`.
    pub interval_method: Option<&'static str>,
    /// Pearson's correlation of both sides over the seeds: what a seed does to both cancels in the difference, and is as
    /// much as this says.
    pub correlation: Option<f64>,
    /// Which test p is of, and decides.
    pub test: Option<Test>,
    /// Its two-sided p, where there was one.
    pub p: Option<f64>,
    /// The smallest p that so many pairs can have in the sign-flip test.
    pub smallest_p: Option<f64>,
    /// p adjusted by Holm for all comparisons of the primary number; none where there is one, and of other numbers.
    pub p_adjusted: Option<f64>,
    /// What that comes to.
    pub verdict: Verdict,
    /// The difference is smaller than this at 95 % (two one-sided tests, the 90 % interval's farther end).
    pub smaller_than: Option<f64>,
    /// The difference that so many seeds with such a spread show in 80 % of studies.
    pub detectable: Option<f64>,
    /// The seeds that would show the difference seen; none where a thousand would not.
    pub seeds_needed: Option<usize>,
}

/// Compares what pairs of trials came to, number by number.
pub(super) fn compare(pairs: &Pairs<'_>, scope: Scope, primary: PrimaryMetric, label: &str) -> Vec<TrainedComparison> {
    METRICS
        .iter()
        .filter(|metric| metric.is_in(scope))
        .filter_map(|metric| compare_metric(metric, pairs, primary, label))
        .collect()
}

/// The seeds that both sides have a finite number of, and the numbers.
struct Values {
    seeds: Vec<u64>,
    sides: Vec<(f64, f64)>,
    differences: Vec<f64>,
}

impl Values {
    fn of(metric: &Metric, pairs: &Pairs<'_>) -> Self {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        let all = pairs.finished.iter().filter_map(|pair| {
            let (a, b) = (finite((metric.value)(pair.a))?, finite((metric.value)(pair.b))?);
            Some((pair.a.seed, (a, b)))
        });
        let (seeds, sides): (Vec<u64>, Vec<(f64, f64)>) = all.unzip();
        let differences = sides.iter().map(|(a, b)| b - a).collect();
        Self {
            seeds,
            sides,
            differences,
        }
    }

    fn mean_of(&self, side: fn(&(f64, f64)) -> f64) -> Option<f64> {
        mean(&self.sides.iter().map(side).collect::<Vec<_>>())
    }
}

/// The difference of test errors over seeds and images, where every pair recorded which images it got right.
fn crossed_difference(metric: &Metric, pairs: &Pairs<'_>) -> Option<CrossedMean> {
    if metric.column != PrimaryMetric::FinalTestError.column() {
        return None;
    }
    let correct: Option<Vec<(&[bool], &[bool])>> = (pairs.finished.iter())
        .map(|pair| pair.correct.as_ref().map(|(a, b)| (a.as_slice(), b.as_slice())))
        .collect();
    CrossedMean::of_differences(&correct?)
}

fn compare_metric(
    metric: &Metric,
    pairs: &Pairs<'_>,
    primary: PrimaryMetric,
    label: &str,
) -> Option<TrainedComparison> {
    let values = Values::of(metric, pairs);
    let differences = &values.differences;
    // A stream of its own, so that a number does not depend on which others are shown.
    let mut stream = Stream::named(0, Purpose::Resampling, &format!("{label} {}", metric.column));
    let mut draw = |bound| stream.below(bound);
    let found = mean_difference(differences, CONFIDENCE, &mut draw)?;
    let mut compared = TrainedComparison {
        metric: metric.column,
        is_primary: metric.column == primary.column(),
        n: found.n,
        test_images: None,
        mean_a: values.mean_of(|(a, _)| *a)?,
        mean_b: values.mean_of(|(_, b)| *b)?,
        difference: found.mean,
        interval: None,
        interval_method: None,
        correlation: None,
        test: None,
        p: None,
        smallest_p: None,
        p_adjusted: None,
        verdict: Verdict::NotTested,
        smaller_than: None,
        detectable: None,
        seeds_needed: None,
        seeds: values.seeds.clone(),
    };
    let is_equal = differences.iter().all(|&difference| difference == 0.0);
    if metric.is_speed {
        // What the machine was like in the hours of the two sides is the same for all of their seeds.
        if is_equal {
            compared.verdict = Verdict::Equal;
        }
        return Some(compared);
    }
    compared.correlation = correlation(&values.sides);
    let crossed = crossed_difference(metric, pairs).filter(|crossed| crossed.seeds == found.n);
    let can_show = if let Some(crossed) = crossed {
        compared.test_images = Some(crossed.images);
        compared.interval = crossed.interval(CONFIDENCE);
        compared.interval_method = compared.interval.map(|_| "seeds-and-images");
        compared.test = Some(Test::SeedsAndImages);
        compared.p = Some(crossed.p_of_zero());
        found.n >= FEWEST_SEEDS
    } else {
        let test = sign_flip_test(differences, &mut draw)?;
        compared.interval = found.interval;
        compared.interval_method = found.interval.map(|_| match found.n < BOOTSTRAP_FROM {
            true => "student-t",
            false => "bootstrap",
        });
        compared.test = Some(Test::SignFlip);
        (compared.p, compared.smallest_p) = (Some(test.p), Some(test.smallest_p));
        test.can_reach(SIGNIFICANCE)
    };
    compared.verdict = match compared.p {
        _ if is_equal => Verdict::Equal,
        _ if !pairs.have_the_same_survivors() => Verdict::OtherSurvivors,
        _ if !can_show => Verdict::NTooSmall,
        Some(p) if p <= SIGNIFICANCE => Verdict::Differ,
        _ => Verdict::NoDifferenceShown,
    };
    let spread = crossed.or_else(|| CrossedMean::of_seeds(differences));
    if let Some(spread) = spread.filter(|spread| spread.seeds >= FEWEST_SEEDS) {
        // Each of the two one-sided tests is at the level 0.05.
        let ends = spread.interval(1.0 - 2.0 * SIGNIFICANCE);
        compared.smaller_than = ends.map(|(low, high)| low.abs().max(high.abs()));
        compared.detectable = spread.detectable(spread.seeds);
        compared.seeds_needed = spread.seeds_for(spread.mean).filter(|_| !is_equal);
    }
    Some(compared)
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{self, SampleVariant};
    use super::super::pairs::{note_doubtful_speeds, pairs_of};
    use super::super::side::Side;
    use super::*;
    use crate::formats::correctness::{self, OfTrial};
    use crate::formats::tables::{CorrectnessRow, Status, TrialRow};

    /// Trials of one variant with these errors, seeds from 0.
    fn trials(errors: &[f64]) -> Vec<TrialRow> {
        let mut rows = samples::trained(&[SampleVariant::new("base")], errors.len() as u64, 1).trials;
        for (row, error) in rows.iter_mut().zip(errors) {
            row.final_test_error = Some(*error);
        }
        rows
    }

    fn side<'a>(trials: &'a [TrialRow], correctness: &'a [CorrectnessRow]) -> Side<'a> {
        Side {
            variant: "base",
            trials: trials.iter().collect(),
            correctness: correctness.iter().collect(),
            batches: Vec::new(),
            samples: Vec::new(),
            again: Vec::new(),
        }
    }

    /// The same trials of another run, which took as long but for a nanosecond.
    fn run_again(trials: &[TrialRow]) -> Vec<TrialRow> {
        let again = |row: &TrialRow| TrialRow {
            wall_ns: row.wall_ns.map(|ns| ns + 1),
            ..row.clone()
        };
        trials.iter().map(again).collect()
    }

    fn all(a: &[TrialRow], b: &[TrialRow], scope: Scope) -> Vec<TrainedComparison> {
        let b = run_again(b);
        let (side_a, side_b) = (side(a, &[]), side(&b, &[]));
        let pairs = pairs_of(&side_a, &side_b, &mut Vec::new(), "base");
        compare(&pairs, scope, PrimaryMetric::FinalTestError, "base")
    }

    fn compared(a: &[TrialRow], b: &[TrialRow]) -> (TrainedComparison, Vec<String>) {
        let mut notes = Vec::new();
        let b = run_again(b);
        let (side_a, side_b) = (side(a, &[]), side(&b, &[]));
        let pairs = pairs_of(&side_a, &side_b, &mut notes, "base");
        let mut found = compare(&pairs, Scope::Results, PrimaryMetric::FinalTestError, "base");
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
        let a = trials(&[0.05, 0.04]);
        let mut b = run_again(&a);
        b[1].warning = "its threads got 41 %".to_owned();
        let (side_a, side_b) = (side(&a, &[]), side(&b, &[]));
        let mut notes = Vec::new();
        let pairs = pairs_of(&side_a, &side_b, &mut notes, "base");
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
        assert_eq!(found.verdict, Verdict::OtherSurvivors);
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
        let metrics = |scope| -> Vec<&str> {
            let found = all(&rows, &rows, scope);
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
        let found = all(&a, &b, Scope::Speeds).remove(0);
        assert_eq!(
            (found.metric, found.verdict),
            ("train_images_per_second", Verdict::NotTested)
        );
        assert!(found.difference < 0.0);
        assert_eq!((found.interval, found.interval_method, found.p), (None, None, None));
    }

    /// Trials that get these of 360 images wrong, a range for each seed, and which they got right.
    fn trials_on_images(variant: &str, wrong: &[std::ops::Range<usize>]) -> (Vec<TrialRow>, Vec<CorrectnessRow>) {
        let errors: Vec<f64> = wrong.iter().map(|wrong| wrong.len() as f64 / 360.0).collect();
        let mut rows = trials(&errors);
        let mut correctness = Vec::new();
        for (row, wrong) in rows.iter_mut().zip(wrong) {
            row.trial = format!("{variant}{}", row.seed);
            let correct: Vec<bool> = (0..360).map(|image| !wrong.contains(&image)).collect();
            let of = OfTrial {
                trial: &row.trial,
                variant,
                seed: row.seed,
                data_fingerprint: "9d",
            };
            correctness.push(correctness::row(of, &correct));
        }
        (rows, correctness)
    }

    fn compared_on_images(
        a: &(Vec<TrialRow>, Vec<CorrectnessRow>),
        b: &(Vec<TrialRow>, Vec<CorrectnessRow>),
    ) -> TrainedComparison {
        let (a, b) = (side(&a.0, &a.1), side(&b.0, &b.1));
        let pairs = pairs_of(&a, &b, &mut Vec::new(), "base");
        compare(&pairs, Scope::Results, PrimaryMetric::FinalTestError, "base").remove(0)
    }

    #[test]
    fn three_seeds_that_agree_to_the_image_do_not_show_that_two_images_matter() {
        let a = trials_on_images("a", &[0..9, 0..9, 0..9]);
        let b = trials_on_images("b", &[0..11, 0..11, 0..11]);
        let found = compared_on_images(&a, &b);
        assert_eq!((found.test, found.test_images), (Some(Test::SeedsAndImages), Some(360)));
        let (low, high) = found.interval.unwrap();
        assert!(low < 0.0 && high > found.difference, "{low} {high}");
        assert_eq!(found.verdict, Verdict::NoDifferenceShown);
        assert!(found.p.unwrap() > 0.05 && found.smaller_than.unwrap() < high);
    }

    #[test]
    fn a_large_difference_shows_with_three_seeds_and_not_with_two() {
        let wrong = |from: usize| -> Vec<std::ops::Range<usize>> { (0..3).map(|seed| 0..from + seed).collect() };
        let (a, b) = (trials_on_images("a", &wrong(9)), trials_on_images("b", &wrong(60)));
        let found = compared_on_images(&a, &b);
        assert_eq!(found.verdict, Verdict::Differ, "{found:?}");
        assert!(found.p.unwrap() < 0.05 && found.interval.unwrap().0 > 0.0);
        assert!(found.seeds_needed.unwrap() <= 3 && found.detectable.unwrap() < found.difference);
        let two = |(rows, correctness): &(Vec<TrialRow>, Vec<CorrectnessRow>)| {
            (rows[..2].to_vec(), correctness[..2].to_vec())
        };
        let found = compared_on_images(&two(&a), &two(&b));
        assert_eq!(found.verdict, Verdict::NTooSmall);
    }

    #[test]
    fn images_of_other_data_are_not_paired() {
        let (a, mut b) = (
            trials_on_images("a", &[0..9, 0..9, 0..10]),
            trials_on_images("b", &[0..11, 0..11, 0..11]),
        );
        for row in &mut b.1 {
            row.data_fingerprint = "77".to_owned();
        }
        let found = compared_on_images(&a, &b);
        assert_eq!(
            (found.test, found.interval_method),
            (Some(Test::SignFlip), Some("student-t"))
        );
    }

    #[test]
    fn the_correlation_over_the_seeds_is_what_pairing_takes_out() {
        let a = trials(&[0.01, 0.02, 0.03, 0.04]);
        let b = trials(&[0.02, 0.03, 0.04, 0.05]);
        assert!((compared(&a, &b).0.correlation.unwrap() - 1.0).abs() < 1e-12);
    }
}
