//! Every variant against the first, the baseline.

use crate::formats::ablation::Mode;
use crate::formats::tables::{BatchRow, SweptValue};
use crate::views::compare::{Manner, Scope, Side, TrainedComparison, adjust, compare_variants, is_shown};
use crate::views::costs::Cost;
use crate::views::groups::{Group, Grouped};

/// A variant against the baseline.
#[derive(Clone, Debug)]
pub struct Contrast {
    /// The variant's place among the study's.
    pub place: usize,
    /// `growth rate 24 against 8`.
    pub words: String,
    /// The number that answers the question, this variant's less the baseline's; none where no seed has ended well on both.
    pub result: Option<TrainedComparison>,
    /// Its training time over the baseline's.
    pub time_ratio: Option<f64>,
    /// Its measured step over the baseline's.
    pub step: Option<StepRatio>,
}

/// A measured step over the baseline's, the ratio within a round.
#[derive(Clone, Debug)]
pub struct StepRatio {
    /// What was timed.
    pub mode: Mode,
    /// Images in the step: the largest batch that both ran.
    pub batch_size: usize,
    /// The ratio.
    pub ratio: f64,
    /// Its 95 % interval; none of too few rounds.
    pub interval: Option<(f64, f64)>,
}

impl Contrast {
    /// Whether its difference counts as shown.
    pub fn is_shown(&self) -> bool {
        self.result.as_ref().is_some_and(is_shown)
    }

    /// How much it has to say: a difference that is shown before others, of these the largest; else by p, then the faster or
    /// slower step.
    pub fn weight(&self) -> (bool, f64, f64) {
        let of = |row: &TrainedComparison| match is_shown(row) {
            true => row.difference.abs(),
            false => -row.p_adjusted.or(row.p).unwrap_or(1.0),
        };
        let step = self.step.as_ref().map_or(0.0, |step| step.ratio.ln().abs());
        (self.is_shown(), self.result.as_ref().map_or(-1.0, of), step)
    }
}

/// The contrasts in the ablation's order, their p values adjusted for their number, and what they had to leave out.
pub fn of(study: &Grouped<'_>) -> (Vec<Contrast>, Vec<String>) {
    let mut left_out = Vec::new();
    let Some((baseline, others)) = study.variants.split_first() else {
        return (Vec::new(), left_out);
    };
    let manner = Manner {
        scope: Scope::Results,
        primary: study.study.ablation.primary,
        is_one_folder: true,
    };
    let of_baseline = Side::new(baseline.name, study.study);
    let mut compared = Vec::new();
    for group in others {
        let side = Side::new(group.name, study.study);
        compared.push(compare_variants(&of_baseline, &side, Vec::new(), manner, &mut left_out));
    }
    adjust(&mut compared);
    let contrasts = others
        .iter()
        .zip(compared)
        .enumerate()
        .map(|(index, (group, compared))| Contrast {
            place: index + 1,
            words: in_words(baseline, group),
            result: compared.trained.into_iter().find(|row| row.is_primary),
            time_ratio: ratio(Cost::TrainingTime.of(group), Cost::TrainingTime.of(baseline)),
            step: step_ratio(study, group.name),
        });
    (contrasts.collect(), left_out)
}

fn ratio(own: Option<f64>, baseline: Option<f64>) -> Option<f64> {
    Some(own? / baseline?).filter(|ratio| ratio.is_finite())
}

/// Of training where that was measured, else of evaluation.
fn step_ratio(study: &Grouped<'_>, variant: &str) -> Option<StepRatio> {
    let is_of = |row: &&BatchRow| row.variant == variant && row.repeat == 0 && row.step_ratio.is_some();
    let rows = || study.study.batches.iter().filter(is_of);
    let largest = |mode: Mode| rows().filter(|row| row.mode == mode).max_by_key(|row| row.batch_size);
    let row = largest(Mode::Train).or_else(|| largest(Mode::Evaluate))?;
    Some(StepRatio {
        mode: row.mode,
        batch_size: row.batch_size,
        ratio: row.step_ratio.filter(|ratio| *ratio > 0.0)?,
        interval: row.step_ratio_low.zip(row.step_ratio_high),
    })
}

/// What two variants differ in where the same keys are swept in both, else their names.
fn in_words(baseline: &Group<'_>, group: &Group<'_>) -> String {
    let keys = |group: &Group<'_>| group.swept.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    let differing: Vec<(&SweptValue, &SweptValue)> = (group.swept.iter())
        .zip(baseline.swept)
        .filter(|(own, other)| own.1 != other.1)
        .collect();
    if keys(baseline) != keys(group) || differing.is_empty() {
        return format!("{} against {}", group.name, baseline.name);
    }
    let key = |value: &SweptValue| value.0.rsplit('.').next().unwrap_or(&value.0).replace('-', " ");
    if let [(own, other)] = differing[..] {
        return format!("{} {} against {}", key(own), own.1, other.1);
    }
    let named = |values: Vec<&SweptValue>| {
        let named: Vec<String> = values
            .into_iter()
            .map(|value| format!("{} {}", key(value), value.1))
            .collect();
        named.join(", ")
    };
    format!(
        "{} against {}",
        named(differing.iter().map(|(own, _)| *own).collect()),
        named(differing.iter().map(|(_, other)| *other).collect())
    )
}

#[cfg(test)]
mod tests {
    use crate::views::samples::{SampleVariant, measured, trained};

    use super::*;

    #[test]
    fn a_contrast_is_named_by_the_keys_that_differ() {
        let variants = [("8", "true"), ("24", "true"), ("8", "false"), ("24", "false")].map(|(rate, bottleneck)| {
            let values = [("model.growth-rate", rate), ("model.bottleneck", bottleneck)];
            SampleVariant::swept(&values, 10_000, 0.03)
        });
        let study = trained(&variants, 3, 2);
        let (contrasts, _) = of(&Grouped::of(&study));
        let words: Vec<&str> = contrasts.iter().map(|contrast| contrast.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "growth rate 24 against 8",
                "bottleneck false against true",
                "growth rate 24, bottleneck false against growth rate 8, bottleneck true"
            ]
        );
        let named = trained(&["base", "wide"].map(SampleVariant::new), 3, 2);
        assert_eq!(of(&Grouped::of(&named)).0[0].words, "wide against base");
    }

    #[test]
    fn p_values_are_adjusted_for_the_number_of_contrasts() {
        let variants = ["a", "b", "c"].map(SampleVariant::new);
        let mut study = trained(&variants, 8, 1);
        for row in &mut study.trials {
            let error = 0.05 + 0.001 * row.seed as f64;
            // Eight seeds that all differ: p = 2 / 2^8.
            row.final_test_error = Some(if row.variant == "b" { error - 0.02 } else { error });
        }
        let (contrasts, _) = of(&Grouped::of(&study));
        let result = contrasts[0].result.as_ref().unwrap();
        assert_eq!((result.p, result.p_adjusted), (Some(2.0 / 256.0), Some(4.0 / 256.0)));
        assert!(contrasts[0].is_shown() && !contrasts[1].is_shown());
        assert!(contrasts[0].weight() > contrasts[1].weight());
        let larger = Contrast {
            result: Some(TrainedComparison {
                difference: -0.04,
                ..result.clone()
            }),
            ..contrasts[0].clone()
        };
        assert!(larger.weight() > contrasts[0].weight());
    }

    #[test]
    fn a_measured_step_is_that_of_training_at_the_largest_batch() {
        let study = measured(&["base", "wide"], &[16, 64]);
        let (contrasts, _) = of(&Grouped::of(&study));
        let step = contrasts[0].step.as_ref().unwrap();
        assert_eq!((step.mode, step.batch_size, step.ratio), (Mode::Train, 64, 1.35));
        assert!(contrasts[0].result.is_none() && contrasts[0].time_ratio.is_none());
    }
}
