//! How many steps a run has, and the learning rate of each.

use crate::formats::ablation::{Duration, Schedule, TrainSettings};

/// The steps of a training run. The last batch of an epoch may be smaller, and is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLength {
    /// Batches in an epoch.
    pub steps_per_epoch: usize,
    /// Epochs started; the last may end early where the run is given in steps.
    pub epochs: usize,
    /// Steps in all.
    pub steps: usize,
    /// Images in all, each counted in every epoch.
    pub images: usize,
}

impl RunLength {
    /// The length of a run over `images` training images; both that and the batch size are at least 1.
    pub fn new(train: &TrainSettings, images: usize) -> Self {
        let steps_per_epoch = images.div_ceil(train.batch_size.max(1)).max(1);
        let (epochs, steps) = match train.duration {
            Duration::Epochs(epochs) => (epochs, epochs * steps_per_epoch),
            Duration::Steps(steps) => (steps.div_ceil(steps_per_epoch), steps),
        };
        Self {
            steps_per_epoch,
            epochs,
            steps,
            images: steps / steps_per_epoch * images + (steps % steps_per_epoch * train.batch_size).min(images),
        }
    }

    /// The epoch that a step belongs to.
    pub fn epoch_of(&self, step: usize) -> usize {
        step / self.steps_per_epoch
    }

    /// Steps of an epoch: all, or what is left of a run that is given in steps.
    pub fn steps_in(&self, epoch: usize) -> usize {
        let begun = epoch * self.steps_per_epoch;
        self.steps_per_epoch.min(self.steps.saturating_sub(begun))
    }

    /// The learning rate of a step, from 0.
    ///
    /// Step: gamma for every milestone that the epoch's start has reached, as a share of the run; multiplied one after
    /// the other, as PyTorch's schedulers do. Cosine (Loshchilov and Hutter 2017, without restarts):
    /// rate / 2 * (1 + cos(pi * step / steps)), both counted from the end of the warm-up.
    ///
    /// In the warm-up of n steps the rate is that of the file times (step + 1) / (n + 1) (Goyal et al. 2017, section 2.2):
    /// it rises by the same amount at each step and is reached at the first one after it.
    pub fn learning_rate(&self, train: &TrainSettings, step: usize) -> f64 {
        let warmup = train.warmup_steps;
        if step < warmup {
            return train.learning_rate * ((step + 1) as f64 / (warmup + 1) as f64);
        }
        let share_of = |step: usize| step as f64 / self.steps as f64;
        match &train.schedule {
            Schedule::Constant => train.learning_rate,
            Schedule::Step { milestones, gamma } => {
                let share = share_of(self.epoch_of(step) * self.steps_per_epoch);
                let passed = milestones.iter().filter(|&&milestone| share >= milestone);
                passed.fold(train.learning_rate, |rate, _| rate * gamma)
            }
            Schedule::Cosine => {
                let share = (step - warmup) as f64 / self.steps.saturating_sub(warmup).max(1) as f64;
                train.learning_rate * 0.5 * (1.0 + libm::cos(std::f64::consts::PI * share))
            }
        }
    }

    /// Whether the schedule is `step` and no step of the run has a lower learning rate than the file's, but for the warm-up: a
    /// short run that is given in steps may have no epoch that starts at or past a milestone.
    pub fn never_falls(&self, train: &TrainSettings) -> bool {
        let last = self.steps.saturating_sub(1);
        let would_fall = matches!(&train.schedule, Schedule::Step { gamma, .. } if *gamma != 1.0);
        would_fall && (last < train.warmup_steps || self.learning_rate(train, last) == train.learning_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::ablation::{FineTuning, FixedSeeds};

    fn settings(duration: Duration, schedule: Schedule) -> TrainSettings {
        TrainSettings {
            duration,
            batch_size: 64,
            learning_rate: 0.1,
            momentum: 0.9,
            nesterov: true,
            weight_decay: 1e-4,
            schedule,
            warmup_steps: 0,
            label_smoothing: 0.0,
            mixup: 0.0,
            shuffle: true,
            seeds: vec![0],
            checkpoint_every: None,
            fixed_seeds: FixedSeeds::default(),
            fine_tuning: FineTuning::default(),
        }
    }

    fn halves() -> Schedule {
        Schedule::Step {
            milestones: vec![0.5, 0.75],
            gamma: 0.1,
        }
    }

    #[test]
    fn the_papers_cifar_run_has_782_steps_an_epoch_and_falls_at_epochs_150_and_225() {
        let train = settings(Duration::Epochs(300), halves());
        let length = RunLength::new(&train, 50_000);
        assert_eq!((length.steps_per_epoch, length.steps), (782, 234_600));
        assert_eq!(length.images, 300 * 50_000);
        let changes: Vec<usize> = (1..length.steps)
            .filter(|&step| length.learning_rate(&train, step) != length.learning_rate(&train, step - 1))
            .collect();
        assert_eq!(changes, [150 * 782, 225 * 782]);
        assert_eq!(length.learning_rate(&train, 150 * 782), 0.1 * 0.1);
    }

    #[test]
    fn a_run_in_steps_sees_the_images_of_its_whole_epochs_and_of_its_last_steps() {
        // 23 batches an epoch, the last of 29 images.
        let images = |steps| RunLength::new(&settings(Duration::Steps(steps), halves()), 1_437).images;
        assert_eq!(
            [22, 23, 25, 46].map(images),
            [22 * 64, 1_437, 1_437 + 2 * 64, 2 * 1_437]
        );
    }

    #[test]
    fn a_milestone_at_any_tenth_falls_on_its_epoch() {
        // Shares such as 0.7 are not binary fractions: 7 of 10 epochs must still reach the milestone 0.7.
        for tenth in 1..10 {
            let milestones = vec![format!("0.{tenth}").parse().unwrap()];
            let train = settings(Duration::Epochs(10), Schedule::Step { milestones, gamma: 0.5 });
            let length = RunLength::new(&train, 1_437);
            let begin = tenth * length.steps_per_epoch;
            assert_eq!(length.learning_rate(&train, begin - 1), 0.1, "{tenth}");
            assert_eq!(length.learning_rate(&train, begin), 0.05, "{tenth}");
        }
    }

    #[test]
    fn a_run_given_in_steps_may_end_within_an_epoch() {
        let train = settings(Duration::Steps(100), Schedule::Constant);
        let length = RunLength::new(&train, 1_437);
        assert_eq!((length.steps_per_epoch, length.epochs, length.steps), (23, 5, 100));
        assert_eq!((length.steps_in(3), length.steps_in(4)), (23, 8));
    }

    #[test]
    fn a_step_schedule_in_a_run_of_one_epoch_never_falls() {
        let falls = |duration, schedule| {
            let train = settings(duration, schedule);
            !RunLength::new(&train, 1_437).never_falls(&train)
        };
        assert!(!falls(Duration::Steps(20), halves()));
        assert!(falls(Duration::Steps(46), halves()));
        assert!(falls(Duration::Epochs(2), halves()));
        assert!(falls(Duration::Steps(20), Schedule::Constant), "it says so itself");
    }

    #[test]
    fn warm_up_and_cosine_are_those_of_pytorchs_schedulers() {
        // What scripts/fixtures/training.py wrote: the rates of LinearLR and then CosineAnnealingLR, step by step.
        let fixture = include_str!("../../tests/fixtures/training.json");
        let fixture: serde_json::Value = serde_json::from_str(fixture).unwrap();
        let cases = fixture["schedules"].as_array().unwrap();
        assert!(cases.len() > 2);
        for case in cases {
            let count = |key: &str| case[key].as_u64().unwrap() as usize;
            let steps = count("steps");
            let schedule = match case["schedule"].as_str() {
                Some("cosine") => Schedule::Cosine,
                _ => Schedule::Constant,
            };
            let train = TrainSettings {
                warmup_steps: count("warmup-steps"),
                learning_rate: case["learning-rate"].as_f64().unwrap(),
                ..settings(Duration::Steps(steps), schedule)
            };
            let length = RunLength::new(&train, 640);
            let rates = case["rates"].as_array().unwrap();
            assert_eq!(rates.len(), steps);
            for (step, rate) in rates.iter().enumerate() {
                let (expected, rate) = (rate.as_f64().unwrap(), length.learning_rate(&train, step));
                assert!(
                    (rate - expected).abs() <= 1e-12 * train.learning_rate,
                    "step {step} of {case}: {rate}"
                );
            }
        }
    }

    #[test]
    fn milestones_stay_where_they_are_behind_a_warm_up() {
        let mut train = settings(Duration::Epochs(10), halves());
        let length = RunLength::new(&train, 640);
        let plain: Vec<f64> = (0..100).map(|step| length.learning_rate(&train, step)).collect();
        train.warmup_steps = 20;
        let warm: Vec<f64> = (0..100).map(|step| length.learning_rate(&train, step)).collect();
        assert_eq!(warm[20..], plain[20..]);
        assert!(warm[..21].is_sorted_by(|a, b| a < b) && warm[0] > 0.0 && warm[20] == 0.1);
        assert!(!length.never_falls(&train));
        train.warmup_steps = 200;
        assert!(length.never_falls(&train));
    }

    #[test]
    fn the_cosine_goes_from_the_rate_to_nothing() {
        let train = settings(Duration::Steps(4), Schedule::Cosine);
        let length = RunLength::new(&train, 256);
        let rates: Vec<f64> = (0..=4).map(|step| length.learning_rate(&train, step)).collect();
        let half = std::f64::consts::FRAC_1_SQRT_2 / 2.0;
        for (rate, expected) in rates
            .iter()
            .zip([0.1, 0.1 * (0.5 + half), 0.05, 0.1 * (0.5 - half), 0.0])
        {
            assert!((rate - expected).abs() < 1e-15, "{rates:?}");
        }
    }
}
