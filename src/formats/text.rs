//! What a file holds, as a message quotes it.

use crate::visible;

/// The most characters that a message quotes of a file's content.
const LONGEST_QUOTE: usize = 200;

/// The beginning of a text, on one line: where a quote is not closed, a field is the rest of its file.
pub(crate) fn quoted(text: &str) -> String {
    beginning(text, LONGEST_QUOTE)
}

/// At most so many characters of a text, on one line; they are counted as they are shown.
pub(crate) fn beginning(text: &str, most: usize) -> String {
    // Of a long text only what may be shown is escaped.
    let end = text.char_indices().nth(most + 1).map_or(text.len(), |(end, _)| end);
    let line = visible::line(&text[..end]);
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_quoted_in_part() {
        assert_eq!(quoted("short"), "short");
        assert_eq!(quoted(&"é".repeat(200)), "é".repeat(200));
        assert_eq!(quoted(&"é".repeat(201)), format!("{}…", "é".repeat(200)));
        assert_eq!(beginning("\0\0", 7), "\\u{0}\\u…");
    }
}
