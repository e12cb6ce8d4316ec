//! The variants that [sweep] and [[variant]] make: names, and the values that each puts over the file's own.

use std::collections::HashSet;

use super::document::{Document, Point, SweptKey};
use super::error::Fault;
use super::kind::Setting;
use super::values::Located;
use crate::formats::misread::{Misreading, misreading};
use crate::keys::KnownKey;

/// More variants than this are refused before any is built.
const MOST_VARIANTS: usize = 10_000;

/// A variant's name goes into paths, tables and command lines.
const LONGEST_NAME: usize = 200;
const NAME_RULE: &str =
    "a variant's name takes up to 200 letters, digits and . _ = , + - and starts with a letter or digit";

/// A variant before its settings are resolved.
#[derive(Debug)]
pub(super) struct Overlay<'d> {
    pub name: String,
    /// The values over the file's own, in the file's order.
    pub set: Vec<(&'static KnownKey, &'d Located<Setting>)>,
}

/// The keys that variants differ in: those of [sweep], then those that [[variant]] adds.
pub(super) fn swept_keys(document: &Document) -> Vec<String> {
    let swept = document.sweep.iter().flatten().map(|swept| swept.known.key);
    let set = document
        .points
        .iter()
        .flat_map(|point| point.set.iter().map(|(known, _)| known.key));
    let mut keys: Vec<String> = Vec::new();
    for key in swept.chain(set) {
        if !keys.iter().any(|earlier| earlier == key) {
            keys.push(key.to_owned());
        }
    }
    keys
}

/// The sweep's product, the last key changing fastest, then the [[variant]] points; `base` where there is neither.
pub(super) fn overlays(document: &Document) -> Result<Vec<Overlay<'_>>, Fault> {
    let mut overlays = match &document.sweep {
        Some(sweep) => product(sweep, document)?,
        None => Vec::new(),
    };
    let mut names: HashSet<String> = overlays.iter().map(|overlay| overlay.name.clone()).collect();
    for point in &document.points {
        overlays.push(single(point)?);
        if !names.insert(point.name.value.clone()) {
            let rule = format!("two variants are named {}", point.name.value);
            return Err(Fault::new(
                point.name.line,
                "variant.name",
                rule,
                "give each a name of its own",
            ));
        }
    }
    if overlays.is_empty() {
        overlays.push(Overlay {
            name: "base".to_owned(),
            set: Vec::new(),
        });
    }
    Ok(overlays)
}

fn product<'d>(sweep: &'d [SweptKey], document: &'d Document) -> Result<Vec<Overlay<'d>>, Fault> {
    let points = sweep
        .iter()
        .fold(1usize, |product, swept| product.saturating_mul(swept.values.len()));
    if points > MOST_VARIANTS {
        let rule = format!("the sweep makes {points} variants; at most {MOST_VARIANTS} can be run");
        let line = document.sections.get("sweep").copied();
        return Err(Fault::new(
            line,
            "sweep",
            rule,
            "sweep fewer values, or list points with [[variant]]",
        ));
    }
    let mut names = HashSet::new();
    let labels = labels(sweep);
    let mut overlays: Vec<Overlay<'d>> = vec![Overlay {
        name: String::new(),
        set: Vec::new(),
    }];
    for (swept, label) in sweep.iter().zip(&labels) {
        let mut longer = Vec::with_capacity(overlays.len() * swept.values.len());
        for overlay in &overlays {
            for value in &swept.values {
                let comma = if overlay.name.is_empty() { "" } else { "," };
                let mut set = overlay.set.clone();
                set.push((swept.known, value));
                longer.push(Overlay {
                    name: format!("{}{comma}{label}={}", overlay.name, value.value.bare_text()),
                    set,
                });
            }
        }
        overlays = longer;
        for overlay in &overlays {
            let (known, value) = (swept.known, overlay.set.last());
            if !fits(&overlay.name) {
                let rule = format!("it would make a variant {:?}, but {NAME_RULE}", overlay.name);
                let remedy = "name the points yourself, with [[variant]]";
                return Err(Fault::new(value.map(|(_, value)| value.line), known.key, rule, remedy));
            }
        }
    }
    // Values without commas or equals signs of their own cannot meet; text may have them.
    for overlay in &overlays {
        if !names.insert(overlay.name.as_str()) {
            let rule = format!("two variants are named {}", overlay.name);
            let line = document.sections.get("sweep").copied();
            return Err(Fault::new(
                line,
                "sweep",
                rule,
                "name the points yourself, with [[variant]]",
            ));
        }
    }
    Ok(overlays)
}

/// Each key's last part, or the whole key where two share theirs.
fn labels(sweep: &[SweptKey]) -> Vec<&'static str> {
    sweep
        .iter()
        .map(|swept| {
            let last = swept.known.last_part();
            let sharing = sweep.iter().filter(|other| other.known.last_part() == last).count();
            if sharing == 1 { last } else { swept.known.key }
        })
        .collect()
}

fn single(point: &Point) -> Result<Overlay<'_>, Fault> {
    let name = &point.name;
    if !fits(&name.value) {
        let rule = format!("name is {:?}; {NAME_RULE}", name.value);
        return Err(Fault::new(
            name.line,
            "variant.name",
            rule,
            "choose a name such as \"wide-24\"",
        ));
    }
    Ok(Overlay {
        name: name.value.clone(),
        set: point.set.iter().map(|(known, value)| (*known, value)).collect(),
    })
}

/// Refuses names that other programs do not read as text from the tables. Quotes do not help there, and a variant whose
/// name is missing is left out where rows are grouped. Swept names have an equals sign, and are texts to everyone.
pub(super) fn check_names(document: &Document) -> Result<(), Fault> {
    if let Some(name) = document.values.get("name")
        && let Setting::Text(text) = &name.value
        && misreading(text) == Some(Misreading::Missing)
    {
        return Err(misread(name.line, "name", text, Misreading::Missing, "ablation"));
    }
    for Point { name, .. } in &document.points {
        if let Some(taken_for) = misreading(&name.value) {
            return Err(misread(name.line, "variant.name", &name.value, taken_for, "variant"));
        }
    }
    Ok(())
}

fn misread(line: usize, key: &str, name: &str, taken_for: Misreading, what: &str) -> Fault {
    let rule = format!(
        "name is {name:?}, which programs that read the tables (pandas, R, spreadsheets) take for {}",
        taken_for.words()
    );
    Fault::new(
        line,
        key,
        rule,
        format!("put a word before it, such as \"{what}-{name}\""),
    )
}

/// Starting with a letter or digit, a name is not an option of a command, a hidden file or a spreadsheet's formula.
fn fits(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._=,+-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(allowed) && name.len() <= LONGEST_NAME
}
