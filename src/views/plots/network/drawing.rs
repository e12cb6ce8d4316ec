//! A network's stages on a page: boxes from top to bottom, the shapes of the maps between them, and what each costs.

use super::super::font;
use super::super::palette::{BLACK, DARK_GRAY, GRAY};
use super::super::picture::{Align, Label, Picture, Place};
use super::super::render::{PlotError, svg};
use super::super::style::Style;
use super::boxes::{LINE, SIZE, draw, frame, height};
use super::elements::Element;
use super::stages::{Head, Stage, heads, stages};
use crate::network::Graph;
use crate::words::grouped;

/// The page's width in points: that of A4, with what a printer leaves free taken off by scaling.
const WIDTH: f64 = 660.0;
const MARGIN: f64 = 14.0;
/// The right side of the boxes.
const BOXES: f64 = 484.0;
/// The right sides of the columns of numbers.
const PARAMETERS: f64 = 562.0;
const MACS: f64 = WIDTH - MARGIN;
const TITLE_SIZE: f64 = 13.0;
const STAGE_SIZE: f64 = 9.0;
/// A box's line with its name.
const HEADING: f64 = 14.0;
/// Within a box, at its sides and below.
const PAD: f64 = 7.0;
/// Between boxes: an arrow with the shape of the maps.
const EDGE: f64 = 14.0;
/// Lines are set this many times their size apart.
const LEADING: f64 = 1.35;

/// A drawing of a network as an SVG document. The same network and name give the same bytes.
///
/// # Errors
/// The plotting backend's error; in memory there is none to expect.
pub fn network_svg(name: &str, graph: &Graph) -> Result<String, PlotError> {
    svg("network", &picture(name, graph), Style::Screen)
}

fn picture(name: &str, graph: &Graph) -> Picture {
    let mut picture = Picture {
        width: WIDTH,
        ..Picture::default()
    };
    let heads = heads(graph);
    let summary = format!(
        "depth {}, images of {} (channels x rows x columns), {} classes; {} parameters, {} multiply-accumulates for one image",
        graph.depth(),
        graph.input,
        graph.classes,
        grouped(graph.parameters() as u64),
        grouped(graph.macs())
    );
    let mut y = paragraph(&mut picture, MARGIN, name, TITLE_SIZE, true);
    y = paragraph(&mut picture, y + 2.0, &summary, STAGE_SIZE, false);
    y = draw_header(&mut picture, y + 8.0);
    let stages = stages(graph);
    y = draw_edge(&mut picture, y, &graph.input.to_string());
    for stage in &stages {
        y = draw_stage(&mut picture, stage, y);
        y = draw_edge(&mut picture, y, &stage.output.to_string());
    }
    y = draw_total(&mut picture, &stages, !heads.is_empty(), y);
    for head in &heads {
        y = draw_head(&mut picture, head, y + 12.0);
    }
    y = paragraph(&mut picture, y + 12.0, &notes(!heads.is_empty()), 8.0, false);
    picture.height = y + MARGIN - 4.0;
    picture
}

/// What the words in the boxes mean.
fn notes(has_heads: bool) -> String {
    let mut notes = "conv n: a convolution to n feature maps. BN: batch normalization. identity: the maps as they are. n \u{d7}: n \
                     equal layers one behind the other, whose inputs may differ in their channels. Beside the arrows: the maps \
                     of one image, channels x rows x columns. MACs: multiply-accumulates of convolutions and linear layers for \
                     one image."
        .to_owned();
    if has_heads {
        notes.push_str(
            " Auxiliary heads are there in training alone; the multiply-accumulates at the top leave them out, the \
             parameters have them.",
        );
    }
    notes
}

/// Words over the page's width; the place below them.
fn paragraph(picture: &mut Picture, top: f64, text: &str, size: f64, bold: bool) -> f64 {
    let mut y = top;
    for line in font::wrapped(text, size, bold, WIDTH - 2.0 * MARGIN) {
        let mut label = Label::new(line, (MARGIN, y + 0.8 * size), size);
        label.bold = bold;
        picture.label(label);
        y += LEADING * size;
    }
    y
}

fn draw_header(picture: &mut Picture, top: f64) -> f64 {
    for (words, right) in [("parameters", PARAMETERS), ("MACs", MACS)] {
        number(picture, words.to_owned(), (right, top + LINE / 2.0), true);
    }
    let place = (middle() + 6.0, top + LINE / 2.0);
    picture.label(Label::new("images", place, SIZE).centered());
    top + LINE
}

/// The middle of the boxes.
fn middle() -> f64 {
    (MARGIN + BOXES) / 2.0
}

/// A word or a number that ends at a place.
fn number(picture: &mut Picture, text: String, place: Place, bold: bool) {
    let mut label = Label::new(text, place, SIZE).aligned(Align::End);
    label.bold = bold;
    picture.label(label.centered());
}

/// An arrow downwards with the shape of the maps beside it; the place below it.
fn draw_edge(picture: &mut Picture, top: f64, shape: &str) -> f64 {
    let (x, bottom) = (middle(), top + EDGE);
    picture.line(vec![(x, top), (x, bottom - 4.0)], BLACK, 0.9);
    picture.area(
        vec![(x - 3.0, bottom - 5.0), (x + 3.0, bottom - 5.0), (x, bottom)],
        BLACK,
        1.0,
    );
    picture.label(Label::new(shape, (x + 6.0, top + EDGE / 2.0), SIZE).centered());
    bottom
}

/// A stage's box with its costs beside it; the place below it.
fn draw_stage(picture: &mut Picture, stage: &Stage, top: f64) -> f64 {
    let width = BOXES - MARGIN - 2.0 * PAD;
    // A single line stands beside the name.
    let (note, elements) = match &stage.elements[..] {
        [Element::Line(words)] if stage.note.is_empty() && font::width(words, SIZE, false) < width / 2.0 => {
            (words, &[][..])
        }
        elements => (&stage.note, elements),
    };
    let inside = match elements.is_empty() {
        true => 2.0,
        false => height(elements, width) + PAD,
    };
    let bottom = top + HEADING + inside;
    frame(picture, (MARGIN, top), (BOXES, bottom), BLACK);
    let line = top + HEADING / 2.0 + 1.0;
    draw_heading(picture, (&stage.title, note), line, width);
    draw(picture, elements, (MARGIN + PAD, top + HEADING), width);
    draw_costs(picture, (stage.parameters, stage.macs), line, false);
    bottom
}

/// A stage's name and, at the other end of its box, a note.
fn draw_heading(picture: &mut Picture, (title, note): (&str, &str), y: f64, width: f64) {
    let note = font::shortened(note, SIZE, false, 0.68 * width);
    let taken = font::width(&note, SIZE, false);
    let title = font::shortened(title, STAGE_SIZE, true, width - taken - 10.0);
    let mut label = Label::new(title, (MARGIN + PAD, y), STAGE_SIZE);
    label.bold = true;
    picture.label(label.centered());
    if !note.is_empty() {
        let mut label = Label::new(note, (BOXES - PAD, y), SIZE).aligned(Align::End);
        label.color = DARK_GRAY;
        picture.label(label.centered());
    }
}

/// Parameters and multiply-accumulates in their columns.
fn draw_costs(picture: &mut Picture, (parameters, macs): (u64, u64), y: f64, bold: bool) {
    for (count, right) in [(parameters, PARAMETERS), (macs, MACS)] {
        if count > 0 || bold {
            number(picture, grouped(count), (right, y), bold);
        }
    }
}

/// The sums of the stages below a line; the place below them.
fn draw_total(picture: &mut Picture, stages: &[Stage], has_heads: bool, top: f64) -> f64 {
    let y = top + 6.0;
    picture.line(vec![(MARGIN, y), (MACS, y)], GRAY, 0.7);
    let words = match has_heads {
        true => "in all, without auxiliary heads",
        false => "in all",
    };
    let line = y + LINE / 2.0 + 3.0;
    let mut label = Label::new(words, (MARGIN + PAD, line), SIZE);
    label.bold = true;
    picture.label(label.centered());
    let parameters = stages.iter().map(|stage| stage.parameters).sum();
    let macs = stages.iter().map(|stage| stage.macs).sum();
    draw_costs(picture, (parameters, macs), line, true);
    y + LINE + 4.0
}

/// An auxiliary head: what it reads, and its box; the place below it.
fn draw_head(picture: &mut Picture, head: &Head, top: f64) -> f64 {
    let words = format!("auxiliary head, in training alone: reads {}", head.reads);
    let room = BOXES - MARGIN - PAD;
    let words = font::shortened(&words, SIZE, false, room);
    picture.label(Label::new(words, (MARGIN + PAD, top + LINE / 2.0), SIZE).centered());
    let y = draw_edge(picture, top + LINE + 2.0, &head.input.to_string());
    let bottom = draw_stage(picture, &head.stage, y);
    let shape = head.stage.output.to_string();
    picture.label(Label::new(shape, (middle() + 6.0, bottom + LINE / 2.0 + 2.0), SIZE).centered());
    bottom + LINE + 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::families::googlenet::GoogLeNet;
    use crate::network::{Network, Shape, preset, presets};

    fn graph(name: &str) -> Graph {
        let preset = preset(name).unwrap();
        let image = Shape::square(3, preset.network.usual_side());
        preset.network.graph(image, preset.classes).unwrap()
    }

    fn words(picture: &Picture) -> Vec<String> {
        picture.labels().map(|label| label.text.clone()).collect()
    }

    #[test]
    fn no_label_of_any_preset_is_cut_off_or_laid_over_another() {
        for preset in presets() {
            println!("{}", preset.name);
            let picture = picture(preset.name, &graph(preset.name));
            picture.assert_labels_are_whole_and_apart();
            // A page, whose words are then at least half as large: A4 is 1.41 times as high as wide.
            assert!(picture.height < 2.1 * WIDTH, "{}: {}", preset.name, picture.height);
        }
    }

    #[test]
    fn a_densenet_has_its_blocks_shapes_and_costs() {
        let words = words(&picture("densenet-bc-100-12", &graph("densenet-bc-100-12")));
        for word in [
            "features.denseblock2",
            "16 dense layers",
            "16 \u{d7}",
            "identity",
            "BN, ReLU, 3x3 conv 12",
            "concatenation",
            "216x32x32",
            "769,162",
            "287,929,692",
        ] {
            assert!(words.iter().any(|own| own == word), "{word}: {words:?}");
        }
    }

    #[test]
    fn auxiliary_heads_are_drawn_below_the_network() {
        let graph = GoogLeNet::TORCHVISIONS.graph(Shape::square(3, 224), 1000).unwrap();
        let picture = picture("googlenet", &graph);
        picture.assert_labels_are_whole_and_apart();
        let words = words(&picture);
        for word in [
            "auxiliary head, in training alone: reads inception4a",
            "in all, without auxiliary heads",
        ] {
            assert!(words.iter().any(|own| own == word), "{word}: {words:?}");
        }
    }

    #[test]
    fn the_same_network_gives_the_same_bytes_and_a_name_is_escaped() {
        let graph = graph("resnet-50");
        let svg = network_svg("a < b & </svg>\u{1b}", &graph).unwrap();
        assert_eq!(network_svg("a < b & </svg>\u{1b}", &graph).unwrap(), svg);
        roxmltree::Document::parse(&svg).unwrap();
        assert!(svg.contains("a &lt; b &amp; &lt;/svg&gt;\\u{1b}"), "{svg}");
    }

    /// With `SAMPLE_PLOTS=FOLDER` the drawings are left there to be looked at.
    #[test]
    fn every_preset_is_drawn() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("SAMPLE_PLOTS").map_or(temporary.path().to_owned(), Into::into);
        std::fs::create_dir_all(&folder).unwrap();
        for preset in presets() {
            let svg = network_svg(preset.name, &graph(preset.name)).unwrap();
            roxmltree::Document::parse(&svg).unwrap();
            std::fs::write(folder.join(format!("{}.svg", preset.name)), svg).unwrap();
        }
    }
}
