//! What a key's value may be, and the check that turns a TOML value into it.

use super::values::{Located, Value, number_text};
use crate::network::{nearest_preset, preset};

/// What a key's value may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text but an empty one.
    Text,
    /// A file or folder; relative ones start at the ablation file's folder.
    Path,
    /// The name of a network in [`crate::network::presets`].
    Preset,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or a list of different ones.
    Choices(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second.
    Count(u64, u64),
    /// A list of such numbers.
    Counts(u64, u64),
    /// A list of such numbers, each different.
    DistinctCounts(u64, u64),
    /// A number.
    Number(Interval),
    /// A list of numbers.
    Numbers(Interval),
}

/// The numbers that a key allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// Whether the lower bound itself is allowed.
    pub with_low: bool,
    /// The upper bound; infinite where any finite number is allowed.
    pub high: f64,
    /// Whether the upper bound itself is allowed.
    pub with_high: bool,
}

impl Interval {
    fn holds(&self, number: f64) -> bool {
        let above = number > self.low || (self.with_low && number == self.low);
        let below = number < self.high || (self.with_high && number == self.high);
        above && below
    }

    fn text(&self) -> String {
        let low = format!("{} {}", if self.with_low { "at least" } else { "above" }, self.low);
        if self.high.is_infinite() {
            return format!("finite and {low}");
        }
        format!(
            "{low} and {} {}",
            if self.with_high { "at most" } else { "below" },
            self.high
        )
    }
}

/// A value that is what its key allows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Setting {
    Text(String),
    Texts(Vec<String>),
    Flag(bool),
    Count(u64),
    Counts(Vec<u64>),
    Number(f64),
    Numbers(Vec<f64>),
}

impl Setting {
    /// The value as a variant's name prints it: text without quotes, lists as `6-12-24`.
    pub fn bare_text(&self) -> String {
        fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
            items.iter().map(text).collect::<Vec<_>>().join("-")
        }
        match self {
            Setting::Text(text) => text.clone(),
            Setting::Texts(texts) => texts.join("-"),
            Setting::Flag(flag) => flag.to_string(),
            Setting::Count(count) => count.to_string(),
            Setting::Counts(counts) => joined(counts, u64::to_string),
            Setting::Number(number) => number_text(*number),
            Setting::Numbers(numbers) => joined(numbers, |&number| number_text(number)),
        }
    }
}

/// Why a value is not what its key allows.
pub(super) struct Misfit {
    pub line: usize,
    pub rule: String,
    /// In place of the key's own remedy.
    pub remedy: Option<String>,
}

impl Kind {
    /// Whether each value is a list, and a sweep thus a list of lists.
    pub(super) fn is_list(&self) -> bool {
        matches!(self, Kind::Counts(..) | Kind::DistinctCounts(..) | Kind::Numbers(_))
    }

    /// The kind in words: `a whole number from 1 to 65536`.
    pub fn text(&self) -> String {
        match self {
            Kind::Text => "text".to_owned(),
            Kind::Path => "a path, as text".to_owned(),
            Kind::Preset => "a preset's name".to_owned(),
            Kind::Choice(words) => alternatives(words, "or"),
            Kind::Choices(words) => format!("{}, or a list of them", alternatives(words, "or")),
            Kind::Flag => "true or false".to_owned(),
            Kind::Count(..) => format!("a whole number {}", self.limits()),
            Kind::Counts(..) => format!("a list of whole numbers {}", self.limits()),
            Kind::DistinctCounts(..) => format!("a list of different whole numbers {}", self.limits()),
            Kind::Number(interval) => format!("a number {}", interval.text()),
            Kind::Numbers(interval) => format!("a list of numbers {}", interval.text()),
        }
    }

    /// The limits alone: `from 1 to 65536`.
    fn limits(&self) -> String {
        match self {
            Kind::Count(least, most) | Kind::Counts(least, most) | Kind::DistinctCounts(least, most) => {
                format!("from {least} to {most}")
            }
            Kind::Number(interval) | Kind::Numbers(interval) => interval.text(),
            _ => self.text(),
        }
    }

    /// The value of the key whose last part is `name`, if it is what this kind allows.
    pub(super) fn check(&self, name: &str, found: &Located<Value>) -> Result<Setting, Misfit> {
        let is = |what: &str, rule: String| Misfit {
            line: found.line,
            rule: format!("{name} is {what}; {rule}"),
            remedy: None,
        };
        let wrong_type = || is(&found.value.shown(), format!("it must be {}", self.text()));
        let out_of_range = || is(&found.value.shown(), format!("it must be {}", self.limits()));
        match (self, &found.value) {
            (Kind::Text | Kind::Path, Value::Text(text)) if text.trim().is_empty() => {
                Err(is("empty", "it must say something".to_owned()))
            }
            (Kind::Text | Kind::Path, Value::Text(text)) => Ok(Setting::Text(text.clone())),
            (Kind::Preset, Value::Text(text)) => match preset(text) {
                Some(_) => Ok(Setting::Text(text.clone())),
                None => Err(Misfit {
                    remedy: Some(format!("did you mean {:?}?", nearest_preset(text))),
                    ..is(&format!("{text:?}"), "there is no such preset".to_owned())
                }),
            },
            (Kind::Choice(words) | Kind::Choices(words), Value::Text(text)) => match words.contains(&text.as_str()) {
                true if matches!(self, Kind::Choice(_)) => Ok(Setting::Text(text.clone())),
                true => Ok(Setting::Texts(vec![text.clone()])),
                false => Err(Misfit {
                    remedy: near(words, text).map(|word| format!("did you mean {word:?}?")),
                    ..is(&format!("{text:?}"), format!("it must be {}", self.text()))
                }),
            },
            (Kind::Flag, Value::Flag(flag)) => Ok(Setting::Flag(*flag)),
            (Kind::Count(least, most), Value::Whole(number)) => match in_limits(*number, *least, *most) {
                Some(count) => Ok(Setting::Count(count)),
                None => Err(out_of_range()),
            },
            (Kind::Number(interval), Value::Whole(_) | Value::Float(_)) => match as_number(&found.value) {
                Some(number) if interval.holds(number) => Ok(Setting::Number(number)),
                _ => Err(out_of_range()),
            },
            (Kind::Choices(_) | Kind::Counts(..) | Kind::DistinctCounts(..) | Kind::Numbers(_), Value::List(list)) => {
                if list.is_empty() {
                    return Err(is("empty", "it must have at least one value".to_owned()));
                }
                self.check_list(name, list)
            }
            _ => Err(wrong_type()),
        }
    }

    fn check_list(&self, name: &str, list: &[Located<Value>]) -> Result<Setting, Misfit> {
        let has = |element: &Located<Value>, rule: String| Misfit {
            line: element.line,
            rule: format!("{name} has {}; each must be {rule}", element.value.shown()),
            remedy: None,
        };
        let distinct = matches!(self, Kind::DistinctCounts(..) | Kind::Choices(_));
        for (position, element) in list.iter().enumerate() {
            if distinct && list[..position].iter().any(|earlier| earlier.value == element.value) {
                return Err(Misfit {
                    line: element.line,
                    rule: match &element.value {
                        Value::Text(text) => format!("{name} has {text:?} twice; each may stand once"),
                        other => format!("{name} has {} twice; each may stand once", other.shown()),
                    },
                    remedy: None,
                });
            }
        }
        match self {
            Kind::Choices(words) => list
                .iter()
                .map(|element| match &element.value {
                    Value::Text(text) if words.contains(&text.as_str()) => Ok(text.clone()),
                    _ => Err(has(element, alternatives(words, "or"))),
                })
                .collect::<Result<_, _>>()
                .map(Setting::Texts),
            Kind::Numbers(interval) => list
                .iter()
                .map(|element| match as_number(&element.value) {
                    Some(number) if interval.holds(number) => Ok(number),
                    Some(_) => Err(has(element, self.limits())),
                    None => Err(has(element, format!("a number {}", self.limits()))),
                })
                .collect::<Result<_, _>>()
                .map(Setting::Numbers),
            Kind::Counts(least, most) | Kind::DistinctCounts(least, most) => list
                .iter()
                .map(|element| match &element.value {
                    Value::Whole(number) => {
                        in_limits(*number, *least, *most).ok_or_else(|| has(element, self.limits()))
                    }
                    _ => Err(has(element, format!("a whole number {}", self.limits()))),
                })
                .collect::<Result<_, _>>()
                .map(Setting::Counts),
            _ => Err(Misfit {
                line: list.first().map_or(1, |element| element.line),
                rule: format!("{name} is a list; it must be {}", self.text()),
                remedy: None,
            }),
        }
    }
}

fn in_limits(number: i128, least: u64, most: u64) -> Option<u64> {
    u64::try_from(number)
        .ok()
        .filter(|count| (least..=most).contains(count))
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Whole(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

/// `"a", "b" or "c"`.
pub(super) fn alternatives(words: &[&str], conjunction: &str) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The word that is likely meant: one that starts so, or the fewest edits away, and no more than a third of the letters.
pub(super) fn near<'a>(words: &[&'a str], written: &str) -> Option<&'a str> {
    let starts_so = |word: &&&str| written.len() >= 4 && word.starts_with(written);
    if let Some(longer) = words.iter().find(starts_so) {
        return Some(longer);
    }
    let distance = |word: &str| strsim::damerau_levenshtein(word, written);
    let nearest = words.iter().copied().min_by_key(|word| distance(word))?;
    (distance(nearest) <= (written.chars().count() / 3).max(1)).then_some(nearest)
}
