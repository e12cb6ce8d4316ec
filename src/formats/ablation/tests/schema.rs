//! `docs/ablation.schema.json`, by which editors complete and check ablation files: a JSON schema (draft 7, which Taplo and
//! Even Better TOML read) from the table of keys. `tests/bad_ablations/schema.rs` holds it against files.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::formats::ablation::{SECTIONS, known_keys};
use crate::keys::{Interval, Kind, KnownKey};
use crate::network::{FAMILIES, family_names, presets};

/// Text that says something.
fn text() -> Value {
    json!({"type": "string", "pattern": "\\S"})
}

fn interval(interval: Interval) -> Value {
    let mut schema = json!({"type": "number"});
    let low = if interval.with_low {
        "minimum"
    } else {
        "exclusiveMinimum"
    };
    schema[low] = json!(interval.low);
    if interval.high.is_finite() {
        let high = if interval.with_high {
            "maximum"
        } else {
            "exclusiveMaximum"
        };
        schema[high] = json!(interval.high);
    }
    schema
}

fn count(least: u64, most: u64) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

fn list(items: &Value) -> Value {
    json!({"type": "array", "minItems": 1, "items": items})
}

fn distinct(items: &Value) -> Value {
    let mut schema = list(items);
    schema["uniqueItems"] = json!(true);
    schema
}

/// The values that a kind allows.
fn values(kind: Kind) -> Value {
    match kind {
        Kind::Text | Kind::Path => text(),
        Kind::Preset => json!({"enum": presets().iter().map(|preset| preset.name).collect::<Vec<_>>()}),
        Kind::Family => json!({"enum": family_names()}),
        Kind::Choice(words) => json!({"enum": words}),
        Kind::Choices(words) => json!({"anyOf": [{"enum": words}, distinct(&json!({"enum": words}))]}),
        Kind::Names => json!({"anyOf": [text(), distinct(&text())]}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Count(least, most) => count(least, most),
        Kind::Counts(least, most) => list(&count(least, most)),
        Kind::DistinctCounts(least, most) => distinct(&count(least, most)),
        Kind::Number(allowed) => interval(allowed),
        Kind::Numbers(allowed) => list(&interval(allowed)),
    }
}

/// A text without its links, which lead nowhere from an editor.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(middle) = rest.find("](#") {
        let open = rest[..middle].rfind('[').unwrap();
        let close = middle + rest[middle..].find(')').unwrap();
        plain += &rest[..open];
        plain += &rest[open + 1..middle];
        rest = &rest[close + 1..];
    }
    plain + rest
}

/// The default in words: of a key that families have their own ones of, each family's.
fn default_in_words(known: &KnownKey) -> String {
    let of_family = |name: &'static str, keys: &'static [KnownKey]| {
        let own = keys.iter().find(|own| own.key == known.key)?;
        Some((name, own.default))
    };
    let defaults: Vec<(&str, &str)> = (FAMILIES.iter())
        .filter_map(|family| of_family(family.name, family.keys))
        .collect();
    match defaults.iter().all(|(_, default)| *default == known.default) {
        true => known.default.to_owned(),
        false => {
            let each = defaults.iter().map(|(family, default)| format!("{default} ({family})"));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

/// The default as a value, where it is one.
fn default_as_value(words: &str) -> Option<Value> {
    let toml = words.strip_prefix('`')?.strip_suffix('`')?;
    let table: toml::Table = format!("value = {toml}").parse().ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

/// A key: its values, and what an editor shows of it.
fn definition(known: &KnownKey) -> Value {
    let mut schema = values(known.kind);
    let default = default_in_words(known);
    let mut description = without_links(known.meaning);
    if default == "required" {
        description += " Required.";
    } else {
        description += &format!(" Default: {}.", without_links(&default));
    }
    schema["description"] = json!(description);
    if let Some(value) = default_as_value(&default) {
        schema["default"] = value;
    }
    if known.key == "name" {
        schema["pattern"] = json!("^[a-z0-9-]{1,100}$");
    }
    schema
}

fn reference(known: &KnownKey) -> Value {
    json!({"$ref": format!("#/definitions/{}", known.key)})
}

fn object(properties: Map<String, Value>) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn keys_of(section: &str) -> impl Iterator<Item = &'static KnownKey> {
    known_keys().iter().filter(move |known| known.section() == section)
}

/// Keys that variants set, dotted or within their section, each with what `value` allows.
fn set_by_variants(value: impl Fn(&KnownKey) -> Value) -> Map<String, Value> {
    let mut properties = Map::new();
    for section in SECTIONS {
        let settable = || keys_of(section).filter(|known| known.can_be_swept());
        properties.extend(settable().map(|known| (known.key.to_owned(), value(known))));
        let own: Map<String, Value> = settable()
            .map(|known| (known.last_part().to_owned(), value(known)))
            .collect();
        if !own.is_empty() {
            properties.insert(section.to_owned(), object(own));
        }
    }
    properties
}

fn sweep() -> Value {
    let mut schema = object(set_by_variants(|known| distinct(&reference(known))));
    schema["minProperties"] = json!(1);
    schema["description"] = json!("The product of these lists: a variant for each combination.");
    schema
}

fn variants() -> Value {
    let mut set = object(set_by_variants(reference));
    set["description"] = json!("What this variant sets, such as { \"model.growth-rate\" = 24 }.");
    let name = json!({
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._=,+-]{0,199}$",
        "description": "The variant's name in tables, plots and commands. Required.",
    });
    let own = Map::from_iter([("name".to_owned(), name), ("set".to_owned(), set)]);
    let mut one = object(own);
    one["required"] = json!(["name"]);
    json!({"type": "array", "items": one, "description": "Single variants beside the product of [sweep]."})
}

/// The whole schema.
fn schema() -> Value {
    let mut properties = Map::new();
    for known in keys_of("") {
        properties.insert(known.key.to_owned(), reference(known));
    }
    for section in SECTIONS {
        let own = keys_of(section).map(|known| (known.last_part().to_owned(), reference(known)));
        properties.insert(section.to_owned(), object(own.collect()));
    }
    properties.insert("sweep".to_owned(), sweep());
    properties.insert("variant".to_owned(), variants());
    let definitions: Map<String, Value> = known_keys()
        .iter()
        .map(|known| (known.key.to_owned(), definition(known)))
        .collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "An ablation of densenet-bench",
        "description": "Written by a test from the table of keys; docs/ablation-format.md describes them.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": ["name", "question"],
        // The data set and the network may be what variants differ in.
        "anyOf": [
            {"required": ["data", "model"], "properties": {"data": {"required": ["dataset"]}}},
            {"required": ["sweep"]},
            {"required": ["variant"]},
        ],
        "definitions": definitions,
    })
}

/// To write the file anew: `UPDATE_DOCS=1 cargo test --no-default-features the_documentation`.
#[test]
fn the_documentations_schema_is_that_of_the_table_of_keys() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ablation.schema.json");
    let schema = schema();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, format!("{schema:#}\n")).unwrap();
    }
    let written: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(written == schema, "run this test with UPDATE_DOCS=1");
}

#[test]
fn a_definition_says_what_a_key_takes_and_its_default() {
    let of = |key: &str| definition(known_keys().iter().find(|known| known.key == key).unwrap());
    let momentum = of("train.momentum");
    assert_eq!(momentum["minimum"], 0.0);
    assert_eq!(momentum["exclusiveMaximum"], 1.0);
    assert_eq!(momentum["default"], 0.9);
    assert_eq!(of("train.schedule")["default"], "step");
    assert_eq!(of("train.milestones")["default"], json!([0.5, 0.75]));
    assert_eq!(of("data.train-limit").get("default"), None);
    let limit_order = of("data.limit-order");
    let words = limit_order["description"].as_str().unwrap();
    assert!(words.ends_with("see Limits. Default: `\"first\"`."), "{words}");
}
