//! A line of a file with a caret under the place at fault.

use std::fmt;

/// Characters before and behind the place that are shown of a long line.
const REACH: usize = 50;

/// A line and a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line's number, from 1.
    line: usize,
    /// The line as it is shown, or the part of it around the place.
    text: String,
    /// The cells of a terminal before the place.
    cells: usize,
}

impl Excerpt {
    /// The line of that number, from 1, with a caret under its character of that number, from 1.
    pub(super) fn new(text: &str, line: usize, column: usize) -> Option<Self> {
        let content = text.split('\n').nth(line.checked_sub(1)?)?;
        let content = content.trim_end_matches('\r').trim_start_matches('\u{feff}');
        let place = column.saturating_sub(1);
        let letters: Vec<char> = content.chars().collect();
        let place = place.min(letters.len());
        let from = place.saturating_sub(REACH);
        let to = (place + REACH).min(letters.len());
        let mut shown = String::new();
        let mut cells = 0;
        if from > 0 {
            shown.push('…');
            cells += 1;
        }
        for (index, &letter) in letters.iter().enumerate().take(to).skip(from) {
            let (text, width) = displayed(letter);
            shown += &text;
            if index < place {
                cells += width;
            }
        }
        if to < letters.len() {
            shown.push('…');
        }
        Some(Self {
            line,
            text: shown,
            cells,
        })
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "  {number} | {}", self.text)?;
        write!(f, "  {margin} | {}^", " ".repeat(self.cells))
    }
}

/// A character as a terminal shows it without acting on it, and its cells there.
fn displayed(letter: char) -> (String, usize) {
    match letter {
        '\t' => ("    ".to_owned(), 4),
        _ if crate::visible::escape_line(&letter.to_string()) != letter.to_string() => ("·".to_owned(), 1),
        _ => (letter.to_string(), width(letter)),
    }
}

/// The cells of a character in a terminal: East Asian wide ones and emoji have two, marks that combine none.
fn width(letter: char) -> usize {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, line: usize, column: usize) -> String {
        Excerpt::new(text, line, column).unwrap().to_string()
    }

    #[test]
    fn the_caret_stands_under_the_character() {
        assert_eq!(
            shown("a = 1\ndepth = = 40\n", 2, 9),
            "  2 | depth = = 40\n    |         ^"
        );
        assert_eq!(shown("x =\r\n", 1, 4), "  1 | x =\n    |    ^");
        assert_eq!(shown(&"\n".repeat(11), 12, 1), "  12 | \n     | ^");
        assert_eq!(Excerpt::new("one line", 2, 1), None);
    }

    #[test]
    fn tabs_and_wide_letters_move_it_by_their_cells() {
        assert_eq!(shown("\tx = = 1", 1, 6), "  1 |     x = = 1\n    |         ^");
        assert_eq!(
            shown("x = \"日本\" 2", 1, 10),
            "  1 | x = \"日本\" 2\n    |            ^"
        );
        assert_eq!(shown("\u{feff}x = = 1", 1, 5), "  1 | x = = 1\n    |     ^");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides_and_nothing_acts_on_the_terminal() {
        let line = format!("x = \"{}\" ! {}", "a".repeat(300), "b".repeat(300));
        let text = shown(&line, 1, 308);
        assert!(text.lines().all(|line| line.chars().count() < 115), "{text}");
        let (above, below) = text.split_once('\n').unwrap();
        let caret = below.chars().position(|letter| letter == '^').unwrap();
        assert_eq!(above.chars().nth(caret), Some('!'), "{text}");
        assert_eq!(shown("x = \u{1b}[2J", 1, 5), "  1 | x = ·[2J\n    |     ^");
    }
}
