//! What is wrong with an ablation file: where, which key, the rule that is broken and the remedy.

use std::fmt;
use std::path::{Path, PathBuf};

use super::excerpt::Excerpt;
use super::keys;
use super::settings::{Ablation, Variant};
use crate::network::NetworkError;

/// A rule of the ablation format that a file breaks. It prints as one line, `growth.toml:12: model.growth-rate:
/// growth-rate is 0; it must be from 1 to 65536; the paper's are 12, 24, 32, 40 and 48`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// The file, as the caller named it.
    pub file: PathBuf,
    /// The line at fault, from 1; none where something is missing from a file that has no place for it yet.
    pub line: Option<usize>,
    /// The key at fault, with its section: `model.growth-rate`.
    pub key: Option<String>,
    /// What was found and the rule that it breaks.
    pub rule: String,
    /// What to write instead.
    pub remedy: String,
    /// What is known of the place in that line.
    in_line: Option<Box<InLine>>,
}

/// A place in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct InLine {
    /// The character, from 1, where it is known for certain.
    column: Option<usize>,
    /// The line with a caret under the place, where the file's text was at hand.
    excerpt: Option<Excerpt>,
}

impl FormatError {
    /// The character at fault in its line, from 1, where it is known.
    pub fn column(&self) -> Option<usize> {
        self.in_line.as_ref()?.column
    }

    /// The line with a caret under the place, where it is known; it is not part of the one line that the error prints as.
    pub fn excerpt(&self) -> Option<&Excerpt> {
        self.in_line.as_ref()?.excerpt.as_ref()
    }

    /// The same, with the line at fault as the file's text has it.
    pub(super) fn with_excerpt(self, text: &str) -> Self {
        let excerpt = self.line.and_then(|line| {
            let column = self
                .column()
                .unwrap_or_else(|| likely_column(text, line, self.key.as_deref()));
            Excerpt::new(text, line, column)
        });
        let column = self.column();
        Self {
            in_line: Some(Box::new(InLine { column, excerpt })),
            ..self
        }
    }
}

/// Where what is wrong is likely to start: a value behind the `=` of its key, an unknown key at the line's first letter.
fn likely_column(text: &str, line: usize, key: Option<&str>) -> usize {
    let key = key.map(|key| key.trim_start_matches("sweep.").trim_start_matches("variant.set."));
    let key = key.filter(|key| keys::known(key).is_some());
    let line = text.split('\n').nth(line.saturating_sub(1)).unwrap_or_default();
    let last = key.and_then(|key| key.rsplit('.').next()).unwrap_or_default();
    let is_of_key = |before: &str| key.is_some() && before.trim().trim_matches('"').ends_with(last);
    let value = line.split_once('=').filter(|(before, _)| is_of_key(before));
    let rest = value.map_or(line, |(_, value)| value).trim_start();
    line.chars().count() - rest.chars().count() + 1
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column() {
                write!(f, ":{column}")?;
            }
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}; {}", self.rule, self.remedy)
    }
}

impl std::error::Error for FormatError {}

/// A [`FormatError`] before its file is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub key: Option<String>,
    pub rule: String,
    pub remedy: String,
}

impl Fault {
    pub fn new(
        line: impl Into<Option<usize>>,
        key: impl Into<String>,
        rule: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            line: line.into(),
            column: None,
            key: Some(key.into()),
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }

    pub fn in_file(self, file: &Path) -> FormatError {
        FormatError {
            file: file.to_owned(),
            line: self.line,
            key: self.key,
            rule: self.rule,
            remedy: self.remedy,
            in_line: self.column.map(|column| {
                Box::new(InLine {
                    column: Some(column),
                    excerpt: None,
                })
            }),
        }
    }

    /// The same, with the variant in whose settings the fault was found.
    pub fn of_variant(self, name: &str) -> Self {
        Self {
            rule: in_variant(name, &self.rule),
            ..self
        }
    }
}

fn in_variant(name: &str, rule: &str) -> String {
    format!("in variant {name}, {rule}")
}

impl Ablation {
    /// An error about a setting of `variant` that only the data or the machine could show, in the form and with the
    /// line of those that [`super::parse`] finds. Where the file does not give `key` (`data.image-size`), the line is
    /// that of its section's header. The variant is named where the ablation sweeps a key of that section.
    pub fn located(
        &self,
        variant: &Variant,
        key: &str,
        rule: impl Into<String>,
        remedy: impl Into<String>,
    ) -> FormatError {
        let section = section_of(key);
        let swept = variant.swept.iter().any(|(swept, _)| section_of(swept) == section);
        self.located_in(variant, swept, key, rule.into(), remedy.into())
    }

    fn located_in(&self, variant: &Variant, named: bool, key: &str, rule: String, remedy: String) -> FormatError {
        let line = variant.lines.get(key).or_else(|| variant.lines.get(section_of(key)));
        let fault = Fault::new(line.copied(), key, rule, remedy);
        let fault = if named { fault.of_variant(&variant.name) } else { fault };
        fault.in_file(&self.file)
    }

    /// [`Ablation::located`] for a rule of the network, whose options are keys of several sections: what breaks it may
    /// be any swept key, so that the variant is named.
    pub fn located_network(&self, variant: &Variant, error: &NetworkError) -> FormatError {
        let key = keys::key_of_option(error.option);
        let named = !variant.swept.is_empty();
        self.located_in(variant, named, &key, error.rule.clone(), error.remedy.clone())
    }
}

/// `data` of `data.image-size`.
fn section_of(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}
