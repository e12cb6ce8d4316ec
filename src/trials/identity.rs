//! A trial's identity: sixteen hexadecimal digits that follow from what decides its numbers.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::formats::ablation::{DataSettings, Precision, RunSettings, Settings};
use crate::words::hex;

/// The identity of a trial with these settings and this seed; `weights_sha256` is that of the file that it starts from.
///
/// Model, data, training, seed and the `[run]` keys that change arithmetic count. What is left out: the data's path and
/// the preset's name (what they lead to counts), the other seeds, how often a checkpoint is written, `[measure]`, the
/// device, the threads, the allocator and the kernels' instructions.
pub fn identity(settings: &Settings, seed: u64, weights_sha256: Option<&str>) -> String {
    identities(settings, &[seed], weights_sha256).collect()
}

/// The [`identity`] of the trial of each seed.
pub fn identities<'a>(
    settings: &Settings,
    seeds: &'a [u64],
    weights_sha256: Option<&str>,
) -> impl Iterator<Item = String> + use<'a> {
    let data = DataSettings {
        path: None,
        ..settings.data.clone()
    };
    let mut train = json!(settings.train);
    remove(&mut train, "seeds");
    remove(&mut train, "checkpoint_every");
    // The text of an object with these keys in their order, as `digest` would have it: what stands before the seed is hashed
    // once for all.
    let before = format!(
        r#"{{"data":{},"model":{},"run":{},"seed":"#,
        json!(data),
        json!(settings.model),
        arithmetic_of(&settings.run)
    );
    let behind = format!(r#","train":{train},"weights":{}}}"#, json!(weights_sha256));
    let before = Sha256::new().chain_update(before);
    seeds.iter().map(move |seed| {
        let digest = before.clone().chain_update(seed.to_string()).chain_update(&behind);
        hex(&digest.finalize()[..8])
    })
}

/// The SHA-256 of bytes, as 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Sixteen hexadecimal digits that follow from a value.
pub fn digest(decides: &Value) -> String {
    // serde_json's maps are sorted by key, so that equal settings give equal text.
    let digest = Sha256::digest(decides.to_string());
    hex(&digest[..8])
}

/// The `[run]` keys that change arithmetic: the threads, the allocator and the kernels' instructions do not count.
pub fn arithmetic_of(run: &RunSettings) -> Value {
    let mut value = json!(run);
    remove(&mut value, "threads");
    remove(&mut value, "allocator");
    remove(&mut value, "instructions");
    remove(&mut value, "chooses_execution");
    // As the key was called at first, so that trials of tf32 keep their identity too; those of f32 have neither key.
    if run.precision == Precision::Tf32 && remove(&mut value, "precision").is_some() {
        value["tf32"] = Value::Bool(true);
    }
    value
}

fn remove(value: &mut Value, key: &str) -> Option<Value> {
    value.as_object_mut()?.remove(key)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::ablation::parse;

    fn settings(more: &str) -> Settings {
        let text = format!("name = \"x\"\nquestion = \"?\"\n{more}");
        parse(&text, Path::new("x.toml")).unwrap().variants.remove(0).settings
    }

    fn of(data: &str, model: &str, train: &str) -> String {
        let text = format!("[data]\ndataset = \"digits\"\n{data}\n[model]\ndepth = 10\n{model}\n[train]\n{train}\n");
        identity(&settings(&text), 3, None)
    }

    #[test]
    fn it_follows_from_what_decides_the_numbers() {
        let base = of("", "", "");
        for (data, model, train) in [
            ("train-limit = 100", "", ""),
            ("train-limit = 100\nlimit-order = \"stratified\"", "", ""),
            ("augment = \"shift-flip\"", "", ""),
            ("validation-share = 0.1", "", ""),
            ("", "growth-rate = 8", ""),
            ("", "dropout = 0.2", ""),
            ("", "initialization = \"he-fan-in\"", ""),
            ("", "", "epochs = 3"),
            ("", "", "batch-size = 32"),
            ("", "", "shuffle = false"),
            ("", "", "warmup-steps = 3"),
            ("", "", "label-smoothing = 0.1"),
            ("", "", "mixup = 0.2"),
            ("cutout = 4", "", ""),
            ("", "", "freeze = \"features\""),
            ("", "weights = \"w.safetensors\"", "new-head = true"),
            (
                "",
                "",
                "learning-rate-groups = \"classifier\"\ngroup-learning-rates = [1.0]",
            ),
            ("", "", "initialization-seed = 3"),
            ("", "", "order-seed = 3"),
            ("", "", "augmentation-seed = 3"),
            ("", "", "dropout-seed = 3"),
            ("validation-share = 0.1\nvalidation-seed = 3", "", ""),
            ("", "", "[run]\ndeterministic = false"),
            ("", "", "[run]\nprecision = \"tf32\""),
            ("", "", "[run]\nexecution = \"aten\"\nlayout = \"nchw\""),
            ("", "", "[run]\nexecution = \"aten\"\nprecision = \"bf16\""),
            ("", "", "[run]\nexecution = \"aten\"\nprecision = \"f16\""),
            ("", "", "[run]\nexecution = \"aten\"\ncuda-graph = true"),
        ] {
            assert_ne!(of(data, model, train), base, "{data}{model}{train}");
        }
        assert_ne!(
            identity(
                &settings("[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n[train]\n"),
                4,
                None
            ),
            base
        );
    }

    #[test]
    fn it_does_not_follow_from_the_other_seeds_or_from_what_is_measured() {
        assert_eq!(of("", "", "seeds = [3, 4]"), of("", "", ""));
        assert_eq!(of("limit-order = \"first\"", "", ""), of("", "", ""));
        assert_eq!(of("", "", "checkpoint-every = 7"), of("", "", ""));
        assert_eq!(of("", "", "seeds = [3]\n[measure]\nbatch-sizes = [8]"), of("", "", ""));
        assert_eq!(
            of(
                "",
                "",
                "seeds = [3]\n[run]\nthreads = 2\nallocator = \"return-pages\"\ndeterministic = true"
            ),
            of("", "", "")
        );
        // A preset and the options that it stands for are one network.
        assert_eq!(of("", "compression = 1.0", ""), of("", "", ""));
    }

    #[test]
    fn it_is_that_of_every_version() {
        // If this changes, every finished trial of every user is run again.
        assert_eq!(of("", "", ""), "e1979bc3da6c8a93");
        assert_eq!(of("", "", "[run]\nprecision = \"f32\""), "e1979bc3da6c8a93");
        assert_eq!(
            of("", "", "warmup-steps = 0\nlabel-smoothing = 0\nmixup = 0"),
            "e1979bc3da6c8a93"
        );
        assert_eq!(of("", "", "freeze = \"none\"\nnew-head = false"), "e1979bc3da6c8a93");
        assert_eq!(of("", "", "[run]\nprecision = \"tf32\""), "e94bbfe714e318de");
        let aten = of("", "", "[run]\nexecution = \"aten\"");
        assert_eq!(
            of(
                "",
                "",
                "[run]\nexecution = \"aten\"\nlayout = \"auto\"\ncuda-graph = false"
            ),
            aten
        );
        assert_ne!(of("", "", "[run]\nexecution = \"aten\"\nlayout = \"nchw\""), aten);
        // cuDNN's choice of algorithm changes the last bits.
        let inexact = of("", "", "[run]\ndeterministic = false");
        assert_eq!(
            of("", "", "[run]\ndeterministic = false\ncudnn-benchmark = false"),
            inexact
        );
        assert_ne!(
            of("", "", "[run]\ndeterministic = false\ncudnn-benchmark = true"),
            inexact
        );
        let limited = of("train-limit = 100", "", "");
        let extra = |line: &str| {
            let text = format!("[data]\ndataset = \"svhn\"\n{line}\n[model]\ndepth = 10\n[train]\n");
            identity(&settings(&text), 3, None)
        };
        assert_eq!(extra("extra-split = false"), extra(""));
        assert_ne!(extra("extra-split = true"), extra(""));
        assert_eq!(of("train-limit = 100\nlimit-order = \"first\"", "", ""), limited);
        assert_ne!(of("train-limit = 100\nlimit-order = \"stratified\"", "", ""), limited);
    }
}
