//! A study's rows by variant in the ablation's order, and by trial within.

use std::collections::BTreeMap;

use crate::formats::correctness::correct_images;
use crate::formats::study::Study;
use crate::formats::tables::{CorrectnessRow, EpochRow, Status, SweptValue, TrialRow};
use crate::statistics::{CrossedMean, Summary, standard_error_of_images};
use crate::words::grouped;

/// A study with its variants in order.
#[derive(Clone, Debug)]
pub struct Grouped<'a> {
    /// The study.
    pub study: &'a Study,
    /// Its variants in the ablation's order. One that the ablation does not name follows in the order of its first row.
    pub variants: Vec<Group<'a>>,
    /// The place of each by its name.
    places: BTreeMap<&'a str, usize>,
}

/// A variant and its trials, one a seed.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The variant's name.
    pub name: &'a str,
    /// What the sweep sets in it, in the ablation's order; empty where that is not known.
    pub swept: &'a [SweptValue],
    /// Its trials in the order of their rows.
    pub trials: Vec<Trial<'a>>,
    /// The mean test error over seeds and images, where every finished trial has recorded which of the same images it got
    /// right.
    crossed_error: Option<CrossedMean>,
}

/// A trial and what it recorded.
#[derive(Clone, Debug)]
pub struct Trial<'a> {
    /// Its row.
    pub row: &'a TrialRow,
    /// Its epochs, in order.
    pub epochs: Vec<&'a EpochRow>,
    /// Which test images it got right; none before its end, and in folders from before it was recorded.
    pub correctness: Option<&'a CorrectnessRow>,
}

/// One number by epoch: the seeds' mean and spread.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// A point for each epoch that at least one seed has reached with a finite number.
    pub points: Vec<CurvePoint>,
    /// Numbers that are left out since they are not finite.
    pub not_finite: usize,
}

/// An epoch of a [`Curve`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The numbers of the seeds that have reached it.
    pub summary: Summary,
}

impl<'a> Grouped<'a> {
    /// Groups a study's rows by variant. Epochs of a trial without a row are left out.
    pub fn of(study: &'a Study) -> Self {
        let variants = study.ablation.variants.iter().map(|variant| Group {
            name: &variant.name,
            swept: &variant.swept,
            trials: Vec::new(),
            crossed_error: None,
        });
        let variants: Vec<Group<'_>> = variants.collect();
        let mut grouped = Self {
            study,
            places: (variants.iter().enumerate())
                .map(|(place, group)| (group.name, place))
                .collect(),
            variants,
        };
        let mut epochs: BTreeMap<&str, Vec<&EpochRow>> = BTreeMap::new();
        for row in &study.epochs {
            epochs.entry(&row.trial).or_default().push(row);
        }
        let correctness: BTreeMap<&str, &CorrectnessRow> = (study.correctness.iter())
            .map(|row| (row.trial.as_str(), row))
            .collect();
        for row in &study.trials {
            let mut epochs = epochs.get(row.trial.as_str()).cloned().unwrap_or_default();
            epochs.sort_by_key(|epoch| epoch.epoch);
            grouped.group(&row.variant).trials.push(Trial {
                row,
                epochs,
                correctness: correctness.get(row.trial.as_str()).copied(),
            });
        }
        for group in &mut grouped.variants {
            group.crossed_error = crossed_error(&group.trials);
        }
        let batches = study.batches.iter().map(|row| row.variant.as_str());
        let boundaries = study.boundaries.iter().map(|row| row.variant.as_str());
        let peers = study.peers.iter().map(|row| row.variant.as_str());
        let profiled = study.profile.iter().map(|row| row.variant.as_str());
        for variant in batches.chain(boundaries).chain(peers).chain(profiled) {
            grouped.group(variant);
        }
        grouped
    }

    /// The group of a variant, a new one at the end if there is none.
    fn group(&mut self, name: &'a str) -> &mut Group<'a> {
        let place = self.index_of(name);
        if place == self.variants.len() {
            self.places.insert(name, place);
            self.variants.push(Group {
                name,
                swept: &[],
                trials: Vec::new(),
                crossed_error: None,
            });
        }
        &mut self.variants[place]
    }

    /// The ablation's name.
    pub fn name(&self) -> &'a str {
        &self.study.ablation.name
    }

    /// The question that it answers.
    pub fn question(&self) -> &'a str {
        &self.study.ablation.question
    }

    /// Whether there is something to say of trials: a study that only measures has none, one without any rows says so.
    pub fn is_about_trials(&self) -> bool {
        let study = self.study;
        let tables = [
            study.batches.is_empty(),
            study.boundaries.is_empty(),
            study.profile.is_empty(),
            study.peers.is_empty(),
        ];
        let measures = tables.contains(&false);
        !study.trials.is_empty() || !measures
    }

    /// The place of a variant in the ablation's order, or their number where there is none of that name.
    pub fn index_of(&self, variant: &str) -> usize {
        self.places.get(variant).copied().unwrap_or(self.variants.len())
    }

    /// Every trial, variant by variant.
    pub fn trials(&self) -> impl Iterator<Item = &Trial<'a>> {
        self.variants.iter().flat_map(|group| &group.trials)
    }

    /// Trials that are not finished, whatever the reason.
    pub fn unfinished(&self) -> usize {
        self.trials().filter(|trial| !trial.is_finished()).count()
    }

    /// What the intervals of the test errors are: "interval: 95 %, over seeds and the 360 test images.", with the standard
    /// error that the images alone leave.
    pub fn error_intervals_in_words(&self) -> String {
        let with_errors = self.variants.iter().filter(|group| group.test_error().is_some());
        let images: Vec<Option<usize>> = with_errors.clone().map(Group::test_images).collect();
        let Some(first) = images
            .first()
            .copied()
            .flatten()
            .filter(|_| images.iter().all(Option::is_some))
        else {
            return "interval of the mean by Student's t.".to_owned();
        };
        let standard_errors = with_errors.filter_map(Group::standard_error_of_images);
        let largest = standard_errors.fold(0.0, f64::max);
        let of_images = match images.iter().all(|other| *other == Some(first)) {
            true => format!("the {} test images", grouped(first as u64)),
            false => "test images".to_owned(),
        };
        format!(
            "interval: 95 %, over seeds and {of_images}, which alone leave a standard error of up to {:.2} points.",
            100.0 * largest
        )
    }

    /// The different values of a text column, joined by commas.
    pub fn all(&self, column: impl Fn(&'a TrialRow) -> &'a str) -> String {
        let mut values: Vec<&str> = Vec::new();
        for trial in self.trials() {
            let value = column(trial.row);
            if !value.is_empty() && !values.contains(&value) {
                values.push(value);
            }
        }
        values.join(", ")
    }
}

impl<'a> Group<'a> {
    /// A finite number of each finished trial that has it.
    pub fn samples(&self, column: impl Fn(&TrialRow) -> Option<f64>) -> Vec<f64> {
        let finished = self.trials.iter().filter(|trial| trial.is_finished());
        finished
            .filter_map(|trial| column(trial.row))
            .filter(|value| value.is_finite())
            .collect()
    }

    /// The final test error of the finished trials, a share from 0 to 1, with its interval over seeds and test images. Where
    /// it is not recorded which images each trial got right, the interval is as wide as it could then be.
    pub fn test_error(&self) -> Option<Summary> {
        let errors = self.samples(|row| row.final_test_error);
        match self.crossed_error {
            Some(crossed) => Summary::of_crossed_errors(&errors, &crossed),
            None => Summary::of_errors(&errors, self.test_images()),
        }
    }

    /// The standard error of the test error that the test images alone leave. Where few seeds differ so much that the
    /// images' part is estimated as 0, it is that of independent seeds: the most that it can be.
    pub fn standard_error_of_images(&self) -> Option<f64> {
        let crossed = self.crossed_error.map(|crossed| crossed.standard_error_of_images());
        match crossed.filter(|&error| error > 0.0) {
            Some(error) => Some(error),
            None => standard_error_of_images(self.test_error()?.mean, self.test_images()?),
        }
    }

    /// How many trials ended without a result: diverged, out of memory, out of time or failed otherwise.
    pub fn lost(&self) -> usize {
        self.trials.iter().filter(|trial| has_failed(trial.row.status)).count()
    }

    /// Finished seeds as a reader sees them: `5`, or `3 of 5` where two did not survive.
    pub fn seeds_in_words(&self) -> String {
        let finished = self.test_error().map_or(0, |error| error.n);
        match self.lost() {
            0 => finished.to_string(),
            lost => format!("{finished} of {}", finished + lost),
        }
    }

    /// The test images of every finished trial; none in earlier tables, and where trials differ in it.
    pub fn test_images(&self) -> Option<usize> {
        let finished = self.trials.iter().filter(|trial| trial.is_finished());
        let mut images = finished.map(|trial| trial.row.test_images);
        let first = images.next()??;
        images.all(|other| other == Some(first)).then_some(first)
    }

    /// What the paper prints for this network on this data set.
    pub fn published_error(&self) -> Option<f64> {
        self.trials.iter().find_map(|trial| trial.row.published_error)
    }

    /// Learned values.
    pub fn parameters(&self) -> Option<usize> {
        self.trials.first().map(|trial| trial.row.parameters)
    }

    /// Multiply-accumulates of convolutions and classifier for one image.
    pub fn macs(&self) -> Option<u64> {
        self.trials.first().map(|trial| trial.row.macs)
    }

    /// A number by epoch over all trials, unfinished and failed ones as far as they are.
    pub fn curve(&self, column: impl Fn(&EpochRow) -> Option<f64>) -> Curve {
        let mut by_epoch: Vec<(usize, Vec<f64>)> = Vec::new();
        let mut not_finite = 0;
        for row in self.trials.iter().flat_map(|trial| &trial.epochs) {
            match column(row) {
                Some(value) if value.is_finite() => {
                    match by_epoch.binary_search_by_key(&row.epoch, |(epoch, _)| *epoch) {
                        Ok(place) => by_epoch[place].1.push(value),
                        Err(place) => by_epoch.insert(place, (row.epoch, vec![value])),
                    }
                }
                Some(_) => not_finite += 1,
                None => {}
            }
        }
        let mut points = Vec::new();
        for (epoch, values) in by_epoch {
            match Summary::of(&values) {
                Some(summary) if summary.mean.is_finite() => points.push(CurvePoint { epoch, summary }),
                // Losses near the largest float have a sum beyond it.
                _ => not_finite += values.len(),
            }
        }
        Curve { points, not_finite }
    }
}

impl Trial<'_> {
    /// Whether its numbers are final.
    pub fn is_finished(&self) -> bool {
        self.row.status == Status::Ok
    }
}

/// The mean test error of the finished trials over seeds and images, where all have recorded which of the same images they got
/// right.
fn crossed_error(trials: &[Trial<'_>]) -> Option<CrossedMean> {
    let finished = trials.iter().filter(|trial| trial.is_finished());
    let rows: Option<Vec<&CorrectnessRow>> = finished.map(|trial| trial.correctness).collect();
    let rows = rows?;
    let first = rows.first()?;
    if rows.iter().any(|row| row.data_fingerprint != first.data_fingerprint) {
        return None;
    }
    let correct: Vec<Vec<bool>> = rows.iter().filter_map(|row| correct_images(row).ok()).collect();
    let correct: Vec<&[bool]> = correct.iter().map(Vec::as_slice).collect();
    CrossedMean::of_errors(&correct)
}

/// Whether a trial has ended without a result, and no other run of the same command would end otherwise by itself.
pub fn has_failed(status: Status) -> bool {
    matches!(status, Status::Failed | Status::Oom | Status::Timeout)
}

#[cfg(test)]
mod tests {
    use super::super::samples::{SampleVariant, trained};
    use super::*;
    use crate::formats::correctness::{self, OfTrial};

    fn sample() -> Study {
        trained(
            &[
                SampleVariant::new("growth-rate=12"),
                SampleVariant::new("growth-rate=8"),
            ],
            3,
            4,
        )
    }

    #[test]
    fn errors_have_intervals_over_seeds_and_test_images_where_their_number_is_known() {
        let mut study = sample();
        let words = |study: &Study| Grouped::of(study).error_intervals_in_words();
        assert_eq!(words(&study), "interval of the mean by Student's t.");
        for row in &mut study.trials {
            (row.test_images, row.final_test_error) = (Some(360), Some(0.025));
        }
        let grouped = Grouped::of(&study);
        let summary = grouped.variants[0].test_error().unwrap();
        let (low, high) = summary.interval.unwrap();
        assert_eq!(summary.standard_deviation, Some(0.0));
        assert!(low < 0.01 && high > 0.04, "{low} {high}");
        assert_eq!(
            words(&study),
            "interval: 95 %, over seeds and the 360 test images, which alone leave a standard error of up to 0.90 points."
        );
        study.trials[0].test_images = Some(100);
        assert_eq!(words(&study), "interval of the mean by Student's t.");
    }

    #[test]
    fn where_it_is_known_which_images_were_wrong_the_interval_is_their_own() {
        let mut study = sample();
        let correct: Vec<bool> = (0..360).map(|image| image >= 9).collect();
        for row in &mut study.trials {
            (row.test_images, row.final_test_error) = (Some(360), Some(0.025));
            let of = OfTrial {
                trial: &row.trial,
                variant: &row.variant,
                seed: row.seed,
                data_fingerprint: "9d",
            };
            study.correctness.push(correctness::row(of, &correct));
        }
        // All seeds miss the same images: as much doubt as of one.
        let grouped = Grouped::of(&study);
        let same = grouped.variants[0].test_error().unwrap().interval.unwrap();
        assert!(same.0 < 0.01 && same.1 > 0.04, "{same:?}");
        // Each misses others: their mean is over three times as many.
        let trials: Vec<String> = grouped.variants[0]
            .trials
            .iter()
            .map(|trial| trial.row.trial.clone())
            .collect();
        for (place, trial) in trials.iter().enumerate() {
            let correct: Vec<bool> = (0..360)
                .map(|image| !(9 * place..9 * place + 9).contains(&image))
                .collect();
            for row in study.correctness.iter_mut().filter(|row| row.trial == *trial) {
                let variant = row.variant.clone();
                let of = OfTrial {
                    trial,
                    variant: &variant,
                    seed: row.seed,
                    data_fingerprint: "9d",
                };
                *row = correctness::row(of, &correct);
            }
        }
        let other = Grouped::of(&study).variants[0].test_error().unwrap().interval.unwrap();
        assert!(
            other.1 - other.0 < same.1 - same.0 && other.1 - other.0 > 0.015,
            "{other:?}"
        );
    }

    #[test]
    fn seeds_that_did_not_survive_are_counted_beside_those_that_did() {
        let mut study = sample();
        study.trials[1].status = Status::Failed;
        let grouped = Grouped::of(&study);
        let words: Vec<String> = grouped.variants.iter().map(Group::seeds_in_words).collect();
        assert_eq!(words, ["2 of 3", "3"]);
    }

    #[test]
    fn variants_stand_in_the_ablations_order_and_unknown_ones_follow() {
        let mut study = sample();
        study.ablation.variants.remove(0);
        let grouped = Grouped::of(&study);
        let names: Vec<&str> = grouped.variants.iter().map(|group| group.name).collect();
        assert_eq!(names, ["growth-rate=8", "growth-rate=12"]);
        assert!(grouped.variants.iter().all(|group| group.trials.len() == 3));
        assert!(grouped.trials().all(|trial| trial.epochs.len() == 4));
    }

    #[test]
    fn only_finished_trials_count_in_the_final_summary() {
        let mut study = sample();
        study.trials[1].status = Status::Interrupted;
        let grouped = Grouped::of(&study);
        assert_eq!(grouped.variants[0].test_error().unwrap().n, 2);
        assert_eq!(grouped.variants[1].test_error().unwrap().n, 3);
        assert_eq!(grouped.unfinished(), 1);
    }

    #[test]
    fn a_half_done_trial_gives_its_curve_as_far_as_it_is() {
        let mut study = sample();
        study.trials[2].status = Status::Pending;
        let id = study.trials[2].trial.clone();
        study.epochs.retain(|row| row.trial != id || row.epoch < 2);
        let grouped = Grouped::of(&study);
        let curve = grouped.variants[0].curve(|row| Some(row.test_loss));
        let seeds: Vec<usize> = curve.points.iter().map(|point| point.summary.n).collect();
        assert_eq!(seeds, [3, 3, 2, 2]);
    }

    #[test]
    fn losses_that_are_not_finite_are_counted_and_left_out() {
        let mut study = sample();
        study.epochs[0].train_loss = f64::NAN;
        study.epochs[1].train_loss = f64::INFINITY;
        let grouped = Grouped::of(&study);
        let curve = grouped.variants[0].curve(|row| Some(row.train_loss));
        assert_eq!(curve.not_finite, 2);
        assert_eq!(curve.points.len(), 4);
        assert!(curve.points.iter().all(|point| point.summary.mean.is_finite()));
    }
}
