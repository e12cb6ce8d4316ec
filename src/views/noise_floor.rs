//! The noise floor: how far two measurements of the same work (A/A) lie apart, below which no difference means anything.

use serde::Serialize;

use super::text::one_line;
use crate::formats::tables::{BatchRow, PeerRow};

/// The ratio of two measurements of the same work.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AaRatio {
    /// What was measured, in words.
    pub what: String,
    /// The second's figure over the first's; 1 but for noise.
    pub ratio: f64,
    /// Its 95 % interval; none of fewer than five rounds.
    pub interval: Option<(f64, f64)>,
}

impl AaRatio {
    /// Of rows of `batches.csv`: the step times of those that measure the same work again.
    pub fn of_batches<'a>(rows: impl IntoIterator<Item = &'a BatchRow>) -> Vec<Self> {
        let again = rows.into_iter().filter(|row| row.repeat > 0);
        let of = |row: &BatchRow| {
            Some(Self {
                what: format!("{} {} batch {}", one_line(&row.variant), row.mode, row.batch_size),
                ratio: row.step_ratio?,
                interval: row.step_ratio_low.zip(row.step_ratio_high),
            })
        };
        again.filter_map(of).collect()
    }

    /// Of rows of `peers.csv`: the images a second of the peer that was run twice.
    pub fn of_peers<'a>(rows: impl IntoIterator<Item = &'a PeerRow>) -> Vec<Self> {
        let of = |row: &PeerRow| {
            Some(Self {
                what: format!(
                    "{} {} batch {}, {}",
                    one_line(&row.variant),
                    row.mode,
                    row.batch_size,
                    one_line(&row.peer)
                ),
                ratio: row.again_ratio?,
                interval: row.again_ratio_low.zip(row.again_ratio_high),
            })
        };
        rows.into_iter().filter_map(of).collect()
    }
}

/// What two measurements of the same work came to, and how large a difference that leaves unexplained.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NoiseFloor {
    /// Each, in the order of the rows.
    pub ratios: Vec<AaRatio>,
    /// The factor by which the far end of an interval lies from 1, the largest of all: 1.03 for [0.99, 1.03]. None
    /// without an interval.
    pub factor: Option<f64>,
}

impl NoiseFloor {
    /// That of such ratios.
    pub fn of(ratios: Vec<AaRatio>) -> Self {
        let far = |(low, high): (f64, f64)| high.max(1.0 / low);
        let factor = ratios
            .iter()
            .filter_map(|ratio| ratio.interval.map(far))
            .reduce(f64::max);
        Self { ratios, factor }
    }

    /// Whether a ratio is no further from 1 than the same work's may be.
    pub fn covers(&self, ratio: f64) -> bool {
        self.factor.is_some_and(|factor| ratio.max(1.0 / ratio) <= factor)
    }

    /// What a reader has to know before any other ratio; `figure` is what the ratios are of. None where nothing was
    /// measured twice.
    pub fn words(&self, figure: &str) -> Option<String> {
        if self.ratios.is_empty() {
            return None;
        }
        let ratios: Vec<String> = (self.ratios.iter())
            .map(|of| match of.interval {
                Some((low, high)) => format!("{} {:.3} [{low:.3}, {high:.3}]", of.what, of.ratio),
                None => format!("{} {:.3} (n too small)", of.what, of.ratio),
            })
            .collect();
        let floor = match self.factor {
            Some(factor) => format!(
                " Ratios from {:.3} to {factor:.3} are within the noise floor, and marked *.",
                1.0 / factor
            ),
            None => " Five rounds give them an interval, and a noise floor.".to_owned(),
        };
        Some(format!(
            "A/A, the same work measured again, {figure} over the first's: {}.{floor}",
            ratios.join("; ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(ratio: f64, interval: Option<(f64, f64)>) -> AaRatio {
        AaRatio {
            what: "base train batch 8".to_owned(),
            ratio,
            interval,
        }
    }

    #[test]
    fn the_floor_is_the_far_end_of_the_widest_interval_in_either_direction() {
        let floor = NoiseFloor::of(vec![ratio(1.01, Some((0.99, 1.03))), ratio(0.98, Some((0.95, 1.01)))]);
        assert!((floor.factor.unwrap() - 1.0 / 0.95).abs() < 1e-12, "{floor:?}");
        assert!(floor.covers(1.05) && floor.covers(0.96) && floor.covers(1.0));
        assert!(!floor.covers(1.06) && !floor.covers(0.94));
    }

    #[test]
    fn the_ratios_are_named_with_the_floor_and_without_an_interval_there_is_none() {
        let said = NoiseFloor::of(vec![ratio(1.01, Some((0.98, 1.04)))])
            .words("step time")
            .unwrap();
        assert_eq!(
            said,
            "A/A, the same work measured again, step time over the first's: base train batch 8 1.010 [0.980, 1.040]. Ratios \
             from 0.962 to 1.040 are within the noise floor, and marked *."
        );
        let few = NoiseFloor::of(vec![ratio(1.01, None)]);
        assert!(
            few.words("step time")
                .unwrap()
                .contains("1.010 (n too small). Five rounds")
        );
        assert!(!few.covers(1.0));
        assert_eq!(NoiseFloor::default().words("step time"), None);
    }
}
