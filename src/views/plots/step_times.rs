//! How long the timed steps took, round by round: a row for each variant and batch size, a line for each round.

use super::super::groups::Grouped;
use super::super::step_rounds::{RowSteps, Spread, of_mode};
use super::batches::in_words;
use super::figure::{Entry, Figure, Sample};
use super::palette::{BLACK, GRAY, SeriesStyle};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Color, Picture};
use super::scale::{Notation, Scale, extent};
use super::style::Style;
use crate::formats::ablation::Mode;

/// With more rows than these, those of each variant's largest batch size stand for the others.
const MOST_ROWS: usize = 24;
/// Points of a row's height that its rounds share.
const ROOM: f64 = 24.0;

/// The distributions of one mode, or why there is nothing to draw.
pub fn picture(study: &Grouped<'_>, mode: Mode) -> Result<Picture, String> {
    let mut rows = of_mode(study, mode);
    if rows.is_empty() {
        return Err(format!("samples.csv has no timed step of {}", in_words(mode)));
    }
    let is_thinned = rows.len() > MOST_ROWS;
    if is_thinned {
        let largest = |row: &RowSteps<'_>| {
            let of_variant = study
                .study
                .batches
                .iter()
                .filter(|other| other.variant == row.row.variant);
            of_variant.map(|other| other.batch_size).max()
        };
        rows.retain(|row| largest(row) == Some(row.row.batch_size));
    }
    let color = SeriesStyle::of(0).color;
    let mut caption = vec![
        "Each step over the median of all its rounds; a line for each round, a process of its own, from the first at the top: \
         thin from the shortest to the longest step, thick the middle half, a stroke at the median."
            .to_owned(),
    ];
    if is_thinned {
        caption.push("Of each variant the largest batch size; samples.csv has all.".to_owned());
    }
    let figure = Figure {
        title: format!("{}: step times of {}, round by round", study.name(), in_words(mode)),
        question: study.question().to_owned(),
        legend: vec![
            Entry {
                sample: Sample::Path(color),
                label: "a round's steps".to_owned(),
            },
            Entry {
                sample: Sample::Upright(BLACK),
                label: "its median".to_owned(),
            },
        ],
        caption,
    };
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let (names, height) = Vertical::rows(Style::Screen, "", &names);
    let (mut picture, space) = figure.lay_out(Style::Screen, height);
    let ends = rows.iter().flat_map(|row| {
        let over = |time: f64| time / row.whole.median.max(1.0);
        [over(row.whole.shortest), over(row.whole.longest), 1.0]
    });
    let range = extent(ends).unwrap_or((0.9, 1.1));
    let scale = Scale::fitting(range);
    let title = match scale.is_logarithmic() {
        true => "step time over the median, logarithmic",
        false => "step time over the median",
    };
    let axis = Axis::new(title, scale, Notation::Plain);
    let panel = Panel::new(Style::Screen, space, None, axis, names);
    panel.draw(&mut picture);
    picture.line(
        vec![(panel.x(1.0), panel.area.top), (panel.x(1.0), panel.area.bottom)],
        GRAY,
        0.8,
    );
    for (place, row) in rows.iter().enumerate() {
        draw_row(&mut picture, &panel, place, row, color);
    }
    Ok(picture)
}

fn draw_row(picture: &mut Picture, panel: &Panel, place: usize, row: &RowSteps<'_>, color: Color) {
    let distance = ROOM / row.rounds.len().max(4) as f64;
    let first = panel.y(place as f64) - distance * (row.rounds.len() - 1) as f64 / 2.0;
    for (lane, (_, spread)) in row.rounds.iter().enumerate() {
        let y = first + distance * lane as f64;
        let Spread {
            shortest,
            lower_quartile,
            median,
            upper_quartile,
            longest,
            ..
        } = *spread;
        let x = |time: f64| panel.x(time / row.whole.median.max(1.0));
        let thick = (0.5 * distance).clamp(0.8, 2.6);
        picture.line(vec![(x(shortest), y), (x(longest), y)], color, 0.7);
        picture.line(vec![(x(lower_quartile), y), (x(upper_quartile), y)], color, thick);
        let half = (0.42 * distance).max(1.0);
        picture.line(vec![(x(median), y - half), (x(median), y + half)], BLACK, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{measured, with_samples};
    use super::*;

    #[test]
    fn a_row_has_a_line_for_each_of_its_rounds() {
        let study = with_samples(measured(&["base", "wide"], &[16, 32]), 5, 10);
        let picture = picture(&Grouped::of(&study), Mode::Train).unwrap();
        let medians = picture.shapes.iter().filter(|shape| {
            matches!(shape, super::super::picture::Shape::Line { color, width, .. } if (*color, *width) == (BLACK, 1.0))
        });
        assert_eq!(medians.count(), 2 * 2 * 5);
        picture.assert_labels_are_whole_and_apart();
    }

    #[test]
    fn many_rows_give_way_to_those_of_the_largest_batch_sizes() {
        let names: Vec<String> = (0..10).map(|index| format!("growth-rate={index}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let study = with_samples(measured(&names, &[16, 32, 64]), 3, 4);
        let picture = picture(&Grouped::of(&study), Mode::Train).unwrap();
        let words: Vec<&str> = picture.labels().map(|label| label.text.as_str()).collect();
        assert!(
            words.contains(&"growth-rate=9, batch 64") && !words.contains(&"growth-rate=9, batch 32"),
            "{words:?}"
        );
        picture.assert_labels_are_whole_and_apart();
    }

    #[test]
    fn without_samples_there_is_a_reason_rather_than_a_plot() {
        let study = measured(&["base"], &[16]);
        assert!(picture(&Grouped::of(&study), Mode::Train).is_err());
    }
}
