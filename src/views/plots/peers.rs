//! This program beside PyTorch: throughput and memory by batch size, a figure for each variant and mode.

use super::super::groups::Grouped;
use super::super::measurements::{MeasuredRow, SharedSettings, ordered};
use super::batch_figure::{self, Words};
use super::batches::{in_words, setting};
use super::palette::SeriesStyle;
use super::picture::Picture;
use super::series::{Point, Rate, Series};
use super::style::Style;
use crate::formats::ablation::Mode;
use crate::formats::tables::PeerRow;

/// The most letters of a variant's name in a file's name.
const LETTERS: usize = 80;

/// A figure of peers.
pub struct PeersFigure<'a> {
    /// The file's name without its ending, `peers-growth-rate-12-train`.
    pub file_stem: String,
    variant: &'a str,
    mode: Mode,
    rows: Vec<&'a PeerRow>,
}

/// The figures of a study in the ablation's order, with file names of which no two are the same on any file system.
pub fn figures<'a>(study: &Grouped<'a>) -> Vec<PeersFigure<'a>> {
    let mut figures: Vec<PeersFigure<'a>> = Vec::new();
    // Work that is measured twice has one line.
    for row in ordered(study, &study.study.peers)
        .into_iter()
        .filter(|row| !row.peer.ends_with(", again"))
    {
        let found = figures
            .iter_mut()
            .find(|figure| (figure.variant, figure.mode) == (&row.variant, row.mode));
        if let Some(figure) = found {
            figure.rows.push(row);
            continue;
        }
        let stem = format!("peers-{}-{}", file_safe(&row.variant), row.mode);
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
            mode: row.mode,
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
pub fn picture(study: &Grouped<'_>, figure: &PeersFigure<'_>, style: Style) -> Result<Picture, String> {
    // A peer looks the same in every figure, whatever the order there.
    let settings = SharedSettings::of(&study.study.peers);
    let mut names: Vec<String> = Vec::new();
    for row in &study.study.peers {
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
            "{}, {}: densenet-bench and PyTorch in {}",
            study.name(),
            figure.variant,
            in_words(figure.mode)
        ),
        question: study.question().to_owned(),
        sentences: vec![
            "All ran in turns, from the same weights, on the same batches.".to_owned(),
            setting(&settings.common()),
        ],
    };
    batch_figure::picture(words, &series, style)
}

fn point(row: &PeerRow) -> Point {
    Point {
        batch_size: row.batch_size,
        status: row.status,
        steps: row.steps,
        rounds: row.rounds,
        rate: Rate::of(
            row.batch_size,
            row.step_ns_median,
            row.step_ns_low.zip(row.step_ns_high),
        ),
        allocated: row.allocated_peak_bytes,
        predicted: None,
        reserved: None,
        process: row.process_peak_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::measured;
    use super::*;

    fn stems(variants: &[&str]) -> Vec<String> {
        let study = measured(variants, &[16]);
        let grouped = Grouped::of(&study);
        figures(&grouped).into_iter().map(|figure| figure.file_stem).collect()
    }

    #[test]
    fn a_figure_of_peers_is_named_by_variant_and_mode() {
        assert_eq!(
            stems(&["model=a/b,dropout=0.2"]),
            [
                "peers-model-a-b-dropout-0.2-train",
                "peers-model-a-b-dropout-0.2-evaluate"
            ]
        );
    }

    #[test]
    fn variants_whose_names_differ_in_signs_or_case_alone_have_files_of_their_own() {
        assert_eq!(
            stems(&["k=8", "K,8"])[..2],
            ["peers-k-8-train".to_owned(), "peers-k-8-evaluate".to_owned()]
        );
        assert_eq!(
            stems(&["k=8", "K,8"])[2..],
            ["peers-K-8-train-2".to_owned(), "peers-K-8-evaluate-2".to_owned()]
        );
        let long = "x".repeat(300);
        assert!(stems(&[&long]).iter().all(|stem| stem.len() < 100));
    }

    #[test]
    fn every_peer_is_named_and_one_that_did_not_run_is_marked() {
        let mut study = measured(&["base"], &[16, 32]);
        let peer = "PyTorch compile channels-last";
        for row in study.peers.iter_mut().filter(|row| row.peer == peer) {
            row.status = crate::formats::tables::Status::Failed;
            (row.step_ns_median, row.step_ns_mad) = (None, None);
            (row.allocated_peak_bytes, row.process_peak_bytes) = (None, None);
        }
        let grouped = Grouped::of(&study);
        let picture = picture(&grouped, &figures(&grouped)[0], Style::Screen).unwrap();
        picture.assert_labels_are_whole_and_apart();
        let labels: Vec<&str> = picture.labels().map(|label| label.text.as_str()).collect();
        for row in &study.peers {
            assert!(labels.contains(&row.peer.as_str()), "{labels:?}");
        }
        assert!(labels.contains(&"did not run"), "{labels:?}");
        assert!(
            labels
                .join(" ")
                .contains(&format!("{peer} at 16 (failed), 32 (failed)."))
        );
    }
}
