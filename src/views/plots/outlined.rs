//! An SVG document with its words as outlines: whatever renders it shows the same letters, without a font.

use ab_glyph::{OutlineCurve, Point, point};

use super::code_point::Framed;
use super::extra_fonts::ExtraFonts;
use super::picture::{Align, Label, Picture, Place, Shape};
use super::typeset::{self, Piece};

/// The document of a picture with each of its labels as a path. Letters that the built-in font lacks come from `extra`;
/// those of no font are boxes with their code points.
///
/// # Errors
/// In words, where the document is not of this picture.
pub fn outlined(
    document: &str,
    picture: &Picture,
    pixels_per_point: f64,
    extra: &ExtraFonts,
) -> Result<String, String> {
    let labels = picture.shapes.iter().filter_map(|shape| match shape {
        Shape::Label(label) => Some(label),
        _ => None,
    });
    let mut outlined = String::new();
    let mut rest = document;
    for label in labels {
        // The backend writes one element for each label, and escapes signs that could look like one.
        let found = rest.split_once("<text ").and_then(|(before, element)| {
            let (_, after) = element.split_once("</text>\n")?;
            Some((before, after))
        });
        let Some((before, after)) = found else {
            return Err(format!("the drawing lacks the words '{}'", label.text));
        };
        outlined.push_str(before);
        outlined.push_str(&path(label, pixels_per_point, extra));
        rest = after;
    }
    outlined.push_str(rest);
    Ok(outlined)
}

/// A label as an element; nothing where it has no letter that is seen.
fn path(label: &Label, pixels_per_point: f64, extra: &ExtraFonts) -> String {
    let size = label.size * pixels_per_point;
    let line = typeset::line(&label.text, size, label.bold, Some(extra));
    let mut path = PathData {
        origin: (label.place.0 * pixels_per_point, label.place.1 * pixels_per_point),
        before: match label.align {
            Align::Start => 0.0,
            Align::Middle => line.width / 2.0,
            Align::End => line.width,
        },
        upwards: label.upwards,
        text: String::new(),
    };
    path.curves(&typeset::outlines(&line, label.bold, extra));
    for piece in &line.pieces {
        if let Piece::CodePoint { letter, x, width } = *piece {
            let framed = Framed::new(letter, x, width, size);
            for corners in framed.frame() {
                path.polygon(&corners);
            }
            for digits in framed.digits() {
                path.curves(&typeset::outlines(&digits, false, extra));
            }
        }
    }
    if path.text.is_empty() {
        return String::new();
    }
    let (r, g, b) = label.color;
    format!(
        "<path fill=\"#{r:02X}{g:02X}{b:02X}\" d=\"{}\"/>\n",
        path.text.trim_end()
    )
}

/// A path's commands, of places on a line of text.
struct PathData {
    /// The label's place in drawn pixels.
    origin: Place,
    /// How much of the line stands before that place.
    before: f64,
    /// Whether the line runs upwards.
    upwards: bool,
    text: String,
}

impl PathData {
    fn curves(&mut self, curves: &[OutlineCurve]) {
        let mut end: Option<Point> = None;
        for curve in curves {
            let (from, command, points) = match *curve {
                OutlineCurve::Line(from, to) => (from, 'L', vec![to]),
                OutlineCurve::Quad(from, control, to) => (from, 'Q', vec![control, to]),
                OutlineCurve::Cubic(from, first, second, to) => (from, 'C', vec![first, second, to]),
            };
            if end != Some(from) {
                self.command('M', &[from]);
            }
            self.command(command, &points);
            end = points.last().copied();
        }
    }

    fn polygon(&mut self, corners: &[Place]) {
        for (index, corner) in corners.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            self.command(command, &[point(corner.0 as f32, corner.1 as f32)]);
        }
    }

    /// Writes a command with its points, which are given along the line and below its baseline.
    fn command(&mut self, command: char, points: &[Point]) {
        self.text.push(command);
        for place in points {
            let (along, down) = (f64::from(place.x) - self.before, f64::from(place.y));
            let (x, y) = match self.upwards {
                false => (self.origin.0 + along, self.origin.1 + down),
                true => (self.origin.0 + down, self.origin.1 - along),
            };
            self.text.push_str(&format!("{x:.2} {y:.2} "));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::render::Plot;
    use super::super::style::Style;
    use super::*;

    /// The box around the PNG's dark pixels, in points.
    fn ink(picture: &Picture) -> [f64; 4] {
        let plot = Plot::of("test", picture, Style::Screen, &ExtraFonts::default()).unwrap();
        let image = image::load_from_memory(&plot.png).unwrap().to_luma8();
        let dark = image.enumerate_pixels().filter(|(.., pixel)| pixel.0[0] < 128);
        let places: Vec<(f64, f64)> = dark.map(|(x, y, _)| (f64::from(x) / 2.0, f64::from(y) / 2.0)).collect();
        let least = |side: fn(&(f64, f64)) -> f64| places.iter().map(side).fold(f64::INFINITY, f64::min);
        let most = |side: fn(&(f64, f64)) -> f64| places.iter().map(side).fold(0.0, f64::max) + 0.5;
        [least(|p| p.0), least(|p| p.1), most(|p| p.0), most(|p| p.1)]
    }

    #[test]
    fn a_label_is_drawn_where_the_layout_has_measured_it() {
        for align in [Align::Start, Align::Middle, Align::End] {
            for upwards in [false, true] {
                let mut label = Label::new("HHHHHHHH", (100.0, 100.0), 10.0).aligned(align);
                label.upwards = upwards;
                let bounds = label.bounds();
                let mut picture = Picture {
                    width: 200.0,
                    height: 200.0,
                    shapes: Vec::new(),
                };
                picture.label(label);
                let [left, top, right, bottom] = ink(&picture);
                let case = format!(
                    "{align:?}, upwards {upwards}: {:?} in {bounds:?}",
                    [left, top, right, bottom]
                );
                // Letters begin and end within a point of their advance; a capital is 0.73 em high and has no descent.
                let (along, across) = match upwards {
                    false => ([left - bounds.left, bounds.right - right], bottom - top),
                    true => ([top - bounds.top, bounds.bottom - bottom], right - left),
                };
                assert!(along.iter().all(|gap| (0.0..1.6).contains(gap)), "{case}");
                assert!((6.8..8.1).contains(&across), "{case}");
                let baseline = if upwards { right } else { bottom };
                assert!((baseline - 100.0).abs() < 0.6, "{case}");
            }
        }
    }

    #[test]
    fn a_document_of_another_picture_is_an_error() {
        let mut picture = Picture::default();
        picture.label(Label::new("lost", (0.0, 0.0), 10.0));
        let error = outlined("<svg></svg>", &picture, 4.0, &ExtraFonts::default()).unwrap_err();
        assert!(error.contains("'lost'"), "{error}");
    }
}
