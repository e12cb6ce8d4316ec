//! A trial's identity: sixteen hexadecimal digits that follow from what decides its numbers.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::formats::ablation::Settings;

/// The identity of a trial with these settings and this seed; `weights_sha256` is that of the file that it starts from.
///
/// Model, data, training, seed and the `[run]` keys that change arithmetic count. What is left out: the data's path and
/// the preset's name (what they lead to counts), the other seeds, `[measure]`, the device and the threads.
pub fn identity(settings: &Settings, seed: u64, weights_sha256: Option<&str>) -> String {
    let mut data = json!(settings.data);
    let mut train = json!(settings.train);
    remove(&mut data, "path");
    remove(&mut train, "seeds");
    let decides = json!({
        "data": data,
        "model": settings.model,
        "run": settings.run,
        "seed": seed,
        "train": train,
        "weights": weights_sha256,
    });
    // serde_json's maps are sorted by key, so that equal settings give equal text.
    let digest = Sha256::digest(decides.to_string());
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn remove(value: &mut Value, key: &str) {
    if let Value::Object(map) = value {
        map.remove(key);
    }
}
