//! A comparison of two results as a report.

use super::comparison::Comparison;
use super::measured::{MeasuredComparison, MeasuredSide};
use super::metrics::{METRICS, Metric};
use super::power;
use super::trained::{Test, TrainedComparison, Verdict};
use crate::views::section::{Block, Section, Side, Table};
use crate::views::text::counted;

const OF_TRAINED: &str = "Over the n seeds that both sides have: means, the mean of B - A, its 95 % interval, Pearson's \
     correlation r of the seeds (as much cancels in the difference), p, and what the difference is smaller than at 95 % (two \
     one-sided tests).";
const OF_CROSSED: &str = "Test errors: interval and p are over seeds and test images, paired on both; p decides, and agrees with \
     the interval.";
const OF_SIGN_FLIPS: &str = "Other numbers: the interval is Student's t over the seeds (from ten seeds on a bootstrap), p is that \
     of the sign-flip test; where they disagree p decides.";
const OF_TOO_FEW: &str = "n too small: no outcome of so few seeds could show a difference.";
const OF_SPEEDS: &str = "Not tested: speeds and memory of trials, since what else the machine did is the same for all seeds of a \
     side; [measure] compares speeds.";
const OF_MEASURED: &str = "Step times: medians in ms with a 95 % interval from the rounds' medians (Student's t, from three \
     rounds on). B / A: of rounds that took turns the ratio within a round and a paired t, from five rounds on; of others \
     (+) Welch's t on the rounds' medians. Peak: bytes of live tensors.";
const OF_THE_FLOOR: &str = "*: within the noise floor of the same work measured again.";

/// The comparison in sections: what is compared, the tables, and what a reader must know.
pub fn sections(comparison: &Comparison) -> Vec<Section> {
    let mut compared = vec![
        Block::Text(format!("A: {}", comparison.a)),
        Block::Text(format!("B: {}", comparison.b)),
    ];
    for variant in comparison
        .variants
        .iter()
        .filter(|variant| !variant.settings.is_empty())
    {
        let settings: Vec<String> = variant.settings.iter().map(ToString::to_string).collect();
        compared.push(Block::Text(format!(
            "Settings that differ, A / B, in {}: {}",
            variant.label(),
            settings.join(", ")
        )));
    }
    let mut sections = vec![compared];
    let trained = labelled(comparison, |variant| &variant.trained);
    if !trained.is_empty() {
        let mut blocks = vec![Block::Table(trained_table(&trained)), Block::Note(note_on(&trained))];
        let powers = trained
            .iter()
            .filter(|(_, row)| row.is_primary)
            .filter_map(|(label, row)| {
                let words = power::words(row, metric_of(row)?)?;
                Some(format!("{label}: {words}"))
            });
        blocks.extend(powers.map(Block::Text));
        sections.push(blocks);
    }
    let measured = labelled(comparison, |variant| &variant.measured);
    if !measured.is_empty() {
        let floors = comparison
            .variants
            .iter()
            .filter_map(|variant| variant.noise_floor.words("step time"));
        let mut blocks: Vec<Block> = floors.map(Block::Text).collect();
        let note = format!("{OF_MEASURED} {}", where_measured(&measured));
        blocks.extend([Block::Table(measured_table(&measured)), Block::Note(note)]);
        if measured.iter().any(|(_, row)| row.within_noise_floor == Some(true)) {
            blocks.push(Block::Note(OF_THE_FLOOR.to_owned()));
        }
        sections.push(blocks);
    }
    let notes = comparison.notes.iter().map(|note| Block::Text(format!("note: {note}")));
    sections.push(notes.collect());
    let untitled = |blocks| Section { title: "", blocks };
    sections.into_iter().map(untitled).collect()
}

fn labelled<T>(comparison: &Comparison, rows: impl Fn(&super::VariantComparison) -> &Vec<T>) -> Vec<(String, &T)> {
    (comparison.variants.iter())
        .flat_map(|variant| rows(variant).iter().map(|row| (variant.label(), row)))
        .collect()
}

fn bracketed(interval: Option<(String, String)>) -> String {
    interval
        .map(|(low, high)| format!("[{low}, {high}]"))
        .unwrap_or_default()
}

fn metric_of(row: &TrainedComparison) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.column == row.metric)
}

/// What the columns of trained results mean, as far as they are there.
fn note_on(rows: &[(String, &TrainedComparison)]) -> String {
    let any = |has: &dyn Fn(&TrainedComparison) -> bool| rows.iter().any(|(_, row)| has(row));
    let mut sentences = vec![OF_TRAINED.to_owned()];
    if any(&|row| row.test == Some(Test::SeedsAndImages)) {
        sentences.push(OF_CROSSED.to_owned());
    }
    if any(&|row| row.test == Some(Test::SignFlip)) {
        sentences.push(OF_SIGN_FLIPS.to_owned());
    }
    let primary = rows.iter().find(|(_, row)| row.is_primary);
    if let Some(metric) = primary.and_then(|(_, row)| metric_of(row)) {
        let count = rows.iter().filter(|(_, row)| row.p_adjusted.is_some()).count();
        let adjusted = match count {
            0 => String::new(),
            count => format!(", by p adjusted for {count} comparisons (Holm)"),
        };
        sentences.push(format!(
            "The {} answers the question{adjusted}; the other numbers are exploratory, and their p is not adjusted.",
            metric.name()
        ));
    }
    if any(&|row| row.verdict == Verdict::NTooSmall) {
        sentences.push(OF_TOO_FEW.to_owned());
    }
    if any(&|row| row.verdict == Verdict::NotTested) {
        sentences.push(OF_SPEEDS.to_owned());
    }
    sentences.join(" ")
}

fn trained_table(rows: &[(String, &TrainedComparison)]) -> Table {
    let mut table = Table::default();
    let metric = metric_of;
    let number = |row: &TrainedComparison, value: f64| metric(row).map(|metric| metric.text(value)).unwrap_or_default();
    let any = |has: &dyn Fn(&TrainedComparison) -> bool| rows.iter().any(|(_, row)| has(row));
    let mut column = |name: &str, side: Side, cell: &dyn Fn(&TrainedComparison) -> String| {
        table.column(name, side, rows.iter().map(|(_, row)| cell(row)));
    };
    column("metric", Side::Left, &|row| {
        metric(row).map(|metric| metric.heading.to_owned()).unwrap_or_default()
    });
    column("A", Side::Right, &|row| number(row, row.mean_a));
    column("B", Side::Right, &|row| number(row, row.mean_b));
    column("B - A", Side::Right, &|row| number(row, row.difference));
    column("95 % interval", Side::Right, &|row| {
        bracketed(row.interval.map(|(low, high)| (number(row, low), number(row, high))))
    });
    column("n", Side::Right, &|row| row.n.to_string());
    if any(&|row| row.correlation.is_some()) {
        column("r", Side::Right, &|row| {
            row.correlation.map(|r| format!("{r:.2}")).unwrap_or_default()
        });
    }
    column("p", Side::Right, &|row| row.p.map(p_text).unwrap_or_default());
    if any(&|row| row.p_adjusted.is_some()) {
        column("p (Holm)", Side::Right, &|row| {
            row.p_adjusted.map(p_text).unwrap_or_default()
        });
    }
    if any(&|row| row.smaller_than.is_some()) {
        column("smaller than", Side::Right, &|row| {
            row.smaller_than.map(|size| number(row, size)).unwrap_or_default()
        });
    }
    column("verdict", Side::Left, &|row| verdict_text(row.verdict).to_owned());
    with_variants(table, rows.iter().map(|(label, _)| label.clone()).collect())
}

fn p_text(p: f64) -> String {
    if p < 0.001 {
        format!("{p:.1e}")
    } else {
        format!("{p:.3}")
    }
}

fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Equal => "equal",
        Verdict::NTooSmall => "n too small",
        Verdict::Differ => "differ",
        Verdict::NoDifferenceShown => "no difference shown",
        Verdict::OtherSurvivors => "other seeds survived",
        Verdict::NotTested => "not tested",
    }
}

fn measured_table(rows: &[(String, &MeasuredComparison)]) -> Table {
    let mut table = Table::default();
    let interval = |side: &MeasuredSide| match side.interval_ns {
        Some((low, high)) => bracketed(Some((step_time(low), step_time(high)))),
        None => "n too small".to_owned(),
    };
    let peak = |side: &MeasuredSide| match side.allocated_peak_bytes {
        Some(bytes) => format!("{:.1}", bytes as f64 / 1e6),
        None => String::new(),
    };
    let mut column = |name: &str, side: Side, cell: &dyn Fn(&MeasuredComparison) -> String| {
        table.column(name, side, rows.iter().map(|(_, row)| cell(row)));
    };
    column("mode", Side::Left, &|row| row.mode.to_string());
    column("batch", Side::Right, &|row| row.batch_size.to_string());
    column("A (ms)", Side::Right, &|row| step_time(row.a.step_ns_median));
    column("interval", Side::Right, &|row| interval(&row.a));
    column("B (ms)", Side::Right, &|row| step_time(row.b.step_ns_median));
    column("interval", Side::Right, &|row| interval(&row.b));
    column("B / A", Side::Right, &|row| {
        let mark = if row.within_noise_floor == Some(true) { "*" } else { "" };
        format!("{:.3}{mark}", row.ratio)
    });
    column("95 % interval", Side::Right, &|row| match row.ratio_interval {
        Some((low, high)) => format!("[{low:.3}, {high:.3}]{}", if is_unpaired(row) { "+" } else { "" }),
        None => "n too small".to_owned(),
    });
    let has_peak = |side: &MeasuredSide| side.allocated_peak_bytes.is_some();
    if rows.iter().any(|(_, row)| has_peak(&row.a) || has_peak(&row.b)) {
        column("peak A (MB)", Side::Right, &|row| peak(&row.a));
        column("peak B (MB)", Side::Right, &|row| peak(&row.b));
    }
    with_variants(table, rows.iter().map(|(label, _)| label.clone()).collect())
}

/// The devices and threads that the steps were timed with.
fn where_measured(rows: &[(String, &MeasuredComparison)]) -> String {
    let mut places: Vec<String> = Vec::new();
    for side in rows.iter().flat_map(|(_, row)| [&row.a, &row.b]) {
        let place = format!("{} on {}", counted(side.threads, "thread"), side.device);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    format!("Measured with {}.", places.join(", "))
}

fn is_unpaired(row: &MeasuredComparison) -> bool {
    row.ratio_interval_method == "welch-on-rounds"
}

/// Nanoseconds as milliseconds with two decimals, or three where they are less than one.
fn step_time(nanoseconds: f64) -> String {
    let decimals = if nanoseconds < 1e6 { 3 } else { 2 };
    format!("{:.decimals$}", nanoseconds / 1e6)
}

/// Puts the variants' names first.
fn with_variants(mut table: Table, labels: Vec<String>) -> Table {
    table.header.insert(0, ("variant".to_owned(), Side::Left));
    for (row, label) in table.rows.iter_mut().zip(labels) {
        row.insert(0, label);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::cpu;
    use super::super::comparison::VariantComparison;
    use super::super::settings::SettingDifference;
    use super::*;
    use crate::formats::ablation::Precision;
    use crate::formats::ablation::{Execution, Mode};
    use crate::views::noise_floor::{AaRatio, NoiseFloor};
    use crate::views::terminal;

    fn side(median: f64, interval: Option<(f64, f64)>) -> MeasuredSide {
        MeasuredSide {
            device: cpu(),
            execution: Execution::Plain,
            precision: Precision::F32,
            threads: 2,
            steps: 10,
            rounds: 3,
            step_ns_median: median,
            interval_ns: interval,
            allocated_peak_bytes: Some(3_000_000),
            reserved_peak_bytes: None,
            process_peak_bytes: None,
            warning: String::new(),
            cpu: String::new(),
            revision: String::new(),
        }
    }

    fn comparison() -> Comparison {
        Comparison {
            a: "results/a".to_owned(),
            b: "results/b".to_owned(),
            variants: vec![VariantComparison {
                variant_a: "k8".to_owned(),
                variant_b: "k12".to_owned(),
                settings: vec![SettingDifference {
                    key: "model.growth-rate".to_owned(),
                    a: 8.into(),
                    b: 12.into(),
                }],
                trained: vec![TrainedComparison {
                    metric: "final_test_error",
                    is_primary: true,
                    seeds: vec![0, 1, 2],
                    n: 3,
                    test_images: None,
                    mean_a: 0.05,
                    mean_b: 0.03,
                    difference: -0.02,
                    interval: Some((-0.045, 0.005)),
                    interval_method: Some("student-t"),
                    correlation: Some(0.5),
                    test: Some(Test::SignFlip),
                    p: Some(0.25),
                    smallest_p: Some(0.25),
                    p_adjusted: None,
                    verdict: Verdict::NTooSmall,
                    smaller_than: Some(0.037),
                    detectable: Some(0.034),
                    seeds_needed: Some(5),
                }],
                measured: vec![MeasuredComparison {
                    mode: Mode::Train,
                    batch_size: 64,
                    a: side(4.1e7, Some((4.05e7, 4.2e7))),
                    b: side(8.25e6, None),
                    ratio: 0.2,
                    ratio_interval: Some((0.19, 0.213)),
                    ratio_interval_method: "welch-on-rounds",
                    ratio_rounds: 3,
                    within_noise_floor: Some(true),
                }],
                noise_floor: NoiseFloor::of(vec![AaRatio {
                    what: "k8 train batch 64".to_owned(),
                    ratio: 1.004,
                    interval: Some((0.99, 1.018)),
                }]),
                trials: Vec::new(),
            }],
            notes: vec!["k8 / k12: seed 3 of A left out".to_owned()],
        }
    }

    #[test]
    fn the_tables_stand_under_the_names_and_above_the_notes() {
        let text = terminal::text(&sections(&comparison()), false);
        let expected = "A: results/a\nB: results/b\n\
             Settings that differ, A / B, in k8 / k12: model.growth-rate 8 / 12\n\n\
             variant   metric             A     B  B - A  95 % interval  n     r      p  smaller than  verdict\n\
             --------  --------------  ----  ----  -----  -------------  -  ----  -----  ------------  -----------\n\
             k8 / k12  test error (%)  5.00  3.00  -2.00  [-4.50, 0.50]  3  0.50  0.250          3.70  n too small\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(
            text.contains(
                "The test error answers the question; the other numbers are exploratory, and their p is not adjusted. n too \
                 small: no outcome of so few seeds could show a difference.\n\
                 k8 / k12: test error (%): with this spread 3 seeds show a difference of 3.40 (power 80 %); the 2.00 seen \
                 here would take 5 seeds\n"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "k8 / k12  train     64   41.00  [40.50, 42.00]    8.25  n too small  0.200*  [0.190, 0.213]+          3.0"
            ),
            "{text}"
        );
        assert!(
            text.contains("Peak: bytes of live tensors. Measured with 2 threads on cpu.\n"),
            "{text}"
        );
        assert!(
            text.contains(
                "A/A, the same work measured again, step time over the first's: k8 train batch 64 1.004 [0.990, 1.018]."
            ),
            "{text}"
        );
        assert!(
            text.ends_with("same work measured again.\n\nnote: k8 / k12: seed 3 of A left out\n"),
            "{text}"
        );
    }

    #[test]
    fn a_terminal_without_utf_8_gets_ascii() {
        let mut comparison = comparison();
        comparison.a = "Ergebnisse/größe".to_owned();
        assert!(terminal::text(&sections(&comparison), true).is_ascii());
    }
}
