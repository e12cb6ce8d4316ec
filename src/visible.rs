//! Escapes text from outside before it is shown: names, questions and errors come from files, and their content must
//! not move a terminal's cursor, end a line early, reverse the reading direction or break an XML document.
//!
//! An unsafe character is written as its escape, `\u{1b}`. Escaping escaped text changes nothing.

use std::borrow::Cow;

/// The text on one line: every unsafe character is escaped, line feeds and tabs too.
pub fn escape_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe, |letter| letter.escape_default().to_string())
}

/// The text with its own line feeds and tabs; every other unsafe character is escaped.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe_within_lines, |letter| {
        letter.escape_default().to_string()
    })
}

/// JSON with its own line feeds and tabs; every other unsafe character becomes a JSON escape, `\u009b`. JSON itself
/// requires escapes only below U+0020, and allows them only within strings.
pub fn escape_json(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe_within_lines, |letter| {
        format!("\\u{:04x}", u32::from(letter))
    })
}

/// Whether a character acts on its surroundings instead of being displayed: control characters (C0, C1 and DEL), line
/// and paragraph separators, and those that embed, override or isolate a direction of writing. The noncharacters U+FFFE
/// and U+FFFF too: XML 1.0 (section 2.2) allows them nowhere.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}'
        )
}

fn is_unsafe_within_lines(letter: char) -> bool {
    is_unsafe(letter) && !matches!(letter, '\n' | '\t')
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

/// Quotes a text on one line, truncated: where a quotation mark is not closed, a field is the rest of its file.
pub fn quoted(text: &str) -> String {
    beginning(text, LONGEST_QUOTE)
}

/// The first `most` characters of a text, escaped on one line; escapes count as they are shown.
pub fn beginning(text: &str, most: usize) -> String {
    // Escapes no more of a long text than can be shown.
    let end = text.char_indices().nth(most + 1).map_or(text.len(), |(end, _)| end);
    let shown = escape_line(&text[..end]);
    match shown.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_characters_are_escaped_and_others_stay() {
        assert_eq!(escape_line("\u{1b}[2Jgone\u{7}\0"), "\\u{1b}[2Jgone\\u{7}\\u{0}");
        assert_eq!(escape_line("one\r\ntwo\tthree"), "one\\r\\ntwo\\tthree");
        assert_eq!(escape_line("\u{9b}31m \u{7f}"), "\\u{9b}31m \\u{7f}");
        assert_eq!(
            escape_line("a\u{202e}b\u{2066}c\u{2028}d"),
            "a\\u{202e}b\\u{2066}c\\u{2028}d"
        );
        assert_eq!(escape_line("\u{fffe}\u{ffff}"), "\\u{fffe}\\u{ffff}");
        for plain in ["", "θ = 0.5 ± 0.1", "C:\\dir 'q' \"r\"", "日本語 \u{200d}👩‍🔬", "\\u{1b}"] {
            assert!(
                matches!(escape_line(plain), Cow::Borrowed(same) if same == plain),
                "{plain}"
            );
        }
    }

    #[test]
    fn line_feeds_and_tabs_of_several_lines_stay() {
        assert_eq!(escape_lines("a\tb\n\u{1b}c\r\n"), "a\tb\n\\u{1b}c\\r\n");
    }

    #[test]
    fn escaped_json_keeps_its_value() {
        let value = serde_json::json!({"a": ["\u{1b}[2J", "\u{9b}\u{7f}\u{202e}\u{fffe}", "θ\t"]});
        let text = escape_json(&format!("{value:#}")).into_owned();
        assert!(!text.chars().any(|c| is_unsafe(c) && c != '\n'), "{text}");
        assert!(text.contains("\\u009b\\u007f\\u202e\\ufffe"), "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn no_control_or_invalid_xml_character_is_left() {
        let every: String = (0..=0x10_ffff_u32).filter_map(char::from_u32).collect();
        let shown = escape_line(&every);
        assert!(!shown.chars().any(char::is_control));
        // XML 1.0, production 2.
        let in_xml =
            |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(shown.chars().all(in_xml));
        assert_eq!(escape_line(&shown), shown, "escaping twice is escaping once");
    }

    #[test]
    fn a_long_quote_is_truncated() {
        assert_eq!(quoted("short"), "short");
        assert_eq!(quoted(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(quoted(&"é".repeat(201)), format!("{}…", "é".repeat(200)));
        assert_eq!(beginning("\0\0", 7), "\\u{0}\\u…");
    }
}
