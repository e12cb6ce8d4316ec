//! The timed steps of a measurement by round, and the rounds in which two took turns.

use crate::formats::tables::{BatchRow, SampleRow};

/// The steps of a round.
pub(super) struct TimedRound {
    /// When its run started.
    pub run: String,
    /// From 0.
    pub round: usize,
    /// In nanoseconds.
    pub steps: Vec<f64>,
}

/// The steps of a row by round.
pub(super) fn rounds_of(row: &BatchRow, samples: &[&SampleRow]) -> Vec<TimedRound> {
    let mut rounds: Vec<TimedRound> = Vec::new();
    for sample in samples {
        let is_of_row = sample.variant == row.variant
            && sample.device == row.device
            && sample.execution == row.execution
            && sample.precision == row.precision
            && sample.threads == row.threads
            && sample.mode == row.mode
            && sample.batch_size == row.batch_size
            && sample.repeat == row.repeat;
        if !is_of_row {
            continue;
        }
        match rounds.iter_mut().find(|round| round.round == sample.round) {
            Some(round) => round.steps.push(sample.step_ns as f64),
            None => rounds.push(TimedRound {
                run: sample.run.clone(),
                round: sample.round,
                steps: vec![sample.step_ns as f64],
            }),
        }
    }
    rounds
}

/// Every step of every round, with its round.
pub(super) fn steps_of(rounds: &[TimedRound]) -> Vec<(usize, &[f64])> {
    rounds
        .iter()
        .map(|round| (round.round, round.steps.as_slice()))
        .collect()
}

/// The rounds in which both took turns.
pub(super) fn pairs_of(first: &[TimedRound], second: &[TimedRound]) -> Vec<(Vec<f64>, Vec<f64>)> {
    let pair = |one: &TimedRound| {
        let other = second
            .iter()
            .find(|other| (other.round, &other.run) == (one.round, &one.run))?;
        Some((one.steps.clone(), other.steps.clone()))
    };
    first.iter().filter_map(pair).collect()
}
