//! Sets a line of text: which glyph of which font stands where.
//!
//! The layout of a plot knows the built-in font alone, so that it is the same on every machine; a letter that this lacks
//! has a cell kept for it. PNG and PDF fill the cell from a font of the machine, or with the letter's code point in a box.

use std::ops::Range;

use ab_glyph::{Font, GlyphId, OutlineCurve, Point, point};
use rustybuzz::{Direction, Face, UnicodeBuffer};
use unicode_bidi::BidiInfo;

use super::built_in;
use super::extra_fonts::{ExtraFonts, LARGEST_GLYPH};
use super::scripts::{belongs_to_previous, cell, needs_shaping};
use crate::visible;

/// Where a glyph comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The built-in font.
    BuiltIn,
    /// A font of the machine, by its place.
    Extra(usize),
    /// No font has the letter.
    Nowhere,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A glyph with its origin; y grows downwards from the baseline.
    Glyph {
        /// Its font.
        source: Source,
        /// Its number in the font.
        glyph: GlyphId,
        /// From the line's beginning.
        x: f64,
        /// Below the baseline.
        y: f64,
        /// The size that it is set in.
        size: f64,
    },
    /// A box with a letter's code point.
    CodePoint {
        /// The letter.
        letter: char,
        /// The box's left side from the line's beginning.
        x: f64,
        /// The box's width.
        width: f64,
    },
}

/// A line of text, set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Its parts from left to right.
    pub pieces: Vec<Piece>,
    /// From its beginning to its end.
    pub width: f64,
}

/// Sets a line of text, as it is shown, in `size` an em; without extra fonts every letter that the built-in one lacks has
/// its cell. With them it is never wider.
pub fn line(text: &str, size: f64, bold: bool, extra: Option<&ExtraFonts>) -> Line {
    let text = visible::escape_line(text);
    let setter = Setter { size, bold, extra };
    match needs_shaping(&text) {
        false => setter.side_by_side(&text),
        true => setter.shaped(&text),
    }
}

/// The outlines of a line's glyphs: it begins at x = 0 on the baseline y = 0, y grows downwards.
pub fn outlines(line: &Line, bold: bool, extra: &ExtraFonts) -> Vec<OutlineCurve> {
    let outline = |piece: &Piece| match *piece {
        Piece::Glyph {
            source: Source::BuiltIn,
            glyph,
            x,
            y,
            size,
        } => outlined(built_in::face(bold)?, glyph, (x, y), size),
        Piece::Glyph {
            source: Source::Extra(font),
            glyph,
            x,
            y,
            size,
        } => outlined(extra.font(font)?, glyph, (x, y), size),
        _ => None,
    };
    line.pieces.iter().filter_map(outline).flatten().collect()
}

fn outlined(font: &impl Font, glyph: GlyphId, (x, y): (f64, f64), size: f64) -> Option<Vec<OutlineCurve>> {
    let em = f64::from(font.units_per_em().unwrap_or(2048.0));
    let outline = font.outline(glyph)?;
    // A damaged font could draw over the whole plot.
    let bounds = [outline.bounds.min, outline.bounds.max].map(|corner| [corner.x, corner.y]);
    let is_within = |end: &f32| f64::from(*end).abs() <= 2.0 * LARGEST_GLYPH * em;
    let place = |corner: Point| {
        let (along, up) = (f64::from(corner.x) * size / em, f64::from(corner.y) * size / em);
        point((x + along) as f32, (y - up) as f32)
    };
    let curve = |curve| match curve {
        OutlineCurve::Line(from, to) => OutlineCurve::Line(place(from), place(to)),
        OutlineCurve::Quad(from, control, to) => OutlineCurve::Quad(place(from), place(control), place(to)),
        OutlineCurve::Cubic(from, first, second, to) => {
            OutlineCurve::Cubic(place(from), place(first), place(second), place(to))
        }
    };
    let is_letter = bounds.iter().flatten().all(is_within);
    is_letter.then(|| outline.curves.into_iter().map(curve).collect())
}

struct Setter<'a> {
    size: f64,
    bold: bool,
    extra: Option<&'a ExtraFonts>,
}

impl Setter<'_> {
    fn source(&self, letter: char) -> Source {
        match built_in::glyph(letter, self.bold) {
            Some(_) => Source::BuiltIn,
            None => (self.extra.and_then(|extra| extra.font_of(letter))).map_or(Source::Nowhere, Source::Extra),
        }
    }

    /// Letter after letter, with the built-in font's kerning.
    fn side_by_side(&self, text: &str) -> Line {
        let mut line = Line::default();
        let mut before = None;
        for letter in text.chars() {
            let glyph = match (built_in::glyph(letter, self.bold), built_in::face(self.bold)) {
                (Some(glyph), Some(face)) => {
                    let unit = self.size / f64::from(face.units_per_em().unwrap_or(2048.0));
                    if let Some(before) = before {
                        line.width += f64::from(face.kern_unscaled(before, glyph)) * unit;
                    }
                    line.push(Source::BuiltIn, glyph, (0.0, 0.0), self.size);
                    line.width += f64::from(face.h_advance_unscaled(glyph)) * unit;
                    Some(glyph)
                }
                _ => {
                    self.foreign(letter, &mut line);
                    None
                }
            };
            before = glyph;
        }
        line
    }

    /// A letter that the built-in font lacks, within its cell.
    fn foreign(&self, letter: char, line: &mut Line) {
        let width = cell(letter) * self.size;
        let font = self.extra.and_then(|extra| Some((extra.font_of(letter)?, extra)));
        let font = font.and_then(|(index, extra)| Some((index, extra.font(index)?)));
        let Some((index, font)) = font else {
            let x = line.width;
            line.pieces.push(Piece::CodePoint { letter, x, width });
            line.width += width;
            return;
        };
        let glyph = font.glyph_id(letter);
        let natural = f64::from(font.h_advance_unscaled(glyph)) / f64::from(font.units_per_em().unwrap_or(1000.0));
        let size = fitting(self.size, natural * self.size, width);
        line.push(Source::Extra(index), glyph, (0.0, 0.0), size);
        line.width += natural * size;
    }

    /// In the order that the Unicode Bidirectional Algorithm gives, each stretch of one font shaped.
    fn shaped(&self, text: &str) -> Line {
        let mut line = Line::default();
        let bidi = BidiInfo::new(text, None);
        for paragraph in &bidi.paragraphs {
            let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
            for run in runs {
                let from_right = levels.get(run.start).is_some_and(|level| level.is_rtl());
                let mut stretches = self.stretches(text, run);
                if from_right {
                    stretches.reverse();
                }
                for (source, stretch) in stretches {
                    self.stretch(source, &text[stretch], from_right, &mut line);
                }
            }
        }
        line
    }

    /// The stretches of one font in a run, in the order of reading; a mark stays with its letter.
    fn stretches(&self, text: &str, run: Range<usize>) -> Vec<(Source, Range<usize>)> {
        let mut stretches: Vec<(Source, Range<usize>)> = Vec::new();
        for (offset, letter) in text[run.clone()].char_indices() {
            let (start, end) = (run.start + offset, run.start + offset + letter.len_utf8());
            let source = self.source(letter);
            match stretches.last_mut() {
                Some((before, range)) if *before == source || self.stays(letter, *before) => range.end = end,
                _ => stretches.push((source, start..end)),
            }
        }
        stretches
    }

    /// Whether a mark is set in the font of the letter before it.
    fn stays(&self, letter: char, before: Source) -> bool {
        let is_in = match before {
            Source::Extra(font) => {
                let font = self.extra.and_then(|extra| extra.font(font));
                font.is_some_and(|font| font.glyph_id(letter) != GlyphId(0))
            }
            Source::BuiltIn | Source::Nowhere => false,
        };
        belongs_to_previous(letter) && is_in
    }

    fn stretch(&self, source: Source, text: &str, from_right: bool, line: &mut Line) {
        let shaped = match source {
            Source::BuiltIn => built_in::shaped_face(self.bold).map(|face| glyphs(face, text, from_right)),
            Source::Extra(font) => {
                let face = self.extra.and_then(|extra| extra.shaped_face(font));
                face.map(|face| glyphs(&face, text, from_right))
            }
            Source::Nowhere => None,
        };
        let cells = || text.chars().map(|letter| cell(letter) * self.size);
        let Some((glyphs, natural)) = shaped else {
            let mut letters: Vec<(char, f64)> = text.chars().zip(cells()).collect();
            if from_right {
                letters.reverse();
            }
            for (letter, width) in letters {
                let x = line.width;
                line.pieces.push(Piece::CodePoint { letter, x, width });
                line.width += width;
            }
            return;
        };
        let size = match source {
            Source::BuiltIn => self.size,
            _ => fitting(self.size, natural * self.size, cells().sum()),
        };
        for (glyph, offset, advance) in glyphs {
            line.push(source, glyph, (offset.0 * size, -offset.1 * size), size);
            line.width += advance * size;
        }
    }
}

impl Line {
    /// Adds a glyph at the line's end, moved by an offset.
    fn push(&mut self, source: Source, glyph: GlyphId, offset: (f64, f64), size: f64) {
        self.pieces.push(Piece::Glyph {
            source,
            glyph,
            x: self.width + offset.0,
            y: offset.1,
            size,
        });
    }
}

/// The size in which something of that width fits into the room.
fn fitting(size: f64, width: f64, room: f64) -> f64 {
    if width > room { size * room / width } else { size }
}

/// A glyph, its offset and its advance in ems.
type Placed = (GlyphId, (f64, f64), f64);

/// The glyphs of a stretch from left to right, and their width in ems.
fn glyphs(face: &Face<'_>, text: &str, from_right: bool) -> (Vec<Placed>, f64) {
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.set_direction(if from_right {
        Direction::RightToLeft
    } else {
        Direction::LeftToRight
    });
    buffer.guess_segment_properties();
    let shaped = rustybuzz::shape(face, &[], buffer);
    let em = f64::from(face.units_per_em().max(1));
    let placed = shaped
        .glyph_infos()
        .iter()
        .zip(shaped.glyph_positions())
        .map(|(info, position)| {
            let offset = (f64::from(position.x_offset) / em, f64::from(position.y_offset) / em);
            let number = u16::try_from(info.glyph_id).unwrap_or(0);
            (GlyphId(number), offset, f64::from(position.x_advance).max(0.0) / em)
        });
    let placed: Vec<Placed> = placed.collect();
    let width = placed.iter().map(|(_, _, advance)| advance).sum();
    (placed, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glyphs_of(text: &str) -> Vec<GlyphId> {
        let line = line(text, 10.0, false, None);
        let glyph = |piece: &Piece| match piece {
            Piece::Glyph { glyph, .. } => *glyph,
            Piece::CodePoint { letter, .. } => panic!("{letter} is missing"),
        };
        line.pieces.iter().map(glyph).collect()
    }

    fn own(letter: char) -> GlyphId {
        built_in::glyph(letter, false).unwrap()
    }

    #[test]
    fn letters_stand_side_by_side_from_left_to_right() {
        assert_eq!(glyphs_of("mi"), [own('m'), own('i')]);
    }

    #[test]
    fn hebrew_runs_from_right_to_left_and_the_numbers_in_it_do_not() {
        assert_eq!(glyphs_of("אב"), [own('ב'), own('א')]);
        assert_eq!(glyphs_of("א 12"), [own('1'), own('2'), own(' '), own('א')]);
    }

    #[test]
    fn arabic_letters_join() {
        let alone = glyphs_of("م");
        let joined = glyphs_of("ممم");
        assert_eq!(joined.len(), 3);
        assert!(joined.iter().all(|glyph| *glyph != alone[0]), "{joined:?}");
        assert!(joined[0] != joined[1] && joined[1] != joined[2], "{joined:?}");
    }

    #[test]
    fn a_letter_that_no_font_has_keeps_a_cell_for_its_code_point() {
        let line = line("a学b", 10.0, false, None);
        let Piece::CodePoint { letter, x, width } = line.pieces[1] else {
            panic!("{line:?}");
        };
        assert_eq!((letter, width), ('学', 10.0));
        let Piece::Glyph { x: after, .. } = line.pieces[2] else {
            panic!("{line:?}");
        };
        assert!((after - x - width).abs() < 1e-9);
    }

    #[test]
    fn missing_letters_from_right_to_left_keep_that_order() {
        // Adlam, which DejaVu Sans lacks.
        let line = line("\u{1e900}\u{1e901}", 10.0, false, None);
        let letters: Vec<char> = (line.pieces.iter())
            .filter_map(|piece| match piece {
                Piece::CodePoint { letter, .. } => Some(*letter),
                Piece::Glyph { .. } => None,
            })
            .collect();
        assert_eq!(letters, ['\u{1e901}', '\u{1e900}']);
    }
}
