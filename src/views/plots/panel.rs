//! A plot's data area with its axes: ticks that do not touch, and margins as wide as their labels.

use super::font;
use super::palette::{BLACK, DARK_GRAY, LIGHT_GRAY};
use super::picture::{Align, Label, Picture, Place, Rect};
use super::scale::{Notation, Scale, Tick};
use super::style::Style;

const TITLE_SIZE: f64 = 10.5;
const TICK_SIZE: f64 = 9.5;
const HEADING_SIZE: f64 = 11.0;
/// Between a tick's label and its axis, of the label's size.
const TICK_GAP: f64 = 6.0 / 9.5;
/// Between the labels of neighbouring ticks.
const LABEL_GAP: f64 = 9.0;
/// From one line of a row's name to the next, in its size.
const ROW_LEADING: f64 = 12.0 / 9.5;
/// The most that rows' names may take of the panel's width.
const NAMES_SHARE: f64 = 0.45;

/// An axis of values before its ticks are chosen.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows, with its unit.
    pub title: String,
    /// How values become places.
    pub scale: Scale,
    /// How its ticks are written.
    pub notation: Notation,
    /// Whether values between whole numbers make no sense.
    pub whole: bool,
    /// Values to name rather than round ones, where they have room.
    pub named: Vec<Tick>,
}

/// What stands along the vertical axis.
#[derive(Clone, Debug)]
pub enum Vertical {
    /// Values, the larger the higher.
    Values(Axis),
    /// Names, the first at the top: long ones have more room beside the axis than below it.
    Rows {
        /// What the names are.
        title: String,
        /// The names, each broken into lines.
        names: Vec<Vec<String>>,
    },
}

/// A data area and its axes, laid out.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The space within the axes.
    pub area: Rect,
    style: Style,
    heading: Option<String>,
    x_title: String,
    x_scale: Scale,
    x_ticks: Vec<Tick>,
    y_title: String,
    y: VerticalTicks,
}

#[derive(Clone, Debug)]
enum VerticalTicks {
    Values { scale: Scale, ticks: Vec<Tick> },
    Rows(Vec<Vec<String>>),
}

impl Axis {
    /// An axis with round ticks.
    pub fn new(title: impl Into<String>, scale: Scale, notation: Notation) -> Self {
        Self {
            title: title.into(),
            scale,
            notation,
            whole: false,
            named: Vec::new(),
        }
    }
}

impl Vertical {
    /// Names as rows of a panel, with the height that they need.
    pub fn rows(style: Style, title: impl Into<String>, names: &[&str]) -> (Self, f64) {
        let limit = NAMES_SHARE * style.width();
        let names: Vec<Vec<String>> = names
            .iter()
            .map(|name| font::wrapped_at_most(name, style.text(TICK_SIZE), limit, 2))
            .collect();
        let most = names.iter().map(Vec::len).max().unwrap_or(1);
        let title = title.into();
        let rows = names.len() as f64 * row_height(style, most);
        let height = rows.max(font::width(&title, style.text(TITLE_SIZE), false) + 4.0) + 44.0;
        (Vertical::Rows { title, names }, height)
    }
}

fn tick_gap(style: Style) -> f64 {
    TICK_GAP * style.text(TICK_SIZE)
}

fn row_line(style: Style) -> f64 {
    ROW_LEADING * style.text(TICK_SIZE)
}

fn row_height(style: Style, lines: usize) -> f64 {
    (lines as f64 * row_line(style) + 8.0).max(30.0)
}

impl Panel {
    /// Fits a data area, its axes and an optional heading into `space`.
    pub fn new(style: Style, space: Rect, heading: Option<&str>, x: Axis, y: Vertical) -> Self {
        let (tick_size, title_size) = (style.text(TICK_SIZE), style.text(TITLE_SIZE));
        let bottom = space.bottom - tick_gap(style) - tick_size - 6.0 - title_size - 2.0;
        let top = space.top + if heading.is_some() { 20.0 } else { 6.0 };
        let (y_title, y, names_width) = match y {
            Vertical::Values(axis) => {
                let most = (((bottom - top) / 30.0) as usize).max(2);
                let ticks = axis.scale.ticks(most, axis.notation, axis.whole);
                let width = widest(style, ticks.iter().map(|tick| tick.label.as_str()));
                let scale = axis.scale;
                (axis.title, VerticalTicks::Values { scale, ticks }, width)
            }
            Vertical::Rows { title, names } => {
                let width = widest(style, names.iter().flatten().map(String::as_str));
                (title, VerticalTicks::Rows(names), width)
            }
        };
        let left = space.left + title_size + 8.0 + names_width + tick_gap(style);
        let mut panel = Self {
            area: Rect {
                left,
                top,
                right: space.right - 12.0,
                bottom,
            },
            style,
            heading: heading.map(str::to_owned),
            x_title: x.title.clone(),
            x_scale: x.scale,
            x_ticks: Vec::new(),
            y_title,
            y,
        };
        panel.x_ticks = panel.ticks_with_room(&x);
        // The outermost label is centred on its tick, and may need more margin than there is.
        let overhang = panel
            .x_ticks
            .iter()
            .map(|tick| panel.x(tick.value) + font::width(&tick.label, tick_size, false) / 2.0 - space.right);
        let overhang = overhang.fold(0.0, f64::max);
        if overhang > 0.0 {
            panel.area.right -= overhang + 1.0;
            panel.x_ticks = panel.ticks_with_room(&x);
        }
        panel
    }

    /// As many ticks as stand apart: the axis' own values, every second or third of them, or round ones.
    fn ticks_with_room(&self, axis: &Axis) -> Vec<Tick> {
        if !axis.named.is_empty() {
            // Swept values are few, and a reader looks for each: thin them out only where they would touch.
            for every in 1..=axis.named.len() {
                let ticks: Vec<Tick> = axis.named.iter().step_by(every).cloned().collect();
                if self.have_room(&ticks) {
                    return ticks;
                }
            }
        }
        let ticks = (2..=9)
            .rev()
            .map(|most| axis.scale.ticks(most, axis.notation, axis.whole));
        ticks
            .into_iter()
            .find(|ticks| self.have_room(ticks))
            .unwrap_or_default()
    }

    fn have_room(&self, ticks: &[Tick]) -> bool {
        let mut ends: Vec<(f64, f64)> = ticks
            .iter()
            .map(|tick| {
                let half = font::width(&tick.label, self.style.text(TICK_SIZE), false) / 2.0;
                (self.x(tick.value) - half, self.x(tick.value) + half)
            })
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends.windows(2).all(|pair| pair[0].1 + LABEL_GAP <= pair[1].0)
    }

    /// Points from the left of a value of the horizontal axis.
    pub fn x(&self, value: f64) -> f64 {
        self.area.left + self.x_scale.share(value) * self.area.width()
    }

    /// Points from the top of a value of the vertical axis, or of a row's middle.
    pub fn y(&self, value: f64) -> f64 {
        match &self.y {
            VerticalTicks::Values { scale, .. } => self.area.bottom - scale.share(value) * self.area.height(),
            VerticalTicks::Rows(names) => {
                self.area.top + (value + 0.5) / names.len().max(1) as f64 * self.area.height()
            }
        }
    }

    /// The place of a point.
    pub fn place(&self, x: f64, y: f64) -> Place {
        (self.x(x), self.y(y))
    }

    /// Draws the grid, the axes and their words; the data go over them.
    pub fn draw(&self, picture: &mut Picture) {
        let Rect {
            left,
            top,
            right,
            bottom,
        } = self.area;
        let (tick_size, tick_gap) = (self.style.text(TICK_SIZE), tick_gap(self.style));
        for tick in &self.x_ticks {
            let x = self.x(tick.value);
            picture.line(vec![(x, top), (x, bottom)], LIGHT_GRAY, 0.6);
            picture.line(vec![(x, bottom), (x, bottom + 3.0)], DARK_GRAY, 0.75);
            let place = (x, bottom + tick_gap + 0.8 * tick_size);
            picture.label(self.tick_label(&tick.label, place, Align::Middle));
        }
        match &self.y {
            VerticalTicks::Values { ticks, .. } => {
                for tick in ticks {
                    let y = self.draw_level(picture, tick.value);
                    picture.label(
                        self.tick_label(&tick.label, (left - tick_gap, y), Align::End)
                            .centered(),
                    );
                }
            }
            VerticalTicks::Rows(names) => {
                let row_line = row_line(self.style);
                for (row, lines) in names.iter().enumerate() {
                    let y = self.draw_level(picture, row as f64);
                    let first = y - (lines.len() - 1) as f64 * row_line / 2.0;
                    for (index, line) in lines.iter().enumerate() {
                        let place = (left - tick_gap, first + index as f64 * row_line);
                        picture.label(self.tick_label(line, place, Align::End).centered());
                    }
                }
            }
        }
        picture.line(vec![(left, top), (left, bottom), (right, bottom)], DARK_GRAY, 0.9);
        self.draw_titles(picture);
    }

    /// The line of the grid at a value of the vertical axis; its height.
    fn draw_level(&self, picture: &mut Picture, value: f64) -> f64 {
        let (left, y) = (self.area.left, self.y(value));
        picture.line(vec![(left, y), (self.area.right, y)], LIGHT_GRAY, 0.6);
        picture.line(vec![(left - 3.0, y), (left, y)], DARK_GRAY, 0.75);
        y
    }

    fn draw_titles(&self, picture: &mut Picture) {
        let (tick_size, title_size) = (self.style.text(TICK_SIZE), self.style.text(TITLE_SIZE));
        let tick_gap = tick_gap(self.style);
        let (middle_x, middle_y) = self.area.center();
        let title = fitting(&self.x_title, title_size, self.area.width());
        let below = self.area.bottom + tick_gap + tick_size + 6.0 + 0.8 * title_size;
        picture.label(Label::new(title, (middle_x, below), title_size).aligned(Align::Middle));
        let labels = match &self.y {
            VerticalTicks::Values { ticks, .. } => widest(self.style, ticks.iter().map(|tick| tick.label.as_str())),
            VerticalTicks::Rows(names) => widest(self.style, names.iter().flatten().map(String::as_str)),
        };
        let x = self.area.left - tick_gap - labels - 8.0;
        let title = fitting(&self.y_title, title_size, self.area.height());
        let mut label = Label::new(title, (x, middle_y), title_size).aligned(Align::Middle);
        label.upwards = true;
        picture.label(label);
        if let Some(heading) = &self.heading {
            let place = (middle_x, self.area.top - 8.0);
            let size = self.style.text(HEADING_SIZE);
            let mut label = Label::new(heading.clone(), place, size).aligned(Align::Middle);
            label.bold = true;
            picture.label(label);
        }
    }

    fn tick_label(&self, text: &str, place: Place, align: Align) -> Label {
        let mut label = Label::new(text, place, self.style.text(TICK_SIZE)).aligned(align);
        label.color = BLACK;
        label
    }
}

/// An axis' title no longer than that: if need be without saying that the axis is logarithmic, which its ticks show, or
/// without what stands in brackets, at last with its middle left out.
fn fitting(title: &str, size: f64, limit: f64) -> String {
    let plain = title.trim_end_matches(", logarithmic").to_owned();
    let without_brackets = |title: &str| {
        let (before, rest) = title.split_once(" (")?;
        let (_, after) = rest.split_once(')')?;
        Some(format!("{before}{after}"))
    };
    let shorter = [
        Some(title.to_owned()),
        Some(plain.clone()),
        without_brackets(title),
        without_brackets(&plain),
    ];
    let fits = |title: &String| font::width(title, size, false) <= limit;
    let mut shorter = shorter.into_iter().flatten();
    shorter
        .find(fits)
        .unwrap_or_else(|| font::shortened(&plain, size, false, limit))
}

fn widest<'a>(style: Style, labels: impl Iterator<Item = &'a str>) -> f64 {
    labels
        .map(|label| font::width(label, style.text(TICK_SIZE), false))
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_that_is_too_long_loses_first_what_the_ticks_show() {
        let title = "cross-entropy (nats), logarithmic";
        let width = |text: &str| font::width(text, 10.0, false);
        for (room, shown) in [
            (title, title),
            ("cross-entropy (nats)", "cross-entropy (nats)"),
            ("cross-entropy", "cross-entropy"),
        ] {
            assert_eq!(fitting(title, 10.0, width(room)), shown);
        }
        let short = fitting(title, 10.0, 50.0);
        assert!(width(&short) <= 50.0 && short.contains('…'), "{short}");
    }
}
