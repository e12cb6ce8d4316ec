//! The ablation file.

use std::path::Path;

use densenet_bench::formats::ablation::{Settings, parse};
use densenet_bench::network::Shape;

use super::message;
use super::size::is_small;

const FILE: &str = "fuzzed.toml";

/// Variants beyond these are as the ones before.
const VARIANTS: usize = 20;

/// A file that is read makes variants whose settings can be recorded and whose networks can be laid out.
pub fn ablation(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let ablation = match parse(text, Path::new(FILE)) {
        Ok(ablation) => ablation,
        Err(error) => return message::refused(error, FILE),
    };
    assert!(!ablation.variants.is_empty());
    for variant in ablation.variants.iter().take(VARIANTS) {
        let recorded = serde_json::to_vec(&variant.settings).unwrap();
        let read: Settings = serde_json::from_slice(&recorded).unwrap();
        assert_eq!(read, variant.settings);
        let model = &variant.settings.model;
        if is_small(model)
            && let Err(error) = model.graph(Shape::square(3, 32), 10)
        {
            message::refused(ablation.located_network(variant, &error), FILE);
        }
    }
    true
}
