//! `docs/ablation.schema.json` against files: every shipped ablation keeps it, and of the bad files it refuses those whose
//! fault is one key's alone. What several keys have to do with each other is beyond a schema.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::Value;
use toml::Table;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = fs::read_to_string(root().join("docs/ablation.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
});

/// What the messages about one key say: its name, its type, its range, what it lacks.
const OF_ONE_KEY: [&str; 16] = [
    "has no key",
    "there is no key",
    "there is no section",
    "; it must be",
    "must be a ",
    "each must be",
    "there is no such preset",
    "it must say something",
    "the variant has no name",
    "the ablation has no",
    "at least one value",
    "each may stand once",
    "has no keys",
    "the sweep has no values",
    "takes up to",
    "cannot differ between variants",
];

/// What messages about several keys say in the same words, and a number with a point, which JSON has no other of.
const BEYOND: [&str; 6] = [
    "it must be 1 or 10",
    "without a point",
    "leaves no channel",
    "larger than the one before",
    "it would make a variant",
    "the network needs",
];

/// Holds the schema against a file that is refused with this message.
#[track_caller]
pub fn refuses_what_it_can(text: &str, message: &str) {
    let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
    let Ok(file) = text.parse::<Table>() else { return };
    if says(&OF_ONE_KEY) && !says(&BEYOND) {
        assert!(
            !keeps(&file),
            "the schema allows this, which is refused with {message}:\n{text}"
        );
    }
}

fn keeps(file: &Table) -> bool {
    fits(&SCHEMA, &serde_json::to_value(file).unwrap())
}

/// Whether a value is one that a schema allows. Of JSON Schema this is what the file uses; a keyword that is new to it is a
/// panic. A crate that knows all of it would build Burn once more for the tests, with other features.
fn fits(schema: &Value, value: &Value) -> bool {
    let keywords = schema.as_object().unwrap();
    keywords.iter().all(|(keyword, rule)| match keyword.as_str() {
        "$ref" => {
            let name = rule.as_str().unwrap().strip_prefix("#/definitions/").unwrap();
            fits(&SCHEMA["definitions"][name], value)
        }
        "type" => is_of_type(rule.as_str().unwrap(), value),
        "enum" => rule.as_array().unwrap().contains(value),
        "anyOf" => rule.as_array().unwrap().iter().any(|schema| fits(schema, value)),
        "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
        "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > rule.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
        "exclusiveMaximum" => value.as_f64().is_none_or(|number| number < rule.as_f64().unwrap()),
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|item| fits(rule, item))),
        "minItems" => (value.as_array()).is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
        "uniqueItems" => {
            (value.as_array()).is_none_or(|items| (1..items.len()).all(|at| !items[..at].contains(&items[at])))
        }
        "minProperties" => (value.as_object()).is_none_or(|own| own.len() as u64 >= rule.as_u64().unwrap()),
        "required" => (value.as_object()).is_none_or(|own| {
            let mut names = rule.as_array().unwrap().iter();
            names.all(|name| own.contains_key(name.as_str().unwrap()))
        }),
        "properties" => (value.as_object()).is_none_or(|own| {
            let mut known = own.iter().filter_map(|(name, value)| Some((rule.get(name)?, value)));
            known.all(|(schema, value)| fits(schema, value))
        }),
        "additionalProperties" => {
            assert_eq!(rule, &Value::Bool(false));
            (value.as_object()).is_none_or(|own| own.keys().all(|name| schema["properties"].get(name).is_some()))
        }
        "$schema" | "title" | "description" | "default" | "definitions" => true,
        other => panic!("say what '{other}' asks for"),
    })
}

fn is_of_type(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        // JSON has one kind of number: 40.0 is a whole one.
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        other => panic!("say what the type '{other}' is"),
    }
}

/// The schema's patterns, each by hand.
fn matches(pattern: &str, text: &str) -> bool {
    let all = |text: &str, signs: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || signs.contains(c));
    match pattern {
        "\\S" => !text.trim().is_empty(),
        "^[a-z0-9-]{1,100}$" => {
            let is_small = !text.contains(|c: char| c.is_ascii_uppercase());
            all(text, "-") && is_small && (1..=100).contains(&text.len())
        }
        "^[A-Za-z0-9][A-Za-z0-9._=,+-]{0,199}$" => {
            let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
            begins && all(text, "._=,+-") && text.len() <= 200
        }
        other => panic!("say what '{other}' matches"),
    }
}

/// The TOML files of a folder, and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_shipped_ablation_keeps_the_schema() {
    let files = files(&root().join("ablations"));
    assert!(files.len() >= 10);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert!(keeps(&text.parse().unwrap()), "{}", file.display());
    }
}

#[test]
fn a_sweep_keeps_the_schema_dotted_or_not() {
    let start = "name = \"a\"\nquestion = \"b?\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n";
    for (lines, expected) in [
        ("", true),
        ("[sweep]\n\"model.growth-rate\" = [8, 12]\n", true),
        ("[sweep]\nmodel.growth-rate = [8, 12]\n", true),
        ("[sweep]\nmodel.growth-rate = [8, 8]\n", false),
        ("[sweep]\n\"model.growth-rate\" = 8\n", false),
        ("[sweep]\n\"model.block-layers\" = [[1, 2], [3]]\n", true),
        (
            "[[variant]]\nname = \"a\"\nset = { \"train.seeds\" = [1, 2], run.execution = \"fused\" }\n",
            true,
        ),
        ("[[variant]]\nname = \"a\"\nset = { \"train.seeds\" = [1, 1] }\n", false),
        ("[[variant]]\nname = \"a b\"\n", false),
    ] {
        let file = format!("{start}{lines}").parse().unwrap();
        assert_eq!(keeps(&file), expected, "{lines}");
    }
}
