//! The feature reuse of dense blocks against PyTorch's: a fixture that `scripts/fixtures/feature_reuse.py` wrote, of the weights
//! in `tests/fixtures/pytorch/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use densenet_bench::formats::weights::{self, Weights};
use densenet_bench::network::{Architecture, Graph, Shape, TensorShapes, recognized_network};
use densenet_bench::views::feature_reuse::{NotReused, feature_reuse};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Block, layer that reads, layer whose maps are read, its maps, mean absolute weight.
type Expected = (usize, usize, usize, usize, f64);

#[derive(Deserialize)]
struct Fixture {
    networks: BTreeMap<String, Vec<Expected>>,
}

#[derive(Deserialize)]
struct Case {
    network: Architecture,
    input: Shape,
    classes: usize,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn json<T: DeserializeOwned>(file: &str) -> T {
    serde_json::from_slice(&fs::read(folder().join(file)).unwrap()).unwrap()
}

/// A network of the fixtures with its initial weights.
fn network(name: &str) -> (Graph, Weights) {
    let case: Case = json(&format!("pytorch/{name}.json"));
    let graph = case.network.graph(case.input, case.classes).unwrap();
    let (file, prefix) = match name {
        "torchvision" => ("torchvision.weights.safetensors".to_owned(), ""),
        name => (format!("{name}.safetensors"), "weights/"),
    };
    let tensors = weights::read(&fs::read(folder().join("pytorch").join(&file)).unwrap(), &file).unwrap();
    let own = tensors
        .into_iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor)));
    (graph, own.collect())
}

#[test]
fn the_feature_reuse_is_pytorchs() {
    let fixture: Fixture = json("feature-reuse.json");
    for name in [
        "basic",
        "bottleneck-compressed",
        "imagenet",
        "one-block",
        "post-activation-basic",
        "post-activation-bottleneck",
        "connections-cut",
        "growth-doubles",
        "squeeze-excitation",
        "torchvision",
    ] {
        assert!(fixture.networks.contains_key(name), "{name}");
    }
    for (name, expected) in &fixture.networks {
        let (graph, weights) = network(name);
        let rows = feature_reuse(&graph, &weights).unwrap();
        assert_eq!(rows.len(), expected.len(), "{name}");
        for (row, &(block, target, source, channels, mean)) in rows.iter().zip(expected) {
            let place = (row.block, row.target_layer, row.source_layer, row.source_channels);
            assert_eq!(place, (block, target, source, channels), "{name}");
            let off = (row.mean_absolute_weight - mean).abs() / mean;
            assert!(off < 1e-6, "{name}, {place:?}: {} and {mean}", row.mean_absolute_weight);
        }
    }
}

#[test]
fn each_column_has_a_largest_value_of_one() {
    let (graph, weights) = network("connections-cut");
    let rows = feature_reuse(&graph, &weights).unwrap();
    for column in rows.chunk_by(|a, b| (a.block, a.target_layer) == (b.block, b.target_layer)) {
        let largest = column.iter().map(|row| row.share_of_largest).fold(0.0, f64::max);
        assert_eq!(largest, 1.0, "{column:?}");
        // Each layer reads the last two outputs before it; what follows the first block of four reads all five.
        let most = if column[0].target == "dense layer" { 2 } else { 5 };
        assert!(column.len() <= most, "{column:?}");
    }
}

#[test]
fn networks_whose_layers_are_added_or_not_joined_have_none() {
    for name in ["connected-by-addition", "not-connected"] {
        let (graph, weights) = network(name);
        assert_eq!(feature_reuse(&graph, &weights), Err(NotReused::NoDenseBlock), "{name}");
    }
}

#[test]
fn the_fixtures_networks_are_recognised_by_their_weights_alone() {
    #[derive(Deserialize)]
    struct Index {
        fixtures: Vec<String>,
    }
    let index: Index = json("pytorch/index.json");
    for name in index.fixtures.iter().map(String::as_str).chain(["torchvision"]) {
        let (graph, weights) = network(name);
        let shapes: TensorShapes = weights
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.shape.clone()))
            .collect();
        let found = recognized_network(&shapes).unwrap();
        let own = found.network.graph(found.input, found.classes).unwrap();
        weights::check(&weights, &own, name).unwrap();
        assert_eq!(own.dense_connections().len(), graph.dense_connections().len(), "{name}");
    }
}
