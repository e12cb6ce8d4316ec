//! The result of a study in words: a table with a row for each variant, and what did not finish.

use super::groups::{Group, Study};
use super::measurement_tables::sections;
use super::text::{Side, Table, ascii, grouped, markdown_escaped, markdown_paragraph, one_line};
use crate::formats::tables::Status;
use crate::statistics::{Summary, median};

/// The summary for a terminal, without colour. `ascii_only` is for one that does not show UTF-8: it writes +/- for ±.
pub fn console(study: &Study<'_>, ascii_only: bool) -> String {
    let mut text = String::new();
    if has_trials(study) {
        text.push_str(&table(study).aligned());
        for note in notes(study) {
            text.push_str(&format!("{note}\n"));
        }
        let unfinished = unfinished(study);
        if !unfinished.is_empty() {
            text.push_str("\nNot finished:\n");
            for line in unfinished {
                text.push_str(&format!("  {line}\n"));
            }
        }
    }
    for section in sections(study) {
        let gap = if text.is_empty() { "" } else { "\n" };
        text.push_str(&format!(
            "{gap}{}\n{}{}\n",
            section.title,
            section.table.aligned(),
            section.note
        ));
        for remark in section.remarks {
            text.push_str(&format!("  {remark}\n"));
        }
    }
    if ascii_only { ascii(&text) } else { text }
}

/// The summary as a Markdown document, `summary.md`.
pub fn markdown(study: &Study<'_>) -> String {
    let mut text = format!(
        "# {}\n\n{}\n",
        markdown_escaped(study.name),
        markdown_paragraph(study.question)
    );
    if has_trials(study) {
        text.push_str(&format!("\n{}\n", table(study).markdown()));
        for note in notes(study) {
            text.push_str(&format!("{}\n", markdown_escaped(&note)));
        }
        let unfinished = unfinished(study);
        if !unfinished.is_empty() {
            text.push_str("\n## Not finished\n\n");
            for line in unfinished {
                text.push_str(&format!("- {}\n", markdown_paragraph(&line)));
            }
        }
    }
    for section in sections(study) {
        text.push_str(&format!(
            "\n## {}\n\n{}\n{}\n",
            section.title,
            section.table.markdown(),
            markdown_escaped(&section.note)
        ));
        if !section.remarks.is_empty() {
            text.push('\n');
        }
        for remark in section.remarks {
            text.push_str(&format!("- {}\n", markdown_paragraph(&remark)));
        }
    }
    text
}

/// Whether the table of trials says anything: a study that only measures has none, one without any rows says so.
fn has_trials(study: &Study<'_>) -> bool {
    study.trials().next().is_some() || study.measurements.is_empty()
}

fn table(study: &Study<'_>) -> Table {
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
    table.column(
        "n",
        Side::Right,
        errors.iter().map(|error| error.map_or(0, |error| error.n).to_string()),
    );
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

fn percent(share: f64) -> String {
    format!("{:.2}", 100.0 * share)
}

fn mean_and_spread(error: Option<Summary>) -> String {
    match error {
        None => String::new(),
        Some(error) => match error.standard_deviation {
            None => percent(error.mean),
            Some(deviation) => format!("{} ± {}", percent(error.mean), percent(deviation)),
        },
    }
}

fn interval(error: Option<Summary>) -> String {
    let interval = error.and_then(|error| error.interval);
    interval
        .map(|(low, high)| format!("[{}, {}]", percent(low), percent(high)))
        .unwrap_or_default()
}

/// Three digits are what a rate is good for; below 100 they take a decimal.
fn images_per_second(rate: f64) -> String {
    if rate >= 100.0 {
        grouped(rate.round() as u64)
    } else {
        format!("{rate:.1}")
    }
}

/// What the columns mean, in a sentence or two, as far as they are there.
fn notes(study: &Study<'_>) -> Vec<String> {
    let errors: Vec<Summary> = study.variants.iter().filter_map(Group::test_error).collect();
    if errors.is_empty() {
        return vec!["No trial has finished.".to_owned()];
    }
    let mut note = if errors.iter().any(|error| error.n > 1) {
        "Errors: mean ± sample standard deviation over n seeds; interval of the mean by Student's t.".to_owned()
    } else {
        "Errors of one seed each: they have no spread.".to_owned()
    };
    note.push_str(" MACs: for one image. Images a second: training, median over seeds.");
    if study.variants.iter().any(|group| group.published_error().is_some()) {
        note.push_str(" Published: the paper's, with augmentation.");
    }
    vec![note]
}

/// A line for each trial that ended otherwise than well, and one for those that have not ended.
fn unfinished(study: &Study<'_>) -> Vec<String> {
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
    match pending {
        0 => {}
        1 => lines.push("1 trial is still to be done".to_owned()),
        _ => lines.push(format!("{pending} trials are still to be done")),
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Sample, SampleVariant};
    use super::*;

    /// Two variants by three seeds with errors that are easy to check.
    fn sample() -> Sample {
        let variants = [
            SampleVariant::swept(&[("model.growth-rate", "8")], 78_000, 0.04),
            SampleVariant::swept(&[("model.growth-rate", "12")], 1_019_722, 0.03),
        ];
        let mut sample = Sample::new(&variants, 3, 2);
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
            console(&sample.study(), false),
            "variant         parameters         MACs  test error (%)  95 % interval  n  images/s\n\
             --------------  ----------  -----------  --------------  -------------  -  --------\n\
             growth-rate=8       78,000   20,280,000     2.00 ± 1.00  [-0.48, 4.48]  3     2,000\n\
             growth-rate=12   1,019,722  265,127,720     5.00 ± 0.00   [5.00, 5.00]  3      42.2\n\
             Errors: mean ± sample standard deviation over n seeds; interval of the mean by Student's t. MACs: for \
             one image. Images a second: training, median over seeds.\n"
        );
    }

    #[test]
    fn a_terminal_without_utf_8_gets_ascii() {
        let text = console(&sample().study(), true);
        assert!(text.is_ascii() && text.contains("2.00 +/- 1.00"), "{text}");
    }

    #[test]
    fn a_published_error_stands_beside_the_measured_one() {
        let mut sample = sample();
        sample.trials[3].published_error = Some(0.0524);
        let text = markdown(&sample.study());
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
        let study = sample.study();
        let text = console(&study, false);
        assert!(text.contains("2.00 ± 1.41"), "{text}");
        assert!(text.ends_with(
            "\nNot finished:\n  growth-rate=8, seed 1: failed: the loss is NaN at step 3 | epoch 0\n  1 trial is \
             still to be done\n"
        ));
        assert!(markdown(&study).contains("- growth-rate=8, seed 1: failed: the loss is NaN at step 3 \\| epoch 0\n"));
    }

    #[test]
    fn a_single_seed_has_no_spread_and_no_column_for_it() {
        let sample = Sample::new(&[SampleVariant::new("base")], 1, 1);
        let text = console(&sample.study(), false);
        assert!(!text.contains("interval") && !text.contains('±'), "{text}");
        assert!(text.contains("Errors of one seed each"), "{text}");
    }

    #[test]
    fn a_study_without_rows_says_that_nothing_has_finished() {
        let sample = Sample::new(&[], 1, 1);
        assert!(console(&sample.study(), false).contains("No trial has finished."));
    }
}
