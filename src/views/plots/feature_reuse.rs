//! Figure 5 of arXiv 1608.06993: for each dense block a heat map of how strongly each layer reads the feature maps of those
//! before it.

use super::draw::NamedPicture;
use super::figure::Figure;
use super::font;
use super::palette::{BLACK, DARK_GRAY};
use super::picture::{Align, Color, Label, Picture, Rect};
use super::style::Style;
use crate::formats::tables::FeatureReuseRow;

const TICK_SIZE: f64 = 8.5;
const HEADING_SIZE: f64 = 10.5;
const TITLE_SIZE: f64 = 10.0;
/// Above a panel's cells: its heading.
const ABOVE: f64 = 20.0;
/// Below a panel's cells: the numbers of layers, and the name of what follows the block, which runs upwards.
const BELOW: f64 = 58.0;
/// Left of a panel's cells: the numbers of sources.
const LEFT: f64 = 26.0;
/// Left of a line of panels: the title of their vertical axis.
const FIRST: f64 = 18.0;
/// Between panels.
const GAP: f64 = 14.0;
/// The bar of colours with its words, below the panels.
const BAR: f64 = 44.0;
/// A cell's side at the most, and the least at which more panels go into a line.
const LARGEST_CELL: f64 = 17.0;
const READABLE_CELL: f64 = 6.5;
const SMALLEST_CELL: f64 = 0.5;
/// The room of a heading.
const HEADING: f64 = 58.0;
/// More layers a block than these have no cell that could be seen.
const MOST_LAYERS: usize = 300;

/// Viridis (van der Walt and Smith 2015) at equal steps, turned around: its lightness falls evenly, so that what is used most
/// is darkest, also in grey.
const COLORS: [Color; 9] = [
    (253, 231, 37),
    (170, 220, 50),
    (93, 201, 99),
    (39, 173, 129),
    (33, 145, 140),
    (44, 113, 142),
    (59, 82, 139),
    (71, 45, 123),
    (68, 1, 84),
];

/// The colour of a share from 0 to 1.
fn color(share: f64) -> Color {
    let at = share.clamp(0.0, 1.0) * (COLORS.len() - 1) as f64;
    let before = (at.floor() as usize).min(COLORS.len() - 2);
    let part = at - before as f64;
    let (from, to) = (COLORS[before], COLORS[before + 1]);
    let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8;
    (mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// The heat map of a network's dense blocks; `name` says of which weights.
pub fn of_feature_reuse(file_stem: &str, name: &str, rows: &[FeatureReuseRow]) -> NamedPicture {
    NamedPicture::new(file_stem, picture(name, rows))
}

/// A dense block's cells.
struct Block<'a> {
    rows: &'a [FeatureReuseRow],
    targets: usize,
    sources: usize,
}

impl<'a> Block<'a> {
    fn of(rows: &'a [FeatureReuseRow]) -> Self {
        Self {
            rows,
            targets: rows.iter().map(|row| row.target_layer).max().unwrap_or(0),
            sources: rows.iter().map(|row| row.source_layer + 1).max().unwrap_or(0),
        }
    }

    /// The width of its cells, or of its heading.
    fn width(&self, cell: f64) -> f64 {
        (self.targets as f64 * cell).max(HEADING)
    }

    /// The number and the name of each target that is no dense layer.
    fn following(&self) -> Vec<(usize, &'a str)> {
        let following = self.rows.iter().filter(|row| row.target_layer >= self.sources);
        let mut named: Vec<(usize, &str)> = following.map(|row| (row.target_layer, row.target.as_str())).collect();
        named.dedup();
        named
    }
}

fn picture(name: &str, rows: &[FeatureReuseRow]) -> Result<Picture, String> {
    let blocks: Vec<Block<'_>> = rows.chunk_by(|a, b| a.block == b.block).map(Block::of).collect();
    if blocks.is_empty() {
        return Err("the network has no dense block".to_owned());
    }
    if let Some(longest) = blocks.iter().map(|block| block.sources.max(block.targets)).max()
        && longest > MOST_LAYERS
    {
        return Err(format!(
            "a dense block has {longest} layers, of which at most {MOST_LAYERS} can be told apart; the table has all"
        ));
    }
    let figure = Figure {
        title: format!("{name}: feature reuse"),
        question: "How strongly does each layer use the feature maps of the layers before it?".to_owned(),
        legend: Vec::new(),
        caption: vec![
            "Mean absolute weight with which the first convolution of layer l reads the feature maps of layer s (0: the \
             block's input), over these maps, the output channels and the window."
                .to_owned(),
            "A colour is the value over the largest of its column. In a frame: the layer that follows the block. White: not \
             connected."
                .to_owned(),
        ],
    };
    let (lines, cell) = lines(&blocks);
    let height = |line: &[Block<'_>]| {
        let sources = line.iter().map(|block| block.sources).max().unwrap_or(0);
        ABOVE + sources as f64 * cell + BELOW
    };
    let panels: f64 = lines.iter().map(|line| height(line)).sum();
    let (mut picture, space) = figure.lay_out(Style::Screen, panels + BAR);
    let mut top = space.top;
    for line in &lines {
        draw_line(&mut picture, line, (space.left, top), cell);
        top += height(line);
    }
    draw_bar(&mut picture, top, space);
    Ok(picture)
}

/// The panels of each line, and the side of every cell: as many panels side by side as leave the cells readable.
fn lines<'a, 'b>(blocks: &'b [Block<'a>]) -> (Vec<&'b [Block<'a>]>, f64) {
    let mut most = blocks.len().max(1);
    loop {
        let lines: Vec<&[Block<'_>]> = blocks.chunks(most).collect();
        let cell = lines.iter().map(|line| fitting_cell(line)).fold(LARGEST_CELL, f64::min);
        if cell >= READABLE_CELL || most == 1 {
            return (lines, cell);
        }
        most -= 1;
    }
}

/// The side of the cells with which panels fit into a line.
fn fitting_cell(line: &[Block<'_>]) -> f64 {
    let room = Style::Screen.width() - 2.0 * Style::Screen.margin() - FIRST;
    let width = |cell: f64| {
        let panels = line.iter().map(|block| LEFT + block.width(cell) + GAP);
        panels.sum::<f64>()
    };
    let mut cell = LARGEST_CELL;
    while width(cell) > room && cell > SMALLEST_CELL {
        cell *= 0.98;
    }
    cell
}

/// Panels side by side, from a place on.
fn draw_line(picture: &mut Picture, line: &[Block<'_>], (left, top): (f64, f64), cell: f64) {
    let mut x = left + FIRST;
    for block in line {
        let area = Rect {
            left: x + LEFT,
            top: top + ABOVE,
            right: x + LEFT + block.targets as f64 * cell,
            bottom: top + ABOVE + block.sources as f64 * cell,
        };
        draw_panel(picture, block, area, cell);
        x = area.left + block.width(cell) + GAP;
    }
    if let Some(first) = line.first() {
        let middle = top + ABOVE + first.sources as f64 * cell / 2.0;
        let room = first.sources as f64 * cell + ABOVE;
        let title = font::shortened("source layer s", TITLE_SIZE, false, room);
        let mut label = Label::new(title, (left + TITLE_SIZE, middle), TITLE_SIZE).aligned(Align::Middle);
        label.upwards = true;
        picture.label(label);
    }
}

fn draw_panel(picture: &mut Picture, block: &Block<'_>, area: Rect, cell: f64) {
    for row in block.rows {
        let (left, top) = (
            area.left + (row.target_layer as f64 - 1.0) * cell,
            area.top + row.source_layer as f64 * cell,
        );
        let corners = corners(left, top, left + cell, top + cell);
        picture.area(corners, color(row.share_of_largest), 1.0);
    }
    picture.line(outline(area.left, area.top, area.right, area.bottom), DARK_GRAY, 0.6);
    let heading = block.rows.first().map_or(0, |row| row.block);
    let place = (area.left, area.top - 7.0);
    let mut label = Label::new(format!("block {heading}"), place, HEADING_SIZE);
    label.bold = true;
    picture.label(label);
    draw_sources(picture, block, area, cell);
    let end = draw_following(picture, block, area, cell);
    draw_targets(picture, block, area, (cell, end));
}

/// The numbers of sources, as many as have room.
fn draw_sources(picture: &mut Picture, block: &Block<'_>, area: Rect, cell: f64) {
    let step = step(block.sources, (TICK_SIZE + 2.0) / cell);
    for source in (0..block.sources).step_by(step) {
        let place = (area.left - 4.0, area.top + (source as f64 + 0.5) * cell);
        let label = Label::new(source.to_string(), place, TICK_SIZE).aligned(Align::End);
        picture.label(label.centered());
    }
}

/// The frame and the name of what follows the block; where the first such column begins.
fn draw_following(picture: &mut Picture, block: &Block<'_>, area: Rect, cell: f64) -> f64 {
    let mut end = area.right;
    let mut free = f64::NEG_INFINITY;
    for (target, name) in block.following() {
        let left = area.left + (target as f64 - 1.0) * cell;
        end = end.min(left);
        picture.line(outline(left, area.top, left + cell, area.bottom), BLACK, 1.4);
        let middle = left + cell / 2.0;
        if middle - TICK_SIZE / 2.0 >= free {
            let mut label = Label::new(name, (middle, area.bottom + 5.0), TICK_SIZE).aligned(Align::End);
            label.upwards = true;
            picture.label(label.centered());
            free = middle + TICK_SIZE;
        }
    }
    end
}

/// The numbers of layers, as many as have room before what follows the block, and their title.
fn draw_targets(picture: &mut Picture, block: &Block<'_>, area: Rect, (cell, end): (f64, f64)) {
    let widest = font::width(&block.targets.to_string(), TICK_SIZE, false);
    let step = step(block.targets, (widest + 4.0) / cell);
    let baseline = area.bottom + 4.0 + 0.8 * TICK_SIZE;
    // The name of what follows stands upright in the middle of its column.
    let limit = end + cell / 2.0 - 0.8 * TICK_SIZE;
    for target in (1..block.sources).step_by(step) {
        let middle = area.left + (target as f64 - 0.5) * cell;
        if middle + widest / 2.0 > limit {
            break;
        }
        let place = (middle, baseline);
        picture.label(Label::new(target.to_string(), place, TICK_SIZE).aligned(Align::Middle));
    }
    let room = limit - area.left + LEFT;
    let title = font::shortened("target layer l", TITLE_SIZE, false, room);
    let half = font::width(&title, TITLE_SIZE, false) / 2.0;
    // To the left of its middle where what follows has its name in the way.
    let middle = area.center().0.min(limit - half);
    let place = (middle, baseline + 6.0 + TITLE_SIZE);
    picture.label(Label::new(title, place, TITLE_SIZE).aligned(Align::Middle));
}

/// A round step of at least so many cells between labels.
fn step(count: usize, least: f64) -> usize {
    let steps = [1, 2, 3, 4, 5, 6, 10, 20, 25, 50, 100];
    let found = steps.into_iter().find(|&step| step as f64 >= least);
    found.unwrap_or(count.max(1))
}

/// The colours from 0 to 1 with their words.
fn draw_bar(picture: &mut Picture, top: f64, space: Rect) {
    const LENGTH: f64 = 200.0;
    const HEIGHT: f64 = 9.0;
    const STEPS: usize = 40;
    let left = space.center().0 - LENGTH / 2.0;
    let y = top + 4.0;
    for step in 0..STEPS {
        let at = |step: usize| left + step as f64 / STEPS as f64 * LENGTH;
        let share = step as f64 / (STEPS - 1) as f64;
        picture.area(corners(at(step), y, at(step + 1), y + HEIGHT), color(share), 1.0);
    }
    picture.line(outline(left, y, left + LENGTH, y + HEIGHT), DARK_GRAY, 0.6);
    for (text, x, align) in [("0", left - 5.0, Align::End), ("1", left + LENGTH + 5.0, Align::Start)] {
        let label = Label::new(text, (x, y + HEIGHT / 2.0), TICK_SIZE).aligned(align);
        picture.label(label.centered());
    }
    let words = "mean absolute weight over the largest of the target layer";
    let place = (space.center().0, y + HEIGHT + 5.0 + TITLE_SIZE);
    picture.label(Label::new(words, place, TITLE_SIZE).aligned(Align::Middle));
}

fn corners(left: f64, top: f64, right: f64, bottom: f64) -> Vec<(f64, f64)> {
    vec![(left, top), (right, top), (right, bottom), (left, bottom)]
}

/// The sides of a rectangle as one line.
fn outline(left: f64, top: f64, right: f64, bottom: f64) -> Vec<(f64, f64)> {
    let mut places = corners(left, top, right, bottom);
    places.extend(places.first().copied());
    places
}

#[cfg(test)]
mod tests {
    use super::super::picture::Shape;
    use super::*;
    use crate::views::feature_reuse::feature_reuse;
    use crate::views::feature_reuse::tests::weighted;

    fn rows_of(name: &str) -> Vec<FeatureReuseRow> {
        let (graph, weights) = weighted(name);
        feature_reuse(&graph, &weights).unwrap()
    }

    fn row(block: usize, target_layer: usize, source_layer: usize) -> FeatureReuseRow {
        FeatureReuseRow {
            block,
            target_layer,
            target: "dense layer".to_owned(),
            target_tensor: "w".to_owned(),
            source_layer,
            source_channels: 1,
            mean_absolute_weight: 0.5,
            share_of_largest: 1.0,
        }
    }

    #[test]
    fn no_label_is_cut_off_or_laid_over_another() {
        for name in [
            "densenet-40-12",
            "densenet-bc-100-12",
            "densenet-121",
            "densenet-bc-250-24",
        ] {
            println!("{name}");
            let rows = rows_of(name);
            picture(name, &rows).unwrap().assert_labels_are_whole_and_apart();
        }
        let mut one = [row(1, 1, 0), row(1, 2, 0), row(1, 2, 1)];
        for row in &mut one[1..] {
            row.target = "classifier".to_owned();
        }
        picture("one layer", &one).unwrap().assert_labels_are_whole_and_apart();
    }

    #[test]
    fn every_pair_has_a_cell_and_every_block_a_heading() {
        let rows = rows_of("densenet-40-12");
        let picture = picture("base", &rows).unwrap();
        let areas = picture
            .shapes
            .iter()
            .filter(|shape| matches!(shape, Shape::Area { .. }));
        // The cells, and the steps of the bar of colours.
        assert_eq!(areas.count(), rows.len() + 40);
        let labels: Vec<&str> = picture.labels().map(|label| label.text.as_str()).collect();
        for word in ["block 1", "block 3", "transition", "classifier", "base: feature reuse"] {
            assert!(labels.contains(&word), "{labels:?}");
        }
    }

    #[test]
    fn a_block_of_too_many_layers_is_not_drawn_and_no_block_neither() {
        let rows = [row(1, MOST_LAYERS + 1, 0)];
        let reason = picture("deep", &rows).unwrap_err();
        assert!(reason.contains("a dense block has 301 layers"), "{reason}");
        assert!(picture("none", &[]).is_err());
    }

    #[test]
    fn more_is_darker() {
        let lightness = |share: f64| {
            let (r, g, b) = color(share);
            0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b)
        };
        let shares: Vec<f64> = (0..=20).map(|step| f64::from(step) / 20.0).collect();
        for pair in shares.windows(2) {
            assert!(lightness(pair[0]) > lightness(pair[1]), "{pair:?}");
        }
    }
}
