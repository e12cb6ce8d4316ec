//! What stands around a plot's panels: title and question above, legend and caption below, never over the data. A paper's
//! figure has the legend alone.

use super::font;
use super::palette::{BLACK, DARK_GRAY, Marker, SeriesStyle, paler};
use super::picture::{Color, Label, Picture, Place, Rect};
use super::style::Style;

const TITLE_SIZE: f64 = 14.0;
const QUESTION_SIZE: f64 = 11.0;
const LEGEND_SIZE: f64 = 10.0;
const LEGEND_LINE: f64 = 15.5;
/// Above and below the legend.
const LEGEND_GAP: f64 = 10.0;
const CAPTION_SIZE: f64 = 9.0;
const COLUMN_GAP: f64 = 22.0;
/// Lines are set this many times their size apart.
const LEADING: f64 = 1.35;

/// The sample before a legend's label.
#[derive(Clone, Copy, Debug)]
pub enum Sample {
    /// A line with its marker.
    Line(SeriesStyle),
    /// A marker alone.
    Marker(Marker, f64, Color),
    /// A marker on an upright interval with end strokes.
    Interval(Marker, Color),
    /// A level bar on a thin line, for a prediction.
    Level(Color),
    /// An upright stroke.
    Upright(Color),
    /// A line without markers.
    Path(Color),
}

/// An entry of the legend.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What is explained.
    pub sample: Sample,
    /// The words.
    pub label: String,
}

/// The words around a plot.
#[derive(Clone, Debug)]
pub struct Figure {
    /// The first line, bold.
    pub title: String,
    /// The question below it.
    pub question: String,
    /// The legend, read column by column.
    pub legend: Vec<Entry>,
    /// The caption's sentences.
    pub caption: Vec<String>,
}

impl Figure {
    /// Lays the words out around a content `height` points high: the picture with them, and the content's space.
    pub fn lay_out(&self, style: Style, height: f64) -> (Picture, Rect) {
        let margin = style.margin();
        let mut picture = Picture {
            width: style.width(),
            ..Picture::default()
        };
        let mut y = margin;
        if style.has_words() {
            y = paragraph(&mut picture, y, &self.title, (TITLE_SIZE, true, BLACK));
            y = paragraph(&mut picture, y, &self.question, (QUESTION_SIZE, false, DARK_GRAY));
            y += 6.0;
        }
        let content = Rect {
            left: margin,
            top: y,
            right: style.width() - margin,
            bottom: y + height,
        };
        y = self.draw_legend(&mut picture, style, content.bottom + LEGEND_GAP);
        if style.has_words() {
            y = paragraph(
                &mut picture,
                y,
                &self.caption.join(" "),
                (CAPTION_SIZE, false, DARK_GRAY),
            );
            picture.height = y + margin - 4.0;
        } else {
            picture.height = y - LEGEND_GAP + margin;
        }
        (picture, content)
    }

    /// As many columns as there is room for, each as wide as its own labels; the place below them.
    fn draw_legend(&self, picture: &mut Picture, style: Style, top: f64) -> f64 {
        if self.legend.is_empty() {
            return top;
        }
        let size = style.text(LEGEND_SIZE);
        let space = style.width() - 2.0 * style.margin();
        let sample = self.legend.iter().map(|entry| entry.sample.width()).fold(0.0, f64::max);
        let indent = sample + 6.0;
        let labels: Vec<String> = self
            .legend
            .iter()
            .map(|entry| font::shortened(&entry.label, size, false, space - indent))
            .collect();
        let widest = |column: &[String]| {
            let widths = column.iter().map(|label| font::width(label, size, false));
            indent + widths.fold(0.0, f64::max)
        };
        let total = |rows: usize| {
            let columns: Vec<f64> = labels.chunks(rows).map(widest).collect();
            columns.iter().sum::<f64>() + (columns.len() - 1) as f64 * COLUMN_GAP
        };
        let rows = (1..labels.len())
            .find(|rows| total(*rows) <= space)
            .unwrap_or(labels.len());
        let mut x = (style.width() - total(rows)) / 2.0;
        for (labels, entries) in labels.chunks(rows).zip(self.legend.chunks(rows)) {
            for (row, (label, entry)) in labels.iter().zip(entries).enumerate() {
                let y = top + (row as f64 + 0.5) * LEGEND_LINE;
                entry.sample.draw(picture, (x, y), sample);
                picture.label(Label::new(label.clone(), (x + indent, y), size).centered());
            }
            x += widest(labels) + COLUMN_GAP;
        }
        top + rows as f64 * LEGEND_LINE + LEGEND_GAP
    }
}

/// Sets a paragraph of a screen's figure; the place below it.
fn paragraph(picture: &mut Picture, top: f64, text: &str, (size, bold, color): (f64, bool, Color)) -> f64 {
    let margin = Style::Screen.margin();
    let mut y = top;
    for line in font::wrapped(text, size, bold, picture.width - 2.0 * margin) {
        let mut label = Label::new(line, (margin, y + 0.8 * size), size);
        (label.bold, label.color) = (bold, color);
        picture.label(label);
        y += LEADING * size;
    }
    y
}

impl Sample {
    fn width(&self) -> f64 {
        match self {
            Sample::Line(_) | Sample::Level(_) | Sample::Path(_) => 34.0,
            Sample::Marker(..) | Sample::Interval(..) | Sample::Upright(_) => 12.0,
        }
    }

    /// Draws the sample in the `width` points to the right of a place.
    fn draw(&self, picture: &mut Picture, (x, y): Place, width: f64) {
        let middle = (x + width / 2.0, y);
        match self {
            Sample::Line(style) => {
                style.line(picture, &[(x, y), (x + width, y)]);
                style.mark(picture, middle);
            }
            Sample::Marker(marker, radius, color) => marker.draw(picture, middle, *radius, *color),
            Sample::Interval(marker, color) => {
                interval(picture, middle.0, (y - 6.0, y + 6.0), *color);
                marker.draw(picture, middle, 3.2, *color);
            }
            Sample::Level(color) => {
                picture.line(vec![(x, y), (x + width, y)], paler(*color), 1.0);
                level(picture, middle, *color);
            }
            Sample::Path(color) => picture.line(vec![(x, y), (x + width, y)], *color, 0.9),
            Sample::Upright(color) => picture.line(vec![(middle.0, y - 6.0), (middle.0, y + 6.0)], *color, 1.6),
        }
    }
}

/// An upright interval between two heights with strokes at its ends.
pub fn interval(picture: &mut Picture, x: f64, (from, to): (f64, f64), color: Color) {
    bar(picture, (x, from), (x, to), [false; 2], color);
}

/// A level or upright interval with strokes at its ends, or an arrow at an end beyond which it extends.
pub fn bar(picture: &mut Picture, from: Place, to: Place, goes_on: [bool; 2], color: Color) {
    picture.line(vec![from, to], color, 1.1);
    let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
    let along = ((to.0 - from.0) / length, (to.1 - from.1) / length);
    for (end, goes_on, back) in [(from, goes_on[0], 1.0), (to, goes_on[1], -1.0)] {
        // An arrow's feet lie behind its tip, a stroke's beside it.
        let behind = if goes_on { 5.0 * back } else { 0.0 };
        let foot = |side: f64| {
            let (across, along) = ((-along.1 * side, along.0 * side), (along.0 * behind, along.1 * behind));
            (end.0 + across.0 + along.0, end.1 + across.1 + along.1)
        };
        picture.line(vec![foot(-3.0), end, foot(3.0)], color, 1.1);
    }
}

/// Half the width of a level bar, in points.
const LEVEL: f64 = 6.5;

/// A level bar, wide enough to be seen on both sides of a marker that stands on it.
pub fn level(picture: &mut Picture, (x, y): Place, color: Color) {
    picture.line(vec![(x - LEVEL, y), (x + LEVEL, y)], color, 1.8);
}

/// Markers need this many points between their middles.
const MARKER_ROOM: f64 = 8.0;

/// Moves places along the horizontal that are closer than markers are wide apart, around their common middle; the
/// order of those in the same place is kept.
pub fn side_by_side(xs: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..xs.len()).collect();
    order.sort_by(|a, b| xs[*a].total_cmp(&xs[*b]));
    let mut moved = xs.to_vec();
    for crowd in order.chunk_by(|a, b| xs[*b] - xs[*a] < 0.5 * MARKER_ROOM) {
        let middle = crowd.iter().map(|index| xs[*index]).sum::<f64>() / crowd.len() as f64;
        for (position, index) in crowd.iter().enumerate() {
            moved[*index] = middle + (position as f64 - (crowd.len() - 1) as f64 / 2.0) * MARKER_ROOM;
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_in_one_place_stand_side_by_side_and_others_stay() {
        assert_eq!(side_by_side(&[100.0, 50.0, 100.0]), [96.0, 50.0, 104.0]);
        assert_eq!(side_by_side(&[1.0]), [1.0]);
    }
}
