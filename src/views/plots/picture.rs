//! A picture as a list of shapes in points, before any backend draws it.

use super::font;

/// Red, green and blue.
pub type Color = (u8, u8, u8);

/// A place: points from the left and from the top.
pub type Place = (f64, f64);

/// Where a label stands with respect to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A line of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The text.
    pub text: String,
    /// A place on its baseline.
    pub place: Place,
    /// Where it stands with respect to that place.
    pub align: Align,
    /// Points an em.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// Whether it runs upwards.
    pub upwards: bool,
    /// Its colour.
    pub color: Color,
}

/// Something that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A line through places.
    Line {
        /// The places.
        places: Vec<Place>,
        /// Its colour.
        color: Color,
        /// Its width in points.
        width: f64,
    },
    /// A filled polygon.
    Area {
        /// The corners.
        places: Vec<Place>,
        /// Its colour.
        color: Color,
        /// 1 hides what is below.
        opacity: f64,
    },
    /// A filled circle.
    Disc {
        /// The middle.
        center: Place,
        /// The radius in points.
        radius: f64,
        /// Its colour.
        color: Color,
    },
    /// Text.
    Label(Label),
}

/// A rectangle in points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// The left side.
    pub left: f64,
    /// The upper side.
    pub top: f64,
    /// The right side.
    pub right: f64,
    /// The lower side.
    pub bottom: f64,
}

impl Rect {
    /// From side to side.
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    /// From top to bottom.
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// The middle.
    pub fn center(&self) -> Place {
        ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0)
    }

    /// Whether all of another is within it.
    pub fn contains(&self, other: &Rect) -> bool {
        self.left <= other.left && other.right <= self.right && self.top <= other.top && other.bottom <= self.bottom
    }

    /// Whether the two have more than an edge in common.
    pub fn overlaps(&self, other: &Rect) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

impl Label {
    /// A black line of text that begins at a place.
    pub fn new(text: impl Into<String>, place: Place, size: f64) -> Self {
        Self {
            text: text.into(),
            place,
            align: Align::Start,
            size,
            bold: false,
            upwards: false,
            color: (0, 0, 0),
        }
    }

    /// Aligned.
    pub fn aligned(self, align: Align) -> Self {
        Self { align, ..self }
    }

    /// Its baseline is moved so that the place is at the middle of its height.
    pub fn centered(mut self) -> Self {
        let shift = font::MIDDLE_OF_EM * self.size;
        if self.upwards {
            self.place.0 += shift;
        } else {
            self.place.1 += shift;
        }
        self
    }

    /// The space that it takes.
    pub fn bounds(&self) -> Rect {
        let length = font::width(&self.text, self.size, self.bold);
        let before = match self.align {
            Align::Start => 0.0,
            Align::Middle => length / 2.0,
            Align::End => length,
        };
        let (ascent, descent) = (0.76 * self.size, 0.24 * self.size);
        let (x, y) = self.place;
        if self.upwards {
            Rect {
                left: x - ascent,
                top: y + before - length,
                right: x + descent,
                bottom: y + before,
            }
        } else {
            Rect {
                left: x - before,
                top: y - ascent,
                right: x - before + length,
                bottom: y + descent,
            }
        }
    }
}

/// Shapes on a white page, the later over the earlier.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    /// The page's width in points.
    pub width: f64,
    /// The page's height in points.
    pub height: f64,
    /// What is on it.
    pub shapes: Vec<Shape>,
}

impl Picture {
    /// A line through places, or nothing where there are fewer than two.
    pub fn line(&mut self, places: Vec<Place>, color: Color, width: f64) {
        if places.len() > 1 {
            self.shapes.push(Shape::Line { places, color, width });
        }
    }

    /// A line of strokes and gaps of those lengths, in turns; a whole line where there are none.
    pub fn dashed_line(&mut self, places: &[Place], color: Color, width: f64, pattern: &[f64]) {
        if pattern.is_empty() || places.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
            return self.line(places.to_vec(), color, width);
        }
        let mut turn = 0;
        let mut left = pattern[0];
        let mut stroke: Vec<Place> = places.first().copied().into_iter().collect();
        for pair in places.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            loop {
                let length = (to.0 - from.0).hypot(to.1 - from.1);
                if length < left {
                    left -= length;
                    stroke.push(to);
                    break;
                }
                let share = left / length.max(f64::MIN_POSITIVE);
                from = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
                stroke.push(from);
                let finished = std::mem::replace(&mut stroke, vec![from]);
                if turn % 2 == 0 {
                    self.line(finished, color, width);
                }
                turn += 1;
                left = pattern[turn % pattern.len()].max(0.1);
            }
        }
        if turn % 2 == 0 {
            self.line(stroke, color, width);
        }
    }

    /// A filled polygon, or nothing where there are fewer than three corners.
    pub fn area(&mut self, places: Vec<Place>, color: Color, opacity: f64) {
        if places.len() > 2 {
            self.shapes.push(Shape::Area { places, color, opacity });
        }
    }

    /// A filled circle.
    pub fn disc(&mut self, center: Place, radius: f64, color: Color) {
        self.shapes.push(Shape::Disc { center, radius, color });
    }

    /// Text.
    pub fn label(&mut self, label: Label) {
        self.shapes.push(Shape::Label(label));
    }

    /// The same picture so many times as large, with its text and its lines.
    pub fn scaled(&self, by: f64) -> Self {
        let place = |place: &Place| (by * place.0, by * place.1);
        let all = |places: &[Place]| places.iter().map(place).collect();
        let scaled = |shape: &Shape| match shape {
            Shape::Line { places, color, width } => Shape::Line {
                places: all(places),
                color: *color,
                width: by * width,
            },
            Shape::Area { places, color, opacity } => Shape::Area {
                places: all(places),
                color: *color,
                opacity: *opacity,
            },
            Shape::Disc { center, radius, color } => Shape::Disc {
                center: place(center),
                radius: by * radius,
                color: *color,
            },
            Shape::Label(label) => Shape::Label(Label {
                place: place(&label.place),
                size: by * label.size,
                ..label.clone()
            }),
        };
        Self {
            width: by * self.width,
            height: by * self.height,
            shapes: self.shapes.iter().map(scaled).collect(),
        }
    }

    /// All text.
    #[cfg(test)]
    pub fn labels(&self) -> impl Iterator<Item = &Label> {
        self.shapes.iter().filter_map(|shape| match shape {
            Shape::Label(label) => Some(label),
            _ => None,
        })
    }

    /// Panics where a label leaves the page or lies over another.
    #[cfg(test)]
    pub fn assert_labels_are_whole_and_apart(&self) {
        let labels: Vec<(&Label, Rect)> = self.labels().map(|label| (label, label.bounds())).collect();
        for (index, (label, bounds)) in labels.iter().enumerate() {
            let whole =
                bounds.left >= 0.0 && bounds.top >= 0.0 && bounds.right <= self.width && bounds.bottom <= self.height;
            assert!(whole, "'{}' leaves the page: {bounds:?}", label.text);
            for (other, other_bounds) in &labels[index + 1..] {
                let apart = !bounds.overlaps(other_bounds);
                assert!(
                    apart,
                    "'{}' lies over '{}': {bounds:?} {other_bounds:?}",
                    label.text, other.text
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dashed_line_has_strokes_of_its_patterns_lengths_around_corners() {
        let mut picture = Picture::default();
        picture.dashed_line(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], (0, 0, 0), 1.0, &[4.0, 2.0]);
        let lengths: Vec<f64> = picture
            .shapes
            .iter()
            .map(|shape| match shape {
                Shape::Line { places, .. } => places
                    .windows(2)
                    .map(|p| (p[1].0 - p[0].0).hypot(p[1].1 - p[0].1))
                    .sum(),
                _ => 0.0,
            })
            .collect();
        assert_eq!(lengths.len(), 4);
        for (length, expected) in lengths.iter().zip([4.0, 4.0, 4.0, 2.0]) {
            assert!((length - expected).abs() < 1e-9, "{lengths:?}");
        }
    }
}
