//! The check that turns a TOML value into what its key allows.

use super::values::{Located, Value, number_text};
use crate::keys::{Kind, alternatives};
use crate::network::{family_names, nearest_preset, preset};

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
            (Kind::Text | Kind::Path | Kind::Names, Value::Text(text)) if text.trim().is_empty() => {
                Err(is("empty", "it must say something".to_owned()))
            }
            (Kind::Path, Value::Text(text)) if text.contains(char::is_control) => Err(Misfit {
                remedy: Some("write it in single quotes, 'C:\\data', or with forward slashes, \"C:/data\"".to_owned()),
                ..is(
                    &found.value.shown(),
                    "in double quotes \\t, \\n and the like stand for a tab and other control characters, which no path \
                     has"
                        .to_owned(),
                )
            }),
            (Kind::Text | Kind::Path, Value::Text(text)) => Ok(Setting::Text(text.clone())),
            (Kind::Names, Value::Text(text)) => Ok(Setting::Texts(vec![text.clone()])),
            (Kind::Preset, Value::Text(text)) => match preset(text) {
                Some(_) => Ok(Setting::Text(text.clone())),
                None => Err(Misfit {
                    remedy: Some(format!("did you mean {:?}?", nearest_preset(text))),
                    ..is(&format!("{text:?}"), "there is no such preset".to_owned())
                }),
            },
            (Kind::Family, Value::Text(text)) => {
                let names = family_names();
                Kind::choose(&names, text)
                    .map(|()| Setting::Text(text.clone()))
                    .map_err(|remedy| Misfit {
                        remedy,
                        ..is(&format!("{text:?}"), format!("it must be {}", alternatives(&names)))
                    })
            }
            (Kind::Choice(words) | Kind::Choices(words), Value::Text(text)) => match Kind::choose(words, text) {
                Ok(()) if matches!(self, Kind::Choice(_)) => Ok(Setting::Text(text.clone())),
                Ok(()) => Ok(Setting::Texts(vec![text.clone()])),
                Err(remedy) => Err(Misfit {
                    remedy,
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
            (
                Kind::Choices(_) | Kind::Names | Kind::Counts(..) | Kind::DistinctCounts(..) | Kind::Numbers(_),
                Value::List(list),
            ) => {
                if list.is_empty() {
                    return Err(is("empty", "it must have at least one value".to_owned()));
                }
                self.check_list(name, list)
            }
            _ => Err(Misfit {
                remedy: self.as_meant(&found.value),
                ..wrong_type()
            }),
        }
    }

    /// What to write for a value of another type that says what is meant: `64` for `"64"` and for `64.0`.
    fn as_meant(&self, found: &Value) -> Option<String> {
        let text = match (self, found) {
            (Kind::Count(..), Value::Float(number)) if number.fract() == 0.0 && number.abs() < 1e15 => {
                return Some(format!("write {number:.0}, without a point"));
            }
            (_, Value::Text(text)) => text.trim(),
            _ => return None,
        };
        let is_meant = match self {
            Kind::Count(..) => text.parse::<u64>().is_ok(),
            Kind::Number(_) => text.parse::<f64>().is_ok(),
            Kind::Flag => matches!(text, "true" | "false"),
            _ => false,
        };
        is_meant.then(|| format!("write {text}, without quotes"))
    }

    /// Whether a text is one of the words; else the remedy, where one of them is likely meant.
    fn choose(words: &[&str], text: &str) -> Result<(), Option<String>> {
        if words.contains(&text) {
            return Ok(());
        }
        Err(near(words, text).map(|word| format!("did you mean {word:?}?")))
    }

    fn check_list(&self, name: &str, list: &[Located<Value>]) -> Result<Setting, Misfit> {
        let has = |element: &Located<Value>, rule: String| Misfit {
            line: element.line,
            rule: format!("{name} has {}; each must be {rule}", element.value.shown()),
            remedy: None,
        };
        let distinct = matches!(self, Kind::DistinctCounts(..) | Kind::Choices(_) | Kind::Names);
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
                    _ => Err(has(element, alternatives(words))),
                })
                .collect::<Result<_, _>>()
                .map(Setting::Texts),
            Kind::Names => list
                .iter()
                .map(|element| match &element.value {
                    Value::Text(text) if !text.trim().is_empty() => Ok(text.clone()),
                    _ => Err(has(element, "text that says something".to_owned())),
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

/// The word that is likely meant: one that starts so, or the fewest edits away, and no more than a third of the letters.
pub(super) fn near<'a>(words: &[&'a str], written: &str) -> Option<&'a str> {
    // `batch_size`, `BatchSize` and `BATCH-SIZE` are one key in other hands.
    let plain = |text: &str| text.replace(['-', '_', ' '], "").to_lowercase();
    if let Some(same) = words.iter().find(|word| plain(word) == plain(written)) {
        return Some(same);
    }
    let starts_so = |word: &&&str| written.len() >= 4 && word.starts_with(written);
    if let Some(longer) = words.iter().find(starts_so) {
        return Some(longer);
    }
    let distance = |word: &str| strsim::damerau_levenshtein(word, written);
    let nearest = words.iter().copied().min_by_key(|word| distance(word))?;
    (distance(nearest) <= (written.chars().count() / 3).max(1)).then_some(nearest)
}
