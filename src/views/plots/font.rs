//! The font, the width of words in it, and how text that is too wide is broken or shortened.

use std::sync::OnceLock;

use ab_glyph::{Font as _, FontRef, OutlinedGlyph, PxScale, point};

use crate::visible;

/// The families that a viewer of the SVG looks for: DejaVu Sans, then fonts of about its widths.
pub const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// Half the height of a digit, in ems: a line through the middle of a label is this far above its baseline.
pub const MIDDLE_OF_EM: f64 = 0.36;

/// DejaVu Sans, regular or bold; none only if the bytes that are compiled in were not a font.
fn face(bold: bool) -> Option<&'static FontRef<'static>> {
    static REGULAR: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    static BOLD: OnceLock<Option<FontRef<'static>>> = OnceLock::new();
    let (place, bytes) = match bold {
        false => (&REGULAR, dejavu::sans::regular()),
        true => (&BOLD, dejavu::sans::bold()),
    };
    place.get_or_init(|| FontRef::try_from_slice(bytes).ok()).as_ref()
}

/// Each letter of a line of text, as it is shown, set in `size` with the place of its origin, from 0, and the line's width.
fn letters(face: &FontRef<'static>, text: &str, size: f64) -> (Vec<(ab_glyph::GlyphId, f64)>, f64) {
    let unit = size / f64::from(face.units_per_em().unwrap_or(2048.0));
    let mut x = 0.0;
    let mut before = None;
    let mut letters = Vec::new();
    for letter in visible::escape_line(text).chars() {
        let glyph = face.glyph_id(letter);
        if let Some(before) = before {
            x += f64::from(face.kern_unscaled(before, glyph)) * unit;
        }
        letters.push((glyph, x));
        x += f64::from(face.h_advance_unscaled(glyph)) * unit;
        before = Some(glyph);
    }
    (letters, x)
}

/// The width of a line of text set in `size` points (or any unit) an em, in that unit.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    match face(bold) {
        Some(face) => letters(face, text, size).1,
        // A guess on the wide side.
        None => 0.7 * size * visible::escape_line(text).chars().count() as f64,
    }
}

/// The letters' outlines for a bitmap: the text begins at x = 0 on the baseline y = 0, y grows downwards.
pub fn outlines(text: &str, size: f64, bold: bool) -> Vec<OutlinedGlyph> {
    let Some(face) = face(bold) else {
        return Vec::new();
    };
    // ab_glyph's scale is that of ascent and descent together.
    let height = f64::from(face.height_unscaled()) / f64::from(face.units_per_em().unwrap_or(2048.0));
    let scale = PxScale::from((size * height) as f32);
    let (letters, _) = letters(face, text, size);
    letters
        .into_iter()
        .filter_map(|(glyph, x)| face.outline_glyph(glyph.with_scale_and_position(scale, point(x as f32, 0.0))))
        .collect()
}

/// Breaks text into lines no wider than `limit`: after spaces and commas, and within a word that alone is too wide.
pub fn wrapped(text: &str, size: f64, bold: bool, limit: f64) -> Vec<String> {
    let fits = |line: &str| width(line.trim_end(), size, bold) <= limit;
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive([' ', ',', '\n']) {
        let word = &word.replace('\n', " ");
        if !line.is_empty() && !fits(&format!("{line}{word}")) {
            lines.push(std::mem::take(&mut line));
        }
        if fits(word) {
            line.push_str(word);
            continue;
        }
        for letter in word.chars() {
            if !line.is_empty() && !fits(&format!("{line}{letter}")) {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    lines.push(line);
    lines
        .iter()
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// Text no wider than `limit`: if need be its middle becomes an ellipsis, since variants' names differ at either end.
pub fn shortened(text: &str, size: f64, bold: bool, limit: f64) -> String {
    if width(text, size, bold) <= limit {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    for kept in (2..letters.len()).rev() {
        let head: String = letters[..kept.div_ceil(2)].iter().collect();
        let tail: String = letters[letters.len() - kept / 2..].iter().collect();
        let short = format!("{head}…{tail}");
        if width(&short, size, bold) <= limit {
            return short;
        }
    }
    "…".to_owned()
}

/// At most `most` lines no wider than `limit`; what is left over goes into the last line, shortened.
pub fn wrapped_at_most(text: &str, size: f64, limit: f64, most: usize) -> Vec<String> {
    let mut lines = wrapped(text, size, false, limit);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).concat();
        lines.push(shortened(&rest, size, false, limit));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_as_wide_as_its_letters_in_dejavu_sans() {
        // An "m" advances 1995 of 2048 units, an "i" 569.
        assert!((width("m", 20.48, false) - 19.95).abs() < 0.02);
        assert!((width("mi", 20.48, false) - 25.64).abs() < 0.02);
        assert!(width("m", 20.0, true) > width("m", 20.0, false));
    }

    #[test]
    fn lines_break_after_spaces_and_commas_and_lose_no_letter() {
        let text = "growth-rate=12,bottleneck=true,compression=0.5 and more words than fit into one line";
        let lines = wrapped(text, 10.0, false, 160.0);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| width(line, 10.0, false) <= 160.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
    }

    #[test]
    fn a_word_wider_than_the_line_is_broken_within() {
        let lines = wrapped(&"x".repeat(100), 10.0, false, 100.0);
        assert!(lines.iter().all(|line| width(line, 10.0, false) <= 100.0));
        assert_eq!(lines.concat().len(), 100);
    }

    #[test]
    fn a_name_that_is_too_wide_keeps_both_its_ends() {
        let short = shortened("growth-rate=12,bottleneck=true,compression=0.5", 10.0, false, 120.0);
        assert!(width(&short, 10.0, false) <= 120.0);
        assert!(
            short.starts_with("growth") && short.ends_with("=0.5") && short.contains('…'),
            "{short}"
        );
        assert_eq!(shortened("base", 10.0, false, 120.0), "base");
    }
}
