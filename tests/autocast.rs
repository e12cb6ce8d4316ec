//! `precision = "bf16"` on the CPU against PyTorch's autocast: fixtures that `scripts/fixtures/autocast.py` wrote.

#![cfg(feature = "libtorch")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{Int, Tensor, TensorData};
use densenet_bench::backends::CPU;
use densenet_bench::formats::ablation::{Execution, MapLayout, Precision, RunSettings, TrainSettings};
use densenet_bench::formats::loss_scale::LossScale;
use densenet_bench::formats::weights::{self, Weights};
use densenet_bench::model::Model;
use densenet_bench::network::{Architecture, Graph, Shape};
use densenet_bench::training::{Learner, Targets, build};
use serde::Deserialize;

/// How far PyTorch's two layouts lie apart, by the Euclidean norm.
#[derive(Deserialize)]
struct Apart {
    evaluation: f64,
    training: f64,
    gradients: f64,
    losses: f64,
}

/// What we may lie from PyTorch in the same layout, in times of that.
const TIMES: f64 = 3.0;

#[derive(Deserialize)]
struct Fixture {
    network: Architecture,
    input: Shape,
    classes: usize,
    training: TrainSettings,
    labels: Vec<i64>,
    learning_rates: Vec<f64>,
}

/// A network of tests/fixtures/pytorch with what PyTorch's autocast gives for it.
struct Case {
    name: String,
    fixture: Fixture,
    tensors: Weights,
    expected: Weights,
    apart: Apart,
    graph: Graph,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn tensors(file: &Path) -> Weights {
    weights::read(&fs::read(file).unwrap(), &file.display().to_string()).unwrap()
}

fn cases() -> Vec<Case> {
    let index = fs::read(fixtures().join("autocast/index.json")).unwrap();
    let index: BTreeMap<String, Apart> = serde_json::from_slice(&index).unwrap();
    assert!(index.len() >= 5);
    let case = |(name, apart): (String, Apart)| {
        let network = fixtures().join("pytorch");
        let fixture: Fixture =
            serde_json::from_slice(&fs::read(network.join(format!("{name}.json"))).unwrap()).unwrap();
        let autocast = fixtures().join("autocast");
        Case {
            tensors: tensors(&network.join(format!("{name}.safetensors"))),
            expected: tensors(&autocast.join(format!("{}.safetensors", name.replace('/', "-")))),
            graph: fixture.network.graph(fixture.input, fixture.classes).unwrap(),
            fixture,
            apart,
            name,
        }
    };
    index.into_iter().map(case).collect()
}

fn run(precision: Precision, layout: MapLayout) -> RunSettings {
    RunSettings {
        execution: Execution::Aten,
        precision,
        layout: Some(layout),
        ..RunSettings::default()
    }
}

impl Case {
    fn model(&self, run: &RunSettings) -> Model {
        let named = |(name, tensor): (&String, &weights::WeightTensor)| {
            Some((name.strip_prefix("weights/")?.to_owned(), tensor.clone()))
        };
        let weights = self.tensors.iter().filter_map(named).collect();
        let device = CPU.device(0).open().unwrap().autodiff();
        build(&self.graph, &weights, run, CPU.device(0), &device).unwrap()
    }

    fn batch(&self, step: usize, model: &Model) -> (Tensor<4>, Tensor<1, Int>) {
        let images = &self.tensors["images"];
        let (size, all) = (self.fixture.training.batch_size, images.shape[0]);
        let from = step % all.div_ceil(size) * size;
        let to = (from + size).min(all);
        let values = images.values.len() / all;
        let shape = [to - from, images.shape[1], images.shape[2], images.shape[3]];
        let pixels = images.values[from * values..to * values].to_vec();
        let labels = self.fixture.labels[from..to].to_vec();
        (
            Tensor::from_data(TensorData::new(pixels, shape), model.device()),
            Tensor::from_data(TensorData::new(labels, [to - from]), model.device()),
        )
    }

    fn check(&self, layout: MapLayout, kind: &str, found: &[f32], apart: f64) {
        let expected = &self.expected[&format!("{layout}/{kind}")].values;
        assert_eq!(found.len(), expected.len(), "{}: {kind}", self.name);
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
        let pairs = || found.iter().zip(expected).map(|(a, b)| (f64::from(*a), f64::from(*b)));
        let distance = norm(&mut pairs().map(|(a, b)| a - b)) / norm(&mut pairs().map(|(_, b)| b));
        assert!(
            distance <= TIMES * apart,
            "{} in {layout}: {kind} {distance:.2e} apart, and PyTorch's layouts {apart:.2e}",
            self.name
        );
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Whether every number has bf16's 8 bits of mantissa at most.
fn are_bf16(values: &[f32]) -> bool {
    values.iter().all(|value| value.to_bits() & 0xffff == 0)
}

#[test]
fn logits_and_gradients_in_bf16_are_those_of_pytorchs_autocast() {
    for case in cases() {
        for layout in MapLayout::ALL {
            let model = case.model(&run(Precision::Bf16, layout));
            assert!(
                model.program().parts().iter().all(|part| part.execution == "aten"),
                "{}",
                case.name
            );
            let (images, labels) = case.batch(0, &model);
            let evaluation = values(model.valid().forward(images.clone().inner()));
            assert!(are_bf16(&evaluation), "{}: the classifier's product is bf16", case.name);
            case.check(layout, "evaluation", &evaluation, case.apart.evaluation);

            let outputs = model.outputs(images);
            let loss = Targets::labels(labels).loss_of(&outputs);
            let gradients = model.gradients(&loss.backward());
            let training = values(outputs.logits);
            assert!(are_bf16(&training), "{}", case.name);
            case.check(layout, "training", &training, case.apart.training);
            assert!(
                !are_bf16(&values(loss)),
                "{}: the loss is f32, of more digits than bf16 has",
                case.name
            );
            let all: Vec<f32> = gradients.values().flat_map(|tensor| tensor.values.clone()).collect();
            case.check(layout, "gradients", &all, case.apart.gradients);
        }
    }
}

#[test]
fn twenty_steps_in_bf16_have_the_losses_of_pytorchs_autocast() {
    for case in cases() {
        for layout in MapLayout::ALL {
            let mut learner = Learner::new(case.model(&run(Precision::Bf16, layout)), &case.fixture.training);
            let step = |(step, &rate): (usize, &f64)| {
                let (images, labels) = case.batch(step, &learner.model);
                values(learner.step(images, labels, rate).loss)[0]
            };
            let losses: Vec<f32> = case.fixture.learning_rates.iter().enumerate().map(step).collect();
            case.check(layout, "losses", &losses, case.apart.losses);
            let weights = learner.model.weights();
            let all: Vec<f32> = weights.values().flat_map(|tensor| tensor.values.clone()).collect();
            assert!(!are_bf16(&all), "{}: weights and statistics are f32", case.name);
        }
    }
}

#[test]
fn in_f16_a_step_whose_gradients_overflow_is_skipped_and_the_next_is_not() {
    let case = cases().into_iter().find(|case| case.name == "basic").unwrap();
    let run = run(Precision::F16, MapLayout::ChannelsLast);
    let scale = LossScale {
        scale: 2f64.powi(40),
        ..LossScale::default()
    };
    let mut learner = Learner::new(case.model(&run), &case.fixture.training).scaling_loss(Some(scale));
    let before = learner.model.weights();
    let is_learned = |name: &str| !name.contains("running_");
    let moved = |learner: &Learner| {
        let now = learner.model.weights();
        before
            .iter()
            .any(|(name, tensor)| is_learned(name) && now[name] != *tensor)
    };
    let mut steps = 0;
    while !moved(&learner) {
        let (images, labels) = case.batch(0, &learner.model);
        let loss = values(learner.step(images, labels, 0.01).loss)[0];
        assert!(loss.is_finite());
        steps += 1;
        let now = learner.loss_scale().unwrap();
        let skipped = steps - usize::from(moved(&learner));
        assert_eq!((now.skipped, now.scale), (skipped, 2f64.powi(40 - skipped as i32)));
        assert!(steps < 40, "some scale fits");
    }
    assert!(steps > 2, "2^40 is too large: {steps}");
    assert!(
        learner
            .momentum()
            .values()
            .flat_map(|tensor| &tensor.values)
            .all(|value| value.is_finite())
    );
}

#[test]
fn scaling_the_loss_by_a_power_of_two_changes_no_bit_in_f32() {
    let case = cases().into_iter().find(|case| case.name == "basic").unwrap();
    let trained = |scale: Option<LossScale>| {
        let run = run(Precision::F32, MapLayout::ChannelsLast);
        let mut learner = Learner::new(case.model(&run), &case.fixture.training).scaling_loss(scale);
        for step in 0..4 {
            let (images, labels) = case.batch(step, &learner.model);
            learner.step(images, labels, 0.01);
        }
        learner.model.weights()
    };
    assert_eq!(trained(Some(LossScale::default())), trained(None));
}

#[test]
fn both_layouts_give_the_same_network() {
    for case in cases() {
        let logits = |layout| {
            let model = case.model(&run(Precision::F32, layout));
            let (images, _) = case.batch(0, &model);
            values(model.forward(images))
        };
        let [first, second] = MapLayout::ALL.map(logits);
        let largest = first.iter().fold(0f32, |largest, value| largest.max(value.abs()));
        for (a, b) in first.iter().zip(&second) {
            assert!((a - b).abs() <= 1e-5 * largest, "{}: {a} and {b}", case.name);
        }
    }
}
