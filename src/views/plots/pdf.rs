//! A parsed drawing as PDF: one page as large as the picture, all of it paths, so that no font has to be embedded.
//!
//! The file has neither a date nor an identifier: the same picture gives the same bytes.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::{Content, Filter, Finish as _, Name, Pdf, Rect, Ref};
use resvg::tiny_skia::{PathSegment, Point, Transform};
use resvg::usvg::{Color, FillRule, Group, Node, Paint, Path, Tree};

const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);

/// A thousandth: opacities are told apart by so many steps.
const OPAQUE: u16 = 1000;

/// Writes a drawing whose pixels are points.
///
/// # Errors
/// The compressor's, in words; in memory there is none to expect.
pub fn pdf(tree: &Tree) -> Result<Vec<u8>, String> {
    let (width, height) = (thousandths(tree.size().width()), thousandths(tree.size().height()));
    let mut page = Page {
        content: Content::new(),
        height,
        opacity: OPAQUE,
        opacities: BTreeSet::new(),
    };
    page.group(tree.root(), 1.0);
    let content = compressed(&page.content.finish())?;

    let mut pdf = Pdf::new();
    pdf.catalog(CATALOG).pages(PAGES);
    pdf.pages(PAGES).kids([PAGE]).count(1);
    let mut written = pdf.page(PAGE);
    written.parent(PAGES).media_box(Rect::new(0.0, 0.0, width, height));
    written.contents(CONTENT);
    let mut resources = written.resources();
    if !page.opacities.is_empty() {
        let mut states = resources.ext_g_states();
        for opacity in &page.opacities {
            let share = f32::from(*opacity) / f32::from(OPAQUE);
            let mut state = states.insert(Name(state_name(*opacity).as_bytes())).dict();
            state.pair(Name(b"ca"), share).pair(Name(b"CA"), share);
        }
        states.finish();
    }
    resources.finish();
    written.finish();
    pdf.stream(CONTENT, &content).filter(Filter::FlateDecode);
    Ok(pdf.finish())
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map_err(|error| error.to_string())
}

/// The name of the graphics state of an opacity, `A170`.
fn state_name(opacity: u16) -> String {
    format!("A{opacity}")
}

/// Digits that nobody sees make a file larger.
fn thousandths(points: f32) -> f32 {
    (points * 1000.0).round() / 1000.0
}

fn parts(color: Color) -> [f32; 3] {
    [color.red, color.green, color.blue].map(|part| thousandths(f32::from(part) / 255.0))
}

/// A page's content while it is written.
struct Page {
    content: Content,
    height: f32,
    /// The opacity in effect, in thousandths.
    opacity: u16,
    /// Those that were in effect somewhere, once there was one beside the full one.
    opacities: BTreeSet<u16>,
}

impl Page {
    /// Draws what a group holds. The program's own have one shape each, so that their opacity is the shape's.
    fn group(&mut self, group: &Group, opacity: f32) {
        let opacity = opacity * group.opacity().get();
        for node in group.children() {
            match node {
                Node::Group(group) => self.group(group, opacity),
                Node::Path(path) => self.path(path, opacity),
                // A drawing has neither: its words are paths.
                Node::Image(_) | Node::Text(_) => {}
            }
        }
    }

    fn path(&mut self, path: &Path, opacity: f32) {
        let transform = path.abs_transform();
        if let Some(fill) = path.fill()
            && let Paint::Color(color) = fill.paint()
        {
            let [r, g, b] = parts(*color);
            self.set_opacity(opacity * fill.opacity().get());
            self.content.set_fill_rgb(r, g, b);
            self.segments(path, transform);
            match fill.rule() {
                FillRule::NonZero => self.content.fill_nonzero(),
                FillRule::EvenOdd => self.content.fill_even_odd(),
            };
        }
        if let Some(stroke) = path.stroke()
            && let Paint::Color(color) = stroke.paint()
        {
            let [r, g, b] = parts(*color);
            let (scale, _) = transform.get_scale();
            self.set_opacity(opacity * stroke.opacity().get());
            self.content
                .set_stroke_rgb(r, g, b)
                .set_line_width(thousandths(stroke.width().get() * scale))
                .set_line_join(LineJoinStyle::MiterJoin)
                .set_miter_limit(stroke.miterlimit().get());
            self.segments(path, transform);
            self.content.stroke();
        }
    }

    fn set_opacity(&mut self, opacity: f32) {
        let opacity = (opacity.clamp(0.0, 1.0) * f32::from(OPAQUE)).round() as u16;
        if opacity != self.opacity {
            self.opacity = opacity;
            self.opacities.insert(opacity);
            self.content.set_parameters(Name(state_name(opacity).as_bytes()));
        }
    }

    /// Writes a path's segments in the page's points, which count from its lower side.
    fn segments(&mut self, path: &Path, transform: Transform) {
        let height = self.height;
        let place = |mut point: Point| {
            transform.map_point(&mut point);
            (thousandths(point.x), thousandths(height - point.y))
        };
        let mut last = Point::default();
        for segment in path.data().segments() {
            match segment {
                PathSegment::MoveTo(to) => {
                    let (x, y) = place(to);
                    self.content.move_to(x, y);
                    last = to;
                }
                PathSegment::LineTo(to) => {
                    let (x, y) = place(to);
                    self.content.line_to(x, y);
                    last = to;
                }
                PathSegment::QuadTo(control, to) => {
                    // PDF has cubic curves alone: each control point lies two thirds of the way to the quadratic one.
                    let towards = |from: Point| {
                        let part = |from: f32, to: f32| from + (to - from) * 2.0 / 3.0;
                        Point::from_xy(part(from.x, control.x), part(from.y, control.y))
                    };
                    self.cubic([last, to].map(|end| place(towards(end))), place(to));
                    last = to;
                }
                PathSegment::CubicTo(first, second, to) => {
                    self.cubic([first, second].map(place), place(to));
                    last = to;
                }
                PathSegment::Close => {
                    self.content.close_path();
                }
            }
        }
    }

    fn cubic(&mut self, [first, second]: [(f32, f32); 2], to: (f32, f32)) {
        self.content.cubic_to(first.0, first.1, second.0, second.1, to.0, to.1);
    }
}
