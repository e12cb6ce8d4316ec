//! This program beside PyTorch: throughput and memory by batch size, a figure for each variant and mode.

use super::super::groups::Study;
use super::super::measurements::{Measured, Settings, ordered};
use super::batches::{in_words, setting};
use super::by_batch::{self, Point, Rate, Series, Words};
use super::palette::SeriesStyle;
use super::picture::Picture;
use crate::formats::tables::PeerRow;

/// The most letters of a variant's name in a file's name.
const LETTERS: usize = 80;

/// A figure of peers.
pub struct PeersFigure<'a> {
    /// The file's name without its ending, `peers-growth-rate-12-train`.
    pub file_stem: String,
    variant: &'a str,
    mode: &'a str,
    rows: Vec<&'a PeerRow>,
}

/// The figures of a study in the ablation's order, with file names of which no two are the same on any file system.
pub fn figures<'a>(study: &Study<'a>) -> Vec<PeersFigure<'a>> {
    let mut figures: Vec<PeersFigure<'a>> = Vec::new();
    for row in ordered(study, study.measurements.peers) {
        let found = figures
            .iter_mut()
            .find(|figure| (figure.variant, figure.mode) == (&row.variant, &row.mode));
        if let Some(figure) = found {
            figure.rows.push(row);
            continue;
        }
        let stem = format!("peers-{}-{}", file_safe(&row.variant), file_safe(&row.mode));
        let taken = |stem: &str| figures.iter().any(|figure| figure.file_stem.eq_ignore_ascii_case(stem));
        let mut file_stem = stem.clone();
        let mut number = 2;
        while taken(&file_stem) {
            file_stem = format!("{stem}-{number}");
            number += 1;
        }
        figures.push(PeersFigure {
            file_stem,
            variant: &row.variant,
            mode: &row.mode,
            rows: vec![row],
        });
    }
    figures
}

/// Letters, digits and points; anything else is a hyphen.
fn file_safe(name: &str) -> String {
    let safe = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || letter == '.' => letter,
        _ => '-',
    };
    name.chars().take(LETTERS).map(safe).collect()
}

/// The peers of one figure, or why there is nothing to draw.
pub fn picture(study: &Study<'_>, figure: &PeersFigure<'_>) -> Result<Picture, String> {
    // A peer looks the same in every figure, whatever the order there.
    let settings = Settings::of(study.measurements.peers);
    let mut names: Vec<String> = Vec::new();
    for row in study.measurements.peers {
        let name = settings.named(&row.peer, &row.setting());
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let series = names.iter().enumerate().map(|(index, name)| {
        let rows = figure
            .rows
            .iter()
            .filter(|row| settings.named(&row.peer, &row.setting()) == *name);
        Series {
            name: name.clone(),
            style: SeriesStyle::of(index),
            points: rows.map(|row| point(row)).collect(),
        }
    });
    let series: Vec<Series> = series.filter(|series| !series.points.is_empty()).collect();
    let words = Words {
        title: format!(
            "{}: {}, a {} step beside PyTorch's",
            study.name,
            figure.variant,
            in_words(figure.mode)
        ),
        question: study.question.to_owned(),
        sentences: vec![
            "All ran in turns, from the same weights, on the same batches.".to_owned(),
            setting(&settings.common()),
        ],
    };
    by_batch::picture(words, &series)
}

fn point(row: &PeerRow) -> Point {
    Point {
        batch_size: row.batch_size,
        status: row.status,
        steps: row.steps,
        rounds: row.rounds,
        rate: Rate::of(row.batch_size, row.step_ns_median, row.step_ns_mad),
        allocated: row.allocated_peak_bytes,
        predicted: None,
        reserved: None,
        process: row.process_peak_bytes,
    }
}
