//! The summary of a group of repetitions.

use super::crossed::CrossedMean;
use super::error_interval::error_interval;
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
    /// The 95 % interval of the mean; none below two samples.
    pub interval: Option<(f64, f64)>,
}

impl Summary {
    /// Summarises samples that are finite, with an interval by Student's t; `None` of no samples.
    pub fn of(samples: &[f64]) -> Option<Self> {
        Some(Self {
            n: samples.len(),
            mean: mean(samples)?,
            standard_deviation: sample_standard_deviation(samples),
            interval: mean_interval(samples, 0.95),
        })
    }

    /// The summary of the samples times a positive factor.
    pub fn times(self, factor: f64) -> Self {
        Self {
            n: self.n,
            mean: factor * self.mean,
            standard_deviation: self.standard_deviation.map(|deviation| factor * deviation),
            interval: self.interval.map(|(low, high)| (factor * low, factor * high)),
        }
    }

    /// Summarises errors, shares from 0 to 1, whose outcome on each test image is known, with the interval over seeds and
    /// images. `None` of no errors.
    pub fn of_crossed_errors(errors: &[f64], crossed: &CrossedMean) -> Option<Self> {
        Some(Self {
            interval: crossed.interval(0.95).map(within_shares),
            ..Self::of(errors)?
        })
    }

    /// Summarises errors, shares from 0 to 1 that were counted on so many test images, with the interval over seeds and images
    /// ([`error_interval`]); where their number is not known, over the seeds alone, within `[0, 1]`. `None` of no errors.
    pub fn of_errors(errors: &[f64], images: Option<usize>) -> Option<Self> {
        let summary = Self::of(errors)?;
        Some(Self {
            interval: match images {
                Some(images) => error_interval(errors, images, 0.95),
                None => summary.interval.map(within_shares),
            },
            ..summary
        })
    }
}

/// An interval of a share.
fn within_shares((low, high): (f64, f64)) -> (f64, f64) {
    (low.max(0.0), high.min(1.0))
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
    fn errors_have_an_interval_over_seeds_and_images_within_the_shares() {
        let of = |images| Summary::of_errors(&[0.01, 0.03, 0.02], images).unwrap();
        assert_eq!(of(None).interval.unwrap().0, 0.0);
        let percent = of(Some(360)).times(100.0);
        assert_eq!((percent.n, percent.mean), (3, 2.0));
        let (low, high) = percent.interval.unwrap();
        assert!(low >= 0.0 && high > 4.0 && high < 6.0, "{low} {high}");
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
