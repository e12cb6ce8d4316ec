//! The keys of the ablation file: what is known of each, and what a message advises where none is meant.

use std::sync::LazyLock;

use super::key_table::OWN_KEYS;
use super::kind::near;
use crate::keys::KnownKey;
use crate::network::FAMILIES;

/// The sections that hold settings, in the order of the documentation.
pub const SECTIONS: [&str; 6] = ["data", "model", "train", "measure", "run", "compare"];

/// Every key, section by section; one that several families have stands once.
static KEYS: LazyLock<Vec<KnownKey>> = LazyLock::new(|| {
    let mut keys: Vec<KnownKey> = Vec::new();
    for known in OWN_KEYS {
        keys.push(*known);
        if known.key == "model.family" {
            for own in FAMILIES.iter().flat_map(|family| family.keys) {
                if keys.iter().all(|earlier| earlier.key != own.key) {
                    keys.push(*own);
                }
            }
        }
    }
    keys
});

/// Every key, section by section; one that several families have stands once, as the first of them has it.
pub fn known_keys() -> &'static [KnownKey] {
    &KEYS
}

/// The keys of `[model]` that every family has.
pub fn common_model_keys() -> impl Iterator<Item = &'static KnownKey> {
    OWN_KEYS.iter().filter(|known| known.section() == "model")
}

pub(super) fn known(key: &str) -> Option<&'static KnownKey> {
    KEYS.iter().find(|known| known.key == key)
}

/// The key of an option that a network's rule names: `model.growth-rate` for `growth-rate`.
pub(super) fn key_of_option(option: &str) -> String {
    let known = KEYS.iter().find(|known| known.last_part() == option);
    known.map_or_else(|| format!("model.{option}"), |known| known.key.to_owned())
}

/// Names that earlier versions and other programs have for a key, in its section, each with what to write in its place.
const OTHER_NAMES: [(&str, &str); 15] = [
    (
        "run.tf32",
        "write precision = \"tf32\" in its place, or leave it out for f32",
    ),
    ("train.lr", "did you mean learning-rate?"),
    ("train.wd", "did you mean weight-decay?"),
    ("train.bs", "did you mean batch-size?"),
    (
        "train.optimizer",
        "leave it out: training is SGD with momentum, whose keys are momentum, nesterov and weight-decay",
    ),
    ("train.seed", "write seeds, a list"),
    ("train.num-epochs", "did you mean epochs?"),
    ("train.scheduler", "did you mean schedule?"),
    ("train.lr-scheduler", "did you mean schedule?"),
    ("model.arch", "did you mean preset?"),
    ("model.name", "did you mean preset?"),
    ("model.depths", "did you mean block-layers?"),
    ("model.drop-rate", "did you mean dropout?"),
    ("model.aux-logits", "did you mean auxiliary-heads?"),
    ("model.dropout-aux", "did you mean auxiliary-dropout?"),
];

/// What to write in place of another name.
fn of_other_name(dotted: &str) -> Option<String> {
    let hyphenated = dotted.replace('_', "-");
    let found = OTHER_NAMES.iter().find(|(name, _)| *name == hyphenated);
    found.map(|(_, remedy)| (*remedy).to_owned())
}

/// What to do about a key that a section (or the file's top, `""`) does not have.
pub(super) fn remedy_for_unknown(section: &str, written: &str) -> String {
    if let Some(remedy) = of_other_name(&format!("{section}.{written}")) {
        return remedy;
    }
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
            "at its top a file has name and question, then [{}], [sweep] and [[variant]]",
            SECTIONS.join("], [")
        );
    }
    format!("[{section}] has {}", own.join(", "))
}

/// What to do about a key that [sweep] or a variant names but that no section has.
pub(super) fn remedy_for_unknown_swept(written: &str) -> String {
    if let Some(remedy) = of_other_name(written) {
        return remedy;
    }
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
    fn a_key_that_several_families_have_takes_the_same_values_in_each() {
        for own in FAMILIES.iter().flat_map(|family| family.keys) {
            assert_eq!(known(own.key).map(|known| known.kind), Some(own.kind), "{}", own.key);
            assert_eq!(own.section(), "model", "{}", own.key);
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
