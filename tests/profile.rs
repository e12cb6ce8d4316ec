//! `run --profile`: a training step taken apart computes what a whole one does, and its parts make it up.

#![cfg(feature = "burn")]

mod workplace;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use burn::tensor::{Tensor, TensorData};
use densenet_bench::backends::{BackendDevice, CPU, FLEX};
use densenet_bench::formats::ablation::{Execution, RunSettings};
use densenet_bench::formats::tables::{ProfileKind, ProfileRow, Status};
use densenet_bench::formats::weights::Weights;
use densenet_bench::host::check_execution;
use densenet_bench::model::{Model, Moment, NodeByNode, ProgramUnit, Watcher, initial_weights};
use densenet_bench::network::families::densenet::DenseNet;
use densenet_bench::network::{Graph, Network, Shape, preset};
use densenet_bench::random::{Purpose, Stream};
use densenet_bench::training::{Targets, build};
use workplace::Workplace;

/// Every execution of every device that is built in.
fn executions() -> Vec<(BackendDevice, Execution)> {
    let devices: &[BackendDevice] = if cfg!(feature = "libtorch") {
        &[FLEX.device(0), CPU.device(0)]
    } else {
        &[FLEX.device(0)]
    };
    let all = Execution::ALL;
    let pairs = devices
        .iter()
        .flat_map(|&device| all.into_iter().map(move |execution| (device, execution)));
    pairs
        .filter(|&(device, execution)| check_execution(&run(execution), device).is_ok())
        .collect()
}

fn run(execution: Execution) -> RunSettings {
    RunSettings {
        execution,
        ..RunSettings::default()
    }
}

/// Networks with every way in which nodes are joined: concatenations, additions with and without a projection, factors,
/// heads beside the network, a vector between linear layers; and one with a frozen start.
fn networks() -> Vec<(&'static str, Graph)> {
    let of_preset = |name: &'static str, side: usize| {
        let network = preset(name).unwrap().network;
        (name, network.graph(Shape::square(3, side), 5).unwrap())
    };
    let dense = DenseNet {
        block_layers: vec![2, 3],
        growth_rate: 4,
        bottleneck: true,
        compression: 0.5,
        ..DenseNet::BASIC
    };
    let dense = dense.graph(Shape::square(3, 8), 5).unwrap();
    let mut frozen = dense.clone();
    frozen
        .freeze(&["features.conv0".to_owned(), "features.denseblock1".to_owned()])
        .unwrap();
    vec![
        ("densenet", dense),
        ("frozen densenet", frozen),
        of_preset("resnet-20", 8),
        of_preset("vgg-11-bn", 32),
        of_preset("googlenet", 64),
    ]
}

/// The moments in their order.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<Moment>>);

impl Watcher for Log {
    fn at(&self, moment: Moment) {
        self.0.lock().unwrap().push(moment);
    }
}

struct Case {
    model: Model,
    choice: BackendDevice,
    images: Tensor<4>,
    targets: Targets,
}

impl Case {
    fn of(graph: &Graph, choice: BackendDevice, execution: Execution) -> Self {
        let device = choice.open().unwrap().autodiff();
        let weights = initial_weights(graph, 3);
        let model = build(graph, &weights, &run(execution), choice, &device).unwrap();
        let mut stream = Stream::named(3, Purpose::Initialization, "batches of tests/profile.rs");
        let batch = 3;
        let values: Vec<f32> = (0..batch * graph.input.values())
            .map(|_| stream.normal() as f32)
            .collect();
        let shape = [batch, graph.input.channels, graph.input.height, graph.input.width];
        let labels = TensorData::new(vec![0i64, 3, 1], [batch]);
        Self {
            images: Tensor::from_data(TensorData::new(values, shape), &device),
            targets: Targets::labels(Tensor::from_data(labels, &device)),
            model,
            choice,
        }
    }

    /// The loss and the gradients of a step as a whole.
    fn whole(&self) -> (f32, Weights) {
        self.model.seed(11);
        let outputs = self.model.outputs(self.images.clone());
        let loss = self.targets.loss_of(&outputs);
        (value(loss.clone()), self.model.gradients(&loss.backward()))
    }

    /// The same node by node, with the moments.
    fn in_parts(&self) -> (f32, Weights, Vec<Moment>) {
        self.model.seed(11);
        let isolation = (self.choice.runtime().unwrap().isolation)();
        let log = Arc::new(Log::default());
        let steps = NodeByNode::new(&self.model, isolation.as_ref(), Arc::clone(&log) as _);
        let (loss, parts) = steps.step(self.images.clone(), |outputs| self.targets.loss_of(&outputs));
        let mut gradients = Weights::new();
        for part in &parts {
            for (name, gradient) in self.model.gradients(part) {
                assert!(gradients.insert(name.clone(), gradient).is_none(), "{name} twice");
            }
        }
        let moments = log.0.lock().unwrap().clone();
        (value(loss), gradients, moments)
    }
}

fn value(loss: Tensor<1>) -> f32 {
    loss.into_data().iter::<f32>().next().unwrap()
}

/// The largest difference beside the largest value of its tensor, or a hundredth of the largest of all.
fn apart(ours: &Weights, theirs: &Weights) -> f64 {
    assert!(
        ours.keys().eq(theirs.keys()),
        "every trained parameter has its gradient"
    );
    let largest = |values: &[f32]| f64::from(values.iter().fold(0f32, |most, value| most.max(value.abs())));
    let all = theirs
        .values()
        .map(|tensor| largest(&tensor.values))
        .fold(0.0, f64::max);
    let mut worst = 0.0f64;
    for (name, theirs) in theirs {
        let scale = largest(&theirs.values).max(1e-2 * all);
        for (a, b) in ours[name].values.iter().zip(&theirs.values) {
            assert!(a.is_finite(), "{name}");
            worst = worst.max(f64::from((a - b).abs()) / scale);
        }
    }
    worst
}

#[test]
fn a_step_in_parts_has_the_loss_and_the_gradients_of_a_whole_one() {
    for (name, graph) in networks() {
        for (choice, execution) in executions() {
            let what = format!("{name}, {choice}, {}", execution.name());
            println!("{what}");
            let case = Case::of(&graph, choice, execution);
            let (loss, gradients) = case.whole();
            let (parts_loss, parts_gradients, _) = case.in_parts();
            assert!(
                (loss - parts_loss).abs() <= 1e-6 * loss.abs(),
                "{what}: {loss} {parts_loss}"
            );
            let apart = apart(&parts_gradients, &gradients);
            // Sums of the gradients of values with several readers, in another order.
            assert!(apart <= 1e-4, "{what}: {apart}");
        }
    }
}

#[test]
fn every_part_has_its_forward_and_its_backward_moment_in_the_graphs_order() {
    for (name, graph) in networks() {
        for (choice, execution) in executions() {
            let what = format!("{name}, {choice}, {}", execution.name());
            let case = Case::of(&graph, choice, execution);
            let (_, _, moments) = case.in_parts();
            let units: Vec<ProgramUnit> = case.model.program().units();
            let firsts: Vec<usize> = units.iter().map(|unit| unit.nodes.start).collect();
            let nodes: Vec<usize> = units.iter().flat_map(|unit| unit.nodes.clone()).collect();
            assert_eq!(nodes, (1..graph.nodes.len()).collect::<Vec<_>>(), "{what}");
            let forward = moments.iter().filter_map(|moment| match moment {
                Moment::Forward(node) => Some(*node),
                _ => None,
            });
            let tracked = graph.tracked();
            // A segment that is not trained runs as in evaluation: it is told of all the same.
            assert_eq!(forward.collect::<Vec<_>>(), firsts, "{what}");
            let mut backward: Vec<usize> = Vec::new();
            for moment in &moments {
                if let Moment::Backward(node) = moment
                    && backward.last() != Some(node)
                {
                    backward.push(*node);
                }
            }
            backward.sort_unstable();
            backward.dedup();
            let is_trained = |unit: &&ProgramUnit| unit.nodes.clone().any(|node| tracked[node]);
            let trained: Vec<usize> = units.iter().filter(is_trained).map(|unit| unit.nodes.start).collect();
            // A node that gives its input as it is (a concatenation of one, dropout of none) may have no operation.
            let silent: Vec<usize> = trained
                .iter()
                .copied()
                .filter(|node| !backward.contains(node))
                .collect();
            assert!(silent.len() * 20 <= trained.len(), "{what}: {silent:?}");
            assert!(
                backward.iter().all(|node| trained.contains(node)),
                "{what}: {backward:?}, {trained:?}"
            );
        }
    }
}

const SMALL: &str = r#"
name = "small"
question = "Where does the time go?"
[data]
dataset = "digits"
[model]
block-layers = [2, 2]
growth-rate = 4
bottleneck = true
compression = 0.5
[measure]
batch-sizes = [16]
warmup-steps = 1
warmup-seconds = 0
steps = 4
rounds = 2
"#;

fn profile(place: &Workplace, device: &str) -> Vec<ProfileRow> {
    place.ok(&["run", "small.toml", "--profile", "--threads", "1", "--device", device]);
    place.rows("results/small")
}

/// The rows of each step.
fn steps(rows: &[ProfileRow]) -> Vec<&[ProfileRow]> {
    rows.chunk_by(|_, next| next.kind != ProfileKind::Step).collect()
}

/// Names and multiply-accumulates of a network's layers, as `describe` says them.
fn described(place: &Workplace) -> (Vec<String>, u64) {
    let printed = place.ok(&["describe", "small.toml", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&printed).unwrap();
    let variant = &json["variants"][0];
    let names = variant["layer_table"].as_array().unwrap().iter();
    let names = names.filter_map(|layer| layer["name"].as_str().map(str::to_owned));
    (names.collect(), variant["macs"].as_u64().unwrap())
}

#[cfg(feature = "libtorch")]
#[test]
fn the_rows_of_each_execution_are_the_graph_and_make_up_the_step() {
    let place = Workplace::new();
    place.write(
        "small.toml",
        &format!("{SMALL}[sweep]\n\"run.execution\" = [\"plain\", \"aten\", \"recompute\", \"fused\"]\n"),
    );
    let rows = profile(&place, "cpu");
    let (layers, macs) = described(&place);
    let steps = steps(&rows);
    assert_eq!(steps.len(), 4);
    let mut kept = BTreeMap::new();
    for step in &steps {
        let execution = step[0].execution.name();
        assert!(step.iter().all(|row| row.status == Status::Ok), "{step:?}");
        let parts: Vec<&ProfileRow> = (step.iter())
            .filter(|row| matches!(row.kind, ProfileKind::Node | ProfileKind::Part))
            .collect();
        assert_eq!(
            parts.iter().filter_map(|row| row.macs).sum::<u64>(),
            macs,
            "{execution}"
        );
        assert_eq!(
            parts.iter().map(|row| row.nodes).sum::<usize>(),
            layers.len(),
            "{execution}"
        );
        let names: Vec<&str> = parts.iter().map(|row| row.name.as_str()).collect();
        if execution == "fused" {
            let blocks: Vec<&str> = (parts.iter().filter(|row| row.kind == ProfileKind::Part))
                .map(|row| row.name.as_str())
                .collect();
            assert_eq!(blocks, ["denseblock1", "denseblock2"]);
            assert!(parts.iter().all(|row| row.carried_out_by == "fused"));
        } else {
            assert_eq!(names, layers, "{execution}");
        }
        let known = step[0].kept_bytes.unwrap();
        let sum: i64 = step[1..].iter().filter_map(|row| row.kept_bytes).sum();
        assert_eq!(sum, known, "{execution}: what is not in any node is a row");
        // Of a whole step and of one in parts as many bytes are kept, but for small values that Burn shares.
        let rest = step.last().unwrap();
        assert_eq!((rest.kind, rest.name.as_str()), (ProfileKind::Rest, "not in any node"));
        assert!(
            rest.kept_bytes.unwrap().unsigned_abs() <= 64 * parts.len() as u64 + known.unsigned_abs() / 50,
            "{execution}: {} of {known}",
            rest.kept_bytes.unwrap()
        );
        kept.insert(execution, known);
        let times: i64 = step[1..].iter().filter_map(|row| row.time_ns_median).sum();
        assert_eq!(Some(times), step[0].time_ns_median, "{execution}");
        for row in &parts {
            assert_eq!((row.rounds, row.steps), (2, 4));
            assert!(
                row.forward_ns_median.is_some() && row.backward_ns_median.is_some(),
                "{row:?}"
            );
            assert_eq!(row.predicted_kept_bytes.is_some(), execution == "plain", "{row:?}");
            if row.macs > Some(0) {
                assert!(
                    row.flops_per_second.unwrap() > 0.0 && row.roofline_share.unwrap() > 0.0,
                    "{row:?}"
                );
            }
        }
    }
    assert!(
        kept["recompute"] < kept["aten"] && kept["fused"] < kept["plain"],
        "{kept:?}"
    );

    // What is predicted of plain is what is counted, node by node.
    for row in steps[0].iter().filter(|row| row.kind == ProfileKind::Node) {
        let (found, predicted) = (row.kept_bytes.unwrap(), row.predicted_kept_bytes.unwrap());
        let apart = (found - predicted).unsigned_abs();
        assert!(apart <= 4096, "{}: {found}, predicted {predicted}", row.name);
    }

    for file in ["profile-batch-16.svg", "profile-batch-16.png", "profile-batch-16.pdf"] {
        assert!(
            fs::metadata(place.path("results/small/plots").join(file))
                .unwrap()
                .len()
                > 1000,
            "{file}"
        );
    }
    let page = fs::read_to_string(place.path("results/small/report.html")).unwrap();
    assert!(page.contains("Where a training step's time and memory go") || page.contains("step&#39;s time and memory"));
    let summary = fs::read_to_string(place.path("results/small/summary.md")).unwrap();
    assert!(summary.contains("not in any node"), "{summary}");
    let table = place.ok(&["report", "results/small", "--table", "profile", "--format", "csv"]);
    assert_eq!(
        table.lines().filter(|line| line.contains("features.conv0")).count(),
        4,
        "{table}"
    );

    // A profile that is there is not made again, and other runs leave it.
    assert_eq!(profile(&place, "cpu"), rows);
    place.ok(&[
        "run",
        "small.toml",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--only",
        "*plain",
    ]);
    assert_eq!(place.rows::<ProfileRow>("results/small"), rows);
}

#[test]
fn without_measurements_the_batch_is_that_of_training_and_a_device_that_counts_nothing_says_so() {
    let place = Workplace::new();
    let (head, _) = SMALL.split_once("[measure]").unwrap();
    place.write(
        "small.toml",
        &format!("{head}[train]\nepochs = 1\nbatch-size = 5\n[run]\nexecution = \"plain\"\n"),
    );
    let rows = profile(&place, "flex");
    assert!(
        rows.iter().all(|row| row.batch_size == 5 && row.status == Status::Ok),
        "{rows:?}"
    );
    assert!(rows.iter().all(|row| row.kept_bytes.is_none()));
    assert!(rows.iter().filter(|row| row.kind == ProfileKind::Node).count() > 10);
    assert!(
        !place.path("results/small/trials.csv").exists() || {
            let table = fs::read_to_string(place.path("results/small/trials.csv")).unwrap();
            table.lines().count() <= 2
        }
    );
}

#[test]
fn a_batch_that_cannot_be_trained_on_is_refused_before_anything_starts() {
    let place = Workplace::new();
    let evaluating = SMALL
        .replace("[16]", "[1]\nmode = \"evaluate\"")
        .replace("block-layers = [2, 2]", "block-layers = [1, 1, 1, 1]");
    place.write("small.toml", &evaluating);
    let said = place.refused(&["run", "small.toml", "--profile", "--device", "flex"]);
    assert!(said.contains("a batch of 1 image leaves"), "{said}");
    assert!(!place.path("results").exists());
}

#[test]
fn a_profile_is_not_asked_for_beside_other_work() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    for other in ["--list", "--estimate", "--find-max-batch", "--tensorboard"] {
        let said = place.refused(&["run", "small.toml", "--profile", other]);
        assert!(said.contains("--profile"), "{said}");
    }
}
