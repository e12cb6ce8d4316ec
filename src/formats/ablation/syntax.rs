//! What is not TOML in a file, as people from YAML, JSON, Python, Windows and word processors write it: the place, the rule and the remedy.
//!
//! The parser's own message names what its grammar expects. What was meant is read off the text at that place.

use super::syntax_place::{Explanation, Place};
use super::{syntax_letters, syntax_values};
use crate::visible::beginning;

/// The most characters that a message quotes of a file.
const LONGEST: usize = 60;

/// Explains the parser's first fault: it stopped at the byte `offset` and said `said`.
pub(super) fn explain(text: &str, offset: usize, said: &str) -> Explanation {
    let place = Place::new(text, offset, said);
    let rules: [fn(&Place<'_>) -> Option<Explanation>; 12] = [
        syntax_letters::other_format,
        syntax_letters::line_end,
        syntax_letters::invisible,
        syntax_letters::quotation_mark,
        syntax_letters::comment,
        header,
        backslash,
        colon,
        key,
        duplicate,
        syntax_values::value,
        unclosed,
    ];
    let found = rules.iter().find_map(|rule| rule(&place));
    let found = found.unwrap_or_else(|| {
        let said = beginning(said, LONGEST);
        Explanation::new(place.offset, said, "see https://toml.io for its rules")
    });
    Explanation {
        rule: format!("this is not TOML: {}", found.rule),
        ..found
    }
}

/// `[section]` headers.
fn header(place: &Place<'_>) -> Option<Explanation> {
    let trimmed = place.line.trim();
    if !trimmed.starts_with('[') || place.before().contains('=') {
        return None;
    }
    let name: String = trimmed
        .chars()
        .skip_while(|&c| c == '[')
        .take_while(|&c| c != ']')
        .collect();
    let name = beginning(name.trim(), LONGEST);
    if place.said("unclosed array table") {
        return Some(Explanation::new(
            place.offset,
            "the header is not closed by ]]",
            format!("write [[{name}]]"),
        ));
    }
    if place.said("unclosed table") {
        return Some(Explanation::new(
            place.offset,
            "the header is not closed by ]",
            format!("write [{name}]"),
        ));
    }
    if place.said("unexpected key or value") {
        return Some(match place.rest().trim_start().starts_with(']') {
            true => Explanation::new(place.offset, "there is a ] too many", format!("write [{name}]")),
            false => Explanation::new(
                place.offset,
                "a header stands alone on its line",
                format!("write [{name}], and the keys on the lines below"),
            ),
        });
    }
    None
}

/// `"C:\data"`: in double quotes a backslash starts an escape.
fn backslash(place: &Place<'_>) -> Option<Explanation> {
    let is_escape = [
        "missing escaped value",
        "too few unicode",
        "invalid unicode",
        "invalid escape",
        "value is out of range",
    ];
    if !is_escape.iter().any(|said| place.said(said)) {
        return None;
    }
    let index = place.before().rfind('\\')?;
    let escape: String = place.line[index..].chars().take(2).collect();
    let text = quoted_around(place.line, index).unwrap_or("C:\\data");
    let (single, forward) = (beginning(text, LONGEST), beginning(&text.replace('\\', "/"), LONGEST));
    Some(Explanation::new(
        place.start + index,
        format!(
            "in double quotes a backslash starts an escape, and {} is none",
            beginning(&escape, LONGEST)
        ),
        format!("write the text in single quotes, '{single}', or a path with forward slashes, \"{forward}\""),
    ))
}

/// The text in double quotes around a byte of a line.
fn quoted_around(line: &str, index: usize) -> Option<&str> {
    let start = line[..index].rfind('"')? + 1;
    let end = index + line[index..].find('"')?;
    line.get(start..end)
}

/// `name: value`, as YAML, JSON and Python write it.
fn colon(place: &Place<'_>) -> Option<Explanation> {
    let is_missing_equals = place.said("key with no value") || place.said("missing assignment");
    if !is_missing_equals {
        return None;
    }
    let is_of_key =
        |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '"' | '\'' | ' ' | '\t');
    // In an inline table the key follows a brace or a comma.
    let in_table = place.said("missing assignment");
    let from = match in_table {
        true => place.before().rfind(['{', ',']).map_or(0, |brace| brace + 1),
        false => 0,
    };
    let part = &place.line[from..];
    let index = part
        .find(|letter| !is_of_key(letter))
        .filter(|&index| part[index..].starts_with(':'))?;
    let name = beginning(part[..index].trim(), LONGEST);
    let value = part[index + 1..].trim_start_matches('=').trim();
    let value = if in_table {
        value.split([',', '}']).next().unwrap_or(value).trim()
    } else {
        value.trim_end_matches(',')
    };
    let remedy = match value {
        "" if !in_table => format!("write [{name}] for a section, or {name} = and its value"),
        value => format!("write {name} = {}", syntax_values::as_toml(value)),
    };
    let rule = "a key is followed by =, not by a colon";
    Some(Explanation::new(place.start + from + index, rule, remedy))
}

/// What stands before `=`.
fn key(place: &Place<'_>) -> Option<Explanation> {
    let name = beginning(place.line.split('=').next().unwrap_or_default().trim(), LONGEST);
    if place.said("extra `=`") {
        let rule = "there is more than one = between the key and its value";
        return Some(Explanation::new(place.offset, rule, "write one"));
    }
    if place.said("unquoted keys cannot be empty") {
        let remedy = "write the key, such as depth = 40";
        return Some(Explanation::new(place.offset, "there is no key before =", remedy));
    }
    if place.said("invalid unquoted key") {
        let rule = format!("the key {name} has other characters than letters, digits and hyphens");
        return Some(Explanation::new(
            place.offset,
            rule,
            "write it as the documentation lists it",
        ));
    }
    if !place.said("key with no value") {
        return None;
    }
    let trimmed = place.line.trim_start();
    Some(match (trimmed.starts_with("- "), place.line.contains('=')) {
        (true, _) => Explanation::new(
            place.offset,
            "a list of YAML's, with - before each value, is none here",
            "write the values in square brackets, such as seeds = [0, 1, 2]",
        ),
        (_, true) => Explanation::new(
            place.offset,
            format!("a key is one word, and there are several before =: {name}"),
            "write key = value",
        ),
        (_, false) => Explanation::new(
            place.offset,
            format!("{name} has no value"),
            "write a key, = and its value, such as depth = 40; a comment starts with #",
        ),
    })
}

/// A key or a section that is there twice.
fn duplicate(place: &Place<'_>) -> Option<Explanation> {
    if !place.said("duplicate key") {
        return None;
    }
    let earlier = &place.text[..place.start];
    let trimmed = place.line.trim_start();
    let numbered = |index: usize| earlier[..index].matches('\n').count() + 1;
    if trimmed.starts_with('[') {
        let header = trimmed.split(']').next().unwrap_or(trimmed);
        let first =
            line_starts(earlier).find(|&index| earlier[index..].trim_start().starts_with(&format!("{header}]")));
        let at = first.map_or_else(String::new, |index| format!(", first on line {}", numbered(index)));
        let name = beginning(header.trim_matches('[').trim(), LONGEST);
        let rule = format!("the section [{name}] is there twice{at}");
        return Some(Explanation::new(
            place.offset,
            rule,
            format!("put its keys below one [{name}]"),
        ));
    }
    let name = trimmed.split('=').next().unwrap_or(trimmed).trim();
    // Of the same section: after the last header.
    let section = line_starts(earlier)
        .filter(|&index| earlier[index..].trim_start().starts_with('['))
        .last();
    let is_same = |index: &usize| {
        let line = earlier[*index..].lines().next().unwrap_or_default();
        line.split_once('=').is_some_and(|(key, _)| key.trim() == name)
    };
    let first = line_starts(earlier)
        .filter(|&index| section.is_none_or(|section| index > section))
        .find(is_same);
    let at = first.map_or_else(String::new, |index| format!(", first on line {}", numbered(index)));
    let rule = format!("{} is there twice{at}", beginning(name, LONGEST));
    Some(Explanation::new(place.offset, rule, "keep one of the two"))
}

/// Where each line starts.
fn line_starts(text: &str) -> impl Iterator<Item = usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(index, _)| index + 1))
}

/// What has a beginning and no end.
fn unclosed(place: &Place<'_>) -> Option<Explanation> {
    let (rule, remedy) = match place.said {
        said if said.starts_with("invalid basic string, expected `\"`") => {
            ("the text has no closing \" on its line", "write \" at its end")
        }
        said if said.starts_with("invalid literal string, expected `'`") => (
            "the text has no closing ' on its line",
            "write ' at its end; text with an apostrophe stands in double quotes",
        ),
        said if said.starts_with("missing comma between array elements") && place.line.contains('=') => {
            // The parser takes the next line's key for a value of the list.
            let lines = place.text[..place.start].trim_end_matches('\n').lines();
            let begun = lines.enumerate().filter(|(_, line)| line.contains('[')).last();
            let (number, line) = begun?;
            let key = beginning(line.split('=').next().unwrap_or(line).trim(), LONGEST);
            let rule = format!(
                "the list of {key}, on line {}, is not closed before this line",
                number + 1
            );
            return Some(Explanation::new(place.offset, rule, "write ] at its end"));
        }
        said if said.starts_with("unclosed array") => ("the list is not closed", "write ] at its end"),
        said if said.starts_with("unclosed inline table") => ("the table is not closed", "write } at its end"),
        said if said.starts_with("extra comma") => ("a value is missing between two commas", "keep one comma"),
        _ => return None,
    };
    Some(Explanation::new(place.offset, rule, remedy))
}
