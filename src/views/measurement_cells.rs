//! What the tables of measurements have in common: their cells, the remarks below them, and their section.

use super::measurements::{MeasuredRow, SharedSettings};
use super::noise_floor::NoiseFloor;
use super::plots::NamedPicture;
use super::section::{Block, Section, Side, Table};
use super::text::{grouped, milliseconds, one_line, three_digits};
use crate::formats::tables::Status;

/// What the noise floor is, where there is one, then a table with what its columns mean, remarks on single rows (what did
/// not run and why, and what makes numbers doubtful), and figures.
pub(super) fn section(
    title: &'static str,
    floor: Option<String>,
    table: Table,
    note: String,
    remarks: Vec<String>,
    figures: Vec<NamedPicture>,
) -> Section {
    let mut blocks: Vec<Block> = floor.map(Block::Note).into_iter().collect();
    blocks.extend([Block::Table(table), Block::Note(note)]);
    if !remarks.is_empty() {
        blocks.push(Block::List(remarks));
    }
    blocks.extend(figures.into_iter().map(Block::Figure));
    Section { title, blocks }
}

/// Adds a column of a cell for each row, unless all are empty.
pub(super) fn column<T>(table: &mut Table, name: &str, side: Side, rows: &[&T], cell: impl Fn(&T) -> String) {
    table.column_if_any(name, side, rows.iter().map(|row| cell(row)));
}

/// A table of that name with the columns that say what a row is of.
pub(super) fn begin<T: MeasuredRow>(name: &'static str, rows: &[&T], settings: &SharedSettings) -> Table {
    let mut table = Table::named(name);
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

/// The median step with the ends of its interval, all to as many decimals.
pub(super) fn step(median: Option<u64>, low: Option<u64>, high: Option<u64>) -> String {
    let Some(median) = median else {
        return String::new();
    };
    let text = milliseconds(median);
    let Some((low, high)) = low.zip(high) else { return text };
    let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let end = |nanoseconds: u64| match decimals {
        0 => grouped((nanoseconds as f64 / 1e6).round() as u64),
        _ => format!("{:.decimals$}", nanoseconds as f64 / 1e6),
    };
    format!("{text} [{}, {}]", end(low), end(high))
}

/// A ratio with its interval, marked where the same work's may be as far from 1.
pub(super) fn ratio(ratio: Option<f64>, low: Option<f64>, high: Option<f64>, floor: &NoiseFloor) -> String {
    let Some(ratio) = ratio else {
        return String::new();
    };
    let mark = if floor.covers(ratio) { "*" } else { "" };
    match low.zip(high) {
        Some((low, high)) => format!("{ratio:.2} [{low:.2}, {high:.2}]{mark}"),
        None => format!("{ratio:.2}{mark}"),
    }
}

/// A rate in floating-point operations a second, as GFLOP/s.
pub(super) fn gigaflops(flops_per_second: f64) -> String {
    three_digits(flops_per_second / 1e9)
}

pub(super) fn maybe<T>(value: Option<T>, cell: impl Fn(T) -> String) -> String {
    value.map(cell).unwrap_or_default()
}

/// `growth-rate=8, train, batch 64: oom: …`, where there is something to say.
pub(super) fn remark<T: MeasuredRow>(
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

pub(super) fn setting(settings: &SharedSettings) -> String {
    match settings.common() {
        common if common.is_empty() => String::new(),
        common => format!(" Setting: {common}."),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_ends_of_an_interval_have_their_medians_decimals() {
        let step = |median: u64, low: u64, high: u64| super::step(Some(median), Some(low), Some(high));
        assert_eq!(
            step(2_192_000_000, 2_104_320_000, 2_300_100_000),
            "2,192 [2,104, 2,300]"
        );
        assert_eq!(step(33_400_000, 32_150_000, 34_000_000), "33.4 [32.1, 34.0]");
        assert_eq!(super::step(Some(33_400_000), None, None), "33.4");
        assert_eq!(super::step(None, None, None), "");
    }
}
