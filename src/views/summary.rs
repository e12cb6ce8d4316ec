//! The results of a study as a report: a table with a row for each variant, what did not finish, and what was measured.

use std::collections::BTreeSet;

use super::groups::{Group, Grouped};
use super::measurement_tables;
use super::plots;
use super::section::{Block, Document, Section, Side, Table};
use super::text::{counted, grouped, one_line};
use crate::formats::study::Study;
use crate::formats::tables::{Status, TrialRow};
use crate::statistics::{Summary, median};
use crate::words::gathered;

/// The report of a study, as far as it has come.
pub fn document(study: &Study) -> Document {
    let grouped = Grouped::of(study);
    let mut sections = Vec::new();
    if grouped.is_about_trials() {
        sections.push(trained(&grouped));
        let unfinished = unfinished(&grouped);
        if !unfinished.is_empty() {
            sections.push(Section {
                title: "Not finished",
                blocks: vec![Block::List(unfinished)],
            });
        }
    }
    sections.extend(measurement_tables::sections(&grouped));
    Document {
        title: grouped.name().to_owned(),
        question: grouped.question().to_owned(),
        sections,
    }
}

fn trained(study: &Grouped<'_>) -> Section {
    let mut blocks = vec![Block::Table(table(study)), Block::Note(note(study))];
    let doubtful = doubtful(study);
    if !doubtful.is_empty() {
        blocks.push(Block::List(doubtful));
    }
    blocks.extend(plots::of_trials(study).into_iter().map(Block::Figure));
    Section { title: "", blocks }
}

fn table(study: &Grouped<'_>) -> Table {
    let groups = &study.variants;
    let errors: Vec<Option<Summary>> = groups.iter().map(Group::test_error).collect();
    let validation: Vec<Option<Summary>> = groups
        .iter()
        .map(|group| Summary::of(&group.samples(|row| row.final_validation_error)))
        .collect();
    let mut table = Table::default();
    table.column("variant", Side::Left, groups.iter().map(|group| group.name.to_owned()));
    let count = |count: Option<u64>| count.map(grouped).unwrap_or_default();
    let parameters = groups.iter().map(|group| count(group.parameters().map(|n| n as u64)));
    table.column("parameters", Side::Right, parameters);
    table.column("MACs", Side::Right, groups.iter().map(|group| count(group.macs())));
    if validation.iter().any(Option::is_some) {
        table.column(
            "validation error (%)",
            Side::Right,
            validation.iter().map(|error| mean_and_spread(*error)),
        );
    }
    table.column(
        "test error (%)",
        Side::Right,
        errors.iter().map(|error| mean_and_spread(*error)),
    );
    if errors.iter().flatten().any(|error| error.interval.is_some()) {
        table.column(
            "95 % interval",
            Side::Right,
            errors.iter().map(|error| interval(*error)),
        );
    }
    table.column("n", Side::Right, groups.iter().map(Group::seeds_in_words));
    if groups.iter().any(|group| group.published_error().is_some()) {
        let published = groups
            .iter()
            .map(|group| group.published_error().map(percent).unwrap_or_default());
        table.column("published (%)", Side::Right, published);
    }
    let rates = groups
        .iter()
        .map(|group| median(&group.samples(|row| row.train_images_per_second)));
    let rates = rates.map(|rate| rate.map(images_per_second).unwrap_or_default());
    table.column("images/s", Side::Right, rates);
    table
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

pub(super) fn mean_and_spread(error: Option<Summary>) -> String {
    match error {
        None => String::new(),
        Some(error) => match error.standard_deviation {
            None => percent(error.mean),
            Some(deviation) => format!("{} ± {}", percent(error.mean), percent(deviation)),
        },
    }
}

pub(super) fn interval(error: Option<Summary>) -> String {
    let interval = error.and_then(|error| error.interval);
    interval
        .map(|(low, high)| format!("[{}, {}]", percent(low), percent(high)))
        .unwrap_or_default()
}

/// Three digits are what a rate is good for; below 100 they take a decimal.
pub(super) fn images_per_second(rate: f64) -> String {
    if rate >= 100.0 {
        grouped(rate.round() as u64)
    } else {
        format!("{rate:.1}")
    }
}

/// What the columns mean, as far as they are there.
fn note(study: &Grouped<'_>) -> String {
    let errors: Vec<Summary> = study.variants.iter().filter_map(Group::test_error).collect();
    if errors.is_empty() {
        return "No trial has finished.".to_owned();
    }
    let mut note = if errors.iter().any(|error| error.n > 1) {
        format!(
            "Errors: mean ± sample standard deviation over n seeds; {}",
            study.error_intervals_in_words()
        )
    } else {
        "Errors of one seed each: they have no spread.".to_owned()
    };
    note.push_str(" MACs: for one image. Images a second: training, median over seeds.");
    let processors: BTreeSet<&str> = study.study.trials.iter().map(|row| row.cpu.as_str()).collect();
    let processors: Vec<&str> = processors.into_iter().filter(|cpu| !cpu.is_empty()).collect();
    if !processors.is_empty() {
        note.push_str(&format!(" Processor: {}.", processors.join("; ")));
    }
    if study.variants.iter().any(|group| group.published_error().is_some()) {
        note.push_str(" Published: the paper's, by the same recipe.");
    }
    note
}

/// The trials whose speed or error is doubtful, a line for each reason.
pub(super) fn doubtful(study: &Grouped<'_>) -> Vec<String> {
    let rows = study.trials().map(|trial| trial.row);
    let doubtful = rows.filter(|row| !row.warning.is_empty());
    let said = |row: &TrialRow| {
        let trial = format!("{}, seed {}", row.variant, row.seed);
        (trial, format!("doubtful: {}", one_line(&row.warning)))
    };
    gathered(&doubtful.map(said).collect::<Vec<_>>())
}

/// A line for each trial that ended otherwise than well, and one for those that have not ended.
fn unfinished(study: &Grouped<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = 0;
    for trial in study.trials() {
        let row = trial.row;
        match row.status {
            Status::Ok => {}
            Status::Pending => pending += 1,
            status => {
                let error = one_line(&row.error);
                let separator = if error.is_empty() { "" } else { ": " };
                lines.push(format!(
                    "{}, seed {}: {status}{separator}{error}",
                    row.variant, row.seed
                ));
            }
        }
    }
    if pending > 0 {
        let are = if pending == 1 { "is" } else { "are" };
        lines.push(format!("{} {are} still to be done", counted(pending, "trial")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::samples::{SampleVariant, empty, trained};
    use super::super::{markdown, terminal};
    use super::*;

    fn console(study: &Study) -> String {
        terminal::text(&document(study).sections, false)
    }

    /// Two variants by three seeds with errors that are easy to check.
    fn sample() -> Study {
        let variants = [
            SampleVariant::swept(&[("model.growth-rate", "8")], 78_000, 0.04),
            SampleVariant::swept(&[("model.growth-rate", "12")], 1_019_722, 0.03),
        ];
        let mut sample = trained(&variants, 3, 2);
        for (trial, error) in sample.trials.iter_mut().zip([0.01, 0.02, 0.03, 0.05, 0.05, 0.05]) {
            trial.final_test_error = Some(error);
            trial.train_images_per_second = Some(if error < 0.04 { 1e5 * error } else { 42.25 });
        }
        sample
    }

    #[test]
    fn the_console_table_has_a_row_for_each_variant() {
        let sample = sample();
        assert_eq!(
            console(&sample),
            "variant         parameters         MACs  test error (%)  95 % interval  n  images/s\n\
             --------------  ----------  -----------  --------------  -------------  -  --------\n\
             growth-rate=8       78,000   20,280,000     2.00 ± 1.00   [0.00, 4.48]  3     2,000\n\
             growth-rate=12   1,019,722  265,127,720     5.00 ± 0.00   [5.00, 5.00]  3      42.2\n\
             Errors: mean ± sample standard deviation over n seeds; interval of the mean by Student's t. MACs: for \
             one image. Images a second: training, median over seeds.\n"
        );
    }

    #[test]
    fn a_terminal_without_utf_8_gets_ascii() {
        let text = terminal::text(&document(&sample()).sections, true);
        assert!(text.is_ascii() && text.contains("2.00 +/- 1.00"), "{text}");
    }

    #[test]
    fn a_published_error_stands_beside_the_measured_one() {
        let mut sample = sample();
        sample.trials[3].published_error = Some(0.0524);
        let text = markdown::document(&document(&sample));
        assert!(text.contains("| published (%) |"), "{text}");
        assert!(
            text.contains("| 5.00 ± 0.00 | [5.00, 5.00] | 3 | 5.24 | 42.2 |"),
            "{text}"
        );
    }

    #[test]
    fn trials_that_did_not_finish_are_listed_and_not_counted() {
        let mut sample = sample();
        sample.trials[1].status = Status::Failed;
        sample.trials[1].error = "the loss is NaN\n  at step 3 | epoch 0".to_owned();
        sample.trials[5].status = Status::Pending;
        let text = console(&sample);
        assert!(text.contains("2.00 ± 1.41"), "{text}");
        assert!(text.ends_with(
            "\nNot finished:\n  growth-rate=8, seed 1: failed: the loss is NaN at step 3 | epoch 0\n  1 trial is \
             still to be done\n"
        ));
        assert!(
            markdown::document(&document(&sample))
                .contains("- growth-rate=8, seed 1: failed: the loss is NaN at step 3 \\| epoch 0\n")
        );
    }

    #[test]
    fn a_trial_whose_speed_is_doubtful_is_listed_below_the_table() {
        let mut sample = sample();
        sample.trials[4].warning = "its threads got 41 % of the processor time".to_owned();
        let line = "growth-rate=12, seed 1: doubtful: its threads got 41 % of the processor time\n";
        assert!(console(&sample).ends_with(line), "{}", console(&sample));
        assert!(markdown::document(&document(&sample)).contains(line));
    }

    #[test]
    fn a_single_seed_has_no_spread_and_no_column_for_it() {
        let sample = trained(&[SampleVariant::new("base")], 1, 1);
        let text = console(&sample);
        assert!(!text.contains("interval") && !text.contains('±'), "{text}");
        assert!(text.contains("Errors of one seed each"), "{text}");
    }

    #[test]
    fn a_study_without_rows_says_that_nothing_has_finished() {
        let sample = empty();
        assert!(console(&sample).contains("No trial has finished."));
    }
}
