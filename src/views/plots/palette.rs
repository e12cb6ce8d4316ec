//! How series are distinguished: by colour, and without colour by dashes and markers.

use super::picture::{Color, Picture, Place};

/// Text and axes.
pub const BLACK: Color = (0, 0, 0);
/// Ticks' labels and captions.
pub const DARK_GRAY: Color = (70, 70, 70);
/// The single seeds, and lines that only lead the eye.
pub const GRAY: Color = (130, 130, 130);
/// The lines of the grid.
pub const LIGHT_GRAY: Color = (226, 226, 226);
/// The page.
pub const WHITE: Color = (255, 255, 255);

/// Okabe and Ito's palette (jfly.uni-koeln.de/color, 2008), which people with any colour vision can distinguish, but for
/// its yellow, which is hard to see on white.
const COLORS: [Color; 7] = [
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (0, 0, 0),
];

/// A colour mixed with white in equal parts, for what stands behind a series of that colour.
pub fn paler((r, g, b): Color) -> Color {
    let mixed = |part: u8| part / 2 + 127;
    (mixed(r), mixed(g), mixed(b))
}

/// Strokes and gaps in points. Their number has no divisor in common with that of colours or markers, so that a
/// combination comes back only after 385 series.
const DASHES: [&[f64]; 5] = [&[], &[6.0, 2.5], &[1.8, 2.0], &[7.0, 2.0, 1.8, 2.0], &[12.0, 3.0]];

/// The shape that marks a series' points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// A disc.
    Disc,
    /// A square.
    Square,
    /// A triangle that points up.
    Up,
    /// A square on its corner.
    Diamond,
    /// A triangle that points down.
    Down,
    /// An upright cross.
    Plus,
    /// A diagonal cross.
    Cross,
    /// A ring.
    Ring,
    /// The outline of a square.
    HollowSquare,
    /// The outline of a triangle that points up.
    HollowUp,
    /// The outline of a triangle that points down.
    HollowDown,
    /// The outline of a square on its corner: no series has it, it marks what was published.
    HollowDiamond,
}

const MARKERS: [Marker; 11] = [
    Marker::Disc,
    Marker::Square,
    Marker::Up,
    Marker::Diamond,
    Marker::Down,
    Marker::Plus,
    Marker::Cross,
    Marker::Ring,
    Marker::HollowSquare,
    Marker::HollowUp,
    Marker::HollowDown,
];

/// The looks of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SeriesStyle {
    /// Its colour.
    pub color: Color,
    /// Strokes and gaps in points; a whole line where there are none.
    pub dash: &'static [f64],
    /// What marks its points.
    pub marker: Marker,
}

impl SeriesStyle {
    /// The looks of the series with that index, the same in every plot of a study.
    pub fn of(index: usize) -> Self {
        Self {
            color: COLORS[index % COLORS.len()],
            dash: DASHES[index % DASHES.len()],
            marker: MARKERS[index % MARKERS.len()],
        }
    }

    /// A line through places in these looks.
    pub fn line(&self, picture: &mut Picture, places: &[Place]) {
        picture.dashed_line(places, self.color, 1.4, self.dash);
    }

    /// A marker in these looks.
    pub fn mark(&self, picture: &mut Picture, place: Place) {
        self.marker.draw(picture, place, 3.2, self.color);
    }
}

impl Marker {
    /// Draws the marker, `radius` points from its middle to its sides.
    pub fn draw(self, picture: &mut Picture, (x, y): Place, radius: f64, color: Color) {
        let r = radius;
        let hollow = |picture: &mut Picture, whole: Marker| {
            whole.draw(picture, (x, y), r, color);
            whole.draw(picture, (x, y), r - 1.6, WHITE);
        };
        match self {
            Marker::HollowSquare => hollow(picture, Marker::Square),
            Marker::HollowUp => hollow(picture, Marker::Up),
            Marker::HollowDown => hollow(picture, Marker::Down),
            Marker::HollowDiamond => hollow(picture, Marker::Diamond),
            Marker::Disc => picture.disc((x, y), r, color),
            Marker::Ring => {
                picture.disc((x, y), r, color);
                picture.disc((x, y), r - 1.2, WHITE);
            }
            Marker::Square => {
                let r = 0.9 * r;
                let corners = vec![(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)];
                picture.area(corners, color, 1.0);
            }
            Marker::Diamond => {
                let r = 1.25 * r;
                picture.area(vec![(x, y - r), (x + r, y), (x, y + r), (x - r, y)], color, 1.0);
            }
            Marker::Up | Marker::Down => {
                // A picture's heights grow downwards.
                let r = 1.15 * r;
                let up = if self == Marker::Up { r } else { -r };
                let corners = vec![(x, y - up), (x + r, y + 0.75 * up), (x - r, y + 0.75 * up)];
                picture.area(corners, color, 1.0);
            }
            Marker::Plus => {
                let r = 1.2 * r;
                picture.line(vec![(x - r, y), (x + r, y)], color, 1.6);
                picture.line(vec![(x, y - r), (x, y + r)], color, 1.6);
            }
            Marker::Cross => {
                picture.line(vec![(x - r, y - r), (x + r, y + r)], color, 1.6);
                picture.line(vec![(x - r, y + r), (x + r, y - r)], color, 1.6);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_series_are_distinguished_without_colour() {
        let mut seen = Vec::new();
        for index in 0..40 {
            let style = SeriesStyle::of(index);
            assert!(
                !seen.contains(&(style.dash, style.marker)),
                "series {index} looks like an earlier one"
            );
            seen.push((style.dash, style.marker));
        }
    }
}
