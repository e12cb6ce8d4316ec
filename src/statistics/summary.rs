//! The summary of a group of repetitions.

use super::location::{mean, mean_interval, sample_standard_deviation};

/// The mean of a group, one sample a seed, and how far it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// Samples.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation s, with n - 1 in the denominator; none below two samples.
    pub standard_deviation: Option<f64>,
    /// The 95 % interval of the mean by Student's t; none below two samples.
    pub interval: Option<(f64, f64)>,
}

impl Summary {
    /// Summarises samples that are finite; `None` of no samples.
    pub fn of(samples: &[f64]) -> Option<Self> {
        Some(Self {
            n: samples.len(),
            mean: mean(samples)?,
            standard_deviation: sample_standard_deviation(samples),
            interval: mean_interval(samples, 0.95),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_summarised_without_spread() {
        let summary = Summary::of(&[0.25]).unwrap();
        assert_eq!((summary.n, summary.mean), (1, 0.25));
        assert_eq!((summary.standard_deviation, summary.interval), (None, None));
    }

    #[test]
    fn the_interval_of_three_seeds_lies_around_their_mean() {
        let summary = Summary::of(&[1.0, 2.0, 3.0]).unwrap();
        let (low, high) = summary.interval.unwrap();
        assert_eq!(summary.standard_deviation, Some(1.0));
        // t(0.975, 2) / sqrt(3) = 4.302653 / 1.732051
        assert!((high - 2.0 - 2.484_138).abs() < 1e-6 && (2.0 - low - 2.484_138).abs() < 1e-6);
    }
}
