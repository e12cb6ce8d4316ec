//! The mean, the sample standard deviation and the interval of the mean.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// The arithmetic mean; `None` of no samples.
pub fn mean(samples: &[f64]) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    // The second pass takes back what the first lost to rounding, so that equal samples have exactly their own mean.
    Some(mean + samples.iter().map(|sample| sample - mean).sum::<f64>() / count)
}

/// The sample standard deviation, with n - 1 in the denominator; `None` of fewer than two samples.
pub fn sample_standard_deviation(samples: &[f64]) -> Option<f64> {
    if samples.len() < 2 {
        return None;
    }
    let mean = mean(samples)?;
    let squares: f64 = samples.iter().map(|sample| (sample - mean).powi(2)).sum();
    Some((squares / (samples.len() - 1) as f64).sqrt())
}

/// The interval that covers the true mean with probability `confidence` (0.95 for the 95 % interval) when the samples
/// are independent draws from one normal distribution: mean ± t * s / sqrt(n), with Student's t of n - 1 degrees of
/// freedom.
///
/// `None` of fewer than two samples, and of a confidence outside (0, 1).
pub fn mean_interval(samples: &[f64], confidence: f64) -> Option<(f64, f64)> {
    let deviation = sample_standard_deviation(samples)?;
    let mean = mean(samples)?;
    let t = student_t_quantile(0.5 + confidence / 2.0, samples.len() - 1)?;
    let half_width = t * deviation / (samples.len() as f64).sqrt();
    Some((mean - half_width, mean + half_width))
}

/// The value that Student's t with `degrees_of_freedom` stays below with that probability.
///
/// `None` without a degree of freedom, and for a probability outside (0, 1).
pub fn student_t_quantile(probability: f64, degrees_of_freedom: usize) -> Option<f64> {
    student_t_quantile_of(probability, degrees_of_freedom as f64)
}

/// The value that a standard normal stays below with that probability. `None` outside (0, 1).
pub(super) fn standard_normal_quantile(probability: f64) -> Option<f64> {
    let is_inside = probability > 0.0 && probability < 1.0;
    is_inside.then(|| Normal::standard().inverse_cdf(probability))
}

/// The same for degrees of freedom that are not a whole number, as Welch's.
pub(super) fn student_t_quantile_of(probability: f64, degrees_of_freedom: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
    Some(distribution.inverse_cdf(probability))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_samples_have_their_own_value_as_mean_and_no_spread() {
        let samples = [0.1; 7];
        assert_eq!(mean(&samples), Some(0.1));
        assert_eq!(sample_standard_deviation(&samples), Some(0.0));
        assert_eq!(mean_interval(&samples, 0.95), Some((0.1, 0.1)));
    }

    #[test]
    fn one_sample_has_a_mean_but_neither_spread_nor_interval() {
        assert_eq!(mean(&[3.5]), Some(3.5));
        assert_eq!(sample_standard_deviation(&[3.5]), None);
        assert_eq!(mean_interval(&[3.5], 0.95), None);
    }

    #[test]
    fn no_samples_have_no_statistics() {
        assert_eq!(mean(&[]), None);
        assert_eq!(sample_standard_deviation(&[]), None);
        assert_eq!(mean_interval(&[], 0.95), None);
    }

    #[test]
    fn an_invalid_probability_has_no_quantile() {
        for probability in [0.0, 1.0, -0.5, 1.5, f64::NAN] {
            assert_eq!(student_t_quantile(probability, 3), None, "{probability}");
        }
        assert_eq!(student_t_quantile(0.975, 0), None);
        assert_eq!(mean_interval(&[1.0, 2.0], 1.0), None);
    }
}
