//! Statistics of the sorted samples: quantiles, the median and the median absolute deviation.

/// The quantile at `share` (0 the smallest sample, 1 the largest), interpolated linearly between the two samples around
/// position `share * (n - 1)`: Hyndman and Fan's type 7, NumPy's and R's default.
///
/// `None` of no samples, and for a share outside [0, 1].
pub fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    if samples.is_empty() || !(0.0..=1.0).contains(&share) {
        return None;
    }
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let position = share * (sorted.len() - 1) as f64;
    let below = position.floor();
    let low = *sorted.get(below as usize)?;
    let high = *sorted.get(position.ceil() as usize)?;
    Some(low + (high - low) * (position - below))
}

/// The middle sample, or the mean of the middle two; `None` of no samples.
pub fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 0.5)
}

/// MAD: the median of the samples' distances from their median; `None` of no samples.
///
/// It is raw, in the samples' own unit. Where it is to estimate the standard deviation of normal samples, multiply it
/// by 1.4826.
pub fn median_absolute_deviation(samples: &[f64]) -> Option<f64> {
    let center = median(samples)?;
    let distances: Vec<f64> = samples.iter().map(|sample| (sample - center).abs()).collect();
    median(&distances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn one_far_sample_does_not_move_the_median_absolute_deviation() {
        assert_eq!(median_absolute_deviation(&[1.0, 2.0, 3.0, 4.0, 5.0]), Some(1.0));
        assert_eq!(median_absolute_deviation(&[1.0, 2.0, 3.0, 4.0, 5e9]), Some(1.0));
    }

    #[test]
    fn the_outermost_quantiles_are_the_smallest_and_the_largest_sample() {
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.0), Some(1.0));
        assert_eq!(quantile(&[3.0, 1.0, 2.0], 1.0), Some(3.0));
    }

    #[test]
    fn no_samples_and_an_invalid_share_have_no_quantile() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[1.0], 1.1), None);
        assert_eq!(quantile(&[1.0], f64::NAN), None);
        assert_eq!(median_absolute_deviation(&[]), None);
    }
}
