//! Values that are not TOML, as other languages and people write them.

use super::syntax_place::{Explanation, Place};
use crate::visible::beginning;

/// The most characters that a message quotes of a value.
const LONGEST: usize = 60;

/// Explains a value that is none, or what stands behind a value.
pub(super) fn value(place: &Place<'_>) -> Option<Explanation> {
    let starts_at_place = [
        "string values must be quoted",
        "invalid boolean",
        "invalid float",
        "missing opening quote",
        "unexpected leading zero",
        "invalid mantissa",
    ];
    let is_within = ["unexpected key or value", "invalid fraction", "invalid exponent"];
    // A number that goes on behind what could be one: `1e-1.5`.
    let goes_on = place.before().ends_with(|letter: char| letter.is_ascii_digit()) && place.rest().starts_with('.');
    let start = if goes_on {
        start_of_number(place.before())
    } else if starts_at_place.iter().any(|said| place.said(said)) {
        place.before().len()
    } else if is_within.iter().any(|said| place.said(said)) {
        start_of_value(place)
    } else {
        return None;
    };
    let token = without_comment(&place.line[start..]);
    let offset = place.start + start;
    let is_in_list = place.line[..start].trim_end().ends_with(['[', ',']);
    of_word(token, offset)
        .or_else(|| of_calculation(token, offset))
        .or_else(|| of_number(token, offset))
        .or_else(|| after_text(place))
        .or_else(|| of_list(token, offset, is_in_list))
        .or_else(|| unquoted(place, token, offset))
}

/// Where the value starts that the parser was within, or behind: after `=`, or within a list after the last comma.
fn start_of_value(place: &Place<'_>) -> usize {
    let before = place.before();
    if place.said("invalid") {
        return start_of_number(before);
    }
    let equals = before.find('=').map_or(0, |index| index + 1);
    equals + (before.len() - equals - before[equals..].trim_start().len())
}

/// Where the number starts that a text ends in.
fn start_of_number(before: &str) -> usize {
    let is_of_number = |letter: char| letter.is_ascii_alphanumeric() || ".+-_".contains(letter);
    before.trim_end_matches(is_of_number).len()
}

fn without_comment(text: &str) -> &str {
    text.split('#').next().unwrap_or(text).trim()
}

/// The first word of a token.
fn word(token: &str) -> &str {
    let end = token.find(|letter: char| letter.is_whitespace() || matches!(letter, ',' | ']' | '}' | ';'));
    &token[..end.unwrap_or(token.len())]
}

/// Words of other languages for true, false and nothing; an absent value.
fn of_word(token: &str, offset: usize) -> Option<Explanation> {
    let word = word(token);
    let explained = |rule: String, remedy: &str| Some(Explanation::new(offset, rule, remedy));
    let boolean = |value: bool| {
        let rule = format!("{word} is not a boolean; one is true or false, in lower case and without quotes");
        explained(rule, &format!("write {value}"))
    };
    match word.to_ascii_lowercase().as_str() {
        "" if token.is_empty() => explained(
            "the key has no value".to_owned(),
            "write one after =, or leave the line out for the default",
        ),
        "true" | "yes" | "on" | "y" => boolean(true),
        "false" | "no" | "off" | "n" => boolean(false),
        "none" | "null" | "nil" | "undefined" | "~" => explained(
            format!("{word} is not a value; TOML has none for nothing"),
            "leave the line out for the default",
        ),
        lower @ ("nan" | "inf") => explained(format!("{word} is written in lower case"), &format!("write {lower}")),
        "infinity" | "+infinity" => explained(format!("{word} is not a number"), "write inf"),
        _ => None,
    }
}

/// What another language would compute.
fn of_calculation(token: &str, offset: usize) -> Option<Explanation> {
    let explained = |rule: String, remedy: &str| Some(Explanation::new(offset, rule, remedy));
    let quoted = beginning(token, LONGEST);
    let name = token.split('(').next().unwrap_or_default();
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
    if token.contains('(') && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_name) {
        // There are no ranges at all, which is said where lists are.
        let remedy = "write the value itself, such as 0.1";
        return (name != "range")
            .then(|| explained(format!("no functions are called, as {quoted}"), remedy))
            .flatten();
    }
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    let operator = token.find(['*', '/', '^'])?;
    let right = token[operator..].trim_start_matches(['*', '/', '^']);
    (is_number(&token[..operator]) && right.starts_with(|c: char| c.is_ascii_digit() || " (+-.".contains(c)))
        .then(|| {
            explained(
                format!("nothing is computed, as {quoted}"),
                "write the number itself, such as 0.1",
            )
        })
        .flatten()
}

/// Numbers as other languages and people write them.
fn of_number(token: &str, offset: usize) -> Option<Explanation> {
    let word = word(token);
    let explained = |rule: &str, remedy: String| Some(Explanation::new(offset, rule, remedy));
    let unsigned = word.trim_start_matches(['-', '+']);
    let sign = if word.starts_with('-') { "-" } else { "" };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((whole, rest)) = unsigned.split_once("..")
        && is_digits(whole)
    {
        let last = rest.trim_start_matches(['.', '=']);
        let rule = format!("there are no ranges, as {}", beginning(word, LONGEST));
        return explained(
            &rule,
            format!("list the numbers, such as [{whole}, …, {}]", beginning(last, LONGEST)),
        );
    }
    if let Some(fraction) = unsigned.strip_prefix('.')
        && fraction.starts_with(|letter: char| letter.is_ascii_digit())
    {
        let rule = "a number has a digit before its point";
        return explained(rule, format!("write {sign}0.{}", beginning(fraction, LONGEST)));
    }
    if let Some((whole, rest)) = unsigned.split_once('.')
        && is_digits(whole)
        && !rest.starts_with(|letter: char| letter.is_ascii_digit())
        && (rest.is_empty() || rest.starts_with(['e', 'E']))
    {
        let rule = "a number has a digit after its point";
        return explained(rule, format!("write {sign}{whole}.0{rest}"));
    }
    if let Some(share) = unsigned.strip_suffix('%')
        && let Ok(share) = share.parse::<f64>()
    {
        let rule = "a number has no percent sign";
        return explained(rule, format!("write the share, {sign}{}", share / 100.0));
    }
    if unsigned.len() > 1 && unsigned.starts_with('0') && is_digits(unsigned) {
        let digits = unsigned.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        return explained("a whole number does not start with 0", format!("write {sign}{digits}"));
    }
    if let Some((mantissa, exponent)) = unsigned.split_once(['e', 'E'])
        && let (Ok(mantissa), Ok(power)) = (mantissa.parse::<f64>(), exponent.parse::<f64>())
        && exponent.contains('.')
    {
        let value = mantissa * 10f64.powf(power);
        return explained("an exponent is a whole number", format!("write {sign}{value:.4e}"));
    }
    if unsigned.starts_with(|letter: char| letter.is_ascii_digit()) && unsigned.ends_with(['e', 'E', '-', '+']) {
        return explained("an exponent has digits", "write such as 1e-4".to_owned());
    }
    None
}

/// Letters behind a text's end.
fn after_text(place: &Place<'_>) -> Option<Explanation> {
    let mark = place.before().trim_end().chars().next_back()?;
    if !place.said("unexpected key or value") || !matches!(mark, '"' | '\'') {
        return None;
    }
    let rule = format!("the text ends at this {mark}, and more follows");
    let remedy = "write text that has ' in it in double quotes, and text that has \" in single quotes; a list stands in \
                  square brackets";
    Some(Explanation::new(place.offset, rule, remedy))
}

/// Several values, as other languages write them.
fn of_list(token: &str, offset: usize, is_in_list: bool) -> Option<Explanation> {
    let explained = |rule: &str, remedy: String| Some(Explanation::new(offset, rule, remedy));
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    if token.starts_with("range(") {
        return explained("there are no ranges", "list the numbers, such as [0, 1, 2]".to_owned());
    }
    if let Some(inner) = token.strip_prefix('(') {
        let inner = beginning(inner.trim_end_matches([')', ',', ']']).trim(), LONGEST);
        let rule = "a list stands in square brackets, not in parentheses";
        return explained(rule, format!("write [{inner}]"));
    }
    let token = if is_in_list {
        token.split([']', ',']).next().unwrap_or(token)
    } else {
        token
    };
    if let Some(alone) = token.strip_suffix(',').filter(|alone| !alone.contains(',')) {
        let at = offset + alone.len();
        return Some(Explanation::new(at, "a line does not end with a comma", "leave it out"));
    }
    let parts: Vec<&str> = token.split(',').collect();
    if parts.len() > 1 && parts.iter().all(|part| is_number(part)) {
        let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_thousands =
            !parts[0].starts_with('0') && parts[0].len() <= 3 && parts[1..].iter().all(|part| digits(part, 3));
        let list = parts.iter().map(|part| part.trim()).collect::<Vec<_>>().join(", ");
        return match (parts.len(), token.contains(' ')) {
            (_, false) if is_thousands => explained(
                "a number has no commas for its thousands",
                format!("write {}", parts.concat()),
            ),
            (2, false) => explained(
                "a decimal fraction has a point, and a list stands in square brackets",
                format!("write {} for a fraction, or [{list}] for a list", parts.join(".")),
            ),
            _ => explained("a list stands in square brackets", format!("write [{list}]")),
        };
    }
    let words: Vec<&str> = token.split_whitespace().collect();
    if words.len() > 1 && words.iter().all(|word| is_number(word)) {
        let list = words.join(", ");
        return match is_in_list {
            true => explained("the values of a list are separated by commas", format!("write {list}")),
            false => explained(
                "a list stands in square brackets, with commas",
                format!("write [{list}]"),
            ),
        };
    }
    if words.len() > 1 && is_number(words[0]) {
        let rule = "a number stands alone, without a unit or other words";
        return explained(rule, format!("write {}; a comment starts with #", words[0]));
    }
    parts.len().gt(&1).then(|| {
        let list: Vec<String> = parts.iter().map(|part| as_toml(part.trim())).collect();
        Explanation::new(
            offset,
            "a list stands in square brackets",
            format!("write [{}]", list.join(", ")),
        )
    })
}

/// Text without quotes.
fn unquoted(place: &Place<'_>, token: &str, offset: usize) -> Option<Explanation> {
    let explained = |rule: &str, remedy: String| Some(Explanation::new(offset, rule, remedy));
    let prefix = token.split(['"', '\'']).next().unwrap_or_default();
    if (1..=2).contains(&prefix.len()) && prefix.len() < token.len() && prefix.bytes().all(|b| b.is_ascii_alphabetic())
    {
        let rule = format!("there is no letter before a quotation mark, as {prefix}\"…\" of Python");
        return explained(
            &rule,
            format!("leave out the {prefix}; single quotes take a text as it is, 'C:\\data'"),
        );
    }
    if token.starts_with('$') {
        let rule = "variables of the environment are not read";
        return explained(rule, "write the value itself".to_owned());
    }
    let closes_early = place.said("unexpected key or value");
    let token = token.trim_end_matches([']', '}']).trim();
    (!token.is_empty() && !closes_early)
        .then(|| Explanation::new(offset, "text stands in quotes", format!("write {}", as_toml(token))))
}

/// A value of another language as TOML writes it: a number or a text in quotes.
pub(super) fn as_toml(value: &str) -> String {
    let is_quoted = value.len() > 1 && value.starts_with(['"', '\'']) && value.ends_with(['"', '\'']);
    let is_whole = is_quoted || value.starts_with('[') || matches!(value, "true" | "false");
    if is_whole || value.starts_with(|letter: char| letter.is_ascii_digit()) && value.parse::<f64>().is_ok() {
        return beginning(value, LONGEST);
    }
    match value.to_ascii_lowercase().as_str() {
        word @ ("true" | "false") => return word.to_owned(),
        "yes" | "on" => return "true".to_owned(),
        "no" | "off" => return "false".to_owned(),
        _ => {}
    }
    let text = beginning(value, LONGEST);
    match value.contains(['\\', '"']) {
        true => format!("'{text}'"),
        false => format!("\"{text}\""),
    }
}
