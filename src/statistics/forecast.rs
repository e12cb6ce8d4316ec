//! How long what is left will take, from what has ended.

use super::location::{mean, sample_standard_deviation, student_t_quantile};

/// Seconds that are left, with an interval where two or more parts have ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// The expected seconds.
    pub seconds: f64,
    /// Their 95 % prediction interval.
    pub interval: Option<(f64, f64)>,
}

/// The seconds that parts of these works will take, where parts that have ended took `paces` seconds for a unit of work each:
/// the mean pace times the work, and Student's prediction interval for a weighted sum of further draws. `None` before the first
/// has ended.
pub fn forecast(paces: &[f64], left: &[f64]) -> Option<Forecast> {
    let pace = mean(paces)?;
    let work: f64 = left.iter().sum();
    let seconds = pace * work;
    let interval = sample_standard_deviation(paces).and_then(|deviation| {
        let squares: f64 = left.iter().map(|work| work * work).sum();
        let n = paces.len();
        let half = student_t_quantile(0.975, n - 1)? * deviation * (squares + work * work / n as f64).sqrt();
        Some(((seconds - half).max(0.0), seconds + half))
    });
    Some(Forecast { seconds, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_further_draws() {
        assert_eq!(forecast(&[], &[1.0]), None);
        let one = forecast(&[2.0], &[3.0, 1.0]).unwrap();
        assert_eq!((one.seconds, one.interval), (8.0, None));
        // t(0.975, 2) * 1 * sqrt(1 + 1 / 3) = 4.302653 * 1.154701
        let next = forecast(&[1.0, 2.0, 3.0], &[1.0]).unwrap();
        let (low, high) = next.interval.unwrap();
        assert_eq!((next.seconds, low), (2.0, 0.0));
        assert!((high - 2.0 - 4.968_276).abs() < 1e-5, "{high}");
        let nothing = forecast(&[1.0, 2.0], &[]).unwrap();
        assert_eq!((nothing.seconds, nothing.interval), (0.0, Some((0.0, 0.0))));
    }
}
