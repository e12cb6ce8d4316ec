//! How far medians can be trusted: the interval of one, and that of the ratio of two.

use statrs::distribution::{Binomial, DiscreteCDF};

use super::bootstrap::{Draw, bootstrap_median_ratio_interval};
use super::location::{mean, sample_standard_deviation, student_t_quantile_of};
use super::order::median;

/// An interval of the median between two of the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianInterval {
    /// The sample at the lower end.
    pub low: f64,
    /// The sample at the upper end.
    pub high: f64,
    /// The probability that it covers the true median: at least the requested one, as near as whole ranks allow.
    pub coverage: f64,
}

/// The interval between the k-th smallest and the k-th largest sample, with the largest k whose coverage
/// 1 - 2 P(B < k), B binomial of n and 1/2, is at least `confidence` (David and Nagaraja 2003, "Order Statistics",
/// section 7.1). It holds for independent samples of any continuous distribution.
///
/// `None` where the smallest and the largest sample cover too little: below 6 samples at 0.95, below 8 at 0.99; and of
/// a confidence outside (0, 1).
pub fn median_interval(samples: &[f64], confidence: f64) -> Option<MedianInterval> {
    if !(confidence > 0.0 && confidence < 1.0) {
        return None;
    }
    let n = samples.len();
    let below = Binomial::new(0.5, n as u64).ok()?;
    let coverage = |rank: usize| 1.0 - 2.0 * below.cdf(rank as u64 - 1);
    let rank = (1..=n / 2).take_while(|&rank| coverage(rank) >= confidence).last()?;
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some(MedianInterval {
        low: *sorted.get(rank - 1)?,
        high: *sorted.get(n - rank)?,
        coverage: coverage(rank),
    })
}

/// Where the interval of a ratio comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RatioIntervalMethod {
    /// Student's t on the logarithms of the rounds' medians: how processes differ is in it.
    WelchOnRounds,
    /// A bootstrap of the steps, since a side has one round: how processes differ is not in it.
    BootstrapOfSteps,
}

/// The ratio of two medians, the second's over the first's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MedianRatio {
    /// The ratio.
    pub ratio: f64,
    /// Its interval; none where a side has one round of too few steps for an interval of their median.
    pub interval: Option<(f64, f64)>,
    /// Where the interval comes from.
    pub method: RatioIntervalMethod,
}

/// The ratio of the median step times of two independent measurements, each a slice of positive samples for each round.
///
/// Steps of one process share its luck (where its memory lies, which other programs ran), so a round, not a step, is
/// what repeats. With two rounds or more on both sides the ratio is that of the geometric means of the rounds' medians,
/// and its interval Welch's t (1947) on their logarithms. Where a side has one round, the ratio is that of the medians
/// of all steps, and the interval a percentile bootstrap of the steps within the sides: it needs as many of them as
/// [`median_interval`] does.
///
/// `None` without samples on one of the sides, of samples that are not positive, and of a confidence outside (0, 1).
pub fn median_ratio<R: AsRef<[f64]>>(
    first: &[R],
    second: &[R],
    confidence: f64,
    draw: Draw<'_>,
) -> Option<MedianRatio> {
    let (first, second) = (rounds_of(first), rounds_of(second));
    let all_positive = |rounds: &[&[f64]]| rounds.iter().all(|round| round.iter().all(|sample| *sample > 0.0));
    let is_none = first.is_empty() || second.is_empty() || !(confidence > 0.0 && confidence < 1.0);
    if is_none || !all_positive(&first) || !all_positive(&second) {
        return None;
    }
    if first.len() > 1 && second.len() > 1 {
        return welch_on_rounds(&first, &second, confidence);
    }
    let (first, second) = (first.concat(), second.concat());
    let has_enough = |steps: &[f64]| median_interval(steps, confidence).is_some();
    let interval = if has_enough(&first) && has_enough(&second) {
        bootstrap_median_ratio_interval(&first, &second, confidence, draw)
    } else {
        None
    };
    Some(MedianRatio {
        ratio: median(&second)? / median(&first)?,
        interval,
        method: RatioIntervalMethod::BootstrapOfSteps,
    })
}

fn rounds_of<R: AsRef<[f64]>>(rounds: &[R]) -> Vec<&[f64]> {
    rounds
        .iter()
        .map(AsRef::as_ref)
        .filter(|round| !round.is_empty())
        .collect()
}

fn welch_on_rounds(first: &[&[f64]], second: &[&[f64]], confidence: f64) -> Option<MedianRatio> {
    let logs =
        |rounds: &[&[f64]]| -> Option<Vec<f64>> { rounds.iter().map(|round| Some(median(round)?.ln())).collect() };
    let (first, second) = (logs(first)?, logs(second)?);
    // The square of a mean's standard error, and its degrees of freedom.
    let square = |logs: &[f64]| Some(sample_standard_deviation(logs)?.powi(2) / logs.len() as f64);
    let (square_a, square_b) = (square(&first)?, square(&second)?);
    let squares = square_a + square_b;
    let difference = mean(&second)? - mean(&first)?;
    let half_width = if squares > 0.0 {
        let degrees = squares.powi(2)
            / (square_a.powi(2) / (first.len() - 1) as f64 + square_b.powi(2) / (second.len() - 1) as f64);
        student_t_quantile_of(0.5 + confidence / 2.0, degrees)? * squares.sqrt()
    } else {
        0.0
    };
    Some(MedianRatio {
        ratio: difference.exp(),
        interval: Some(((difference - half_width).exp(), (difference + half_width).exp())),
        method: RatioIntervalMethod::WelchOnRounds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never(_: u64) -> u64 {
        unreachable!("rounds are compared without draws")
    }

    #[test]
    fn fewer_than_six_samples_have_no_interval_of_95_percent() {
        assert_eq!(median_interval(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.95), None);
        let six = median_interval(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 0.95).unwrap();
        assert_eq!((six.low, six.high), (1.0, 6.0));
        assert!((six.coverage - (1.0 - 2.0 / 64.0)).abs() < 1e-12);
        assert_eq!(median_interval(&[1.0; 10], 1.0), None);
    }

    #[test]
    fn one_far_sample_does_not_move_the_interval_of_many() {
        let mut samples: Vec<f64> = (1..=20).map(f64::from).collect();
        let before = median_interval(&samples, 0.95);
        samples[19] = 1e9;
        assert_eq!(median_interval(&samples, 0.95), before);
    }

    #[test]
    fn rounds_that_repeat_exactly_have_a_ratio_without_width() {
        let (first, second) = ([[2.0, 2.0], [2.0, 2.0]], [[3.0, 3.0], [3.0, 3.0]]);
        let found = median_ratio(&first, &second, 0.95, &mut never).unwrap();
        assert!((found.ratio - 1.5).abs() < 1e-12, "{found:?}");
        assert_eq!(found.interval, Some((found.ratio, found.ratio)));
    }

    #[test]
    fn processes_that_differ_widen_the_interval_however_many_steps_they_make() {
        let round = |level: f64| vec![level; 50];
        let first = [round(100.0), round(110.0), round(105.0)];
        let second = [round(108.0), round(112.0), round(119.0)];
        let found = median_ratio(&first, &second, 0.95, &mut never).unwrap();
        let (low, high) = found.interval.unwrap();
        assert!(low < 1.0 && high > 1.15, "{found:?}");
    }

    #[test]
    fn a_single_round_is_resampled_by_its_steps() {
        let mut state = 7_u64;
        let mut draw = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % bound
        };
        let first: Vec<f64> = (0..15).map(|step| 100.0 + f64::from(step % 5)).collect();
        let second: Vec<f64> = first.iter().map(|sample| sample * 1.2).collect();
        let found = median_ratio(&[first], &[second], 0.95, &mut draw).unwrap();
        assert_eq!(found.method, RatioIntervalMethod::BootstrapOfSteps);
        assert!((found.ratio - 1.2).abs() < 1e-9, "{found:?}");
        let (low, high) = found.interval.unwrap();
        assert!(low > 1.15 && low < 1.2 && high > 1.2 && high < 1.25);
    }

    #[test]
    fn too_few_steps_of_one_round_have_a_ratio_without_an_interval() {
        let found = median_ratio(&[[2.0; 5]], &[[3.0; 5]], 0.95, &mut never).unwrap();
        assert_eq!((found.ratio, found.interval), (1.5, None));
    }

    #[test]
    fn nothing_to_compare_has_no_ratio() {
        assert_eq!(median_ratio::<[f64; 0]>(&[], &[], 0.95, &mut never), None);
        assert_eq!(median_ratio(&[[0.0]], &[[1.0]], 0.95, &mut never), None);
    }
}
