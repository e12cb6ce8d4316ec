//! Where a training step's time goes: forward, backward and optimizer, a level bar for each variant and batch size.

use super::super::groups::Grouped;
use super::batches::{Line, lines, setting};
use super::figure::{Entry, Figure, Sample};
use super::palette::{BLACK, Marker, SeriesStyle};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Color, Picture};
use super::scale::{Notation, Scale, extent};
use super::style::Style;
use crate::formats::ablation::Mode;
use crate::formats::tables::BatchRow;

/// With more bars than these, those of the largest batch sizes stand for the others.
const MOST_BARS: usize = 24;
/// Half a bar's height in points.
const HALF: f64 = 6.5;

const PHASES: [&str; 3] = ["forward with the loss", "backward", "optimizer"];

struct Bar<'a> {
    name: String,
    row: &'a BatchRow,
    /// Forward, backward, optimizer, in milliseconds an image.
    phases: [f64; 3],
}

impl<'a> Bar<'a> {
    fn of(line: &Line<'a>, row: &'a BatchRow) -> Option<Self> {
        let phases = [
            row.forward_ns_median?,
            row.backward_ns_median?,
            row.optimizer_ns_median?,
        ];
        Some(Self {
            name: format!("{}, batch {}", line.name, row.batch_size),
            row,
            phases: phases.map(|phase| an_image(phase, row.batch_size)),
        })
    }

    fn end(&self) -> f64 {
        self.phases.iter().sum()
    }
}

fn bars_of<'a>(line: &Line<'a>) -> Vec<Bar<'a>> {
    let rows = line.rows.iter().filter(|row| row.mode == Mode::Train);
    rows.filter_map(|row| Bar::of(line, row)).collect()
}

/// Milliseconds of a step as milliseconds an image.
fn an_image(nanoseconds: u64, batch_size: usize) -> f64 {
    nanoseconds as f64 / 1e6 / batch_size.max(1) as f64
}

fn color(phase: usize, style: Style) -> Color {
    style.filling(phase, SeriesStyle::of(phase).color)
}

/// Stacked bars of a training step's parts, or why there is nothing to draw.
pub fn picture(study: &Grouped<'_>, style: Style) -> Result<Picture, String> {
    let (lines, common) = lines(study);
    let mut bars: Vec<Vec<Bar<'_>>> = lines.iter().map(bars_of).collect();
    if bars.iter().all(Vec::is_empty) {
        return Err("no training step was timed as forward, backward and optimizer".to_owned());
    }
    let thinned = bars.iter().map(Vec::len).sum::<usize>() > MOST_BARS;
    if thinned {
        for bars in &mut bars {
            bars.drain(..bars.len().saturating_sub(1));
        }
    }
    let bars: Vec<Bar<'_>> = bars.into_iter().flatten().collect();
    let mut legend: Vec<Entry> = PHASES
        .iter()
        .enumerate()
        .map(|(phase, name)| Entry {
            sample: Sample::Marker(Marker::Square, 4.5, color(phase, style)),
            label: (*name).to_owned(),
        })
        .collect();
    if bars.iter().any(|bar| bar.row.step_ns_median.is_some()) {
        legend.push(Entry {
            sample: Sample::Upright(BLACK),
            label: "step timed as a whole".to_owned(),
        });
    }
    let mut caption = vec![
        "Medians. The parts are timed in a pass of their own, whose extra synchronisation the step timed as a whole \
         does not have."
            .to_owned(),
    ];
    if thinned {
        caption.push("Of each series the largest batch size that ran; batches.csv has all.".to_owned());
    }
    caption.push(setting(&common));
    let figure = Figure {
        title: format!("{}: where a training step's time goes", study.name()),
        question: study.question().to_owned(),
        legend,
        caption,
    };
    Ok(draw(&figure, &bars, style))
}

fn draw(figure: &Figure, bars: &[Bar<'_>], style: Style) -> Picture {
    let names: Vec<&str> = bars.iter().map(|bar| bar.name.as_str()).collect();
    let (rows, height) = Vertical::rows(style, "", &names);
    let (mut picture, space) = figure.lay_out(style, height);
    let whole = |bar: &Bar<'_>| Some(an_image(bar.row.step_ns_median?, bar.row.batch_size));
    let ends = bars.iter().flat_map(|bar| [Some(bar.end()), whole(bar)]).flatten();
    let (_, most) = extent(ends).unwrap_or((0.0, 1.0));
    let axis = Axis::new("milliseconds an image", Scale::linear((0.0, most)), Notation::Plain);
    let panel = Panel::new(style, space, None, axis, rows);
    panel.draw(&mut picture);
    for (index, bar) in bars.iter().enumerate() {
        let y = panel.y(index as f64);
        let mut from = 0.0;
        for (phase, time) in bar.phases.iter().enumerate() {
            let (left, right) = (panel.x(from), panel.x(from + time));
            let corners = vec![(left, y - HALF), (right, y - HALF), (right, y + HALF), (left, y + HALF)];
            picture.area(corners, color(phase, style), 1.0);
            from += time;
        }
        if let Some(whole) = whole(bar) {
            let x = panel.x(whole);
            picture.line(vec![(x, y - HALF - 3.0), (x, y + HALF + 3.0)], BLACK, 1.6);
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::measured;
    use super::super::picture::Shape;
    use super::*;

    fn labels(picture: &Picture) -> Vec<&str> {
        picture.labels().map(|label| label.text.as_str()).collect()
    }

    #[test]
    fn a_bar_has_its_three_parts_end_to_end_in_the_order_of_a_step() {
        let study = measured(&["base"], &[16]);
        let picture = picture(&Grouped::of(&study), Style::Screen).unwrap();
        let bars = picture.shapes.iter().filter_map(|shape| match shape {
            // The legend's squares are no wider than the bars are high.
            Shape::Area { places, color, .. } if places[1].0 - places[0].0 > 2.0 * HALF => {
                Some((places[0].0, places[1].0, *color))
            }
            _ => None,
        });
        let bars: Vec<(f64, f64, Color)> = bars.collect();
        assert_eq!(
            bars.iter().map(|bar| bar.2).collect::<Vec<_>>(),
            [0, 1, 2].map(|phase| color(phase, Style::Screen))
        );
        assert!(
            bars.windows(2).all(|pair| (pair[0].1 - pair[1].0).abs() < 1e-9),
            "{bars:?}"
        );
        let widths: Vec<f64> = bars.iter().map(|bar| bar.1 - bar.0).collect();
        assert!((widths[1] / widths[0] - 0.68 / 0.32).abs() < 0.01, "{widths:?}");
    }

    #[test]
    fn many_bars_give_way_to_those_of_the_largest_batch_sizes_and_the_caption_says_so() {
        let names: Vec<String> = (0..10).map(|index| format!("growth-rate={index}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let study = measured(&names, &[16, 32, 64]);
        let picture = picture(&Grouped::of(&study), Style::Screen).unwrap();
        let labels = labels(&picture);
        assert!(labels.contains(&"growth-rate=9, batch 64"), "{labels:?}");
        assert!(!labels.contains(&"growth-rate=9, batch 32"), "{labels:?}");
        assert!(
            labels
                .join(" ")
                .contains("Of each series the largest batch size that ran")
        );
    }

    #[test]
    fn without_phases_there_is_a_reason_rather_than_a_plot() {
        let mut study = measured(&["base"], &[16]);
        for row in &mut study.batches {
            row.backward_ns_median = None;
        }
        assert!(picture(&Grouped::of(&study), Style::Screen).is_err());
    }
}
