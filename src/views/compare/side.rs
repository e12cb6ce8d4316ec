//! One side of a comparison: a variant's rows.

use crate::formats::study::Study;
use crate::formats::tables::{BatchRow, CorrectnessRow, SampleRow, TrialRow};
use crate::views::noise_floor::AaRatio;

/// One variant's rows.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// The variant's name.
    pub variant: &'a str,
    /// Its trials.
    pub trials: Vec<&'a TrialRow>,
    /// Which test images they got right.
    pub correctness: Vec<&'a CorrectnessRow>,
    /// Its measurements.
    pub batches: Vec<&'a BatchRow>,
    /// Their steps, in the order of time.
    pub samples: Vec<&'a SampleRow>,
    /// The ratios of those that measure the same work again.
    pub again: Vec<AaRatio>,
}

impl<'a> Side<'a> {
    /// The rows of one variant out of those of a study that was read with its samples.
    pub fn new(variant: &'a str, study: &'a Study) -> Self {
        let batches = || study.batches.iter().filter(|row| row.variant == variant);
        Self {
            variant,
            trials: study.trials.iter().filter(|row| row.variant == variant).collect(),
            correctness: study.correctness.iter().filter(|row| row.variant == variant).collect(),
            batches: batches().filter(|row| row.repeat == 0).collect(),
            samples: study.samples.iter().filter(|row| row.variant == variant).collect(),
            again: AaRatio::of_batches(batches()),
        }
    }
}

impl<'a> Side<'a> {
    /// Which test images a trial got right, where it is recorded.
    pub fn correctness(&self, trial: &TrialRow) -> Option<&'a CorrectnessRow> {
        self.correctness.iter().find(|row| row.trial == trial.trial).copied()
    }
}
