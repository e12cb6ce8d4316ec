//! What variants cost, and which of them lie on the Pareto front of cost and error.

use super::groups::{Group, Trial};
use super::text::{bytes, grouped, three_digits};
use crate::statistics::median;

/// A cost that a variant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Learned values.
    Parameters,
    /// Multiply-accumulates for one image.
    Macs,
    /// Seconds of training, the median over seeds.
    TrainingTime,
    /// The peak memory of a trial's process in MB, the median over seeds.
    Memory,
}

impl Cost {
    /// In the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Parameters, Self::Macs, Self::TrainingTime, Self::Memory];

    /// Its name with the unit, as on an axis.
    pub fn title(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Macs => "multiply-accumulates (MACs) for one image",
            Self::TrainingTime => "training time in seconds",
            Self::Memory => "peak memory of the process in MB",
        }
    }

    /// The same in fewer words, for a narrow axis.
    pub fn short_title(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Macs => "MACs for one image",
            Self::TrainingTime => "training time (s)",
            Self::Memory => "peak memory (MB)",
        }
    }

    /// Its name.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Macs => "MACs",
            Self::TrainingTime => "training time",
            Self::Memory => "peak memory",
        }
    }

    /// The end of a figure's file name, `error-by-macs`.
    pub fn file_word(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::Macs => "macs",
            Self::TrainingTime => "training-time",
            Self::Memory => "memory",
        }
    }

    /// Whether it follows from the network, so that it is known of every trial.
    pub fn is_of_the_network(self) -> bool {
        matches!(self, Self::Parameters | Self::Macs)
    }

    /// A variant's, in the unit of [`Cost::title`]; none where it was not recorded.
    pub fn of(self, group: &Group<'_>) -> Option<f64> {
        let cost = match self {
            Self::Parameters => group.parameters().map(|count| count as f64),
            Self::Macs => group.macs().map(|count| count as f64),
            Self::TrainingTime => {
                let finished = group.trials.iter().filter(|trial| trial.is_finished());
                median(&finished.filter_map(training_seconds).collect::<Vec<_>>())
            }
            Self::Memory => median(&group.samples(|row| row.peak_memory_bytes.map(|bytes| bytes as f64 / 1e6))),
        };
        cost.filter(|cost| *cost > 0.0)
    }

    /// A cost as it is read: `1,019,722`, `42.3 s`, `523 MB`.
    pub fn text(self, cost: f64) -> String {
        match self {
            Self::Parameters | Self::Macs => grouped(cost.round() as u64),
            Self::TrainingTime => format!("{} s", three_digits(cost)),
            Self::Memory => bytes((1e6 * cost).round() as u64),
        }
    }
}

/// Seconds of a trial's training steps; in folders from before these were recorded, of its processes.
fn training_seconds(trial: &Trial<'_>) -> Option<f64> {
    let steps: Option<u64> = trial.epochs.iter().map(|epoch| epoch.train_ns).sum();
    let nanoseconds = steps.filter(|steps| *steps > 0).or(trial.row.wall_ns)?;
    Some(nanoseconds as f64 / 1e9)
}

/// Which points (cost, error) are on the Pareto front: no other point is as good in both and better in one.
pub fn pareto_front(points: &[(f64, f64)]) -> Vec<bool> {
    let beats = |a: &(f64, f64), b: &(f64, f64)| a.0 <= b.0 && a.1 <= b.1 && a != b;
    (points.iter())
        .map(|point| !points.iter().any(|other| beats(other, point)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::groups::Grouped;
    use super::super::samples::{SampleVariant, trained};
    use super::*;

    #[test]
    fn a_point_is_on_the_front_unless_another_is_as_good_and_better_in_one() {
        let points = [(1.0, 5.0), (2.0, 3.0), (2.0, 4.0), (3.0, 3.0), (4.0, 1.0), (1.0, 5.0)];
        assert_eq!(pareto_front(&points), [true, true, false, false, true, true]);
        assert_eq!(pareto_front(&[]), Vec::<bool>::new());
    }

    #[test]
    fn the_training_time_is_that_of_the_training_steps_where_it_was_recorded() {
        let mut study = trained(&[SampleVariant::new("base")], 2, 3);
        let time = |study: &_| Cost::TrainingTime.of(&Grouped::of(study).variants[0]);
        assert!((time(&study).unwrap() - 2.7).abs() < 1e-12);
        for row in &mut study.epochs {
            row.train_ns = None;
        }
        assert!((time(&study).unwrap() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn costs_are_read_with_their_units() {
        assert_eq!(Cost::Parameters.text(1_019_722.0), "1,019,722");
        assert_eq!(Cost::TrainingTime.text(42.25), "42.2 s");
        assert_eq!(Cost::Memory.text(523.4), "523 MB");
    }
}
