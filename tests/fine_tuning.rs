//! Fine-tuning: what is frozen stays as it is and costs nothing, what starts anew and what learns faster.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use burn::tensor::{Device, Int, Tensor, TensorData};
use densenet_bench::backends::{BackendDevice, CPU, FLEX};
use densenet_bench::formats::ablation::{Execution, RunSettings, TrainSettings};
use densenet_bench::formats::tables::TrialRow;
use densenet_bench::formats::weights::{self, Weights};
use densenet_bench::model::{Program, initial_head, initial_weights};
use densenet_bench::network::{Architecture, Graph, Shape, preset};
use densenet_bench::training::{Learner, RunLength, build};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;
use serde_json::Value;
use workplace::outcome::{assert_same, outcome};
use workplace::{Workplace, await_while, checkpoints, said};

/// What `scripts/fixtures/fine_tuning.py` wrote.
#[derive(Deserialize)]
struct Fixture {
    network: Architecture,
    input: Shape,
    classes: usize,
    training: TrainSettings,
    labels: Vec<i64>,
    losses: Vec<f64>,
    tolerance: f64,
}

struct Case {
    name: &'static str,
    fixture: Fixture,
    tensors: Weights,
    graph: Graph,
}

fn cases() -> impl Iterator<Item = Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/fine-tuning");
    ["first-block", "norms", "middle", "residual"]
        .into_iter()
        .map(move |name| {
            let read = |end: &str| fs::read(folder.join(format!("{name}.{end}"))).unwrap();
            let fixture: Fixture = serde_json::from_slice(&read("json")).unwrap();
            let mut graph = fixture.network.graph(fixture.input, fixture.classes).unwrap();
            fixture.training.fine_tuning.apply(&mut graph).unwrap();
            Case {
                name,
                tensors: weights::read(&read("safetensors"), name).unwrap(),
                fixture,
                graph,
            }
        })
}

fn places() -> Vec<(BackendDevice, Execution)> {
    let (flex, cpu) = (FLEX.device(0), CPU.device(0));
    vec![
        (flex, Execution::Plain),
        (flex, Execution::Recompute),
        (cpu, Execution::Plain),
        (cpu, Execution::Aten),
        (cpu, Execution::Recompute),
        (cpu, Execution::Fused),
    ]
}

impl Case {
    /// The tensors under a prefix, by the rest of their names.
    fn group(&self, prefix: &str) -> Weights {
        let own = self.tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix(prefix)?.strip_prefix('/')?;
            Some((name.to_owned(), tensor.clone()))
        });
        own.collect()
    }

    fn learner(&self, weights: &Weights, momentum: &Weights, place: (BackendDevice, Execution)) -> Learner {
        let run = RunSettings {
            execution: place.1,
            ..RunSettings::default()
        };
        let device = place.0.open().unwrap().autodiff();
        let model = build(&self.graph, weights, &run, place.0, &device).unwrap();
        Learner::resumed(model, &self.fixture.training, momentum)
    }

    /// The batch of a step, in the stored order, over and over.
    fn batch(&self, step: usize, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
        let (images, size) = (&self.tensors["images"], self.fixture.training.batch_size);
        let [all, channels, height, width] = images.shape[..] else {
            panic!()
        };
        let begin = step % (all / size) * size;
        let values = channels * height * width;
        let pixels = images.values[begin * values..(begin + size) * values].to_vec();
        let labels = self.fixture.labels[begin..begin + size].to_vec();
        (
            Tensor::from_data(TensorData::new(pixels, [size, channels, height, width]), device),
            Tensor::from_data(TensorData::new(labels, [size]), device),
        )
    }

    /// The losses of some steps.
    fn steps(&self, learner: &mut Learner, steps: std::ops::Range<usize>) -> Vec<f64> {
        let length = RunLength::new(&self.fixture.training, self.tensors["images"].shape[0]);
        let device = learner.device();
        let step = |step: usize| {
            let (images, labels) = self.batch(step, &device);
            let rate = length.learning_rate(&self.fixture.training, step);
            let loss = learner.step(images, labels, rate).loss;
            loss.into_data().iter::<f64>().next().unwrap()
        };
        steps.map(step).collect()
    }
}

/// max|a - b| / max|b|.
fn apart(ours: &[f32], theirs: &[f32]) -> f64 {
    assert!(ours.len() == theirs.len() && ours.iter().all(|value| value.is_finite()));
    let difference = |(a, b): (&f32, &f32)| f64::from((a - b).abs());
    let largest = theirs
        .iter()
        .fold(0f64, |largest, value| largest.max(f64::from(value.abs())));
    let apart = ours.iter().zip(theirs).map(difference).fold(0f64, f64::max);
    if apart == 0.0 { 0.0 } else { apart / largest }
}

#[test]
fn ten_steps_with_a_frozen_part_and_groups_of_rates_are_pytorchs_in_every_execution() {
    for case in cases() {
        for place in places() {
            let what = format!("{} on {} by {:?}", case.name, place.0, place.1);
            let mut learner = case.learner(&case.group("weights"), &Weights::new(), place);
            let losses = case.steps(&mut learner, 0..case.fixture.losses.len());
            for (step, (ours, theirs)) in losses.iter().zip(&case.fixture.losses).enumerate() {
                let apart = (ours / theirs - 1.0).abs();
                assert!(
                    apart <= case.fixture.tolerance,
                    "{what}: loss of step {step} is {apart:.1e} apart"
                );
            }
            let trained = learner.model.weights();
            for (name, theirs) in case.group("trained") {
                let apart = apart(&trained[&name].values, &theirs.values);
                assert!(apart <= case.fixture.tolerance, "{what}: {name} is {apart:.1e} apart");
            }
        }
    }
}

#[test]
fn what_is_frozen_keeps_its_bits_and_has_neither_gradient_nor_momentum() {
    for case in cases() {
        for place in places() {
            let what = format!("{} on {} by {:?}", case.name, place.0, place.1);
            let start = case.group("weights");
            let mut learner = case.learner(&start, &Weights::new(), place);
            let (images, labels) = case.batch(0, &learner.device());
            let (_, loss) = learner.forward(images, labels);
            let gradients = learner.model.gradients(&loss.backward());
            case.steps(&mut learner, 0..3);
            let (trained, momentum) = (learner.model.weights(), learner.momentum());
            let is_learned = |name: &&String| !name.contains(".running_");
            for name in start.keys().filter(is_learned) {
                let is_frozen = case.graph.frozen.contains(name);
                assert_eq!(trained[name] == start[name], is_frozen, "{what}: {name}");
                assert_eq!(gradients.contains_key(name), !is_frozen, "{what}: {name}");
                assert_eq!(momentum.contains_key(name), !is_frozen, "{what}: {name}");
            }
            // The statistics of a normalisation stay where all of it is frozen.
            for node in case.graph.nodes.iter().filter(|node| node.parameters() > 0) {
                let mean = format!("{}.running_mean", node.name);
                if let (Some(before), Some(after)) = (start.get(&mean), trained.get(&mean)) {
                    assert_eq!(before == after, case.graph.is_frozen(node), "{what}: {mean}");
                }
            }
        }
    }
}

#[test]
fn a_run_that_is_resumed_has_the_same_bits() {
    for case in cases() {
        for place in places() {
            let start = case.group("weights");
            let mut whole = case.learner(&start, &Weights::new(), place);
            let expected = case.steps(&mut whole, 0..8);
            let mut first = case.learner(&start, &Weights::new(), place);
            case.steps(&mut first, 0..3);
            let mut second = case.learner(&first.model.weights(), &first.momentum(), place);
            let resumed = case.steps(&mut second, 3..8);
            assert_eq!(resumed, expected[3..], "{} by {:?}", case.name, place.1);
            assert!(
                second.model.weights() == whole.model.weights(),
                "{} by {:?}",
                case.name,
                place.1
            );
        }
    }
}

#[test]
fn fused_takes_every_part_and_recompute_leaves_a_frozen_normalisation_behind_trained_layers_to_aten() {
    let runtime = CPU.device(0).runtime().unwrap();
    let parts = |freeze: &[&str], execution| {
        let network = preset("densenet-40-12").unwrap().network;
        let mut graph = network.graph(Shape::square(3, 32), 10).unwrap();
        graph
            .freeze(&freeze.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
            .unwrap();
        let run = RunSettings {
            execution,
            ..RunSettings::default()
        };
        let program = Program::new(&graph, &(runtime.lowerings)(&run));
        program
            .parts()
            .into_iter()
            .map(|part| part.execution)
            .collect::<Vec<_>>()
    };
    let fused = ["fused"; 5];
    assert_eq!(parts(&[], Execution::Fused), fused);
    assert_eq!(parts(&["features"], Execution::Fused), fused);
    assert_eq!(parts(&["features.denseblock2.*"], Execution::Fused), fused);
    // Gradients of weights alone can be left out by each.
    assert_eq!(parts(&["*.conv*"], Execution::Fused), fused);
    assert_eq!(
        parts(&["*.norm*"], Execution::Recompute),
        ["aten", "aten", "aten", "aten", "plain"]
    );
}

const PRETRAINED: &str = r#"
name = "pretrained"
question = "What is learned?"
[data]
dataset = "synthetic"
classes = 4
channels = 1
image-size = 8
train-images = 64
test-images = 16
[model]
block-layers = [2, 1]
growth-rate = 4
[train]
epochs = 1
batch-size = 16
"#;

/// Trains a network for four classes; its weights are w.safetensors.
fn pretrained() -> Workplace {
    let place = Workplace::new();
    place.write("pretrained.toml", PRETRAINED);
    place.ok(&["run", "pretrained.toml"]);
    let trials: Vec<TrialRow> = place.rows("results/pretrained");
    let trial = format!("results/pretrained/trials/{}", trials[0].trial);
    place.ok(&["export", &trial, "--weights", "w.safetensors"]);
    place
}

fn tuned(train: &str) -> String {
    let text = PRETRAINED
        .replace("pretrained", "tuned")
        .replace("classes = 4", "classes = 3");
    let text = text.replace("growth-rate = 4\n", "growth-rate = 4\nweights = \"w.safetensors\"\n");
    format!("{text}{train}\n")
}

#[test]
fn a_new_head_is_drawn_from_the_seed_and_the_rest_comes_from_the_file() {
    let place = pretrained();
    place.write("tuned.toml", &tuned(""));
    let said = place.refused(&["run", "tuned.toml"]);
    assert!(
        said.contains("its classifier has 4 classes, and the data have 3")
            && said.contains("write new-head = true under [train]"),
        "{said}"
    );
    place.write("tuned.toml", &tuned("new-head = true\nfreeze = \"features\"\nlearning-rate-groups = \"classifier\"\ngroup-learning-rates = [1.0]"));
    place.ok(&["run", "tuned.toml"]);
    let trials: Vec<TrialRow> = place.rows("results/tuned");
    let trial = format!("results/tuned/trials/{}", trials[0].trial);
    place.ok(&["export", &trial, "--weights", "end.safetensors"]);
    place.ok(&["export", &trial, "--weights", "start.safetensors", "--initial"]);
    let read = |name: &str| weights::read(&fs::read(place.path(name)).unwrap(), name).unwrap();
    let (file, start, end) = (
        read("w.safetensors"),
        read("start.safetensors"),
        read("end.safetensors"),
    );
    let record: Value = place.json(&format!("{trial}/trial.json"));
    assert_eq!(record["settings"]["train"]["fine_tuning"]["new_head"], true);
    let network: Architecture = serde_json::from_value(record["settings"]["model"].clone()).unwrap();
    let image = Shape {
        channels: 1,
        height: 8,
        width: 8,
    };
    let graph = network.graph(image, 3).unwrap();
    let head = initial_head(&graph, 0);
    assert!(
        head.iter()
            .all(|(name, tensor)| initial_weights(&graph, 0)[name] == *tensor)
    );
    for (name, tensor) in &start {
        match head.get(name) {
            Some(drawn) => assert!(tensor == drawn && end[name] != *drawn, "{name}"),
            None => assert!(*tensor == file[name] && end[name] == file[name], "{name}"),
        }
    }
    // Weights of the same width give way as well.
    place.write(
        "tuned.toml",
        &tuned("new-head = true")
            .replace("classes = 3", "classes = 4")
            .replace("tuned", "same"),
    );
    place.ok(&["run", "tuned.toml"]);
}

#[test]
fn a_stopped_trial_with_a_frozen_part_resumes_to_the_same_end() {
    let place = pretrained();
    let train = "checkpoint-every = 2\nnew-head = true\nfreeze = \"features.denseblock1\"";
    place.write("tuned.toml", &tuned(train).replace("epochs = 1", "epochs = 100"));
    place.ok(&["run", "tuned.toml", "--threads", "1", "--out", "alone"]);
    let mut command = place.command(&["run", "tuned.toml", "--threads", "1"]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    await_while(&mut run, "a checkpoint", || {
        checkpoints(&place.path("results/tuned")).pop()
    });
    kill(Pid::from_raw(run.id() as i32), Signal::SIGINT).unwrap();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let output = place.run(&["run", "tuned.toml", "--threads", "1"]);
    assert!(
        output.status.success() && said(&output).contains("resuming after step"),
        "{}",
        said(&output)
    );
    assert_same(
        &outcome(&place.path("results/tuned")),
        &outcome(&place.path("alone/tuned")),
        "with a frozen part",
    );
}

#[test]
fn names_that_mean_nothing_are_errors_with_the_line_of_their_key() {
    let place = Workplace::new();
    let refused = |train: &str| {
        place.write("tuned.toml", &format!("{PRETRAINED}{train}\n"));
        place.refused(&["run", "tuned.toml", "--list"])
    };
    let said = refused("freeze = \"layer1\"");
    assert!(
        said.contains("tuned.toml:17")
            && said.contains("train.freeze: freeze has \"layer1\"")
            && said.contains("it has features and classifier"),
        "{said}"
    );
    assert!(refused("freeze = \"*\"").contains("none is left to train; leave a part of it out, such as classifier"));
    let said = refused("learning-rate-groups = \"head\"\ngroup-learning-rates = [0.1]");
    assert!(
        said.contains("train.learning-rate-groups: learning-rate-groups has \"head\""),
        "{said}"
    );
}
