//! A picture to SVG and to PNG, through plotters' backends.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontTransform, RGBColor, ShapeStyle, TextStyle};

use super::extra_fonts::ExtraFonts;
use super::missing_letters::MissingLetters;
use super::picture::{Align, Color, Label, Picture, Place, Shape};
use super::typeset::{self, Line, Piece};
use super::{code_point, font};
use crate::visible;

/// Backends take whole pixels: with four of them to a point curves are smooth and labels stand where they were measured.
const PIXELS_PER_POINT: f64 = 4.0;

/// How many drawn pixels become one of the PNG, along either side: their mean smooths the edges, and two pixels to a
/// point are left.
const PIXELS_PER_PNG_PIXEL: usize = 2;

/// A plot in both formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// The file's name without its ending, `loss-curves`.
    pub file_stem: String,
    /// The SVG document.
    pub svg: String,
    /// The PNG file, two pixels to a point.
    pub png: Vec<u8>,
    /// Letters that no font had: the PNG shows their code points, and says so below the plot.
    pub missing: MissingLetters,
}

/// A plot could not be drawn; the words are the backend's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plot '{file_stem}' could not be drawn: {reason}")]
pub struct PlotError {
    /// The plot.
    pub file_stem: String,
    /// What the backend says.
    pub reason: String,
}

impl PlotError {
    fn new(file_stem: &str, reason: String) -> Self {
        Self {
            file_stem: file_stem.to_owned(),
            reason,
        }
    }
}

impl Plot {
    /// Draws a picture in both formats. The PNG takes letters that the built-in font lacks from `extra`.
    ///
    /// # Errors
    /// A backend's error; in memory there is none to expect.
    pub fn of(file_stem: &str, picture: &Picture, extra: &ExtraFonts) -> Result<Self, PlotError> {
        let missing = MissingLetters::of(picture, extra);
        Ok(Self {
            svg: svg(file_stem, picture)?,
            png: png(picture, &missing, extra).map_err(|reason| PlotError::new(file_stem, reason))?,
            missing,
            file_stem: file_stem.to_owned(),
        })
    }
}

fn pixel((x, y): Place) -> (i32, i32) {
    (
        (x * PIXELS_PER_POINT).round() as i32,
        (y * PIXELS_PER_POINT).round() as i32,
    )
}

fn pixels(picture: &Picture) -> (u32, u32) {
    // A multiple of the pixels that the PNG averages.
    let whole = |points: f64| points.ceil() as u32 * PIXELS_PER_POINT as u32;
    (whole(picture.width), whole(picture.height))
}

fn filled((r, g, b): Color, opacity: f64) -> ShapeStyle {
    RGBColor(r, g, b).mix(opacity).filled()
}

fn stroked((r, g, b): Color, width: f64) -> ShapeStyle {
    let pixels = (width * PIXELS_PER_POINT).round().max(1.0) as u32;
    RGBColor(r, g, b).stroke_width(pixels)
}

/// Draws a picture as an SVG document.
///
/// # Errors
/// The backend's error; in memory there is none to expect.
pub fn svg(file_stem: &str, picture: &Picture) -> Result<String, PlotError> {
    document(picture).map_err(|reason| PlotError::new(file_stem, reason))
}

fn document(picture: &Picture) -> Result<String, String> {
    let (width, height) = pixels(picture);
    let mut document = String::new();
    let mut backend = SVGBackend::with_string(&mut document, (width, height));
    let page = [
        (0, 0),
        (width as i32, 0),
        (width as i32, height as i32),
        (0, height as i32),
    ];
    backend
        .fill_polygon(page, &filled((255, 255, 255), 1.0))
        .map_err(|e| e.to_string())?;
    for shape in &picture.shapes {
        let drawn = match shape {
            Shape::Line { places, color, width } => {
                backend.draw_path(places.iter().copied().map(pixel), &stroked(*color, *width))
            }
            Shape::Area { places, color, opacity } => {
                backend.fill_polygon(places.iter().copied().map(pixel), &filled(*color, *opacity))
            }
            Shape::Disc { center, radius, color } => {
                let radius = (radius * PIXELS_PER_POINT).round() as u32;
                backend.draw_circle(pixel(*center), radius, &filled(*color, 1.0), true)
            }
            Shape::Label(label) => {
                // The backend divides the size by 1.24, and lifts the text by half an "x", 0.547 em of DejaVu Sans.
                let (x, y) = label.place;
                let lift = 0.2735 * label.size;
                let place = if label.upwards { (x + lift, y) } else { (x, y + lift) };
                // The backend escapes XML's own signs; what XML cannot hold at all is escaped here, as in the PNG.
                backend.draw_text(&visible::escape_line(&label.text), &text_style(label), pixel(place))
            }
        };
        drawn.map_err(|e| e.to_string())?;
    }
    backend.present().map_err(|e| e.to_string())?;
    drop(backend);
    // The pixels stay as the drawing's own units; the document is as large as the picture.
    let drawn = format!("width=\"{width}\" height=\"{height}\"");
    let shown = format!(
        "width=\"{}\" height=\"{}\"",
        picture.width.ceil(),
        picture.height.ceil()
    );
    Ok(document.replacen(&drawn, &shown, 1))
}

fn text_style(label: &Label) -> TextStyle<'static> {
    let (r, g, b) = label.color;
    let horizontal = match label.align {
        Align::Start => HPos::Left,
        Align::Middle => HPos::Center,
        Align::End => HPos::Right,
    };
    let weight = if label.bold { "bold" } else { "normal" };
    let transform = if label.upwards {
        FontTransform::Rotate270
    } else {
        FontTransform::None
    };
    let color = RGBColor(r, g, b);
    let mut style = TextStyle::from((font::FAMILY, label.size * PIXELS_PER_POINT * 1.24, weight)).transform(transform);
    style.color = color.to_backend_color();
    style.pos = Pos::new(horizontal, VPos::Bottom);
    style
}

fn png(picture: &Picture, missing: &MissingLetters, extra: &ExtraFonts) -> Result<Vec<u8>, String> {
    let below = missing.labels(picture);
    let whole = Picture {
        width: picture.width,
        height: below.last().map_or(picture.height, |label| label.place.1 + label.size),
        shapes: Vec::new(),
    };
    let (width, height) = pixels(&whole);
    let mut drawn = vec![255; width as usize * height as usize * 3];
    {
        let mut backend = BitMapBackend::with_buffer(&mut drawn, (width, height));
        for shape in &picture.shapes {
            paint(&mut backend, shape, extra)?;
        }
        for label in &below {
            paint_label(&mut backend, label, extra)?;
        }
        backend.present().map_err(|e| e.to_string())?;
    }
    let small = reduced(&drawn, width as usize, height as usize);
    let side = |pixels: u32| pixels / PIXELS_PER_PNG_PIXEL as u32;
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive)
        .write_image(&small, side(width), side(height), ExtendedColorType::Rgb8)
        .map_err(|e| e.to_string())?;
    Ok(png)
}

fn paint(backend: &mut BitMapBackend<'_>, shape: &Shape, extra: &ExtraFonts) -> Result<(), String> {
    let drawn = match shape {
        Shape::Line { places, color, width } => {
            for pair in places.windows(2) {
                backend
                    .fill_polygon(stroke(pair[0], pair[1], *width), &filled(*color, 1.0))
                    .map_err(|e| e.to_string())?;
            }
            // Where three places bend, a disc closes the gap between the strokes.
            for corner in places.iter().skip(1).take(places.len().saturating_sub(2)) {
                let radius = (width * PIXELS_PER_POINT / 2.0).floor() as u32;
                backend
                    .draw_circle(pixel(*corner), radius, &filled(*color, 1.0), true)
                    .map_err(|e| e.to_string())?;
            }
            Ok(())
        }
        Shape::Area { places, color, opacity } => {
            backend.fill_polygon(places.iter().copied().map(pixel), &filled(*color, *opacity))
        }
        Shape::Disc { center, radius, color } => {
            let radius = (radius * PIXELS_PER_POINT).round() as u32;
            backend.draw_circle(pixel(*center), radius, &filled(*color, 1.0), true)
        }
        Shape::Label(label) => return paint_label(backend, label, extra),
    };
    drawn.map_err(|e| e.to_string())
}

/// The four corners of a straight stroke.
fn stroke(from: Place, to: Place, width: f64) -> [(i32, i32); 4] {
    let length = (to.0 - from.0).hypot(to.1 - from.1).max(1e-9);
    let (dx, dy) = (
        (to.0 - from.0) / length * width / 2.0,
        (to.1 - from.1) / length * width / 2.0,
    );
    [
        pixel((from.0 - dy, from.1 + dx)),
        pixel((to.0 - dy, to.1 + dx)),
        pixel((to.0 + dy, to.1 - dx)),
        pixel((from.0 + dy, from.1 - dx)),
    ]
}

fn paint_label(backend: &mut BitMapBackend<'_>, label: &Label, extra: &ExtraFonts) -> Result<(), String> {
    let size = label.size * PIXELS_PER_POINT;
    let line = typeset::line(&label.text, size, label.bold, Some(extra));
    let before = match label.align {
        Align::Start => 0.0,
        Align::Middle => line.width / 2.0,
        Align::End => line.width,
    };
    let (r, g, b) = label.color;
    let (x, y) = pixel(label.place);
    let before = before.round() as i32;
    // A pixel from the line's beginning and below its baseline.
    let mut dot = |along: i32, down: i32, coverage: f64| {
        let along = along - before;
        let place = if label.upwards {
            (x + down, y - along)
        } else {
            (x + along, y + down)
        };
        let color = RGBColor(r, g, b).mix(coverage.clamp(0.0, 1.0));
        backend
            .draw_pixel(place, color.to_backend_color())
            .map_err(|e| e.to_string())
    };
    paint_outlines(&line, label.bold, extra, &mut dot)?;
    for piece in &line.pieces {
        if let Piece::CodePoint { letter, x, width } = *piece {
            let framed = code_point::Framed::new(letter, x, width, size);
            for (along, down) in framed.frame() {
                dot(along, down, 1.0)?;
            }
            for digits in framed.digits() {
                paint_outlines(&digits, false, extra, &mut dot)?;
            }
        }
    }
    Ok(())
}

fn paint_outlines(
    line: &Line,
    bold: bool,
    extra: &ExtraFonts,
    dot: &mut impl FnMut(i32, i32, f64) -> Result<(), String>,
) -> Result<(), String> {
    for outline in typeset::outlines(line, bold, extra) {
        let corner = outline.px_bounds().min;
        let mut painted = Ok(());
        outline.draw(|column, row, coverage| {
            if painted.is_ok() {
                let (along, down) = (corner.x as i32 + column as i32, corner.y as i32 + row as i32);
                painted = dot(along, down, f64::from(coverage));
            }
        });
        painted?;
    }
    Ok(())
}

/// Each pixel the mean of a square of drawn ones.
fn reduced(drawn: &[u8], width: usize, height: usize) -> Vec<u8> {
    let side = PIXELS_PER_PNG_PIXEL;
    let mut small = Vec::with_capacity(drawn.len() / (side * side));
    for row in 0..height / side {
        for column in 0..width / side {
            for channel in 0..3 {
                let mut sum = 0;
                for y in 0..side {
                    for x in 0..side {
                        let place = ((row * side + y) * width + column * side + x) * 3 + channel;
                        sum += usize::from(drawn[place]);
                    }
                }
                small.push((sum / (side * side)) as u8);
            }
        }
    }
    small
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(text: &str) -> Picture {
        let mut picture = Picture {
            width: 200.0,
            height: 50.5,
            shapes: Vec::new(),
        };
        picture.line(vec![(10.0, 10.0), (50.0, 40.0), (90.0, 10.0)], (0, 114, 178), 1.5);
        picture.area(vec![(10.0, 10.0), (50.0, 40.0), (90.0, 10.0)], (0, 114, 178), 0.2);
        picture.disc((150.0, 20.0), 5.0, (213, 94, 0));
        picture.label(Label::new(text, (100.0, 40.0), 10.0));
        picture
    }

    #[test]
    fn text_is_escaped_in_the_svg() {
        let plot = Plot::of("test", &picture("a < b & \"c\""), &ExtraFonts::default()).unwrap();
        assert!(plot.svg.contains("a &lt; b &amp; &quot;c&quot;"), "{}", plot.svg);
        assert!(plot.svg.contains("width=\"200\" height=\"51\" viewBox=\"0 0 800 204\""));
        assert!(
            plot.svg
                .contains("font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\"")
        );
    }

    /// The words of an SVG as a parser of XML finds them.
    fn words(svg: &str) -> Vec<String> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let elements = document.root().descendants().filter(roxmltree::Node::is_element);
        let mut words = Vec::new();
        for element in elements {
            match element.tag_name().name() {
                "text" => words.push(element.text().unwrap().trim().to_owned()),
                name => assert!(["svg", "polygon", "polyline", "circle"].contains(&name), "<{name}>"),
            }
        }
        words
    }

    #[test]
    fn an_svg_is_well_formed_whatever_its_labels_hold() {
        for text in [
            "a < b & \"c\" > 'd'",
            "</text></svg><svg onload=\"alert(1)\"><script>alert(1)</script>",
            "]]> <!-- -- --> <?x?> &#0; &lt; <![CDATA[",
            "\0\u{1b}[2J\u{7f}\u{9b}\u{85}\u{fffe}\u{ffff}\u{2028}\u{202e}\r\n",
            "θ 日本語 \u{10ffff}",
        ] {
            let plot = Plot::of("test", &picture(text), &ExtraFonts::default()).unwrap();
            assert_eq!(words(&plot.svg), [visible::escape_line(text)]);
        }
    }

    #[test]
    fn the_png_has_two_pixels_to_a_point_on_white() {
        let plot = Plot::of("test", &picture("label"), &ExtraFonts::default()).unwrap();
        let image = image::load_from_memory(&plot.png).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (400, 102));
        assert_eq!(image.get_pixel(0, 0).0, [255, 255, 255]);
        assert_eq!(image.get_pixel(300, 40).0, [213, 94, 0]);
    }

    #[test]
    fn the_same_picture_gives_the_same_bytes() {
        let plot = || Plot::of("test", &picture("x"), &ExtraFonts::default());
        assert_eq!(plot(), plot());
    }
}
