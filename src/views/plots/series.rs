//! What is measured by batch size, as lines of a plot.

use super::palette::SeriesStyle;
use crate::formats::tables::Status;

/// Images a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Of the median step.
    pub median: f64,
    /// Of the upper and the lower end of the median step's 95 % interval.
    pub spread: Option<(f64, f64)>,
}

/// A series at a batch size.
#[derive(Clone, Debug)]
pub struct Point {
    /// Images in a step.
    pub batch_size: usize,
    /// The status of the measurement.
    pub status: Status,
    /// Timed steps.
    pub steps: usize,
    /// Processes that contributed.
    pub rounds: usize,
    /// The throughput.
    pub rate: Option<Rate>,
    /// The allocated peak in bytes.
    pub allocated: Option<u64>,
    /// Its closed form.
    pub predicted: Option<u64>,
    /// The caching allocator's peak in bytes.
    pub reserved: Option<u64>,
    /// The process's peak in bytes.
    pub process: Option<u64>,
}

/// What is drawn as one line.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its looks.
    pub style: SeriesStyle,
    /// Its points by rising batch size.
    pub points: Vec<Point>,
}

impl Rate {
    /// From the median step and the ends of its interval, in nanoseconds.
    pub fn of(batch_size: usize, median_ns: Option<u64>, interval_ns: Option<(u64, u64)>) -> Option<Self> {
        let median_ns = median_ns.filter(|median| *median > 0)?;
        let images_in = |nanoseconds: u64| match nanoseconds {
            0 => f64::INFINITY,
            ns => 1e9 * batch_size as f64 / ns as f64,
        };
        Some(Self {
            median: images_in(median_ns),
            spread: interval_ns.map(|(low, high)| (images_in(high), images_in(low))),
        })
    }
}

impl Point {
    /// Whether it ended otherwise than well. What has not started has not ended.
    pub fn failed(&self) -> bool {
        !matches!(self.status, Status::Ok | Status::Pending)
    }
}

/// The points of all series.
pub fn points(series: &[Series]) -> impl Iterator<Item = &Point> {
    series.iter().flat_map(|series| &series.points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rates_spread_is_that_of_the_slower_and_the_faster_end_of_the_steps_interval() {
        let rate = Rate::of(60, Some(1_000_000_000), Some((750_000_000, 1_250_000_000))).unwrap();
        assert_eq!((rate.median, rate.spread), (60.0, Some((48.0, 80.0))));
        assert_eq!(Rate::of(60, None, Some((1, 2))), None);
        let wide = Rate::of(60, Some(1_000), Some((0, 2_000))).unwrap();
        assert_eq!(wide.spread.unwrap().1, f64::INFINITY);
    }
}
