//! Measurements in words: tables of batch sizes, of the largest batches and of the comparison with PyTorch, and remarks
//! about them.

use super::groups::Grouped;
use super::measurements::{MeasuredRow, SharedSettings, ordered};
use super::plots;
use super::section::{Block, Section, Side, Table};
use super::text::{bytes, grouped, milliseconds, one_line, three_digits};
use crate::formats::tables::{BatchRow, BoundaryRow, PeerRow, Status};

/// A section for each kind of measurement that the study has.
pub fn sections(study: &Grouped<'_>) -> Vec<Section> {
    let rows = study.study;
    let mut sections = Vec::new();
    if !rows.batches.is_empty() {
        sections.push(batches(study));
    }
    if !rows.boundaries.is_empty() {
        sections.push(boundaries(study));
    }
    if !rows.peers.is_empty() {
        sections.push(peers(study));
    }
    sections
}

/// A table with what its columns mean, remarks on single rows (what did not run and why, and what makes numbers
/// doubtful), and figures.
fn section(
    title: &'static str,
    table: Table,
    note: String,
    remarks: Vec<String>,
    figures: Vec<plots::NamedPicture>,
) -> Section {
    let mut blocks = vec![Block::Table(table), Block::Note(note)];
    if !remarks.is_empty() {
        blocks.push(Block::List(remarks));
    }
    blocks.extend(figures.into_iter().map(Block::Figure));
    Section { title, blocks }
}

/// Adds a column of a cell for each row, unless all are empty.
fn column<T>(table: &mut Table, name: &str, side: Side, rows: &[&T], cell: impl Fn(&T) -> String) {
    table.column_if_any(name, side, rows.iter().map(|row| cell(row)));
}

/// The columns that say what a row is of.
fn begin<T: MeasuredRow>(rows: &[&T], settings: &SharedSettings) -> Table {
    let mut table = Table::default();
    column(&mut table, "variant", Side::Left, rows, |row| row.variant().to_owned());
    column(&mut table, "setting", Side::Left, rows, |row| {
        settings.own(&row.setting())
    });
    column(&mut table, "mode", Side::Left, rows, |row| row.mode().to_string());
    column(&mut table, "batch", Side::Right, rows, |row| {
        row.batch_size().map(|size| size.to_string()).unwrap_or_default()
    });
    table
}

/// The median step with the deviation to as many decimals.
fn step(median: Option<u64>, deviation: Option<u64>) -> String {
    let Some(median) = median else {
        return String::new();
    };
    let text = milliseconds(median);
    let Some(deviation) = deviation else { return text };
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let deviation = deviation as f64 / 1e6;
    // Beside 1,234 ms a deviation of 0.3 ms is not 0.
    let deviation = match format!("{deviation:.decimals$}") {
        text if deviation >= 999.5 => grouped(text.parse::<f64>().unwrap_or(deviation).round() as u64),
        text if text.parse() == Ok(0.0) && deviation > 0.0 => three_digits(deviation),
        text => text,
    };
    format!("{text} ± {deviation}")
}

fn maybe<T>(value: Option<T>, cell: impl Fn(T) -> String) -> String {
    value.map(cell).unwrap_or_default()
}

/// `growth-rate=8, train, batch 64: oom: …`, where there is something to say.
fn remark<T: MeasuredRow>(
    row: &T,
    settings: &SharedSettings,
    status: Status,
    error: &str,
    warning: &str,
) -> Vec<String> {
    let name = settings.named(row.variant(), &row.setting());
    let batch = maybe(row.batch_size(), |size| format!(", batch {size}"));
    let place = format!("{name}, {}{batch}", row.mode());
    let mut remarks = Vec::new();
    let error = one_line(error);
    match (status, error.is_empty()) {
        (Status::Pending, true) => remarks.push(format!("{place}: not measured yet")),
        (Status::Ok, true) => {}
        (Status::Ok, false) => remarks.push(format!("{place}: {error}")),
        (status, true) => remarks.push(format!("{place}: {status}")),
        (status, false) => remarks.push(format!("{place}: {status}: {error}")),
    }
    if !warning.is_empty() {
        remarks.push(format!("{place}: doubtful: {}", one_line(warning)));
    }
    remarks
}

fn setting(settings: &SharedSettings) -> String {
    match settings.common() {
        common if common.is_empty() => String::new(),
        common => format!(" Setting: {common}."),
    }
}

fn batches(study: &Grouped<'_>) -> Section {
    let rows: Vec<&BatchRow> = ordered(study, &study.study.batches);
    let settings = SharedSettings::of(&study.study.batches);
    let mut table = begin(&rows, &settings);
    let mut right = |name: &str, cell: fn(&BatchRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("images/s", |row| maybe(row.images_per_second, three_digits));
    right("step (ms)", |row| step(row.step_ns_median, row.step_ns_mad));
    right("forward (ms)", |row| maybe(row.forward_ns_median, milliseconds));
    right("backward (ms)", |row| maybe(row.backward_ns_median, milliseconds));
    right("optimizer (ms)", |row| maybe(row.optimizer_ns_median, milliseconds));
    right("allocated peak", |row| maybe(row.allocated_peak_bytes, bytes));
    right("predicted", |row| maybe(row.predicted_peak_bytes, bytes));
    right("reserved peak", |row| maybe(row.reserved_peak_bytes, bytes));
    right("process peak", |row| maybe(row.process_peak_bytes, bytes));
    right("steps", |row| row.steps.to_string());
    right("rounds", |row| row.rounds.to_string());
    column(&mut table, "status", Side::Left, &rows, |row| row.status.to_string());
    let mut note = "Step: median ± median absolute deviation (MAD) of the timed steps of all rounds, each round a process \
                    of its own; images/s: batch over median step. Forward (with the loss), backward, optimizer: medians \
                    of a pass of their own, which synchronises more."
        .to_owned();
    if rows.iter().any(|row| row.predicted_peak_bytes.is_some()) {
        note.push_str(" Predicted: the allocated peak in closed form.");
    }
    note.push_str(&setting(&settings));
    let remarks = rows
        .iter()
        .flat_map(|row| remark(*row, &settings, row.status, &row.error, &row.warning));
    section(
        "Speed and memory",
        table,
        note,
        remarks.collect(),
        plots::of_batches(study),
    )
}

fn boundaries(study: &Grouped<'_>) -> Section {
    let rows: Vec<&BoundaryRow> = ordered(study, &study.study.boundaries);
    let settings = SharedSettings::of(&study.study.boundaries);
    let mut table = begin(&rows, &settings);
    let mut right = |name: &str, cell: fn(&BoundaryRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("memory limit", |row| maybe(row.memory_limit_bytes, bytes));
    table.column(
        "largest that ran",
        Side::Right,
        rows.iter().map(|row| match row.largest_batch_size {
            Some(size) => size.to_string(),
            None => "none".to_owned(),
        }),
    );
    let mut right = |name: &str, cell: fn(&BoundaryRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("its allocated peak", |row| maybe(row.allocated_peak_bytes, bytes));
    let too_large = rows.iter().map(|row| match row.smallest_too_large {
        Some(size) => size.to_string(),
        None => "not found".to_owned(),
    });
    table.column("smallest that did not", Side::Right, too_large);
    column(&mut table, "predicted largest", Side::Right, &rows, |row| {
        maybe(row.predicted_largest, |size| size.to_string())
    });
    column(&mut table, "tries", Side::Right, &rows, |row| row.tries.to_string());
    let note = format!(
        "Found by trying, each try a process of its own. Predicted: by the allocated peak in closed form.{}",
        setting(&settings)
    );
    let remarks = rows
        .iter()
        .flat_map(|row| remark(*row, &settings, Status::Ok, &row.error, ""));
    section("Largest batch", table, note, remarks.collect(), Vec::new())
}

fn peers(study: &Grouped<'_>) -> Section {
    let rows: Vec<&PeerRow> = ordered(study, &study.study.peers);
    let settings = SharedSettings::of(&study.study.peers);
    let mut table = begin(&rows, &settings);
    column(&mut table, "peer", Side::Left, &rows, |row| row.peer.clone());
    let mut right = |name: &str, cell: fn(&PeerRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("images/s", |row| maybe(row.images_per_second, three_digits));
    right("step (ms)", |row| step(row.step_ns_median, row.step_ns_mad));
    right("times eager", |row| {
        maybe(row.speed_ratio, |ratio| format!("{ratio:.2}"))
    });
    right("times compile", |row| {
        maybe(row.compiled_speed_ratio, |ratio| format!("{ratio:.2}"))
    });
    right("of eager's peak", |row| {
        maybe(row.peak_share, |share| format!("{:.1} %", 100.0 * share))
    });
    right("allocated peak", |row| maybe(row.allocated_peak_bytes, bytes));
    right("process peak", |row| maybe(row.process_peak_bytes, bytes));
    right("loss difference", |row| {
        maybe(row.loss_difference, |loss| format!("{loss:.1e}"))
    });
    right("steps", |row| row.steps.to_string());
    right("rounds", |row| row.rounds.to_string());
    column(&mut table, "status", Side::Left, &rows, |row| row.status.to_string());
    let mut remarks = Vec::new();
    for row in &rows {
        let said = remark(*row, &settings, row.status, &row.error, "");
        remarks.extend(said.into_iter().map(|remark| format!("{}: {remark}", row.peer)));
    }
    let note = format!(
        "Step: median ± median absolute deviation (MAD). Times: images/s over those of the better layout; peak: allocated, \
         over that of the faster eager layout. Loss difference: the largest from eager NCHW's over the first steps.{}",
        setting(&settings)
    );
    section("Beside PyTorch", table, note, remarks, plots::of_peers(study))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, SampleVariant, trained};
    use super::super::summary::document;
    use super::super::{markdown, terminal};
    use super::*;
    use crate::formats::ablation::Mode;
    use crate::formats::study::Study;

    /// Training rows of two variants at two batch sizes.
    fn measured() -> Study {
        let mut measured = samples::measured(&["growth-rate=8", "growth-rate=12"], &[32, 64]);
        measured.batches.retain(|row| row.mode == Mode::Train);
        measured.boundaries.retain(|row| row.mode == Mode::Train);
        measured
            .peers
            .retain(|row| row.mode == Mode::Train && row.batch_size == 64);
        measured
    }

    fn text(measured: &Study) -> String {
        terminal::text(&document(measured).sections, false)
    }

    #[test]
    fn a_row_gives_speed_parts_memory_and_the_number_of_steps() {
        let mut measured = measured();
        measured.boundaries.clear();
        measured.peers.clear();
        let text = text(&measured);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Speed and memory");
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>().join(" "),
            "variant mode batch images/s step (ms) forward (ms) backward (ms) optimizer (ms) allocated peak predicted \
             process peak steps rounds status"
        );
        assert_eq!(
            lines[4].split_whitespace().collect::<Vec<_>>().join(" "),
            "growth-rate=8 train 64 29.2 2,192 ± 88 701 1,491 87.7 4.63 GB 4.44 GB 5.08 GB 30 3 ok"
        );
        assert!(text.ends_with("Setting: cpu, plain execution, 2 threads.\n"), "{text}");
        assert!(!text.contains("reserved") && !text.contains("test error"), "{text}");
    }

    #[test]
    fn what_did_not_run_and_what_is_doubtful_is_said_below_the_table() {
        let mut measured = measured();
        measured.batches[1].status = Status::Oom;
        measured.batches[1].error = "16.0 GB were asked for\n  of 11.0 GB".to_owned();
        measured.batches[0].warning = "the halves disagree by 9 %; measure again on a quiet machine".to_owned();
        measured.batches[2].status = Status::Pending;
        let text = text(&measured);
        for remark in [
            "\n  growth-rate=8, train, batch 64: oom: 16.0 GB were asked for of 11.0 GB\n",
            "\n  growth-rate=8, train, batch 32: doubtful: the halves disagree by 9 %; measure again on a quiet machine\n",
            "\n  growth-rate=12, train, batch 32: not measured yet\n",
        ] {
            assert!(text.contains(remark), "{remark}: {text}");
        }
    }

    #[test]
    fn the_largest_batches_stand_beside_the_smallest_that_did_not_run() {
        let mut measured = measured();
        measured.boundaries[1].largest_batch_size = None;
        measured.boundaries[1].allocated_peak_bytes = None;
        measured.boundaries[1].smallest_too_large = Some(1);
        let text = text(&measured);
        let row = |start: &str| {
            let table = text.split("Largest batch\n").nth(1).unwrap();
            let line = table.lines().find(|line| line.starts_with(start)).unwrap();
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            row("growth-rate=8"),
            "growth-rate=8 train 11.0 GB 150 10.9 GB 151 148 9"
        );
        assert_eq!(row("growth-rate=12"), "growth-rate=12 train 11.0 GB none 1 138 9");
        assert!(text.contains("  growth-rate=8, train: out of memory: 11.0 GB were allowed\n"));
    }

    #[test]
    fn peers_stand_below_each_other_with_their_ratio() {
        let text = text(&measured());
        let table = text.split("Beside PyTorch\n").nth(1).unwrap();
        let peers: Vec<&str> = table
            .lines()
            .filter(|line| line.starts_with("growth-rate=8 "))
            .collect();
        assert_eq!(peers.len(), 4);
        let words = peers[0].split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            words.contains("densenet-bench plain 29.2 2,192 ± 73 0.45 0.38"),
            "{words}"
        );
    }

    #[test]
    fn trials_and_measurements_share_a_summary_in_the_ablations_order() {
        let variants = ["growth-rate=12", "growth-rate=8"].map(SampleVariant::new);
        let trained = trained(&variants, 2, 2);
        let study = Study {
            ablation: trained.ablation,
            trials: trained.trials,
            epochs: trained.epochs,
            ..measured()
        };
        let text = markdown::document(&document(&study));
        let place = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
        assert!(place("test error (%)") < place("## Speed and memory"));
        assert!(place("## Speed and memory") < place("| growth-rate=12 | train | 32 |"));
        assert!(place("| growth-rate=12 | train | 64 |") < place("| growth-rate=8 | train | 32 |"));
        assert!(place("## Largest batch") < place("## Beside PyTorch"));
    }

    #[test]
    fn rows_of_two_devices_say_which_they_are_of() {
        let mut measured = measured();
        let mut row = measured.batches[0].clone();
        row.device = "cuda:0".parse().unwrap();
        measured.batches.push(row);
        let text = text(&measured);
        assert!(text.contains("growth-rate=8   cuda:0   train"), "{text}");
        assert!(text.contains("Setting: plain execution, 2 threads."), "{text}");
    }

    #[test]
    fn the_processor_and_its_vector_instructions_stand_with_the_setting() {
        let mut measured = measured();
        let epyc = |instructions: &str| format!("AMD EPYC (family 25, model 17, stepping 1) with {instructions}");
        for row in &mut measured.batches {
            row.cpu = epyc("AVX-512");
        }
        let text_of_one = text(&measured);
        let common =
            "Setting: cpu, plain execution, 2 threads, AMD EPYC (family 25, model 17, stepping 1) with AVX-512.";
        assert!(text_of_one.contains(common), "{text_of_one}");
        measured.batches[0].cpu = epyc("AVX2");
        let text_of_two = text(&measured);
        assert!(
            text_of_two.contains("growth-rate=8   AMD EPYC (family 25, model 17, stepping 1) with AVX2"),
            "{text_of_two}"
        );
    }

    #[test]
    fn a_deviation_has_its_medians_decimals_unless_that_makes_it_nothing() {
        let step = |median: u64, deviation: u64| step(Some(median), Some(deviation));
        assert_eq!(step(2_192_000_000, 87_680_000), "2,192 ± 88");
        assert_eq!(step(33_400_000, 1_250_000), "33.4 ± 1.2");
        assert_eq!(step(2_192_000_000, 300_000), "2,192 ± 0.30");
        assert_eq!(step(52_000_000_000, 1_512_000_000), "52,000 ± 1,512");
        assert_eq!(super::step(None, Some(1)), "");
    }
}
