//! The font, the width of words in it, and how text that is too wide is broken or shortened.

use super::typeset;

/// The families that a viewer of the SVG looks for: DejaVu Sans, then fonts of about its widths.
pub const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// Half the height of a digit, in ems: a line through the middle of a label is this far above its baseline.
pub const MIDDLE_OF_EM: f64 = 0.36;

/// The width of a line of text set in `size` points (or any unit) an em, in that unit; for letters that the built-in font
/// lacks it is the width that is kept for them.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    typeset::line(text, size, bold, None).width
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
