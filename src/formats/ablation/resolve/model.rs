//! `[model]`: a preset or a family's own options, and the keys that belong to no other family.

use super::reader::Reader;
use crate::formats::ablation::error::Fault;
use crate::formats::ablation::keys;
use crate::network::{Architecture, FAMILIES, Family, NetworkError, Options, family, preset};

pub fn network(reader: &Reader<'_>) -> Result<Architecture, Fault> {
    let preset = reader
        .text("model.preset")
        .and_then(preset)
        .map(|preset| preset.network);
    let family = chosen_family(reader, preset.as_ref())?;
    check_keys_of_other_families(reader, family)?;
    (family.resolve)(&ModelOptions(reader), preset.as_ref()).map_err(|error: NetworkError| {
        let key = keys::key_of_option(error.option);
        reader.fault_with(&key, error.rule, error.remedy)
    })
}

/// The family that is named, else the preset's, else the first.
fn chosen_family(reader: &Reader<'_>, preset: Option<&Architecture>) -> Result<&'static Family, Fault> {
    let named = reader.text("model.family").and_then(family);
    match (named, preset.map(|preset| preset.family())) {
        (Some(named), Some(of_preset)) if named.name != of_preset.name => {
            let key = reader.set_by_variant(["model.family", "model.preset"]);
            let rule = format!("family is {:?}, and the preset's is {:?}", named.name, of_preset.name);
            Err(reader.fault_with(key, rule, "leave family out: a preset knows its own"))
        }
        (Some(named), _) => Ok(named),
        (None, of_preset) => Ok(of_preset.unwrap_or(FAMILIES[0])),
    }
}

/// A key that does not apply to this family's networks was meant for another: an error, not ignored.
fn check_keys_of_other_families(reader: &Reader<'_>, chosen: &Family) -> Result<(), Fault> {
    let is_own = |key: &str| chosen.keys.iter().any(|own| own.key == key);
    let others = FAMILIES.iter().filter(|family| family.name != chosen.name);
    for (owner, known) in others.flat_map(|family| family.keys.iter().map(move |known| (family, known))) {
        // Where variants differ in their family, the file's own keys are there for the others.
        let is_misplaced = ["model.family", "model.preset"]
            .iter()
            .all(|decides| reader.is_misplaced(known.key, decides));
        if !is_own(known.key) && is_misplaced {
            let name = known.last_part();
            let rule = format!(
                "{name} is for the family {}, but the family is {}",
                owner.name, chosen.name
            );
            let names: Vec<&str> = chosen.keys.iter().map(|own| own.last_part()).collect();
            let remedy = format!("remove {name}; {} has {}", chosen.name, names.join(", "));
            return Err(reader.fault_with(known.key, rule, remedy));
        }
    }
    Ok(())
}

/// The options of `[model]` for a family, which names them without their section.
struct ModelOptions<'r, 'd>(&'r Reader<'d>);

impl ModelOptions<'_, '_> {
    fn key(name: &str) -> String {
        format!("model.{name}")
    }
}

impl Options for ModelOptions<'_, '_> {
    fn count(&self, name: &str) -> Option<usize> {
        self.0.count(&Self::key(name))
    }

    fn counts(&self, name: &str) -> Option<Vec<usize>> {
        self.0.counts(&Self::key(name))
    }

    fn number(&self, name: &str) -> Option<f64> {
        self.0.number(&Self::key(name))
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.0.flag(&Self::key(name))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.text(&Self::key(name))
    }

    fn set_by_variant(&self, names: [&'static str; 2]) -> &'static str {
        let keys = names.map(Self::key);
        names[usize::from(self.0.sets_second([&keys[0], &keys[1]]))]
    }
}
