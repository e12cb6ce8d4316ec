//! A picture to SVG through plotters' backend, and that one drawing to PNG and PDF.
//!
//! The SVG holds the words as text, which a browser finds and copies. For PNG and PDF they become outlines (`outlined`), so
//! that neither needs fonts and both show the same.

use plotters::prelude::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontTransform, RGBColor, ShapeStyle, TextStyle};
use resvg::usvg::{Options, Tree};

use super::extra_fonts::ExtraFonts;
use super::font;
use super::missing_letters::MissingLetters;
use super::outlined::outlined;
use super::pdf::pdf;
use super::picture::{Align, Color, Label, Picture, Place, Shape};
use super::png::png;
use super::style::Style;
use crate::visible;

/// A plot in its formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// The file's name without its ending, `loss-curves`.
    pub file_stem: String,
    /// The SVG document.
    pub svg: String,
    /// The PNG file, two pixels to a point, 300 to an inch of a paper.
    pub png: Vec<u8>,
    /// The PDF file, a page as large as the picture.
    pub pdf: Vec<u8>,
    /// Letters that no font had: PNG and PDF show their code points, and say so below the plot.
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
    /// Draws a picture in its formats. PNG and PDF take letters that the built-in font lacks from `extra`.
    ///
    /// # Errors
    /// A backend's error; in memory there is none to expect.
    pub fn of(file_stem: &str, picture: &Picture, style: Style, extra: &ExtraFonts) -> Result<Self, PlotError> {
        let error = |reason| PlotError::new(file_stem, reason);
        let missing = MissingLetters::of(picture, extra);
        let svg = svg(file_stem, picture, style)?;
        let pixels_per_point = style.drawn_pixels_per_point();
        let outlines = match missing.below(picture, style) {
            None => outlined(&svg, picture, pixels_per_point, extra),
            Some(whole) => {
                let svg = document(&whole, style).map_err(error)?;
                outlined(&svg, &whole, pixels_per_point, extra)
            }
        };
        let tree = outlines.and_then(|outlines| parsed(&outlines)).map_err(error)?;
        Ok(Self {
            file_stem: file_stem.to_owned(),
            svg,
            png: png(&tree, style.png_pixels_per_point()).map_err(error)?,
            pdf: pdf(&tree).map_err(error)?,
            missing,
        })
    }
}

/// Parses a document without text; a pixel of the tree is a point of the picture.
fn parsed(document: &str) -> Result<Tree, String> {
    let options = Options {
        dpi: 72.0,
        ..Options::default()
    };
    Tree::from_str(document, &options).map_err(|error| error.to_string())
}

/// Draws a picture as an SVG document.
///
/// # Errors
/// The backend's error; in memory there is none to expect.
pub fn svg(file_stem: &str, picture: &Picture, style: Style) -> Result<String, PlotError> {
    document(picture, style).map_err(|reason| PlotError::new(file_stem, reason))
}

fn document(picture: &Picture, style: Style) -> Result<String, String> {
    let page = Page::of(picture, style);
    let (width, height) = page.pixels();
    let mut document = String::new();
    let mut pen = Pen {
        backend: SVGBackend::with_string(&mut document, (width, height)),
        pixels_per_point: page.pixels_per_point,
    };
    let (right, bottom) = (width as i32, height as i32);
    let corners = [(0, 0), (right, 0), (right, bottom), (0, bottom)];
    (pen.backend)
        .fill_polygon(corners, &filled((255, 255, 255), 1.0))
        .map_err(|e| e.to_string())?;
    for shape in &picture.shapes {
        pen.draw(shape)?;
    }
    pen.backend.present().map_err(|e| e.to_string())?;
    drop(pen);
    // The pixels stay as the drawing's own units; the document is as large as the picture.
    let drawn = format!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"");
    Ok(document.replacen(&drawn, &page.attributes(), 1))
}

/// The page that a picture is drawn on.
struct Page {
    /// Its width and height in points.
    sides: (f64, f64),
    style: Style,
    pixels_per_point: f64,
}

impl Page {
    /// Whole points on a screen; a paper's figure is exactly as wide as its column.
    fn of(picture: &Picture, style: Style) -> Self {
        let width = match style.millimetres() {
            None => picture.width.ceil(),
            Some(_) => picture.width,
        };
        Self {
            sides: (width, picture.height.ceil()),
            style,
            pixels_per_point: style.drawn_pixels_per_point(),
        }
    }

    /// The drawn pixels that hold it.
    fn pixels(&self) -> (u32, u32) {
        let whole = |points: f64| (points * self.pixels_per_point).ceil() as u32;
        (whole(self.sides.0), whole(self.sides.1))
    }

    /// The document's size and the part of the drawing that it shows.
    fn attributes(&self) -> String {
        let thousandths = |value: f64| (value * 1000.0).round() / 1000.0;
        let side = |points: f64| match self.style.millimetres() {
            None => points.to_string(),
            Some(_) => format!("{}mm", thousandths(points * 25.4 / 72.0)),
        };
        let shown = |points: f64| thousandths(points * self.pixels_per_point);
        let (width, height) = self.sides;
        format!(
            "width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\"",
            side(width),
            side(height),
            shown(width),
            shown(height)
        )
    }
}

fn filled((r, g, b): Color, opacity: f64) -> ShapeStyle {
    RGBColor(r, g, b).mix(opacity).filled()
}

/// Plays shapes to the backend.
struct Pen<'a> {
    backend: SVGBackend<'a>,
    pixels_per_point: f64,
}

impl Pen<'_> {
    fn pixel(&self, (x, y): Place) -> (i32, i32) {
        let whole = |points: f64| (points * self.pixels_per_point).round() as i32;
        (whole(x), whole(y))
    }

    fn draw(&mut self, shape: &Shape) -> Result<(), String> {
        let pixels = |places: &[Place]| places.iter().map(|place| self.pixel(*place)).collect::<Vec<_>>();
        let length = |points: f64| (points * self.pixels_per_point).round();
        let drawn = match shape {
            Shape::Line { places, color, width } => {
                let (r, g, b) = *color;
                let style = RGBColor(r, g, b).stroke_width(length(*width).max(1.0) as u32);
                let places = pixels(places);
                self.backend.draw_path(places, &style)
            }
            Shape::Area { places, color, opacity } => {
                let places = pixels(places);
                self.backend.fill_polygon(places, &filled(*color, *opacity))
            }
            Shape::Disc { center, radius, color } => {
                let (center, radius) = (self.pixel(*center), length(*radius) as u32);
                self.backend.draw_circle(center, radius, &filled(*color, 1.0), true)
            }
            Shape::Label(label) => {
                // The backend lifts the text by half an "x", 0.547 em of DejaVu Sans.
                let (x, y) = label.place;
                let lift = 0.2735 * label.size;
                let place = self.pixel(if label.upwards { (x + lift, y) } else { (x, y + lift) });
                let style = text_style(label, self.pixels_per_point);
                // The backend escapes XML's own signs; what XML cannot hold at all is escaped here, as in the outlines.
                self.backend
                    .draw_text(&visible::escape_line(&label.text), &style, place)
            }
        };
        drawn.map_err(|e| e.to_string())
    }
}

fn text_style(label: &Label, pixels_per_point: f64) -> TextStyle<'static> {
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
    // The backend divides the size by 1.24.
    let size = label.size * pixels_per_point * 1.24;
    let mut style = TextStyle::from((font::FAMILY, size, weight)).transform(transform);
    style.color = color.to_backend_color();
    style.pos = Pos::new(horizontal, VPos::Bottom);
    style
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
        let plot = Plot::of("test", &picture("a < b & \"c\""), Style::Screen, &ExtraFonts::default()).unwrap();
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
            let plot = Plot::of("test", &picture(text), Style::Screen, &ExtraFonts::default()).unwrap();
            assert_eq!(words(&plot.svg), [visible::escape_line(text)]);
        }
    }

    #[test]
    fn the_png_has_two_pixels_to_a_point_on_white() {
        let plot = Plot::of("test", &picture("label"), Style::Screen, &ExtraFonts::default()).unwrap();
        let image = image::load_from_memory(&plot.png).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (400, 102));
        assert_eq!(image.get_pixel(0, 0).0, [255, 255, 255]);
        assert_eq!(image.get_pixel(300, 40).0, [213, 94, 0]);
    }

    /// What stands between a key of the PDF and the end of its line.
    fn entry<'a>(pdf: &'a str, key: &str) -> &'a str {
        let (_, after) = pdf.split_once(key).unwrap_or_else(|| panic!("{key} in {pdf}"));
        after.lines().next().unwrap().trim()
    }

    #[test]
    fn the_pdf_is_one_page_as_large_as_the_picture() {
        let plot = Plot::of("test", &picture("label"), Style::Screen, &ExtraFonts::default()).unwrap();
        assert!(plot.pdf.starts_with(b"%PDF-1."));
        let text = String::from_utf8_lossy(&plot.pdf);
        assert_eq!(entry(&text, "/MediaBox"), "[0 0 200 51]");
        assert_eq!(entry(&text, "/Count"), "1");
        // The area is seen through.
        assert_eq!(entry(&text, "/ca"), "0.2");
        assert!(text.trim_end().ends_with("%%EOF"));
        assert!(!text.contains("Date") && !text.contains("/ID"), "{text}");
    }

    /// The operators of a PDF's page.
    fn operators(pdf: &[u8]) -> String {
        let position = |words: &[u8]| pdf.windows(words.len()).position(|part| part == words).unwrap();
        let (start, end) = (position(b"stream\n") + 7, position(b"\nendstream"));
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(&pdf[start..end]), &mut text).unwrap();
        text
    }

    #[test]
    fn the_pdf_has_lines_areas_and_letters_at_their_places() {
        let plot = Plot::of("test", &picture("l"), Style::Screen, &ExtraFonts::default()).unwrap();
        let content = operators(&plot.pdf);
        let lines: Vec<&str> = content.lines().collect();
        // The page's height is 51: what is 10 from the top is 41 from the bottom.
        let line = ["1.5 w", "0 j", "4 M", "10 41 m", "50 11 l", "90 41 l", "S"];
        assert!(lines.windows(line.len()).any(|part| part == line), "{content}");
        assert!(
            content.contains("/A200 gs") && content.contains("/A1000 gs"),
            "{content}"
        );
        // An "l" is a rectangle from 0.094 em to 0.184 em, 0.76 em high.
        assert!(lines.iter().any(|line| line.starts_with("100.94")), "{content}");
        assert!(!content.contains("Tj"), "{content}");
    }

    #[test]
    fn a_papers_figure_is_as_wide_as_its_column_in_every_format() {
        let (width, height) = (Style::SingleColumn.width() * Style::SingleColumn.scale(), 72.0);
        let mut picture = Picture {
            width,
            height,
            shapes: Vec::new(),
        };
        picture.label(Label::new("x", (10.0, 40.0), 8.0));
        let plot = Plot::of("test", &picture, Style::SingleColumn, &ExtraFonts::default()).unwrap();
        let head = plot.svg.lines().next().unwrap();
        assert!(
            head.contains("width=\"88mm\" height=\"25.4mm\" viewBox=\"0 0 3991.181 1152\""),
            "{head}"
        );
        // Eight points of sixteen pixels.
        assert!(plot.svg.contains("font-size=\"128\""), "{}", plot.svg);
        assert_eq!(
            entry(&String::from_utf8_lossy(&plot.pdf), "/MediaBox"),
            "[0 0 249.449 72]"
        );
        // 300 pixels to an inch.
        let image = image::load_from_memory(&plot.png).unwrap().to_rgb8();
        assert_eq!(image.dimensions(), (1040, 300));
        assert_eq!(image.get_pixel(1039, 299).0, [255, 255, 255]);
    }

    #[test]
    fn the_same_picture_gives_the_same_bytes() {
        let plot = || Plot::of("test", &picture("x"), Style::Screen, &ExtraFonts::default());
        assert_eq!(plot(), plot());
    }
}
