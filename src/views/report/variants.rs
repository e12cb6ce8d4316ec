//! The table of variants: errors with their intervals, the difference to the baseline on the same seeds, and costs.

use super::contrasts::Contrast;
use super::piece::Piece;
use super::studied::Studied;
use crate::statistics::{Summary, median};
use crate::views::compare::{TrainedComparison, Verdict, heading, number};
use crate::views::costs::Cost;
use crate::views::groups::Group;
use crate::views::section::{Block, Side, Table};
use crate::views::summary::{doubtful, images_per_second, interval, mean_and_spread, percent};
use crate::views::text::{grouped, three_digits};

/// The table, what its columns mean, and what makes numbers doubtful; nothing where no trial is planned.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let study = &studied.grouped;
    if !study.is_about_trials() || study.trials().next().is_none() {
        return Vec::new();
    }
    let mut pieces = vec![Piece::table(table(studied)), Piece::note(note(studied))];
    let doubtful = doubtful(study);
    if !doubtful.is_empty() {
        pieces.push(Piece::Plain(Block::List(doubtful)));
    }
    if !studied.left_out.is_empty() {
        let mut table = Table::named("left-out");
        table.column("left out of the differences", Side::Left, studied.left_out.clone());
        pieces.push(Piece::Folded {
            caption: "What the differences leave out".to_owned(),
            table,
        });
    }
    pieces.extend(trials(studied));
    pieces
}

fn table(studied: &Studied<'_>) -> Table {
    let groups = &studied.grouped.variants;
    let errors: Vec<Option<Summary>> = groups.iter().map(Group::test_error).collect();
    let validation: Vec<Option<Summary>> = (groups.iter())
        .map(|group| Summary::of(&group.samples(|row| row.final_validation_error)))
        .collect();
    let mut table = Table::named("variants");
    table.column("variant", Side::Left, groups.iter().map(|group| group.name.to_owned()));
    let mut right = |name: &str, cells: Vec<String>| table.column_if_any(name, Side::Right, cells);
    right(
        "validation error (%)",
        each(&validation, |error| mean_and_spread(*error)),
    );
    right("test error (%)", each(&errors, |error| mean_and_spread(*error)));
    right("95 % interval", each(&errors, |error| interval(*error)));
    right("n", each(groups, Group::seeds_in_words));
    let results: Vec<Option<&TrainedComparison>> = (0..groups.len())
        .map(|place| contrast(studied, place).and_then(|contrast| contrast.result.as_ref()))
        .collect();
    if let Some(first) = results.iter().flatten().next() {
        let name = format!("Δ {} to the baseline", heading(first));
        right(
            &name,
            each(&results, |result| {
                result.map(|row| number(row, row.difference)).unwrap_or_default()
            }),
        );
        right(
            "its 95 % interval",
            each(&results, |result| {
                let interval = result.and_then(|row| Some((row, row.interval?)));
                interval
                    .map(|(row, (low, high))| format!("[{}, {}]", number(row, low), number(row, high)))
                    .unwrap_or_default()
            }),
        );
        right(
            "pairs",
            each(&results, |result| {
                result.map(|row| row.n.to_string()).unwrap_or_default()
            }),
        );
        let shown = results.iter().enumerate().map(|(place, result)| match (place, result) {
            (0, _) => "baseline".to_owned(),
            (_, Some(row)) => verdict(row.verdict).to_owned(),
            (_, None) => String::new(),
        });
        table.column("verdict", Side::Left, shown);
    }
    let mut right = |name: &str, cells: Vec<String>| table.column_if_any(name, Side::Right, cells);
    let published = |group: &Group<'_>| group.published_error().map(percent).unwrap_or_default();
    right("published (%)", each(groups, published));
    right(
        "parameters",
        each(groups, |group| count(group.parameters().map(|n| n as u64))),
    );
    right("MACs", each(groups, |group| count(group.macs())));
    let cost = |cost: Cost| {
        each(groups, |group| {
            cost.of(group).map(|own| cost.text(own)).unwrap_or_default()
        })
    };
    right("training time", cost(Cost::TrainingTime));
    let ratios = (0..groups.len()).map(|place| {
        let ratio = contrast(studied, place).and_then(|contrast| contrast.time_ratio);
        ratio
            .map(|ratio| format!("{}×", three_digits(ratio)))
            .unwrap_or_default()
    });
    right("time / baseline's", ratios.collect());
    right("peak memory", cost(Cost::Memory));
    let rate = |group: &Group<'_>| {
        let rate = median(&group.samples(|row| row.train_images_per_second));
        rate.map(images_per_second).unwrap_or_default()
    };
    right("images/s", each(groups, rate));
    table
}

fn each<T>(items: &[T], cell: impl Fn(&T) -> String) -> Vec<String> {
    items.iter().map(cell).collect()
}

fn count(count: Option<u64>) -> String {
    count.map(grouped).unwrap_or_default()
}

fn contrast<'a>(studied: &'a Studied<'_>, place: usize) -> Option<&'a Contrast> {
    studied.contrasts.iter().find(|contrast| contrast.place == place)
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Differ => "shown",
        Verdict::NoDifferenceShown => "not shown",
        Verdict::NTooSmall => "n too small",
        Verdict::OtherSurvivors => "other seeds survived",
        Verdict::Equal => "equal",
        Verdict::NotTested => "not tested",
    }
}

fn note(studied: &Studied<'_>) -> String {
    let study = &studied.grouped;
    let mut sentences = Vec::new();
    match study
        .variants
        .iter()
        .filter_map(Group::test_error)
        .map(|error| error.n)
        .max()
    {
        None => sentences.push("No trial has finished.".to_owned()),
        Some(1) => sentences.push("Errors of one seed each: they have no spread.".to_owned()),
        Some(_) => sentences.push(format!(
            "Errors: mean ± sample standard deviation over n seeds; {}",
            study.error_intervals_in_words()
        )),
    }
    if studied.contrasts.iter().any(|contrast| contrast.result.is_some()) {
        let baseline = study.variants.first().map(|group| group.name).unwrap_or_default();
        sentences.push(format!(
            "Δ: less {baseline}, the baseline, over the pairs of the same seed; below 0 is better."
        ));
    }
    sentences.push(
        "MACs: for one image. Training time: of the training steps alone; peak memory: of the process; images a second: of \
         training; each the median over seeds."
            .to_owned(),
    );
    sentences.join(" ")
}

/// Trials that the table of them has at most.
const MOST_TRIALS: usize = 1000;

/// Every trial, folded away.
fn trials(studied: &Studied<'_>) -> Option<Piece> {
    let all = studied.grouped.trials().count();
    let rows: Vec<_> = studied
        .grouped
        .trials()
        .take(MOST_TRIALS)
        .map(|trial| trial.row)
        .collect();
    let mut table = Table::named("trials");
    table.column("variant", Side::Left, rows.iter().map(|row| row.variant.clone()));
    table.column("seed", Side::Right, rows.iter().map(|row| row.seed.to_string()));
    table.column("status", Side::Left, rows.iter().map(|row| row.status.to_string()));
    let mut right = |name: &str, cells: Vec<String>| table.column_if_any(name, Side::Right, cells);
    let share = |share: Option<f64>| share.map(percent).unwrap_or_default();
    let loss = |loss: Option<f64>| loss.map(|loss| format!("{loss:.4}")).unwrap_or_default();
    right("test error (%)", each(&rows, |row| share(row.final_test_error)));
    right(
        "validation error (%)",
        each(&rows, |row| share(row.final_validation_error)),
    );
    right("test loss", each(&rows, |row| loss(row.final_test_loss)));
    right("training loss", each(&rows, |row| loss(row.final_train_loss)));
    right("steps", each(&rows, |row| grouped(row.steps as u64)));
    let wall = |nanoseconds: Option<u64>| nanoseconds.map(|ns| three_digits(ns as f64 / 1e9)).unwrap_or_default();
    right("wall time (s)", each(&rows, |row| wall(row.wall_ns)));
    table.column("trial", Side::Left, rows.iter().map(|row| row.trial.clone()));
    let weights = rows.iter().map(|row| row.weights_sha256.chars().take(16).collect());
    table.column_if_any("weights' SHA-256 begins", Side::Left, weights);
    let caption = match all {
        0..=MOST_TRIALS => "Every trial".to_owned(),
        _ => format!("The first {MOST_TRIALS} of {all} trials; trials.csv has all"),
    };
    (all > 0).then_some(Piece::Folded { caption, table })
}

#[cfg(test)]
mod tests {
    use super::super::studied::Reported;
    use super::*;
    use crate::formats::study::Study;
    use crate::views::samples::{SampleVariant, measured, trained};

    fn of(study: Study) -> Vec<Piece> {
        let reported = Reported {
            folder: "results/growth".to_owned(),
            study,
            environment: serde_json::Value::Null,
            file: String::new(),
        };
        pieces(&Studied::of(&reported))
    }

    #[test]
    fn a_row_has_the_error_the_paired_difference_and_the_cost() {
        let variants = [("8", 78_000), ("24", 690_000)]
            .map(|(rate, count)| SampleVariant::swept(&[("model.growth-rate", rate)], count, 0.03));
        let mut study = trained(&variants, 8, 2);
        for row in &mut study.trials {
            let error = 0.05 + 0.001 * row.seed as f64;
            row.final_test_error = Some(if row.variant == "growth-rate=24" {
                error - 0.012
            } else {
                error
            });
            row.peak_memory_bytes = Some(234_000_000);
        }
        let pieces = of(study);
        let Some(Piece::Plain(Block::Table(table))) = pieces.first() else {
            panic!("{pieces:?}")
        };
        let cell = |row: usize, name: &str| {
            let place = table.header.iter().position(|(other, _)| other == name);
            table.rows[row][place.unwrap_or_else(|| panic!("{name}: {:?}", table.header))].as_str()
        };
        assert_eq!(cell(0, "verdict"), "baseline");
        assert_eq!(cell(1, "verdict"), "shown");
        assert_eq!(cell(1, "Δ test error (%) to the baseline"), "-1.20");
        assert_eq!((cell(0, "pairs"), cell(1, "pairs"), cell(1, "n")), ("", "8", "8"));
        assert_eq!(cell(1, "time / baseline's"), "1.00×");
        assert_eq!((cell(0, "training time"), cell(0, "peak memory")), ("1.80 s", "234 MB"));
        assert_eq!(cell(1, "parameters"), "690,000");
        assert!(
            matches!(&pieces[2], Piece::Folded { caption, table } if caption == "Every trial" && table.rows.len() == 16)
        );
    }

    #[test]
    fn a_study_that_only_measures_has_no_such_table() {
        assert!(of(measured(&["base"], &[16])).is_empty());
    }
}
