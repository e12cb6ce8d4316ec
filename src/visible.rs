//! Text from outside, shown so that it cannot act: names, questions and errors come from files, and what they hold must
//! neither move a terminal's cursor, nor end a line early, nor turn letters round, nor break an XML document.
//!
//! A character that is not seen for itself is written as its escape, `\u{1b}`, which the same functions leave as it is.

use std::borrow::Cow;

/// The text on one line: every control character is escaped, line feeds and tabs too.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, acts, |letter| letter.escape_default().to_string())
}

/// The text with its own line feeds and tabs; every other control character is escaped.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, acts_within_lines, |letter| letter.escape_default().to_string())
}

/// JSON with its own line feeds and tabs; every other control character becomes an escape of JSON's own, `\u009b`. JSON
/// asks that only of those below U+0020, and allows them within strings alone.
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(text, acts_within_lines, |letter| {
        format!("\\u{:04x}", u32::from(letter))
    })
}

/// Whether a character does something in place of being seen: control characters (C0, C1 and DEL), the separators of
/// lines and paragraphs, and those that embed, override or isolate a direction of writing. The two that no character is
/// (U+FFFE and U+FFFF) count as well, since XML 1.0 (section 2.2) allows them nowhere.
fn acts(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn acts_within_lines(letter: char) -> bool {
    acts(letter) && !matches!(letter, '\n' | '\t')
}

fn escaped(text: &str, needs_it: impl Fn(char) -> bool, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    if !text.chars().any(&needs_it) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if needs_it(letter) {
            shown += &escape(letter);
        } else {
            shown.push(letter);
        }
    }
    Cow::Owned(shown)
}

/// The most characters that a message quotes of a file's content.
const LONGEST_QUOTE: usize = 200;

/// The beginning of a text, on one line: where a quote is not closed, a field is the rest of its file.
pub fn quoted(text: &str) -> String {
    beginning(text, LONGEST_QUOTE)
}

/// At most so many characters of a text, on one line; they are counted as they are shown.
pub fn beginning(text: &str, most: usize) -> String {
    // Of a long text only what may be shown is escaped.
    let end = text.char_indices().nth(most + 1).map_or(text.len(), |(end, _)| end);
    let shown = line(&text[..end]);
    match shown.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_escaped_and_what_is_seen_stays() {
        assert_eq!(line("\u{1b}[2Jgone\u{7}\0"), "\\u{1b}[2Jgone\\u{7}\\u{0}");
        assert_eq!(line("one\r\ntwo\tthree"), "one\\r\\ntwo\\tthree");
        assert_eq!(line("\u{9b}31m \u{7f}"), "\\u{9b}31m \\u{7f}");
        assert_eq!(line("a\u{202e}b\u{2066}c\u{2028}d"), "a\\u{202e}b\\u{2066}c\\u{2028}d");
        assert_eq!(line("\u{fffe}\u{ffff}"), "\\u{fffe}\\u{ffff}");
        for plain in ["", "θ = 0.5 ± 0.1", "C:\\dir 'q' \"r\"", "日本語 \u{200d}👩‍🔬", "\\u{1b}"] {
            assert!(matches!(line(plain), Cow::Borrowed(same) if same == plain), "{plain}");
        }
    }

    #[test]
    fn several_lines_keep_their_breaks_and_tabs_alone() {
        assert_eq!(lines("a\tb\n\u{1b}c\r\n"), "a\tb\n\\u{1b}c\\r\n");
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({"a": ["\u{1b}[2J", "\u{9b}\u{7f}\u{202e}\u{fffe}", "θ\t"]});
        let text = json(&format!("{value:#}")).into_owned();
        assert!(!text.chars().any(|c| acts(c) && c != '\n'), "{text}");
        assert!(text.contains("\\u009b\\u007f\\u202e\\ufffe"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn no_character_that_a_terminal_or_xml_takes_for_more_than_a_letter_is_left() {
        let every: String = (0..=0x10_ffff_u32).filter_map(char::from_u32).collect();
        let shown = line(&every);
        assert!(!shown.chars().any(char::is_control));
        // XML 1.0, production 2.
        let in_xml =
            |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(shown.chars().all(in_xml));
        assert_eq!(line(&shown), shown, "escaping twice is escaping once");
    }

    #[test]
    fn a_long_text_is_quoted_in_part() {
        assert_eq!(quoted("short"), "short");
        assert_eq!(quoted(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(quoted(&"é".repeat(201)), format!("{}…", "é".repeat(200)));
        assert_eq!(beginning("\0\0", 7), "\\u{0}\\u…");
    }
}
