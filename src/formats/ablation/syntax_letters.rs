//! Letters and marks that are none of TOML's: other formats, line ends, invisible letters, quotation marks, comments.

use super::syntax_place::{Explanation, Place};

/// Quotation marks that are none of TOML's.
const QUOTES: [char; 17] = [
    '“', '”', '„', '‟', '‘', '’', '‚', '‛', '«', '»', '‹', '›', '「', '」', '″', '′', '`',
];

const EXAMPLE: &str =
    "an ablation file is TOML, such as ablations/growth.toml: lines `key = value` below [section] headers";

/// The whole file is something else.
pub(super) fn other_format(place: &Place<'_>) -> Option<Explanation> {
    let text = place.text.trim_start_matches('\u{feff}').trim_start();
    let what = match text.as_bytes().first()? {
        b'{' => "the file is JSON",
        b'<' => "the file is HTML or XML",
        b'-' if text.starts_with("---") => "the file is YAML",
        b'%' if text.starts_with("%YAML") => "the file is YAML",
        b'#' if text.starts_with("#!") && place.said("key with no value") => "the file is a script",
        _ => return None,
    };
    Some(Explanation::new(place.text.len() - text.len(), what, EXAMPLE))
}

/// Ends of lines and bytes that no text has.
pub(super) fn line_end(place: &Place<'_>) -> Option<Explanation> {
    let lone = place
        .text
        .char_indices()
        .find(|&(index, letter)| letter == '\0' || letter == '\r' && !place.text[index + 1..].starts_with('\n'));
    let (index, letter) = lone.filter(|&(index, _)| index <= place.offset)?;
    Some(match letter {
        '\0' => Explanation::new(
            index,
            "there is a NUL byte",
            "a text has none: the file is damaged, or is not text; write it anew",
        ),
        _ => Explanation::new(
            index,
            "a line ends with a carriage return alone",
            "save the file with line feeds (LF) or Windows' line ends (CRLF)",
        ),
    })
}

/// Letters that look like a space, or like nothing.
pub(super) fn invisible(place: &Place<'_>) -> Option<Explanation> {
    let is_one = |letter: char| {
        matches!(
            letter,
            '\u{a0}' | '\u{ad}' | '\u{2000}'..='\u{200f}' | '\u{202f}' | '\u{2060}' | '\u{3000}' | '\u{feff}'
        )
    };
    let rest = place.rest();
    let end = rest.find(['"', '\'', '#']).unwrap_or(rest.len());
    let (index, letter) = rest[..end].char_indices().find(|&(_, letter)| is_one(letter))?;
    let name = match letter {
        '\u{a0}' | '\u{202f}' => "a no-break space".to_owned(),
        '\u{feff}' => "a byte order mark".to_owned(),
        _ => "a space or invisible letter of another kind".to_owned(),
    };
    Some(Explanation::new(
        place.offset + index,
        format!("there is {name} (U+{:04X})", u32::from(letter)),
        "delete it and type a plain space, or none",
    ))
}

/// Quotation marks of print and word processors.
pub(super) fn quotation_mark(place: &Place<'_>) -> Option<Explanation> {
    let is_in_text = place.said("invalid basic string") || place.said("invalid literal string");
    let (from, part) = match is_in_text {
        true => (place.start, place.line),
        false => (place.offset, place.rest()),
    };
    let end = part.find('#').unwrap_or(part.len());
    let index = part[..end].find(QUOTES)?;
    let letter = part[index..].chars().next()?;
    Some(Explanation::new(
        from + index,
        format!("{letter} is not a quotation mark of TOML"),
        "write text in straight ones, \"text\" or 'text'; a word processor replaces them",
    ))
}

/// Comments of other languages.
pub(super) fn comment(place: &Place<'_>) -> Option<Explanation> {
    let remedy = "a comment starts with #";
    let indent = place.line.len() - place.line.trim_start().len();
    let trimmed = &place.line[indent..];
    let starts = ["//", ";", "/*", "--", "%", "*"];
    if let Some(mark) = starts.iter().find(|mark| trimmed.starts_with(**mark)) {
        let rule = format!("{mark} does not start a comment");
        return Some(Explanation::new(place.start + indent, rule, remedy));
    }
    let is_after_value = place.said("string values must be quoted") || place.said("unexpected key or value");
    let rest = place.rest();
    let end = rest.find(['"', '\'', '#']).unwrap_or(rest.len());
    if !is_after_value {
        return None;
    }
    for mark in ["//", "/*", ";"] {
        let Some(index) = rest[..end].find(mark) else { continue };
        let stands_apart = index == 0 || rest[..index].ends_with(char::is_whitespace);
        if mark == ";" && rest[index + 1..].trim().is_empty() {
            let rule = "a line does not end with a semicolon";
            return Some(Explanation::new(place.offset + index, rule, "leave it out"));
        }
        if stands_apart {
            let rule = format!("{mark} does not start a comment");
            return Some(Explanation::new(place.offset + index, rule, remedy));
        }
    }
    None
}
