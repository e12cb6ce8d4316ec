//! Names beside points, where there is room for them.

use super::font;
use super::palette::DARK_GRAY;
use super::picture::{Align, Label, Picture, Place, Rect};
use super::style::Style;

const SIZE: f64 = 9.0;
/// Between a name and its point.
const GAP: f64 = 2.0;
/// The most of the area's width that a name takes.
const SHARE: f64 = 0.5;

/// A point with a name.
pub struct NamedPoint<'a> {
    /// The name.
    pub name: &'a str,
    /// The middle of its marker.
    pub place: Place,
    /// What its marker and its interval cover.
    pub covered: Rect,
}

/// Writes each name above or below its point, which the lines from point to point mostly leave free, or to the right or the left
/// of it, the first of these where it covers neither a point nor another name nor one of `others`; a name without such a place is
/// left out.
pub fn draw(picture: &mut Picture, style: Style, area: Rect, points: &[NamedPoint<'_>], others: &[Rect]) {
    let size = style.text(SIZE);
    let mut taken: Vec<Rect> = points
        .iter()
        .map(|point| point.covered)
        .chain(others.iter().copied())
        .collect();
    for point in points {
        let name = font::shortened(point.name, size, false, SHARE * area.width());
        let is_free = |label: &Label| {
            let bounds = label.bounds();
            area.contains(&bounds) && !taken.iter().any(|other| other.overlaps(&bounds))
        };
        if let Some(label) = labels(&name, point, size).into_iter().find(is_free) {
            taken.push(label.bounds());
            picture.label(label);
        }
    }
}

/// The name in its possible places, the best first.
fn labels(name: &str, point: &NamedPoint<'_>, size: f64) -> [Label; 4] {
    let Rect {
        left,
        top,
        right,
        bottom,
    } = point.covered;
    let (x, y) = point.place;
    let label = |place: Place, align: Align| {
        let mut label = Label::new(name, place, size).aligned(align);
        label.color = DARK_GRAY;
        label
    };
    [
        label((x, top - GAP - 0.24 * size), Align::Middle),
        label((x, bottom + GAP + 0.76 * size), Align::Middle),
        label((right + GAP, y), Align::Start).centered(),
        label((left - GAP, y), Align::End).centered(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(x: f64, y: f64) -> NamedPoint<'static> {
        NamedPoint {
            name: "resnet-56",
            place: (x, y),
            covered: Rect {
                left: x - 4.0,
                top: y - 4.0,
                right: x + 4.0,
                bottom: y + 4.0,
            },
        }
    }

    fn names(points: &[NamedPoint<'_>]) -> Vec<Align> {
        let area = Rect {
            left: 0.0,
            top: 0.0,
            right: 200.0,
            bottom: 100.0,
        };
        let mut picture = Picture {
            width: 200.0,
            height: 100.0,
            shapes: Vec::new(),
        };
        draw(&mut picture, Style::Screen, area, points, &[]);
        picture.assert_labels_are_whole_and_apart();
        picture.labels().map(|label| label.align).collect()
    }

    #[test]
    fn a_name_stands_above_its_point_unless_something_is_there() {
        assert_eq!(names(&[point(50.0, 50.0)]), [Align::Middle]);
        assert_eq!(names(&[point(190.0, 50.0)]), [Align::End]);
        assert_eq!(
            names(&[point(100.0, 50.0), point(110.0, 50.0)]),
            [Align::Middle, Align::Middle]
        );
    }

    #[test]
    fn a_name_without_room_is_left_out() {
        let crowd: Vec<NamedPoint<'_>> = (0..40).map(|i| point(60.0 + 2.0 * f64::from(i), 50.0)).collect();
        let drawn = names(&crowd).len();
        assert!((1..40).contains(&drawn), "{drawn}");
    }
}
