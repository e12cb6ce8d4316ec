//! What programs that read CSV take a text for, where they do not take it for a text.
//!
//! The words are those of pandas, Polars, DuckDB, R and LibreOffice Calc with their defaults, which
//! `scripts/check-tables --words` asks (`tests/fixtures/misread.json`), and the dates that spreadsheets find in names.

/// What a text is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misreading {
    /// Nothing at all: its row vanishes where rows are grouped.
    Missing,
    /// True or false.
    Truth,
    /// A number: leading zeros go, `1e5` becomes 100000.
    Number,
    /// A day or a month.
    Date,
}

impl Misreading {
    /// What it is, in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "a missing value",
            Self::Truth => "true or false",
            Self::Number => "a number",
            Self::Date => "a date",
        }
    }
}

/// Words for a missing value, in just these letters: `none` and `na` are texts to everyone.
const MISSING: [&str; 14] = [
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "None", "n/a",
    "null",
];

const TRUTHS: [&str; 6] = ["true", "false", "t", "f", "yes", "no"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// What some program takes a text for; none where all take it for a text. An empty text is not asked for: it is an empty
/// field, which says that there is nothing.
pub fn misreading(text: &str) -> Option<Misreading> {
    let lower = text.to_ascii_lowercase();
    if MISSING.contains(&text) || lower.trim_start_matches(['+', '-']) == "nan" {
        return Some(Misreading::Missing);
    }
    if TRUTHS.contains(&lower.as_str()) {
        return Some(Misreading::Truth);
    }
    if is_number(&lower) {
        return Some(Misreading::Number);
    }
    is_date(&lower).then_some(Misreading::Date)
}

/// A number to some program, after it was written in small letters: also hexadecimal, complex, and with commas.
fn is_number(text: &str) -> bool {
    let unsigned = text.trim_start_matches(['+', '-']);
    let digits = |text: &str, radix| !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
    if text.parse::<f64>().is_ok() {
        return true;
    }
    if let Some(hexadecimal) = unsigned.strip_prefix("0x") {
        // R reads an exponent of two behind it.
        let (digits_of, power) = hexadecimal.split_once('p').unwrap_or((hexadecimal, "0"));
        return digits(&digits_of.replace('.', ""), 16) && power.parse::<i32>().is_ok();
    }
    if unsigned.strip_prefix("0b").is_some_and(|binary| digits(binary, 2)) {
        return true;
    }
    // R takes an exponent without digits for one of 0.
    if text
        .strip_suffix('e')
        .is_some_and(|mantissa| mantissa.parse::<f64>().is_ok())
    {
        return true;
    }
    if let Some(complex) = text.strip_suffix('i') {
        let splits = complex.char_indices().skip(1).filter(|(_, c)| matches!(c, '+' | '-'));
        let is_sum = |at: usize| complex[..at].parse::<f64>().is_ok() && complex[at..].parse::<f64>().is_ok();
        return complex.parse::<f64>().is_ok() || splits.into_iter().any(|(at, _)| is_sum(at));
    }
    // Thousands, or decimals in many languages.
    text.contains(',') && digits(&unsigned.replace([',', '.'], ""), 10)
}

/// A date to some program, after it was written in small letters: two or three numbers, or a month with one or two.
fn is_date(text: &str) -> bool {
    let of_time = |c: char| c.is_ascii_digit() || c == ':';
    let parts: Vec<&str> = text.split(['-', '.', '/', ' ']).collect();
    let is_part = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if (2..=3).contains(&parts.len()) && parts.iter().all(is_part) {
        return true;
    }
    if text.contains(':') && text.chars().all(|c| of_time(c) || "-./ t".contains(c)) {
        return true;
    }
    let is_month = |word: &str| word == "sept" || MONTHS.iter().any(|month| word == *month || word == &month[..3]);
    let words: Vec<&str> = text
        .split(|c: char| !c.is_ascii_lowercase())
        .filter(|word| !word.is_empty())
        .collect();
    let numbers: Vec<&str> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .collect();
    let has_only = text
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-./ ".contains(c));
    let is_short = (1..=2).contains(&numbers.len()) && numbers.iter().all(is_part);
    has_only && is_short && matches!(words[..], [word] if is_month(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_named() {
        for (text, expected) in [
            ("None", Misreading::Missing),
            ("nan", Misreading::Missing),
            ("No", Misreading::Truth),
            ("T", Misreading::Truth),
            ("001", Misreading::Number),
            ("1e5", Misreading::Number),
            ("1e", Misreading::Number),
            ("inf", Misreading::Number),
            ("0x1F", Misreading::Number),
            ("1+2i", Misreading::Number),
            ("1,5", Misreading::Number),
            ("1234567890123456", Misreading::Number),
            ("12345678901e4567", Misreading::Number),
            ("6-12-24", Misreading::Date),
            ("1-2", Misreading::Date),
            ("2024-01-02", Misreading::Date),
            ("1.2.3", Misreading::Date),
            ("mar1", Misreading::Date),
            ("Sept-2", Misreading::Date),
            ("1-may-2024", Misreading::Date),
            ("12:30", Misreading::Date),
        ] {
            assert_eq!(misreading(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_text_to_everyone_is_one() {
        for text in [
            "",
            "none",
            "na",
            "Null",
            "nil",
            "base",
            "k12",
            "k-12",
            "12k",
            "1a",
            "e5",
            "growth-rate=12",
            "augment=none",
            "bottleneck=true",
            "block-layers=6-12-24",
            "e1979bc3da6c8a93",
            "may",
            "march",
            "mark1",
            "marc1",
            "1_000",
            "1-2-3-4",
            "v1.2.3",
            "[6, 12, 24]",
            "cuda:0",
            "f32",
            "0xg",
            "1+2",
            "the loss is NaN",
            "m-5",
            "i",
            "1-2-x",
        ] {
            assert_eq!(misreading(text), None, "{text}");
        }
    }
}
