//! Elements of a stage laid out in a column: how high they are, and where their words, frames and lines are drawn.

use super::super::font;
use super::super::palette::{BLACK, DARK_GRAY, GRAY, WHITE};
use super::super::picture::{Align, Label, Picture, Place};
use super::elements::Element;

/// Points an em of the words.
pub const SIZE: f64 = 8.5;
/// From one line of words to the next.
pub const LINE: f64 = 11.0;
/// Between elements.
const GAP: f64 = 2.0;
/// Within a frame.
const PAD: f64 = 4.0;
/// The height in which a line parts into branches, and in which these join again.
const FORK: f64 = 7.0;
/// The room for how often something is repeated.
const TAG: f64 = 34.0;
/// The column of a branch that is the input itself.
const IDENTITY: f64 = 48.0;
const BRANCH_GAP: f64 = 6.0;
/// However many branches there are, words have this room.
const NARROWEST: f64 = 24.0;

/// The height of elements in a column of that width.
pub fn height(elements: &[Element], width: f64) -> f64 {
    let gaps = elements.len().saturating_sub(1) as f64 * GAP;
    elements.iter().map(|element| of_one(element, width)).sum::<f64>() + gaps
}

fn of_one(element: &Element, width: f64) -> f64 {
    match element {
        Element::Line(words) => words_in(words, width).len() as f64 * LINE,
        Element::Repeat { elements, .. } => height(elements, repeated_width(width)) + 2.0 * PAD,
        Element::Parallel { branches, .. } => FORK + highest(branches, width) + FORK + LINE,
    }
}

/// The words of a line, broken where the column is too narrow.
fn words_in(words: &str, width: f64) -> Vec<String> {
    font::wrapped(words, SIZE, false, width)
}

fn repeated_width(width: f64) -> f64 {
    (width - TAG - PAD).max(NARROWEST)
}

/// The height of the frames of branches side by side.
fn highest(branches: &[Vec<Element>], width: f64) -> f64 {
    let (_, column) = columns(branches, width);
    let heights = branches.iter().map(|branch| height(branch, column - 2.0 * PAD));
    heights.fold(LINE, f64::max) + 2.0 * PAD
}

/// Where each branch's column begins, from the left of all, and how wide that of a branch with elements is.
fn columns(branches: &[Vec<Element>], width: f64) -> (Vec<f64>, f64) {
    let plain = branches.iter().filter(|branch| branch.is_empty()).count();
    let others = branches.len() - plain;
    let gaps = branches.len().saturating_sub(1) as f64 * BRANCH_GAP;
    let room = width - plain as f64 * IDENTITY - gaps;
    let column = (room / others.max(1) as f64).max(NARROWEST + 2.0 * PAD);
    let mut left = 0.0;
    let mut lefts = Vec::with_capacity(branches.len());
    for branch in branches {
        lefts.push(left);
        left += BRANCH_GAP + if branch.is_empty() { IDENTITY } else { column };
    }
    (lefts, column)
}

/// Draws elements from a place on, in a column of that width.
pub fn draw(picture: &mut Picture, elements: &[Element], (left, top): Place, width: f64) {
    let mut y = top;
    for element in elements {
        match element {
            Element::Line(words) => draw_words(picture, words, (left, y), width),
            Element::Repeat { count, elements } => draw_repeat(picture, (*count, elements), (left, y), width),
            Element::Parallel { branches, join } => draw_branches(picture, (branches, join), (left, y), width),
        }
        y += of_one(element, width) + GAP;
    }
}

fn draw_words(picture: &mut Picture, words: &str, (left, top): Place, width: f64) {
    for (line, words) in words_in(words, width).into_iter().enumerate() {
        let place = (left + width / 2.0, top + (line as f64 + 0.5) * LINE);
        picture.label(Label::new(words, place, SIZE).aligned(Align::Middle).centered());
    }
}

/// A frame with how often what is in it stands one behind the other.
fn draw_repeat(picture: &mut Picture, (count, elements): (usize, &[Element]), (left, top): Place, width: f64) {
    let inner = repeated_width(width);
    let bottom = top + height(elements, inner) + 2.0 * PAD;
    frame(picture, (left, top), (left + width, bottom), GRAY);
    let place = (left + TAG / 2.0, (top + bottom) / 2.0);
    let tag = font::shortened(&format!("{count} \u{d7}"), SIZE, true, TAG - 4.0);
    let mut label = Label::new(tag, place, SIZE).aligned(Align::Middle);
    label.bold = true;
    picture.label(label.centered());
    draw(picture, elements, (left + TAG, top + PAD), inner);
}

/// Branches side by side, the lines that part and join them, and what joins them.
fn draw_branches(picture: &mut Picture, (branches, join): (&[Vec<Element>], &str), (left, top): Place, width: f64) {
    let (lefts, column) = columns(branches, width);
    let frames = top + FORK;
    let bottom = frames + highest(branches, width);
    let middle = left + width / 2.0;
    let (fork, joint) = (top + FORK / 2.0, bottom + FORK / 2.0);
    let mut ways = vec![middle];
    for (branch, offset) in branches.iter().zip(lefts) {
        let start = left + offset;
        if branch.is_empty() {
            let x = start + 8.0;
            line(picture, (x, fork), (x, joint));
            let place = (x + 4.0, (frames + bottom) / 2.0);
            picture.label(Label::new("identity", place, SIZE).centered());
            ways.push(x);
            continue;
        }
        let x = start + column / 2.0;
        line(picture, (x, fork), (x, frames));
        line(picture, (x, bottom), (x, joint));
        frame(picture, (start, frames), (start + column, bottom), DARK_GRAY);
        draw(picture, branch, (start + PAD, frames + PAD), column - 2.0 * PAD);
        ways.push(x);
    }
    let first = ways.iter().copied().fold(f64::INFINITY, f64::min);
    let last = ways.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    line(picture, (middle, top), (middle, fork));
    line(picture, (first, fork), (last, fork));
    line(picture, (first, joint), (last, joint));
    line(picture, (middle, joint), (middle, bottom + FORK));
    let words = font::shortened(join, SIZE, false, width);
    let place = (middle, bottom + FORK + LINE / 2.0);
    picture.label(Label::new(words, place, SIZE).aligned(Align::Middle).centered());
}

/// A white rectangle with an outline.
pub fn frame(picture: &mut Picture, (left, top): Place, (right, bottom): Place, color: (u8, u8, u8)) {
    let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
    let mut outline = corners.clone();
    outline.push((left, top));
    picture.area(corners, WHITE, 1.0);
    picture.line(outline, color, 0.7);
}

fn line(picture: &mut Picture, from: Place, to: Place) {
    picture.line(vec![from, to], BLACK, 0.7);
}
