//! The keys of settings: names, allowed values and documentation.
//!
//! The ablation format's own keys and those of the network families ([`crate::network::Family::keys`]) are written down
//! as these.

use crate::words::joined;

/// Beyond any data set, batch or training: larger counts are typos.
pub const MANY: u64 = 1_000_000_000;
/// The largest count of a network's option: far beyond any network that could be built, and small enough that no closed
/// form overflows.
pub const WIDEST: u64 = 1 << 16;

/// An interval.
pub const fn interval(low: f64, with_low: bool, high: f64, with_high: bool) -> Interval {
    Interval {
        low,
        with_low,
        high,
        with_high,
    }
}

/// A share that is not everything.
pub const SHARE_BELOW_ONE: Interval = interval(0.0, true, 1.0, false);

/// A key of the ablation file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownKey {
    /// The key with its section, `model.growth-rate`; `name` and `question` have none.
    pub key: &'static str,
    /// Its allowed values.
    pub kind: Kind,
    /// The value where the file does not give one, as TOML between backticks or in words.
    pub default: &'static str,
    /// Its meaning, in one sentence.
    pub meaning: &'static str,
    /// The remedy for a value that breaks the rule.
    pub remedy: &'static str,
}

impl KnownKey {
    /// `model` of `model.growth-rate`; empty for `name` and `question`.
    pub fn section(&self) -> &'static str {
        self.key.split_once('.').map_or("", |(section, _)| section)
    }

    /// `growth-rate` of `model.growth-rate`.
    pub fn last_part(&self) -> &'static str {
        self.key.split_once('.').map_or(self.key, |(_, last)| last)
    }

    /// Whether variants may differ in it. The ablation's name, its question and how its variants are compared are not
    /// settings of a variant.
    pub fn can_be_swept(&self) -> bool {
        !matches!(self.section(), "" | "compare")
    }

    /// The key's row in the table of its section in `docs/ablation-format.md`.
    pub fn documentation_row(&self) -> String {
        let kind = self.kind.text();
        format!(
            "| `{}` | {kind} | {} | {} |",
            self.last_part(),
            self.default,
            self.meaning
        )
    }
}

/// A key's allowed values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Any text but an empty one.
    Text,
    /// A file or folder; relative ones start at the ablation file's folder.
    Path,
    /// The name of a network in [`crate::network::presets`].
    Preset,
    /// The name of a family in [`crate::network::FAMILIES`].
    Family,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or a list of different ones.
    Choices(&'static [&'static str]),
    /// Any text but an empty one, or a list of different ones.
    Names,
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
    /// Whether a number lies in it.
    pub(crate) fn holds(&self, number: f64) -> bool {
        let above = number > self.low || (self.with_low && number == self.low);
        let below = number < self.high || (self.with_high && number == self.high);
        above && below
    }

    /// The bounds in words.
    pub(crate) fn text(&self) -> String {
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

impl Kind {
    /// Whether each value is a list, and a sweep thus a list of lists.
    pub(crate) fn is_list(&self) -> bool {
        matches!(self, Kind::Counts(..) | Kind::DistinctCounts(..) | Kind::Numbers(_))
    }

    /// The kind in words: `a whole number from 1 to 65536`.
    pub fn text(&self) -> String {
        match self {
            Kind::Text => "text".to_owned(),
            Kind::Path => "a path, as text".to_owned(),
            Kind::Preset => "a preset's name".to_owned(),
            Kind::Family => "a family's name".to_owned(),
            Kind::Choice(words) => alternatives(words),
            Kind::Choices(words) => format!("{}, or a list of them", alternatives(words)),
            Kind::Names => "text, or a list of texts".to_owned(),
            Kind::Flag => "true or false".to_owned(),
            Kind::Count(..) => format!("a whole number {}", self.limits()),
            Kind::Counts(..) => format!("a list of whole numbers {}", self.limits()),
            Kind::DistinctCounts(..) => format!("a list of different whole numbers {}", self.limits()),
            Kind::Number(interval) => format!("a number {}", interval.text()),
            Kind::Numbers(interval) => format!("a list of numbers {}", interval.text()),
        }
    }

    /// The limits alone: `from 1 to 65536`.
    pub(crate) fn limits(&self) -> String {
        match self {
            Kind::Count(least, most) | Kind::Counts(least, most) | Kind::DistinctCounts(least, most) => {
                format!("from {least} to {most}")
            }
            Kind::Number(interval) | Kind::Numbers(interval) => interval.text(),
            _ => self.text(),
        }
    }
}

/// `"a", "b" or "c"`.
pub(crate) fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    joined(&quoted, "or")
}
