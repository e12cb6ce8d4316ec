//! Whether the timed steps of one measurement were taken in a steady state.
//!
//! Two things are looked for, each by medians, so that a few far samples decide neither: a level that moves with time,
//! over the whole measurement or within each round, and far samples that are too many to be accidents.

use super::location::mean_interval;
use super::order::{median, median_absolute_deviation};

/// A difference of two halves below this share of the median step changes no conclusion, and is not reported.
const SMALLEST_SHARE: f64 = 0.05;
/// How many standard errors the halves' medians must lie apart. With four, steady samples (normal, log-normal) raise
/// a false alarm in 5 % of measurements of 8 steps, 3 % of 10, 0.5 % of 20 (`scripts/interval-coverage.py`).
const STANDARD_ERRORS: f64 = 4.0;
/// Fewer samples in a half say nothing about its level.
const SMALLEST_HALF: usize = 4;
/// Rounds of too few steps for their halves to be judged by their spread are judged as rounds: at this confidence, by
/// Student's t, from this many on.
const CONFIDENCE_OF_ROUNDS: f64 = 0.99;
const FEWEST_ROUNDS: usize = 3;
/// A sample is an outlier beyond this many median absolute deviations from the median: 4.7 standard deviations of
/// normal samples.
const OUTLIER_DEVIATIONS: f64 = 7.0;
/// Outliers abound from this share of the samples on, and from two on.
const OUTLIER_SHARE: f64 = 0.1;

/// The findings on one measurement's samples in the order of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stability {
    /// Samples.
    pub steps: usize,
    /// Rounds with at least one sample.
    pub rounds: usize,
    /// The second half of all samples lies elsewhere than the first.
    pub drift: Option<Shift>,
    /// Within the rounds, the second halves lie elsewhere than the first; looked for where there are several rounds
    /// (of one round it is the drift).
    pub within_rounds: Option<Shift>,
    /// Samples far from the median, where they abound.
    pub outliers: Option<Outliers>,
}

/// Two halves that disagree.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// The second half's median less the first's, over the median of all samples: 0.1 for steps that became 10 %
    /// slower.
    pub share: f64,
}

/// Samples far from the median.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outliers {
    /// Those above the median.
    pub above: usize,
    /// Those below the median.
    pub below: usize,
}

impl Stability {
    /// Whether nothing speaks against the samples.
    pub fn is_steady(&self) -> bool {
        self.drift.is_none() && self.within_rounds.is_none() && self.outliers.is_none()
    }
}

/// Looks at the durations of one measurement's steps: a slice for each round, rounds and steps in the order of time.
///
/// Two halves disagree when their medians differ by more than four standard errors *and* by more than 5 % of the median
/// of all samples. A median's standard error is taken as 1.2533 s / sqrt(n), that of normal samples, with s from the
/// pooled median absolute deviation around the halves' own medians. Within rounds, each round's samples are taken
/// relative to its median first, so that a round that is slow as a whole does not count. Fewer than four samples in a
/// half show nothing, and of no samples nothing is shown either. Where all rounds together have fewer, as three rounds of
/// three steps have, each round is one observation, the difference of its halves: the halves disagree when the 99 %
/// interval of its mean by Student's t leaves 0 out, and the mean is more than 5 % of the median.
///
/// Outliers abound when at least two samples, and at least a tenth, lie further from the median than seven median
/// absolute deviations and than 5 % of it.
pub fn stability<R: AsRef<[f64]>>(rounds: &[R]) -> Stability {
    let rounds: Vec<&[f64]> = rounds
        .iter()
        .map(AsRef::as_ref)
        .filter(|round| !round.is_empty())
        .collect();
    let all = rounds.concat();
    let mut found = Stability {
        steps: all.len(),
        rounds: rounds.len(),
        drift: None,
        within_rounds: None,
        outliers: None,
    };
    let Some(center) = median(&all) else {
        return found;
    };
    let (first, second) = halves(&all);
    found.drift = shift(first, second, center);
    if rounds.len() > 1 {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for round in &rounds {
            let level = median(round).unwrap_or(center);
            let (begin, end) = halves(round);
            first.extend(begin.iter().map(|sample| sample - level));
            second.extend(end.iter().map(|sample| sample - level));
        }
        found.within_rounds = match first.len() < SMALLEST_HALF {
            true => shift_of_rounds(&rounds, center),
            false => shift(&first, &second, center),
        };
    }
    found.outliers = outliers(&all, center);
    found
}

/// The first and the last half; the middle sample of an odd number is in neither.
fn halves(samples: &[f64]) -> (&[f64], &[f64]) {
    let half = samples.len() / 2;
    (&samples[..half], &samples[samples.len() - half..])
}

fn shift(first: &[f64], second: &[f64], center: f64) -> Option<Shift> {
    if first.len() < SMALLEST_HALF {
        return None;
    }
    let (before, after) = (median(first)?, median(second)?);
    let residuals: Vec<f64> = (first.iter().map(|sample| sample - before))
        .chain(second.iter().map(|sample| sample - after))
        .collect();
    let deviation = 1.4826 * median(&residuals.iter().map(|residual| residual.abs()).collect::<Vec<_>>())?;
    let standard_error = 1.2533 * deviation * (2.0 / first.len() as f64).sqrt();
    let difference = after - before;
    let is_large = difference.abs() > STANDARD_ERRORS * standard_error && difference.abs() > SMALLEST_SHARE * center;
    is_large.then(|| Shift {
        share: difference / center,
    })
}

/// The same for rounds of few steps, from the differences of their halves.
fn shift_of_rounds(rounds: &[&[f64]], center: f64) -> Option<Shift> {
    let differences: Vec<f64> = (rounds.iter())
        .filter_map(|round| {
            let (first, second) = halves(round);
            Some(median(second)? - median(first)?)
        })
        .collect();
    if differences.len() < FEWEST_ROUNDS {
        return None;
    }
    let (low, high) = mean_interval(&differences, CONFIDENCE_OF_ROUNDS)?;
    let difference = (low + high) / 2.0;
    let is_large = low * high > 0.0 && difference.abs() > SMALLEST_SHARE * center;
    is_large.then(|| Shift {
        share: difference / center,
    })
}

fn outliers(samples: &[f64], center: f64) -> Option<Outliers> {
    let reach = (OUTLIER_DEVIATIONS * median_absolute_deviation(samples)?).max(SMALLEST_SHARE * center);
    let above = samples.iter().filter(|&&sample| sample - center > reach).count();
    let below = samples.iter().filter(|&&sample| center - sample > reach).count();
    let count = above + below;
    let abound = count >= 2 && count as f64 >= OUTLIER_SHARE * samples.len() as f64;
    abound.then_some(Outliers { above, below })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps around 100 that wobble by up to two percent, the same for all tests.
    fn steady(count: usize, level: f64) -> Vec<f64> {
        let wobble = [0.3, -1.1, 1.7, -0.4, 0.9, -1.9, 0.1, 1.2, -0.8, -0.2, 1.5, -1.4];
        (0..count).map(|index| level + wobble[index % wobble.len()]).collect()
    }

    #[test]
    fn steady_steps_raise_no_alarm() {
        let found = stability(&[steady(30, 100.0)]);
        assert!(found.is_steady(), "{found:?}");
        assert_eq!((found.steps, found.rounds), (30, 1));
        assert!(stability(&[steady(10, 100.0), steady(10, 101.0), steady(10, 99.0)]).is_steady());
    }

    #[test]
    fn a_level_that_rises_between_the_halves_is_a_drift() {
        let found = stability(&[steady(12, 100.0), steady(12, 110.0)]);
        assert!((found.drift.unwrap().share - 0.095).abs() < 0.01, "{found:?}");
        assert_eq!(found.within_rounds, None);
    }

    #[test]
    fn rounds_that_each_start_slowly_are_distinguished_from_a_drift() {
        let round = [steady(6, 120.0), steady(6, 100.0)].concat();
        let found = stability(&[&round, &round, &round, &round]);
        assert_eq!(found.drift, None, "{found:?}");
        assert!(found.within_rounds.unwrap().share < -0.15, "{found:?}");
    }

    #[test]
    fn a_warm_up_that_was_too_short_shows_in_three_rounds_of_three_steps() {
        let rounds = [[130.0, 104.0, 100.0], [128.0, 103.0, 101.0], [133.0, 105.0, 102.0]];
        let found = stability(&rounds);
        assert!((found.within_rounds.unwrap().share + 0.28).abs() < 0.02, "{found:?}");
        // One slow start of three is an accident; two rounds show nothing.
        let once = [[130.0, 104.0, 100.0], [101.0, 103.0, 101.0], [102.0, 101.0, 102.0]];
        assert_eq!(stability(&once).within_rounds, None);
        assert_eq!(stability(&rounds[..2]).within_rounds, None);
    }

    #[test]
    fn a_difference_within_noise_is_not_reported() {
        // The halves' medians are 100 and 110, and the samples scatter by 30.
        let first = [100.0, 130.0, 70.0, 145.0, 60.0];
        let second = [110.0, 140.0, 80.0, 155.0, 70.0];
        assert_eq!(stability(&[first, second]).drift, None);
    }

    #[test]
    fn a_certain_but_small_difference_is_not_reported() {
        assert_eq!(stability(&[vec![100.0; 10], vec![104.0; 10]]).drift, None);
        assert!(stability(&[vec![100.0; 10], vec![106.0; 10]]).drift.is_some());
    }

    #[test]
    fn too_few_steps_show_no_drift() {
        assert_eq!(stability(&[vec![100.0; 3], vec![200.0; 3]]).drift, None);
        assert!(stability(&[vec![100.0; 4], vec![200.0; 4]]).drift.is_some());
        assert_eq!(stability::<[f64; 0]>(&[]).steps, 0);
    }

    #[test]
    fn one_far_sample_is_an_accident_and_a_tenth_of_them_is_not() {
        let mut samples = steady(30, 100.0);
        samples[4] = 300.0;
        assert!(stability(&[&samples]).is_steady());
        samples[11] = 50.0;
        assert!(stability(&[&samples]).is_steady());
        samples[20] = 250.0;
        assert_eq!(stability(&[&samples]).outliers, Some(Outliers { above: 2, below: 1 }));
    }

    #[test]
    fn samples_near_a_median_of_equal_ones_are_not_outliers() {
        let mut samples = vec![100.0; 20];
        samples[3..8].fill(102.0);
        assert_eq!(stability(&[samples]).outliers, None);
    }
}
