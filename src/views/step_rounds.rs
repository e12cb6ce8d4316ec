//! The timed steps of measurements, round by round.

use super::groups::Grouped;
use super::measurements::{MeasuredRow, SharedSettings, ordered};
use crate::formats::ablation::Mode;
use crate::formats::tables::{BatchRow, SampleRow};
use crate::statistics::{median, quantile};

/// How the steps of a round, or of all rounds of a row, are spread, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Steps.
    pub n: usize,
    /// The shortest.
    pub shortest: f64,
    /// A quarter is no longer than this.
    pub lower_quartile: f64,
    /// The median.
    pub median: f64,
    /// A quarter is no shorter than this.
    pub upper_quartile: f64,
    /// The longest.
    pub longest: f64,
}

/// A row of `batches.csv` with the steps of its rounds.
#[derive(Clone, Debug)]
pub struct RowSteps<'a> {
    /// The variant, with what distinguishes its setting from others, and the batch size.
    pub name: String,
    /// The row.
    pub row: &'a BatchRow,
    /// Of all rounds together.
    pub whole: Spread,
    /// Of each round with its number, from 0.
    pub rounds: Vec<(usize, Spread)>,
}

impl Spread {
    /// Of at least one step.
    fn of(steps: &[f64]) -> Option<Self> {
        Some(Self {
            n: steps.len(),
            shortest: quantile(steps, 0.0)?,
            lower_quartile: quantile(steps, 0.25)?,
            median: median(steps)?,
            upper_quartile: quantile(steps, 0.75)?,
            longest: quantile(steps, 1.0)?,
        })
    }
}

/// The rows of a mode whose steps are there, in the ablation's order; the study was read with its samples.
pub fn of_mode<'a>(study: &Grouped<'a>, mode: Mode) -> Vec<RowSteps<'a>> {
    let settings = SharedSettings::of(&study.study.batches);
    let rows = ordered(study, &study.study.batches).into_iter();
    let steps_of = |row: &'a BatchRow| {
        let samples = study.study.samples.iter().filter(|sample| is_of(sample, row));
        let mut rounds: Vec<(usize, Vec<f64>)> = Vec::new();
        for sample in samples {
            let step = sample.step_ns as f64;
            match rounds.iter_mut().find(|(round, _)| *round == sample.round) {
                Some((_, steps)) => steps.push(step),
                None => rounds.push((sample.round, vec![step])),
            }
        }
        rounds.sort_by_key(|(round, _)| *round);
        let all: Vec<f64> = rounds.iter().flat_map(|(_, steps)| steps).copied().collect();
        let again = match row.repeat {
            0 => String::new(),
            repeat => format!(", again {repeat}"),
        };
        Some(RowSteps {
            name: format!(
                "{}, batch {}{again}",
                settings.named(&row.variant, &row.setting()),
                row.batch_size
            ),
            row,
            whole: Spread::of(&all)?,
            rounds: (rounds.iter())
                .filter_map(|(round, steps)| Some((*round, Spread::of(steps)?)))
                .collect(),
        })
    };
    rows.filter(|row| row.mode == mode).filter_map(steps_of).collect()
}

fn is_of(sample: &SampleRow, row: &BatchRow) -> bool {
    sample.variant == row.variant
        && (sample.mode, sample.batch_size, sample.repeat) == (row.mode, row.batch_size, row.repeat)
        && (sample.execution, sample.precision, sample.threads) == (row.execution, row.precision, row.threads)
        && sample.device == row.device
}

#[cfg(test)]
mod tests {
    use super::super::samples::{measured, with_samples};
    use super::*;

    #[test]
    fn the_steps_of_a_row_are_those_of_its_rounds_and_no_other_rows() {
        let study = with_samples(measured(&["base", "wide"], &[16]), 3, 10);
        let grouped = Grouped::of(&study);
        let rows = of_mode(&grouped, Mode::Train);
        assert_eq!(
            rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
            ["base, batch 16", "wide, batch 16"]
        );
        for row in rows {
            assert_eq!((row.whole.n, row.rounds.len()), (30, 3));
            assert!(row.rounds.iter().all(|(_, round)| round.n == 10));
            let spread = row.whole;
            assert!(
                spread.shortest < spread.median && spread.median < spread.longest,
                "{spread:?}"
            );
        }
    }

    #[test]
    fn without_samples_there_are_no_rows() {
        let study = measured(&["base"], &[16]);
        assert!(of_mode(&Grouped::of(&study), Mode::Train).is_empty());
    }
}
