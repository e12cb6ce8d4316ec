//! The answer in one sentence with its uncertainty, and every other variant against the baseline.

use super::contrasts::{Contrast, StepRatio};
use super::piece::Piece;
use super::studied::Studied;
use crate::formats::ablation::Mode;
use crate::views::compare::{difference_in_words, seeds_in_words, verdict_in_words};
use crate::views::groups::Group;
use crate::views::section::Block;
use crate::views::text::{counted, milliseconds, three_digits};
use crate::words::plural;

/// The sentence, what it takes to show more, and the other variants.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let said = |contrast: &&Contrast| !findings(contrast).is_empty();
    let contrasts: Vec<&Contrast> = studied.contrasts.iter().filter(said).collect();
    let heaviest = |a: &usize, b: &usize| {
        let (a, b) = (contrasts[*a].weight(), contrasts[*b].weight());
        // Of equals the first.
        (a.0.cmp(&b.0))
            .then(a.1.total_cmp(&b.1))
            .then(a.2.total_cmp(&b.2))
            .reverse()
    };
    let Some(first) = (0..contrasts.len()).min_by(heaviest) else {
        return [vec![Piece::Lead(without_contrast(studied))], progress(studied)].concat();
    };
    let mut pieces = vec![Piece::Lead(sentence(contrasts[first]))];
    let seeds = contrasts[first].result.as_ref().and_then(seeds_in_words);
    pieces.extend(seeds.map(Piece::text));
    pieces.extend(progress(studied));
    let others = contrasts.iter().enumerate().filter(|(place, _)| *place != first);
    let others: Vec<String> = others.map(|(_, contrast)| sentence(contrast)).collect();
    if !others.is_empty() {
        pieces.push(Piece::Plain(Block::List(others)));
    }
    if contrasts.iter().any(|contrast| contrast.result.is_some()) {
        pieces.push(Piece::note(
            "Differences are paired: the same seeds on both sides. A difference counts as shown where p, of several variants \
             adjusted by Holm, is at most 0.05.",
        ));
    }
    pieces
}

/// `growth rate 24 against 8: test error 0.70 points lower, …; 4.90 times the training time.`
fn sentence(contrast: &Contrast) -> String {
    format!("{}: {}.", contrast.words, findings(contrast).join("; "))
}

/// What there is to say of a variant against the baseline.
fn findings(contrast: &Contrast) -> Vec<String> {
    let mut findings = Vec::new();
    if let Some(row) = &contrast.result {
        let verdict = verdict_in_words(row);
        let separator = if verdict.is_empty() { "" } else { ": " };
        findings.push(format!("{}{separator}{verdict}", difference_in_words(row)));
    }
    match (&contrast.step, contrast.time_ratio) {
        (Some(step), _) => findings.push(step_in_words(step)),
        (None, Some(ratio)) => findings.push(format!("{} times the training time", three_digits(ratio))),
        (None, None) => {}
    }
    findings
}

fn step_of(mode: Mode) -> &'static str {
    match mode {
        Mode::Train => "a training step",
        Mode::Evaluate => "a step of evaluation",
    }
}

fn step_in_words(step: &StepRatio) -> String {
    let interval = match step.interval {
        Some((low, high)) => format!("95 % interval {low:.2} to {high:.2}"),
        None => "no interval from so few rounds".to_owned(),
    };
    format!(
        "{} at batch {} takes {:.2} times as long, {interval}",
        step_of(step.mode),
        step.batch_size,
        step.ratio
    )
}

/// Where there is no second variant, or nothing of it yet.
fn without_contrast(studied: &Studied<'_>) -> String {
    let study = &studied.grouped;
    let alone = match study.variants.len() {
        0 | 1 => "There is no second variant to compare it with.",
        _ => "No other variant has come as far.",
    };
    if let Some(words) = study.variants.iter().find_map(error_in_words) {
        return format!("{words}. {alone}");
    }
    let row = study.study.batches.iter().find(|row| row.step_ns_median.is_some());
    match row.and_then(|row| Some((row, row.step_ns_median?))) {
        Some((row, median)) => format!(
            "{}: {} at batch {} takes {} ms. {alone}",
            row.variant,
            step_of(row.mode),
            row.batch_size,
            milliseconds(median)
        ),
        None => "Not answered yet: nothing has finished.".to_owned(),
    }
}

fn error_in_words(group: &Group<'_>) -> Option<String> {
    let error = group.test_error()?.times(100.0);
    let spread = error
        .standard_deviation
        .map(|s| format!(" ± {s:.2}"))
        .unwrap_or_default();
    let interval = match error.interval {
        Some((low, high)) => format!(", 95 % interval {low:.2} to {high:.2}"),
        None => String::new(),
    };
    Some(format!(
        "{}: test error {:.2}{spread} %{interval}, n = {}",
        group.name,
        error.mean,
        counted(error.n, "seed")
    ))
}

/// How far the study has come, where it is not complete.
fn progress(studied: &Studied<'_>) -> Vec<Piece> {
    let all = studied.grouped.trials().count();
    let unfinished = studied.grouped.unfinished();
    if unfinished == 0 {
        return Vec::new();
    }
    let have = if all - unfinished == 1 { "has" } else { "have" };
    vec![Piece::text(format!(
        "{} of {all} {} {have} finished; the others are in no number.",
        all - unfinished,
        plural(all, "trial")
    ))]
}

#[cfg(test)]
mod tests {
    use super::super::studied::Reported;
    use super::*;
    use crate::formats::study::Study;
    use crate::formats::tables::Status;
    use crate::views::samples::{SampleVariant, empty, measured, trained};

    fn words(study: Study) -> Vec<String> {
        let reported = Reported {
            folder: "results/growth".to_owned(),
            study,
            environment: serde_json::Value::Null,
            file: String::new(),
        };
        let pieces = pieces(&Studied::of(&reported)).into_iter();
        pieces
            .flat_map(|piece| match piece {
                Piece::Lead(words) | Piece::Plain(Block::Text(words) | Block::Note(words)) => vec![words],
                Piece::Plain(Block::List(items)) => items,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    /// Three variants by eight seeds: `24` errs less on every seed, `12` by turns.
    fn study() -> Study {
        let variants = [("8", 78_000), ("12", 176_000), ("24", 690_000)]
            .map(|(rate, count)| SampleVariant::swept(&[("model.growth-rate", rate)], count, 0.03));
        let mut study = trained(&variants, 8, 2);
        for row in &mut study.trials {
            let error = 0.05 + 0.001 * row.seed as f64;
            let turn = if row.seed % 2 == 0 { 0.002 } else { -0.001 };
            row.final_test_error = Some(match row.variant.as_str() {
                "growth-rate=24" => error - 0.01 - 0.0004 * row.seed as f64,
                "growth-rate=12" => error + turn,
                _ => error,
            });
        }
        for row in study.epochs.iter_mut().filter(|row| row.variant == "growth-rate=24") {
            row.train_ns = row.train_ns.map(|time| 49 * time / 10);
        }
        study
    }

    #[test]
    fn the_difference_that_is_shown_comes_first_and_the_others_follow() {
        let words = words(study());
        assert!(
            words[0].starts_with("growth rate 24 against 8: test error 1.14 points lower, 95 % interval ")
                && words[0].ends_with("n = 8 paired seeds; 4.90 times the training time."),
            "{words:?}"
        );
        assert!(
            words[1].starts_with("growth rate 12 against 8: test error 0.05 points higher")
                && words[1].contains("not shown"),
            "{words:?}"
        );
    }

    #[test]
    fn a_difference_that_is_not_shown_says_how_many_seeds_it_takes() {
        let mut study = study();
        study.ablation.variants.truncate(2);
        study.trials.retain(|row| row.variant != "growth-rate=24");
        let words = words(study);
        assert!(
            words[0].contains("95 % interval from ") && words[0].contains(": not shown; 1.00 times"),
            "{words:?}"
        );
        assert!(
            words[1].starts_with("With this spread ") && words[1].contains("(power 80 %)"),
            "{words:?}"
        );
    }

    #[test]
    fn a_study_that_has_just_begun_says_how_far_it_is() {
        let mut study = study();
        for row in &mut study.trials {
            row.status = Status::Pending;
        }
        let words_of_none = words(study);
        assert_eq!(
            words_of_none,
            [
                "Not answered yet: nothing has finished.",
                "0 of 24 trials have finished; the others are in no number."
            ]
        );
        assert_eq!(words(empty()), ["Not answered yet: nothing has finished."]);
    }

    #[test]
    fn measurements_alone_are_answered_by_the_step() {
        assert_eq!(
            words(measured(&["base", "wide"], &[16, 64])),
            ["wide against base: a training step at batch 64 takes 1.35 times as long, 95 % interval 1.32 to 1.38."]
        );
        assert!(words(measured(&["base"], &[64]))[0].contains("There is no second variant"));
    }

    #[test]
    fn one_variant_has_its_error_alone() {
        let words = words(trained(&[SampleVariant::new("base")], 3, 2));
        assert!(
            words[0].starts_with("base: test error ") && words[0].contains("n = 3 seeds. There is no"),
            "{words:?}"
        );
    }
}
