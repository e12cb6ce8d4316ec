//! How far step times can be trusted: the interval of a median, and the ratio of two, from the rounds' medians.
//!
//! Steps of one process share its luck (where its memory lies, which other programs ran), so a round, not a step, is what
//! repeats. Everything here is Student's t on the logarithms of the rounds' medians: what differs between processes
//! multiplies a step time.

use super::location::{mean, mean_interval, sample_standard_deviation, student_t_quantile_of};
use super::order::median;

/// The fewest rounds whose medians have an interval: Student's t of two has one degree of freedom, and covers by a width
/// that says nothing.
pub const ROUNDS_OF_AN_INTERVAL: usize = 3;

/// The fewest rounds that two measurements have in common for their ratio to have an interval.
pub const ROUNDS_OF_A_RATIO: usize = 5;

/// The interval of a measurement's median step: Student's t on the logarithms of the rounds' medians, a slice of
/// positive samples for each round. Where the median of all steps, the figure that stands beside it, lies outside (rounds
/// in two groups of unequal size), the interval is widened to hold it.
///
/// `None` of fewer than [`ROUNDS_OF_AN_INTERVAL`] rounds with a step, of samples that are not positive, and of a
/// confidence outside (0, 1).
pub fn step_interval<R: AsRef<[f64]>>(rounds: &[R], confidence: f64) -> Option<(f64, f64)> {
    let logs = logs_of_medians(rounds)?;
    if logs.len() < ROUNDS_OF_AN_INTERVAL {
        return None;
    }
    let (low, high) = mean_interval(&logs, confidence)?;
    let steps: Vec<f64> = rounds.iter().flat_map(AsRef::as_ref).copied().collect();
    let median = median(&steps)?;
    Some((low.exp().min(median), high.exp().max(median)))
}

/// Where the interval of a ratio comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatioMethod {
    /// The rounds of both sides took turns: a paired t on the logarithms of the ratios within a round.
    Paired,
    /// They did not: Welch's t on the logarithms of the rounds' medians.
    Unpaired,
}

/// The ratio of two measurements' step times, the second's over the first's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundRatio {
    /// The ratio of the geometric means of the rounds' medians.
    pub ratio: f64,
    /// Its interval; none of too few rounds.
    pub interval: Option<(f64, f64)>,
    /// Where the interval comes from.
    pub method: RatioMethod,
    /// Rounds that were paired, or those of the side with fewer.
    pub rounds: usize,
}

/// The ratio of two measurements whose rounds took turns: a pair of slices of positive samples for each round, the
/// first's and the second's steps. Both sides of a round are neighbours in time, so what the machine did to the round as
/// a whole cancels in its ratio. The interval is Student's t on the logarithms of the ratios.
///
/// Fewer than [`ROUNDS_OF_A_RATIO`] pairs have a ratio without an interval. `None` of no pair in which both have steps,
/// of samples that are not positive, and of a confidence outside (0, 1).
pub fn paired_ratio<R: AsRef<[f64]>>(rounds: &[(R, R)], confidence: f64) -> Option<RoundRatio> {
    if !is_confidence(confidence) {
        return None;
    }
    let both = rounds
        .iter()
        .map(|(first, second)| (first.as_ref(), second.as_ref()))
        .filter(|(first, second)| !first.is_empty() && !second.is_empty());
    let logs: Option<Vec<f64>> = both
        .map(|(first, second)| Some(log_of_median(second)? - log_of_median(first)?))
        .collect();
    let logs = logs?;
    let interval = (logs.len() >= ROUNDS_OF_A_RATIO)
        .then(|| mean_interval(&logs, confidence))
        .flatten();
    Some(RoundRatio {
        ratio: mean(&logs)?.exp(),
        interval: interval.map(|(low, high)| (low.exp(), high.exp())),
        method: RatioMethod::Paired,
        rounds: logs.len(),
    })
}

/// The ratio of two measurements whose rounds did not take turns, each a slice of positive samples for each round. The
/// interval is Welch's t (1947) on the logarithms of the rounds' medians, where both sides have two rounds or more: what
/// the machine was like in the two hours is not in it.
///
/// `None` without steps on one of the sides, of samples that are not positive, and of a confidence outside (0, 1).
pub fn unpaired_ratio<R: AsRef<[f64]>>(first: &[R], second: &[R], confidence: f64) -> Option<RoundRatio> {
    if !is_confidence(confidence) {
        return None;
    }
    let (first, second) = (logs_of_medians(first)?, logs_of_medians(second)?);
    let difference = mean(&second)? - mean(&first)?;
    let half_width = welch_half_width(&first, &second, confidence);
    Some(RoundRatio {
        ratio: difference.exp(),
        interval: half_width.map(|half| ((difference - half).exp(), (difference + half).exp())),
        method: RatioMethod::Unpaired,
        rounds: first.len().min(second.len()),
    })
}

fn welch_half_width(first: &[f64], second: &[f64], confidence: f64) -> Option<f64> {
    // The square of a mean's standard error, and its degrees of freedom.
    let square = |logs: &[f64]| Some(sample_standard_deviation(logs)?.powi(2) / logs.len() as f64);
    let (square_a, square_b) = (square(first)?, square(second)?);
    let squares = square_a + square_b;
    if squares == 0.0 {
        return Some(0.0);
    }
    let degrees =
        squares.powi(2) / (square_a.powi(2) / (first.len() - 1) as f64 + square_b.powi(2) / (second.len() - 1) as f64);
    Some(student_t_quantile_of(0.5 + confidence / 2.0, degrees)? * squares.sqrt())
}

fn is_confidence(confidence: f64) -> bool {
    confidence > 0.0 && confidence < 1.0
}

/// The logarithms of the medians of the rounds that have steps; `None` of samples that are not positive.
fn logs_of_medians<R: AsRef<[f64]>>(rounds: &[R]) -> Option<Vec<f64>> {
    let with_steps = rounds.iter().map(AsRef::as_ref).filter(|round| !round.is_empty());
    with_steps.map(log_of_median).collect()
}

fn log_of_median(steps: &[f64]) -> Option<f64> {
    let are_positive = steps.iter().all(|step| *step > 0.0);
    are_positive.then(|| median(steps)).flatten().map(f64::ln)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten steps at a level.
    fn round(level: f64) -> Vec<f64> {
        (0..10).map(|step| level * (0.99 + 0.002 * f64::from(step))).collect()
    }

    #[test]
    fn fewer_than_three_rounds_have_no_interval_however_many_steps() {
        assert_eq!(step_interval(&[round(100.0), round(101.0)], 0.95), None);
        let (low, high) = step_interval(&[round(100.0), round(101.0), round(102.0)], 0.95).unwrap();
        assert!(low < 100.0 && high > 102.0, "{low} {high}");
        assert_eq!(step_interval::<Vec<f64>>(&[], 0.95), None);
        assert_eq!(step_interval(&[[0.0], [1.0], [1.0]], 0.95), None);
        assert_eq!(step_interval(&[[1.0], [1.0], [1.0]], 1.0), None);
    }

    #[test]
    fn more_steps_in_the_same_processes_do_not_narrow_the_interval() {
        let of = |steps: usize| {
            let rounds: Vec<Vec<f64>> = [100.0, 103.0, 99.0, 104.0, 101.0]
                .iter()
                .map(|level| vec![*level; steps])
                .collect();
            step_interval(&rounds, 0.95)
        };
        assert_eq!(of(2), of(200));
    }

    #[test]
    fn the_interval_holds_the_median_of_all_steps() {
        let rounds: Vec<Vec<f64>> = [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0]
            .iter()
            .map(|level| vec![*level; 3])
            .collect();
        let (low, _) = step_interval(&rounds, 0.95).unwrap();
        assert_eq!(low, 1.0);
    }

    #[test]
    fn what_the_machine_does_to_a_whole_round_cancels_in_its_ratio() {
        let machine = [1.0, 1.4, 0.8, 1.1, 2.0];
        let pairs: Vec<(Vec<f64>, Vec<f64>)> = machine
            .iter()
            .map(|slow| (round(100.0 * slow), round(120.0 * slow)))
            .collect();
        let found = paired_ratio(&pairs, 0.95).unwrap();
        assert!((found.ratio - 1.2).abs() < 1e-9, "{found:?}");
        let (low, high) = found.interval.unwrap();
        assert!(low > 1.199 && high < 1.201, "{found:?}");
        // Unpaired, the same rounds show nothing.
        let (first, second): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let (low, high) = unpaired_ratio(&first, &second, 0.95).unwrap().interval.unwrap();
        assert!(low < 1.0 && high > 1.4, "{low} {high}");
    }

    #[test]
    fn fewer_than_five_pairs_have_a_ratio_without_an_interval() {
        let pairs = vec![(round(100.0), round(150.0)); 4];
        let found = paired_ratio(&pairs, 0.95).unwrap();
        assert!((found.ratio - 1.5).abs() < 1e-9);
        assert_eq!((found.interval, found.rounds), (None, 4));
        // A round that one side lacks is no pair.
        let mut five = pairs;
        five.push((round(100.0), Vec::new()));
        assert_eq!(paired_ratio(&five, 0.95).unwrap().rounds, 4);
    }

    #[test]
    fn rounds_that_repeat_exactly_have_a_ratio_without_width() {
        let (first, second) = ([[2.0, 2.0], [2.0, 2.0]], [[3.0, 3.0], [3.0, 3.0]]);
        let found = unpaired_ratio(&first, &second, 0.95).unwrap();
        assert!((found.ratio - 1.5).abs() < 1e-12, "{found:?}");
        assert_eq!(found.interval, Some((found.ratio, found.ratio)));
    }

    #[test]
    fn a_side_with_one_round_has_a_ratio_without_an_interval() {
        let found = unpaired_ratio(&[[2.0; 50]], &[[3.0; 50]], 0.95).unwrap();
        assert!((found.ratio - 1.5).abs() < 1e-12, "{found:?}");
        assert_eq!((found.interval, found.rounds), (None, 1));
    }

    #[test]
    fn nothing_to_compare_has_no_ratio() {
        assert_eq!(unpaired_ratio::<[f64; 0]>(&[], &[], 0.95), None);
        assert_eq!(unpaired_ratio(&[[0.0]], &[[1.0]], 0.95), None);
        assert_eq!(paired_ratio::<[f64; 1]>(&[], 0.95), None);
        assert_eq!(paired_ratio(&[([0.0], [1.0])], 0.95), None);
        assert_eq!(paired_ratio(&[([1.0], [1.0])], 1.0), None);
    }
}
