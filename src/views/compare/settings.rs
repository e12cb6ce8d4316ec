//! What two variants' settings differ in, by the ablation format's keys.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::formats::ablation::Settings;

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SettingDifference {
    /// The key, `model.growth-rate`.
    pub key: String,
    /// A's value, as JSON has it.
    pub a: Value,
    /// B's value.
    pub b: Value,
}

impl std::fmt::Display for SettingDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: &Value| match value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        write!(f, "{} {} / {}", self.key, text(&self.a), text(&self.b))
    }
}

/// The settings that decide numbers and differ, by key. The data's path, the preset's name (what they lead to counts),
/// the seeds and `[measure]` are left out.
pub fn differing_settings(a: &Settings, b: &Settings) -> Vec<SettingDifference> {
    let (mut all_a, mut all_b) = (Map::new(), Map::new());
    flatten("", &serde_json::json!(deciding(a)), &mut all_a);
    flatten("", &serde_json::json!(deciding(b)), &mut all_b);
    let mut keys: Vec<&String> = all_a.keys().chain(all_b.keys()).collect();
    keys.sort();
    keys.dedup();
    let value = |all: &Map<String, Value>, key: &str| all.get(key).cloned().unwrap_or(Value::Null);
    keys.into_iter()
        .map(|key| SettingDifference {
            key: key.clone(),
            a: value(&all_a, key),
            b: value(&all_b, key),
        })
        .filter(|difference| difference.a != difference.b)
        .collect()
}

fn deciding(settings: &Settings) -> Settings {
    let mut settings = settings.clone();
    settings.data.path = None;
    settings.preset = None;
    settings.measure = None;
    if let Some(train) = &mut settings.train {
        train.seeds.clear();
    }
    settings
}

/// Nested tables as dotted keys, spelled as the ablation format does.
fn flatten(prefix: &str, value: &Value, flat: &mut Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('_', "-");
                // `train.epochs` and `train.schedule` are enums in memory, and plain keys in a file.
                let key = match (prefix, name.as_str()) {
                    ("", _) => name,
                    ("train", "duration") => "train".to_owned(),
                    ("train.schedule", "kind") => "train.schedule".to_owned(),
                    ("train.schedule", _) => format!("train.{name}"),
                    _ => format!("{prefix}.{name}"),
                };
                flatten(&key, value, flat);
            }
        }
        Value::Null => {}
        other => {
            flat.insert(prefix.to_owned(), other.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::ablation::parse;

    fn settings(model: &str, train: &str) -> Settings {
        let text = format!(
            "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n{model}\n[train]\n{train}\n"
        );
        parse(&text, Path::new("x.toml")).unwrap().variants.remove(0).settings
    }

    fn differing(a: &Settings, b: &Settings) -> Vec<String> {
        differing_settings(a, b)
            .iter()
            .map(SettingDifference::to_string)
            .collect()
    }

    #[test]
    fn settings_that_differ_are_named_by_their_keys_in_the_file() {
        let a = settings("growth-rate = 8", "epochs = 3");
        let b = settings(
            "growth-rate = 12",
            "steps = 40\nlearning-rate = 0.5\nschedule = \"constant\"",
        );
        assert_eq!(
            differing(&a, &b),
            [
                "model.growth-rate 8 / 12",
                "train.epochs 3 / none",
                "train.gamma 0.1 / none",
                "train.learning-rate 0.1 / 0.5",
                "train.milestones [0.5,0.75] / none",
                "train.schedule step / constant",
                "train.steps none / 40"
            ]
        );
    }

    #[test]
    fn seeds_and_measurements_decide_nothing() {
        let a = settings("", "seeds = [0]");
        let b = settings("", "seeds = [1, 2]\n[measure]\nbatch-sizes = [8]");
        assert!(differing(&a, &b).is_empty());
    }
}
