//! The networks against PyTorch 2.9.0: fixtures that `scripts/fixtures/make.py` wrote.

#![cfg(feature = "burn")]

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
#[cfg(feature = "wgpu")]
use densenet_bench::backends::WGPU;
use densenet_bench::backends::{BackendDevice, CPU, FLEX};
use densenet_bench::formats::ablation::{Execution, RunSettings, TrainSettings};
use densenet_bench::formats::weights::{self, WeightTensor, Weights};
use densenet_bench::model::Model;
use densenet_bench::network::{Architecture, Graph, Shape};
use densenet_bench::training::{Learner, RunLength, Targets, build};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Index {
    fixtures: Vec<String>,
}

#[derive(Deserialize)]
struct Fixture {
    network: Architecture,
    input: Shape,
    classes: usize,
    training: TrainSettings,
    labels: Vec<i64>,
    loss: f64,
    learning_rates: Vec<f64>,
    losses: Vec<f64>,
    tolerances: Tolerances,
    vanishing: Vanishing,
}

#[derive(Deserialize)]
struct Tolerances {
    logits: f64,
    gradients: f64,
    losses: f64,
    statistics: f64,
    trained: f64,
    /// The share of the network's largest gradient that a gradient is measured against at the least.
    #[serde(default)]
    gradient_floor: f64,
}

/// Gradients that are zero in exact arithmetic, and only rounding in any other.
#[derive(Deserialize)]
struct Vanishing {
    gradients: Vec<String>,
    absolute_tolerance: f64,
}

/// A fixture with its tensors, and the network laid out.
struct Case {
    name: String,
    fixture: Fixture,
    tensors: Weights,
    graph: Graph,
}

/// The fixtures' folders, one a family.
const FAMILIES: [&str; 7] = [
    "",
    "resnet/",
    "wide-resnet/",
    "preact-resnet/",
    "vgg/",
    "googlenet/",
    "inception-v3/",
];

/// Those that torchvision has.
const TORCHVISIONS: [&str; 5] = ["", "resnet/", "vgg/", "googlenet/", "inception-v3/"];

/// Those with counts of well-known networks.
const COUNTED: [&str; 6] = [
    "resnet",
    "wide-resnet",
    "preact-resnet",
    "vgg",
    "googlenet",
    "inception-v3",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch")
}

fn json<T: DeserializeOwned>(file: &str) -> T {
    serde_json::from_slice(&fs::read(folder().join(file)).unwrap()).unwrap()
}

fn tensors(file: &str) -> Weights {
    weights::read(&fs::read(folder().join(file)).unwrap(), file).unwrap()
}

fn cases() -> Vec<Case> {
    let names = FAMILIES.iter().flat_map(|family| {
        let index: Index = json(&format!("{family}index.json"));
        assert!(index.fixtures.len() >= 2, "{family}");
        index.fixtures.into_iter().map(move |name| format!("{family}{name}"))
    });
    let case = |name: String| {
        let fixture: Fixture = json(&format!("{name}.json"));
        let graph = fixture.network.graph(fixture.input, fixture.classes).unwrap();
        let tensors = tensors(&format!("{name}.safetensors"));
        Case {
            name,
            fixture,
            tensors,
            graph,
        }
    };
    names.map(case).collect()
}

/// A device with an execution that it has.
#[derive(Clone)]
struct Place {
    choice: BackendDevice,
    execution: Execution,
    device: Device,
}

impl Place {
    fn autodiff(self) -> Self {
        Self {
            device: self.device.autodiff(),
            ..self
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} by {:?}", self.choice, self.execution)
    }
}

/// Every device of this build with each of its executions.
fn places() -> Vec<Place> {
    let mut places = Vec::new();
    for (choice, execution) in [
        (FLEX.device(0), Execution::Plain),
        (FLEX.device(0), Execution::Recompute),
        // With libtorch it runs on the CPU, with the same bits (tests/same_bits.rs).
        #[cfg(not(feature = "libtorch"))]
        (FLEX.device(0), Execution::Fused),
        #[cfg(feature = "libtorch")]
        (CPU.device(0), Execution::Plain),
        #[cfg(feature = "libtorch")]
        (CPU.device(0), Execution::Aten),
        #[cfg(feature = "libtorch")]
        (CPU.device(0), Execution::Recompute),
        #[cfg(feature = "libtorch")]
        (CPU.device(0), Execution::Fused),
        #[cfg(feature = "wgpu")]
        (WGPU.device(0), Execution::Plain),
        #[cfg(feature = "wgpu")]
        (WGPU.device(0), Execution::Recompute),
    ] {
        places.push(Place {
            choice,
            execution,
            device: choice.open().unwrap(),
        });
    }
    places
}

impl Case {
    /// The tensors under a prefix, by the rest of their names.
    fn group(&self, prefix: &str) -> Weights {
        let stripped = self.tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(prefix)?.strip_prefix('/')?;
            Some((name.to_owned(), tensor.clone()))
        });
        stripped.collect()
    }

    fn model(&self, place: &Place) -> Model {
        built(&self.graph, &self.group("weights"), place)
    }

    /// Batch `index` of an epoch in the stored order.
    fn batch(&self, index: usize, device: &Device) -> (Tensor<4>, Tensor<1, burn::tensor::Int>) {
        let images = &self.tensors["images"];
        let size = self.fixture.training.batch_size;
        let all = images.shape[0];
        let (from, to) = (index * size, (index * size + size).min(all));
        let values = images.values.len() / all;
        let shape = [to - from, images.shape[1], images.shape[2], images.shape[3]];
        let pixels = images.values[from * values..to * values].to_vec();
        let labels = self.fixture.labels[from..to].to_vec();
        (
            Tensor::from_data(TensorData::new(pixels, shape), device),
            Tensor::from_data(TensorData::new(labels, [to - from]), device),
        )
    }
}

fn built(graph: &Graph, weights: &Weights, place: &Place) -> Model {
    let run = RunSettings {
        execution: place.execution,
        ..RunSettings::default()
    };
    build(graph, weights, &run, place.choice, &place.device).unwrap()
}

fn flat(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn largest(values: &[f32]) -> f64 {
    values
        .iter()
        .fold(0f64, |largest, value| largest.max(f64::from(value.abs())))
}

/// max|a - b| / max|b|.
fn relative(ours: &[f32], theirs: &[f32]) -> f64 {
    relative_to(ours, theirs, 0.0)
}

/// max|a - b| / max|b|, where max|b| counts as `least` at the least.
fn relative_to(ours: &[f32], theirs: &[f32], least: f64) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let largest = largest(theirs).max(least);
    let apart = ours
        .iter()
        .zip(theirs)
        .fold(0f64, |apart, (a, b)| apart.max((f64::from(*a) - f64::from(*b)).abs()));
    // NaN must not pass for a small difference.
    assert!(ours.iter().all(|value| value.is_finite()));
    if apart == 0.0 { 0.0 } else { apart / largest }
}

/// Compares every tensor that is expected.
fn compare(what: &str, ours: &Weights, theirs: &Weights, tolerance: f64) {
    compare_with(what, ours, theirs, tolerance, 0.0);
}

/// Likewise, each against `floor` of the largest value of all at the least.
fn compare_with(what: &str, ours: &Weights, theirs: &Weights, tolerance: f64, floor: f64) {
    assert!(!theirs.is_empty(), "{what}: nothing to compare");
    let of_all = theirs
        .values()
        .map(|tensor| largest(&tensor.values))
        .fold(0.0, f64::max);
    for (name, expected) in theirs {
        let found: &WeightTensor = ours.get(name).unwrap_or_else(|| panic!("{what}: {name} is missing"));
        assert_eq!(found.shape, expected.shape, "{what}: {name}");
        let apart = relative_to(&found.values, &expected.values, floor * of_all);
        assert!(
            apart <= tolerance,
            "{what}: {name} is {apart:.2e} apart, allowed {tolerance:.0e}"
        );
    }
}

fn statistics(weights: &Weights) -> Weights {
    let running = weights.iter().filter(|(name, _)| name.contains("running_"));
    running.map(|(name, tensor)| (name.clone(), tensor.clone())).collect()
}

#[test]
fn logits_in_evaluation_mode_are_pytorchs() {
    for case in cases() {
        for place in places() {
            let (images, _) = case.batch(0, &place.device);
            let logits = flat(case.model(&place).forward(images));
            let apart = relative(&logits, &case.tensors["logits/evaluation"].values);
            assert!(
                apart <= case.fixture.tolerances.logits,
                "{} on {place}: {apart:.2e}",
                case.name
            );
        }
    }
}

#[test]
fn logits_gradients_and_running_statistics_of_a_training_pass_are_pytorchs() {
    for case in cases() {
        for place in places() {
            let what = format!("{} on {place}", case.name);
            let tolerances = &case.fixture.tolerances;
            let place = place.autodiff();
            let model = case.model(&place);
            let (images, labels) = case.batch(0, &place.device);
            let outputs = model.outputs(images);
            let loss = Targets::labels(labels).loss_of(&outputs);
            let gradients = loss.backward();

            let apart = relative(&flat(outputs.logits), &case.tensors["logits/training"].values);
            assert!(apart <= tolerances.logits, "{what}: logits {apart:.2e}");
            let loss: f64 = loss.into_data().iter::<f64>().next().unwrap();
            assert!(
                (loss / case.fixture.loss - 1.0).abs() <= tolerances.losses,
                "{what}: loss {loss}"
            );
            let expected = case.group("statistics");
            if !expected.is_empty() {
                compare(&what, &statistics(&model.weights()), &expected, tolerances.statistics);
            }

            let found = model.gradients(&gradients);
            let mut expected = case.group("gradients");
            let vanishing = &case.fixture.vanishing;
            for name in &vanishing.gradients {
                expected.remove(name);
                let largest = found[name]
                    .values
                    .iter()
                    .fold(0f32, |largest, value| largest.max(value.abs()));
                assert!(
                    f64::from(largest) <= vanishing.absolute_tolerance,
                    "{what}: {name} is {largest}, not 0"
                );
            }
            assert_eq!(
                found.len(),
                expected.len() + vanishing.gradients.len(),
                "{what}: every parameter has a gradient"
            );
            compare_with(
                &what,
                &found,
                &expected,
                tolerances.gradients,
                tolerances.gradient_floor,
            );
        }
    }
}

#[test]
fn twenty_training_steps_are_pytorchs() {
    for case in cases() {
        for place in places() {
            let what = format!("{} on {place}", case.name);
            let Fixture {
                training,
                losses,
                learning_rates,
                tolerances,
                ..
            } = &case.fixture;
            let place = place.autodiff();
            let mut learner = Learner::new(case.model(&place), training);
            let length = RunLength::new(training, case.tensors["images"].shape[0]);
            assert_eq!(length.steps, losses.len(), "{what}");
            for (step, (expected, rate)) in losses.iter().zip(learning_rates).enumerate() {
                let scheduled = length.learning_rate(training, step);
                assert!(
                    (scheduled / rate - 1.0).abs() < 1e-12,
                    "{what}: learning rate {scheduled}, not {rate}"
                );
                let (images, labels) = case.batch(step % length.steps_per_epoch, &place.device);
                let loss = learner.step(images, labels, scheduled).loss;
                let found: f64 = loss.into_data().iter::<f64>().next().unwrap();
                let apart = (found / expected - 1.0).abs();
                assert!(
                    apart <= tolerances.losses,
                    "{what}: loss of step {step} is {apart:.2e} apart"
                );
            }
            let (found, expected) = (learner.model.weights(), case.group("trained"));
            let running = statistics(&expected);
            if !running.is_empty() {
                compare(&what, &statistics(&found), &running, tolerances.statistics);
            }
            compare(&what, &found, &expected, tolerances.trained);
        }
    }
}

#[test]
fn weights_saved_from_torchvision_give_torchvisions_logits() {
    #[derive(Deserialize)]
    struct Torchvision {
        network: Architecture,
        input: Shape,
        classes: usize,
        tolerances: Logits,
    }
    #[derive(Deserialize)]
    struct Logits {
        logits: f64,
    }
    for family in TORCHVISIONS {
        let fixture: Torchvision = json(&format!("{family}torchvision.json"));
        let graph = fixture.network.graph(fixture.input, fixture.classes).unwrap();
        // This file holds `num_batches_tracked` too, as every state_dict of torchvision's does.
        let weights = tensors(&format!("{family}torchvision.weights.safetensors"));
        let expected = tensors(&format!("{family}torchvision.safetensors"));
        let images = &expected["images"];
        for place in places() {
            let model = built(&graph, &weights, &place);
            let pixels = TensorData::new(images.values.clone(), images.shape.clone());
            let input = Tensor::from_data(pixels, &place.device);
            let apart = relative(&flat(model.forward(input)), &expected["logits/evaluation"].values);
            assert!(apart <= fixture.tolerances.logits, "{family}{place}: {apart:.2e}");
        }
    }
}

#[test]
fn parameters_and_multiply_accumulates_are_those_that_pytorch_counts() {
    #[derive(Deserialize)]
    struct Counted {
        name: String,
        network: Architecture,
        input: Shape,
        classes: usize,
        parameters: usize,
        multiply_accumulates: u64,
    }
    let of_family = |family| json::<Vec<Counted>>(&format!("{family}/counts.json"));
    let counted: Vec<Counted> = COUNTED.into_iter().flat_map(of_family).collect();
    assert!(counted.len() >= 21);
    for counted in counted {
        let graph = counted.network.graph(counted.input, counted.classes).unwrap();
        assert_eq!(graph.parameters(), counted.parameters, "{}", counted.name);
        assert_eq!(graph.macs(), counted.multiply_accumulates, "{}", counted.name);
        // The network is the preset of its name.
        let preset = densenet_bench::network::preset(&counted.name).unwrap();
        assert_eq!(preset.network, counted.network, "{}", counted.name);
    }
}

#[test]
fn weights_go_out_as_they_came_in() {
    for case in cases() {
        for place in places() {
            for place in [place.clone(), place.autodiff()] {
                assert_eq!(
                    case.model(&place).weights(),
                    case.group("weights"),
                    "{} on {place}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn the_built_modules_have_the_parameters_of_the_closed_form() {
    for case in cases() {
        let place = &places()[0];
        let model = case.model(place);
        assert_eq!(model.learned_count(), case.graph.parameters(), "{}", case.name);
        assert_eq!(model.valid().learned_count(), case.graph.parameters(), "{}", case.name);
    }
}
