//! The numbers of a trial that are compared.

use crate::formats::tables::TrialRow;

/// Which numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    All,
    /// Errors and losses, which need the same data on both sides.
    Results,
    /// Speeds and memory, which need the same machine on both sides.
    Speeds,
}

impl Scope {
    /// Whether errors and losses are compared.
    pub fn has_results(self) -> bool {
        self != Scope::Speeds
    }

    /// Whether speeds and memory are compared.
    pub fn has_speeds(self) -> bool {
        self != Scope::Results
    }
}

/// One number of a trial.
pub(super) struct Metric {
    /// Its column in `trials.csv`.
    pub column: &'static str,
    /// Its name with the unit that a reader sees.
    pub heading: &'static str,
    /// Whether it is a speed or memory, which depend on the machine.
    pub is_speed: bool,
    /// What the column's unit is multiplied by for a reader.
    pub scale: f64,
    /// Decimals for a reader.
    pub decimals: usize,
    /// The number in the column's unit.
    pub value: fn(&TrialRow) -> Option<f64>,
}

impl Metric {
    pub fn is_in(&self, scope: Scope) -> bool {
        if self.is_speed {
            scope.has_speeds()
        } else {
            scope.has_results()
        }
    }

    /// Its name without the unit: `test error`.
    pub fn name(&self) -> &'static str {
        self.heading.split(" (").next().unwrap_or(self.heading)
    }

    pub fn text(&self, value: f64) -> String {
        let text = format!("{:.*}", self.decimals, self.scale * value);
        // A difference that rounds to nothing has no sign.
        let is_zero = text.chars().all(|letter| matches!(letter, '-' | '0' | '.'));
        if is_zero { text.replace('-', "") } else { text }
    }
}

const fn error(column: &'static str, heading: &'static str, value: fn(&TrialRow) -> Option<f64>) -> Metric {
    Metric {
        column,
        heading,
        is_speed: false,
        scale: 100.0,
        decimals: 2,
        value,
    }
}

const fn loss(column: &'static str, heading: &'static str, value: fn(&TrialRow) -> Option<f64>) -> Metric {
    Metric {
        column,
        heading,
        is_speed: false,
        scale: 1.0,
        decimals: 4,
        value,
    }
}

const fn speed(
    column: &'static str,
    heading: &'static str,
    scale: f64,
    decimals: usize,
    value: fn(&TrialRow) -> Option<f64>,
) -> Metric {
    Metric {
        column,
        heading,
        is_speed: true,
        scale,
        decimals,
        value,
    }
}

/// In the order in which they are shown.
pub(super) const METRICS: [Metric; 9] = [
    error("final_test_error", "test error (%)", |row| row.final_test_error),
    loss("final_test_loss", "test loss", |row| row.final_test_loss),
    error("final_validation_error", "validation error (%)", |row| {
        row.final_validation_error
    }),
    loss("final_validation_loss", "validation loss", |row| {
        row.final_validation_loss
    }),
    error("final_train_error", "train error (%)", |row| row.final_train_error),
    loss("final_train_loss", "train loss", |row| row.final_train_loss),
    speed("train_images_per_second", "train images/s", 1.0, 1, |row| {
        row.train_images_per_second
    }),
    speed("peak_memory_bytes", "process peak (MB)", 1e-6, 1, |row| {
        row.peak_memory_bytes.map(|bytes| bytes as f64)
    }),
    speed("wall_ns", "wall time (s)", 1e-9, 2, |row| {
        row.wall_ns.map(|nanoseconds| nanoseconds as f64)
    }),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::tables::Row;

    #[test]
    fn every_metric_is_a_column_of_the_trials_table() {
        for metric in &METRICS {
            assert!(TrialRow::header().contains(&metric.column), "{}", metric.column);
        }
    }

    #[test]
    fn a_reader_sees_percent_megabytes_and_seconds() {
        let text = |index: usize, value| METRICS[index].text(value);
        assert_eq!(text(0, 0.031_52), "3.15");
        assert_eq!(text(0, -0.000_01), "0.00");
        assert_eq!(text(7, 3e6), "3.0");
        assert_eq!(text(8, 1.5e9), "1.50");
    }
}
