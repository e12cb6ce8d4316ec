//! The rows of the whole ablation at a run's end.

use std::collections::BTreeSet;

use densenet_bench::formats::tables::{BatchRow, BoundaryRow, ProfileRow, Status, TrialRow};
use densenet_bench::measurement::{MeasurementRecord, RoundSpec};
use densenet_bench::trials::Trial;

/// The tables of the whole ablation.
#[derive(Default)]
pub struct Tables {
    /// `trials.csv`.
    pub trials: Vec<TrialRow>,
    /// `batches.csv`.
    pub batches: Vec<BatchRow>,
    /// `boundaries.csv`.
    pub boundaries: Vec<BoundaryRow>,
    /// `profile.csv`.
    pub profile: Vec<ProfileRow>,
}

impl Tables {
    /// Whether one of these profiles did not end well.
    pub fn have_failed_profiles(&self, profiles: &[MeasurementRecord]) -> bool {
        let is_bad = |row: &ProfileRow| {
            let is = |spec: &RoundSpec| {
                (&row.variant, row.device.to_string(), row.threads, row.batch_size)
                    == (&spec.variant, spec.device.clone(), spec.threads, spec.batch_size)
            };
            row.status != Status::Ok && profiles.iter().any(|record| is(&record.spec))
        };
        self.profile.iter().any(is_bad)
    }

    /// Whether something that was asked for did not end well.
    pub fn have_failures<'a>(
        &self,
        mut trials: impl Iterator<Item = &'a Trial>,
        measurements: &[MeasurementRecord],
    ) -> bool {
        let failed = self.trials.iter().filter(|row| row.status != Status::Ok);
        let failed: BTreeSet<&str> = failed.map(|row| row.trial.as_str()).collect();
        let is_bad = |trial: &Trial| failed.contains(trial.record.trial.as_str());
        let batch = |row: &BatchRow| {
            let is = |spec: &RoundSpec| {
                (&row.variant, row.device.to_string(), row.threads)
                    == (&spec.variant, spec.device.clone(), spec.threads)
                    && (row.mode, row.batch_size, row.repeat) == (spec.mode, spec.batch_size, spec.repeat)
            };
            row.status != Status::Ok && measurements.iter().any(|record| is(&record.spec))
        };
        trials.any(is_bad) || self.batches.iter().any(batch)
    }
}
