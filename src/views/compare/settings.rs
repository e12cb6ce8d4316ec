//! What two variants' settings differ in, by the ablation format's keys.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::formats::ablation::{
    DataSettings, Duration, FineTuning, FixedSeeds, RateGroup, RunSettings, Schedule, Settings, TrainSettings,
};

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
    let (all_a, all_b) = (deciding(a), deciding(b));
    let mut keys: Vec<&String> = all_a.keys().chain(all_b.keys()).collect();
    keys.sort();
    keys.dedup();
    let value = |all: &Keys, key: &str| all.get(key).cloned().unwrap_or(Value::Null);
    keys.into_iter()
        .map(|key| SettingDifference {
            key: key.clone(),
            a: value(&all_a, key),
            b: value(&all_b, key),
        })
        .filter(|difference| difference.a != difference.b)
        .collect()
}

/// Values by the keys that a file has them under; one that is not set is not there.
type Keys = BTreeMap<String, Value>;

/// Every key that decides numbers. No field is skipped by `..`, so that a new field cannot be forgotten.
fn deciding(settings: &Settings) -> Keys {
    let Settings {
        data,
        preset: _,
        model,
        weights,
        train,
        measure: _,
        run,
    } = settings;
    let mut keys: Vec<(String, Value)> = Vec::new();
    keys.extend(of_data(data).map(|(key, value)| (format!("data.{key}"), value)));
    keys.extend(of_model(model).map(|(key, value)| (format!("model.{key}"), value)));
    let weights = weights.as_ref().map(|path| json!(path.display().to_string()));
    keys.extend(weights.map(|path| ("model.weights".to_owned(), path)));
    let train = train.iter().flat_map(of_train);
    keys.extend(train.map(|(key, value)| (format!("train.{key}"), value)));
    keys.extend(of_run(run).map(|(key, value)| (format!("run.{key}"), value)));
    keys.retain(|(_, value)| !value.is_null());
    keys.into_iter().collect()
}

fn of_data(settings: &DataSettings) -> impl Iterator<Item = (&'static str, Value)> {
    let DataSettings {
        dataset,
        path: _,
        extra_split,
        train_limit,
        test_limit,
        limit_order,
        validation_share,
        validation_seed,
        image_size,
        resize,
        test_crops,
        scaled_decoding,
        classes,
        channels,
        train_images,
        test_images,
        mean,
        std,
        augment,
        cutout,
    } = settings;
    [
        ("dataset", json!(dataset)),
        ("extra-split", json!(extra_split)),
        ("train-limit", json!(train_limit)),
        ("test-limit", json!(test_limit)),
        ("limit-order", json!(limit_order)),
        ("validation-share", json!(validation_share)),
        ("validation-seed", json!(validation_seed)),
        ("image-size", json!(image_size)),
        ("resize", json!(resize)),
        ("test-crops", json!(test_crops)),
        ("scaled-decoding", json!(scaled_decoding)),
        ("classes", json!(classes)),
        ("channels", json!(channels)),
        ("train-images", json!(train_images)),
        ("test-images", json!(test_images)),
        ("mean", json!(mean)),
        ("std", json!(std)),
        ("augment", json!(augment)),
        ("cutout", json!(cutout)),
    ]
    .into_iter()
}

/// A network's options are its family's own: they are taken as it writes them.
fn of_model(options: &impl Serialize) -> impl Iterator<Item = (String, Value)> {
    let fields = match json!(options) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    fields.into_iter().map(|(name, value)| (name.replace('_', "-"), value))
}

fn of_train(settings: &TrainSettings) -> Vec<(&'static str, Value)> {
    let TrainSettings {
        duration,
        batch_size,
        learning_rate,
        momentum,
        nesterov,
        weight_decay,
        schedule,
        warmup_steps,
        label_smoothing,
        mixup,
        shuffle,
        seeds: _,
        checkpoint_every,
        fixed_seeds,
        fine_tuning,
    } = settings;
    let FixedSeeds {
        initialization,
        order,
        augmentation,
        dropout,
    } = fixed_seeds;
    let mut keys = vec![
        match duration {
            Duration::Epochs(epochs) => ("epochs", json!(epochs)),
            Duration::Steps(steps) => ("steps", json!(steps)),
        },
        ("batch-size", json!(batch_size)),
        ("learning-rate", json!(learning_rate)),
        ("momentum", json!(momentum)),
        ("nesterov", json!(nesterov)),
        ("weight-decay", json!(weight_decay)),
        ("warmup-steps", json!(warmup_steps)),
        ("label-smoothing", json!(label_smoothing)),
        ("mixup", json!(mixup)),
        ("shuffle", json!(shuffle)),
        ("checkpoint-every", json!(checkpoint_every)),
        ("initialization-seed", json!(initialization)),
        ("order-seed", json!(order)),
        ("augmentation-seed", json!(augmentation)),
        ("dropout-seed", json!(dropout)),
    ];
    keys.extend(of_fine_tuning(fine_tuning));
    match schedule {
        Schedule::Constant => keys.push(("schedule", json!("constant"))),
        Schedule::Cosine => keys.push(("schedule", json!("cosine"))),
        Schedule::Step { milestones, gamma } => keys.extend([
            ("schedule", json!("step")),
            ("milestones", json!(milestones)),
            ("gamma", json!(gamma)),
        ]),
    }
    keys
}

fn of_fine_tuning(settings: &FineTuning) -> [(&'static str, Value); 4] {
    let FineTuning {
        freeze,
        new_head,
        groups,
    } = settings;
    let names: Vec<&String> = groups.iter().map(|RateGroup { tensors, .. }| tensors).collect();
    let rates: Vec<f64> = groups.iter().map(|group| group.learning_rate).collect();
    let unless_empty = |is_empty: bool, value: Value| if is_empty { Value::Null } else { value };
    [
        ("freeze", unless_empty(freeze.is_empty(), json!(freeze))),
        ("new-head", json!(new_head)),
        ("learning-rate-groups", unless_empty(names.is_empty(), json!(names))),
        ("group-learning-rates", unless_empty(rates.is_empty(), json!(rates))),
    ]
}

fn of_run(settings: &RunSettings) -> impl Iterator<Item = (&'static str, Value)> {
    let RunSettings {
        execution,
        chooses_execution: _,
        deterministic,
        precision,
        layout,
        threads,
        allocator,
        cudnn_benchmark,
        cuda_graph,
        instructions,
    } = settings;
    [
        ("execution", json!(execution)),
        ("deterministic", json!(deterministic)),
        ("precision", json!(precision)),
        ("layout", json!(layout)),
        ("threads", json!(threads)),
        ("allocator", json!(allocator)),
        ("cudnn-benchmark", json!(cudnn_benchmark)),
        ("cuda-graph", json!(cuda_graph)),
        ("instructions", json!(instructions)),
    ]
    .into_iter()
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
    fn a_setting_of_another_section_is_named_by_its_key_in_the_file() {
        let a = settings("weights = \"a.safetensors\"", "");
        let b = settings(
            "weights = \"b.safetensors\"",
            "\n[run]\nexecution = \"aten\"\nthreads = 2",
        );
        assert_eq!(
            differing(&a, &b),
            [
                "model.weights a.safetensors / b.safetensors",
                "run.execution plain / aten",
                "run.threads none / 2"
            ]
        );
    }

    #[test]
    fn what_is_frozen_and_what_learns_faster_is_named_by_its_keys() {
        let a = settings("", "");
        let b = settings(
            "",
            "freeze = \"features\"\nlearning-rate-groups = \"classifier\"\ngroup-learning-rates = [1]",
        );
        assert_eq!(
            differing(&a, &b),
            [
                "train.freeze none / [\"features\"]",
                "train.group-learning-rates none / [1.0]",
                "train.learning-rate-groups none / [\"classifier\"]"
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
