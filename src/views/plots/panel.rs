//! A plot's data area with its axes: ticks that do not touch, and margins as wide as their labels.

use super::font;
use super::palette::{BLACK, DARK_GRAY, LIGHT_GRAY};
use super::picture::{Align, Label, Picture, Place, Rect};
use super::scale::{Notation, Scale, Tick};

const TITLE_SIZE: f64 = 10.5;
const TICK_SIZE: f64 = 9.5;
const HEADING_SIZE: f64 = 11.0;
/// Between a tick's label and its axis.
const TICK_GAP: f64 = 6.0;
/// Between the labels of neighbouring ticks.
const LABEL_GAP: f64 = 9.0;
/// From one line of a row's name to the next.
const ROW_LINE: f64 = 12.0;
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
    /// Names as rows of a panel that is `width` points wide, with the height that they need.
    pub fn rows(title: impl Into<String>, names: &[&str], width: f64) -> (Self, f64) {
        let limit = NAMES_SHARE * width;
        let names: Vec<Vec<String>> = names
            .iter()
            .map(|name| font::wrapped_at_most(name, TICK_SIZE, limit, 2))
            .collect();
        let most = names.iter().map(Vec::len).max().unwrap_or(1);
        let title = title.into();
        let rows = names.len() as f64 * row_height(most);
        let height = rows.max(font::width(&title, TITLE_SIZE, false) + 4.0) + 44.0;
        (Vertical::Rows { title, names }, height)
    }
}

fn row_height(lines: usize) -> f64 {
    (lines as f64 * ROW_LINE + 8.0).max(30.0)
}

impl Panel {
    /// Fits a data area, its axes and an optional heading into `space`.
    pub fn new(space: Rect, heading: Option<&str>, x: Axis, y: Vertical) -> Self {
        let bottom = space.bottom - TICK_GAP - TICK_SIZE - 6.0 - TITLE_SIZE - 2.0;
        let top = space.top + if heading.is_some() { 20.0 } else { 6.0 };
        let (y_title, y, names_width) = match y {
            Vertical::Values(axis) => {
                let most = (((bottom - top) / 30.0) as usize).max(2);
                let ticks = axis.scale.ticks(most, axis.notation, axis.whole);
                let width = widest(ticks.iter().map(|tick| tick.label.as_str()));
                let scale = axis.scale;
                (axis.title, VerticalTicks::Values { scale, ticks }, width)
            }
            Vertical::Rows { title, names } => {
                let width = widest(names.iter().flatten().map(String::as_str));
                (title, VerticalTicks::Rows(names), width)
            }
        };
        let left = space.left + TITLE_SIZE + 8.0 + names_width + TICK_GAP;
        let mut panel = Self {
            area: Rect {
                left,
                top,
                right: space.right - 12.0,
                bottom,
            },
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
            .map(|tick| panel.x(tick.value) + font::width(&tick.label, TICK_SIZE, false) / 2.0 - space.right);
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
                let half = font::width(&tick.label, TICK_SIZE, false) / 2.0;
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
        for tick in &self.x_ticks {
            let x = self.x(tick.value);
            picture.line(vec![(x, top), (x, bottom)], LIGHT_GRAY, 0.6);
            picture.line(vec![(x, bottom), (x, bottom + 3.0)], DARK_GRAY, 0.75);
            let place = (x, bottom + TICK_GAP + 0.8 * TICK_SIZE);
            picture.label(tick_label(&tick.label, place, Align::Middle));
        }
        match &self.y {
            VerticalTicks::Values { ticks, .. } => {
                for tick in ticks {
                    let y = self.y(tick.value);
                    picture.line(vec![(left, y), (right, y)], LIGHT_GRAY, 0.6);
                    picture.line(vec![(left - 3.0, y), (left, y)], DARK_GRAY, 0.75);
                    picture.label(tick_label(&tick.label, (left - TICK_GAP, y), Align::End).centered());
                }
            }
            VerticalTicks::Rows(names) => {
                for (row, lines) in names.iter().enumerate() {
                    let y = self.y(row as f64);
                    picture.line(vec![(left, y), (right, y)], LIGHT_GRAY, 0.6);
                    picture.line(vec![(left - 3.0, y), (left, y)], DARK_GRAY, 0.75);
                    let first = y - (lines.len() - 1) as f64 * ROW_LINE / 2.0;
                    for (index, line) in lines.iter().enumerate() {
                        let place = (left - TICK_GAP, first + index as f64 * ROW_LINE);
                        picture.label(tick_label(line, place, Align::End).centered());
                    }
                }
            }
        }
        picture.line(vec![(left, top), (left, bottom), (right, bottom)], DARK_GRAY, 0.9);
        let (middle_x, middle_y) = self.area.center();
        let title = font::shortened(&self.x_title, TITLE_SIZE, false, self.area.width());
        let below = bottom + TICK_GAP + TICK_SIZE + 6.0 + 0.8 * TITLE_SIZE;
        picture.label(Label::new(title, (middle_x, below), TITLE_SIZE).aligned(Align::Middle));
        self.draw_vertical_title(picture, middle_y);
        if let Some(heading) = &self.heading {
            let place = (middle_x, top - 8.0);
            let mut label = Label::new(heading.clone(), place, HEADING_SIZE).aligned(Align::Middle);
            label.bold = true;
            picture.label(label);
        }
    }

    fn draw_vertical_title(&self, picture: &mut Picture, middle: f64) {
        let labels = match &self.y {
            VerticalTicks::Values { ticks, .. } => widest(ticks.iter().map(|tick| tick.label.as_str())),
            VerticalTicks::Rows(names) => widest(names.iter().flatten().map(String::as_str)),
        };
        let x = self.area.left - TICK_GAP - labels - 8.0;
        let title = font::shortened(&self.y_title, TITLE_SIZE, false, self.area.height());
        let mut label = Label::new(title, (x, middle), TITLE_SIZE).aligned(Align::Middle);
        label.upwards = true;
        picture.label(label);
    }
}

fn tick_label(text: &str, place: Place, align: Align) -> Label {
    let mut label = Label::new(text, place, TICK_SIZE).aligned(align);
    label.color = BLACK;
    label
}

fn widest<'a>(labels: impl Iterator<Item = &'a str>) -> f64 {
    labels
        .map(|label| font::width(label, TICK_SIZE, false))
        .fold(0.0, f64::max)
}
