//! How long a trial will last, from two probes of it: the same trial, ended after a few steps and after some more.

use super::record::TrialRecord;
use crate::formats::ablation::Duration;
use crate::formats::tables::EpochRow;

/// Steps of the shorter probe: the first step takes longer than others.
pub const FIRST_STEPS: usize = 2;
/// How long the steps of the longer one shall last, in seconds.
const SECONDS: f64 = 2.0;
/// The fewest and the most steps that it adds.
const MORE: (usize, usize) = (4, 500);

/// What a probe took, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probe {
    /// Its steps.
    pub steps: usize,
    /// Its epochs, the last of them cut short.
    pub epochs: usize,
    /// The training parts of its epochs together.
    pub training: f64,
    /// The other parts of its epochs, which are evaluation, together.
    pub evaluation: f64,
    /// From the start of its process to its end.
    pub whole: f64,
    /// Its highest resident set, in bytes.
    pub peak_memory_bytes: Option<u64>,
}

impl Probe {
    /// A probe of these epochs.
    pub fn of(epochs: &[EpochRow], steps: usize, whole: f64, peak_memory_bytes: Option<u64>) -> Self {
        let seconds = |nanoseconds: u64| nanoseconds as f64 * 1e-9;
        let training = |row: &EpochRow| row.train_ns.unwrap_or(row.wall_ns);
        Self {
            steps,
            epochs: epochs.len(),
            training: epochs.iter().map(|row| seconds(training(row))).sum(),
            evaluation: (epochs.iter())
                .map(|row| seconds(row.wall_ns.saturating_sub(training(row))))
                .sum(),
            whole,
            peak_memory_bytes,
        }
    }
}

/// The record of a probe of a trial: the trial's, with an identity of its own and so many steps.
pub fn probe_of(record: &TrialRecord, steps: usize, name: &str) -> TrialRecord {
    let mut record = record.clone();
    record.trial = format!("{}-{name}", record.trial);
    record.epochs = epochs_of(&record, steps);
    record.steps = steps;
    if let Some(train) = &mut record.settings.train {
        train.duration = Duration::Steps(steps);
    }
    record
}

/// The epochs that so many of a trial's steps start.
fn epochs_of(record: &TrialRecord, steps: usize) -> usize {
    let of_epoch = record.steps.div_ceil(record.epochs.max(1)).max(1);
    steps.div_ceil(of_epoch)
}

/// The steps of the longer probe of a trial, from the shorter one: enough to last two seconds, and no more than the trial has.
pub fn longer(short: &Probe, record: &TrialRecord) -> usize {
    let pace = short.training / short.steps.max(1) as f64;
    let more = (SECONDS / pace.max(1e-6)).ceil().min(MORE.1 as f64) as usize;
    (short.steps + more.max(MORE.0)).min(record.steps)
}

/// The seconds that a trial of so many steps and epochs takes from the start of its process to its end: the steps at the pace
/// of those that the longer probe has more, the evaluations, and the rest of the shorter probe once.
pub fn predicted_seconds(short: &Probe, long: &Probe, record: &TrialRecord) -> f64 {
    let step = match long.steps.saturating_sub(short.steps) {
        0 => long.training / long.steps.max(1) as f64,
        more => ((long.training - short.training) / more as f64).max(0.0),
    };
    let evaluation = long.evaluation / long.epochs.max(1) as f64;
    let rest = (short.whole - short.evaluation - step * short.steps as f64).max(0.0);
    rest + step * record.steps as f64 + evaluation * record.epochs as f64
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::experiment::prepare;
    use super::*;
    use crate::formats::ablation::parse;

    /// 1,437 images in batches of 64 by 10 epochs: 230 steps.
    fn record() -> TrialRecord {
        let text =
            "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n[train]\nepochs = 10\n";
        let mut experiment = prepare(parse(text, Path::new("x.toml")).unwrap(), 1, None).unwrap();
        experiment.trials.remove(0).record
    }

    /// A machine with 0.5 s before the first step, which takes 0.3 s longer than the others' 0.01 s, and 0.2 s an evaluation.
    fn probe(steps: usize, epochs: usize) -> Probe {
        let training = 0.3 + 0.01 * steps as f64;
        let evaluation = 0.2 * epochs as f64;
        Probe {
            steps,
            epochs,
            training,
            evaluation,
            whole: 0.5 + training + evaluation,
            peak_memory_bytes: None,
        }
    }

    #[test]
    fn what_comes_once_is_counted_once_and_the_steps_at_their_own_pace() {
        let record = record();
        assert_eq!((record.steps, record.epochs), (230, 10));
        let seconds = predicted_seconds(&probe(2, 1), &probe(50, 3), &record);
        assert!((seconds - (0.5 + 0.3 + 2.3 + 2.0)).abs() < 1e-9, "{seconds}");
    }

    #[test]
    fn a_trial_of_few_steps_is_its_own_probe() {
        let record = TrialRecord {
            steps: 2,
            epochs: 1,
            ..record()
        };
        let whole = probe(2, 1);
        assert_eq!(longer(&whole, &record), 2);
        assert!((predicted_seconds(&whole, &whole, &record) - whole.whole).abs() < 1e-9);
    }

    #[test]
    fn the_longer_probe_lasts_two_seconds_within_bounds() {
        let record = record();
        let lasting = |training: f64| Probe {
            training,
            ..probe(2, 1)
        };
        assert_eq!(longer(&lasting(0.04), &record), 102);
        assert_eq!(longer(&lasting(1e-9), &record), 230);
        assert_eq!(longer(&lasting(60.0), &record), 6);
    }

    #[test]
    fn a_probe_is_the_trial_with_fewer_steps_in_a_folder_of_its_own() {
        let record = record();
        let probe = probe_of(&record, 50, "long-0");
        assert_eq!(probe.trial, format!("{}-long-0", record.trial));
        assert_eq!((probe.steps, probe.epochs), (50, 3));
        assert_eq!(probe.settings.train.unwrap().duration, Duration::Steps(50));
    }
}
