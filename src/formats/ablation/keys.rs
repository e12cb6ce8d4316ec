//! The keys of the ablation file: what is known of each, and what a message advises where none is meant.

use super::key_table::KEYS;
use super::kind::{Kind, near};

/// A key of the ablation file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownKey {
    /// The key with its section, `model.growth-rate`; `name` and `question` have none.
    pub key: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// The value where the file does not give one, as TOML between backticks or in words.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub meaning: &'static str,
    /// What to write instead of a value that breaks the rule.
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

    /// Whether variants may differ in it. What the ablation is called is no setting.
    pub fn can_be_swept(&self) -> bool {
        !self.section().is_empty()
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

/// The sections that hold settings, in the order of the documentation.
pub const SECTIONS: [&str; 5] = ["data", "model", "train", "measure", "run"];

/// Every key, section by section.
pub fn known_keys() -> &'static [KnownKey] {
    KEYS
}

pub(super) fn known(key: &str) -> Option<&'static KnownKey> {
    KEYS.iter().find(|known| known.key == key)
}

/// The key of an option that a network's rule names: `model.growth-rate` for `growth-rate`.
pub(super) fn key_of_option(option: &str) -> String {
    let known = KEYS.iter().find(|known| known.last_part() == option);
    known.map_or_else(|| format!("model.{option}"), |known| known.key.to_owned())
}

/// What to do about a key that a section (or the file's top, `""`) does not have.
pub(super) fn remedy_for_unknown(section: &str, written: &str) -> String {
    let own: Vec<&str> = KEYS
        .iter()
        .filter(|known| known.section() == section)
        .map(KnownKey::last_part)
        .collect();
    if let Some(nearest) = near(&own, written) {
        return format!("did you mean {nearest}?");
    }
    let elsewhere = KEYS
        .iter()
        .find(|known| known.last_part() == written || known.key == written);
    if let Some(known) = elsewhere {
        return match known.section() {
            "" => "it belongs at the file's top, before the first section".to_owned(),
            section => format!("write {} under [{section}]", known.last_part()),
        };
    }
    if section.is_empty() {
        return format!(
            "at its top a file has name and question, then [{}]",
            SECTIONS.join("], [")
        );
    }
    format!("[{section}] has {}", own.join(", "))
}

/// What to do about a key that [sweep] or a variant names but that no section has.
pub(super) fn remedy_for_unknown_swept(written: &str) -> String {
    let (section, last) = written.split_once('.').unwrap_or(("", written));
    let within = |known: &&KnownKey| known.can_be_swept() && (section.is_empty() || known.section() == section);
    let in_section = || KEYS.iter().filter(within);
    let names: Vec<&str> = in_section().map(KnownKey::last_part).collect();
    let same_name = || {
        KEYS.iter()
            .find(|known| known.can_be_swept() && known.last_part() == last)
    };
    let nearest = near(&names, last).and_then(|name| in_section().find(|known| known.last_part() == name));
    match nearest.or_else(same_name) {
        Some(known) => format!("did you mean {:?}?", known.key),
        None if SECTIONS.contains(&section) => format!("[{section}] has {}", names.join(", ")),
        None => "write its section and its name, such as \"model.growth-rate\"".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_once_and_in_a_known_section() {
        for (position, known) in KEYS.iter().enumerate() {
            assert!(
                KEYS[..position].iter().all(|earlier| earlier.key != known.key),
                "{}",
                known.key
            );
            assert!(
                known.section().is_empty() || SECTIONS.contains(&known.section()),
                "{}",
                known.key
            );
        }
    }

    #[test]
    fn an_option_that_a_networks_rule_names_is_found_in_its_section() {
        for (option, key) in [
            ("growth-rate", "model.growth-rate"),
            ("batch-size", "train.batch-size"),
            ("image-size", "data.image-size"),
            ("dataset", "data.dataset"),
        ] {
            assert_eq!(key_of_option(option), key);
        }
    }
}
