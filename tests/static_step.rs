//! Training steps whose tensors stay where they are, on the CPU: the bits of ordinary steps, the same operations and
//! allocations each time, nothing read back; and when they are recorded and replayed, with a stand-in of the graph.

#![cfg(feature = "libtorch")]

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::tensor::{Int, Tensor, TensorData};
use densenet_bench::backends::{BackendDevice, CPU};
use densenet_bench::formats::ablation::{Execution, FineTuning, RateGroup, RunSettings, TrainSettings};
use densenet_bench::formats::loss_scale::LossScale;
use densenet_bench::formats::weights::{self, Weights};
use densenet_bench::libtorch::{CpuTensors, limit_threads, operations_of};
use densenet_bench::model::{Model, StepGraph};
use densenet_bench::network::{Architecture, Graph, Shape};
use densenet_bench::training::{Learner, StaticParts, build, in_place_updates, static_parts};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    network: Architecture,
    input: Shape,
    classes: usize,
    labels: Vec<i64>,
}

/// A network of tests/fixtures/pytorch, its weights and images.
struct Case {
    name: &'static str,
    tensors: Weights,
    labels: Vec<i64>,
    graph: Graph,
}

/// Both kinds of dense layers, an imagenet stem, residual blocks, branches, linear layers behind one another.
const CASES: [&str; 6] = [
    "basic",
    "bottleneck-compressed",
    "imagenet",
    "resnet/bottleneck-padding",
    "googlenet/without-heads",
    "vgg/as-large",
];

fn case(name: &'static str) -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pytorch");
    let fixture: Fixture = serde_json::from_slice(&fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    Case {
        name,
        tensors: weights::read(&fs::read(folder.join(format!("{name}.safetensors"))).unwrap(), name).unwrap(),
        graph: fixture.network.graph(fixture.input, fixture.classes).unwrap(),
        labels: fixture.labels,
    }
}

/// Allocations and operations are counted for the whole process, so that the tests take turns.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cpu() -> BackendDevice {
    CPU.device(0)
}

fn run() -> RunSettings {
    RunSettings {
        execution: Execution::Aten,
        ..RunSettings::default()
    }
}

impl Case {
    fn model(&self) -> Model {
        self.model_of(&run())
    }

    fn model_of(&self, run: &RunSettings) -> Model {
        let weights = self.tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix("weights/")?;
            Some((name.to_owned(), tensor.clone()))
        });
        let device = cpu().open().unwrap().autodiff();
        build(&self.graph, &weights.collect(), run, cpu(), &device).unwrap()
    }

    fn learner(&self, train: &TrainSettings) -> Learner {
        Learner::new(self.model(), train)
    }

    fn static_learner(&self, train: &TrainSettings, graph: Option<Box<dyn StepGraph>>) -> Learner {
        let model = self.model();
        let updates = in_place_updates(&model, train, cpu()).unwrap().unwrap();
        Learner::new(model, train).with_static_steps(Some(StaticParts { updates, graph }))
    }

    /// `size` images from the `from`th on, from the first again behind the last.
    fn batch(&self, from: usize, size: usize, learner: &Learner) -> (Tensor<4>, Tensor<1, Int>) {
        let images = &self.tensors["images"];
        let values = images.values.len() / images.shape[0];
        let at = |image: usize| (from + image) % images.shape[0];
        let pixels: Vec<f32> = (0..size)
            .flat_map(|image| &images.values[at(image) * values..(at(image) + 1) * values])
            .copied()
            .collect();
        let labels: Vec<i64> = (0..size).map(|image| self.labels[at(image)]).collect();
        let shape = [size, images.shape[1], images.shape[2], images.shape[3]];
        (
            Tensor::from_data(TensorData::new(pixels, shape), &learner.device()),
            Tensor::from_data(TensorData::new(labels, [size]), &learner.device()),
        )
    }

    /// Steps on batches of these sizes; gives each step's loss and logits.
    fn steps(&self, learner: &mut Learner, sizes: &[usize]) -> Vec<(f32, Vec<f32>)> {
        let step = |(step, &size): (usize, &usize)| {
            let (images, labels) = self.batch(step * 3, size, learner);
            let made = learner.step(images, labels, 0.1 / (1 + step) as f64);
            let loss = made.loss.into_data().iter::<f32>().next().unwrap();
            (loss, made.logits.into_data().iter::<f32>().collect())
        };
        sizes.iter().enumerate().map(step).collect()
    }
}

fn settings(momentum: f64, nesterov: bool, weight_decay: f64) -> TrainSettings {
    TrainSettings {
        momentum,
        nesterov,
        weight_decay,
        ..TrainSettings::default()
    }
}

/// Batches of four, and a smaller one at an epoch's end.
const SIZES: [usize; 9] = [4, 4, 4, 4, 4, 3, 4, 4, 3];

fn assert_same_steps(case: &Case, train: &TrainSettings) {
    let (mut ordinary, mut fixed) = (case.learner(train), case.static_learner(train, None));
    let (expected, found) = (case.steps(&mut ordinary, &SIZES), case.steps(&mut fixed, &SIZES));
    assert_eq!(found, expected, "{}: losses and logits", case.name);
    assert_eq!(fixed.model.weights(), ordinary.model.weights(), "{}", case.name);
    assert_eq!(fixed.momentum(), ordinary.momentum(), "{}: velocities", case.name);
    assert_eq!(fixed.momentum().is_empty(), train.momentum == 0.0);
}

#[test]
fn static_steps_have_the_bits_of_ordinary_ones_in_every_kind_of_network() {
    let _alone = alone();
    for name in CASES {
        assert_same_steps(&case(name), &settings(0.9, true, 1e-4));
    }
}

#[test]
fn static_steps_have_the_bits_of_ordinary_ones_with_every_rule_of_the_optimizer() {
    let _alone = alone();
    let case = case("bottleneck-compressed");
    for (momentum, nesterov, decay) in [
        (0.0, false, 0.0),
        (0.0, false, 1e-3),
        (0.9, false, 0.0),
        (0.37, false, 1e-4),
        (0.9, true, 0.0),
    ] {
        assert_same_steps(&case, &settings(momentum, nesterov, decay));
    }
}

#[test]
fn static_steps_keep_the_learning_rates_of_groups_and_what_is_frozen() {
    let _alone = alone();
    let case = case("bottleneck-compressed");
    let train = TrainSettings {
        fine_tuning: FineTuning {
            groups: vec![RateGroup {
                tensors: "classifier".to_owned(),
                learning_rate: 0.7,
            }],
            ..FineTuning::default()
        },
        ..settings(0.9, true, 1e-4)
    };
    assert_same_steps(&case, &train);
}

#[test]
fn static_steps_resume_with_the_velocities_of_either_kind_of_learner() {
    let _alone = alone();
    let case = case("basic");
    let train = settings(0.9, true, 1e-4);
    let mut whole = case.learner(&train);
    let expected = case.steps(&mut whole, &SIZES);
    let mut first = case.static_learner(&train, None);
    assert_eq!(case.steps(&mut first, &SIZES[..4]), expected[..4]);
    let (weights, momentum) = (first.model.weights(), first.momentum());
    let resumed = |is_static: bool| {
        let device = cpu().open().unwrap().autodiff();
        let model = build(&case.graph, &weights, &run(), cpu(), &device).unwrap();
        let updates = in_place_updates(&model, &train, cpu()).unwrap().unwrap();
        let parts = is_static.then_some(StaticParts { updates, graph: None });
        Learner::new(model, &train).with_static_steps(parts).restored(&momentum)
    };
    for is_static in [true, false] {
        let mut learner = resumed(is_static);
        for (step, expected) in expected.iter().enumerate().skip(4) {
            let (images, labels) = case.batch(step * 3, SIZES[step], &learner);
            let loss = learner.step(images, labels, 0.1 / (1 + step) as f64).loss;
            assert_eq!(loss.into_data().iter::<f32>().next(), Some(expected.0), "step {step}");
        }
        assert_eq!(learner.model.weights(), whole.model.weights());
        assert_eq!(learner.momentum(), whole.momentum());
    }
}

#[test]
fn static_steps_have_the_same_bits_in_phases_and_with_a_scaled_loss() {
    let _alone = alone();
    let case = case("bottleneck-compressed");
    let train = settings(0.9, true, 1e-4);
    let mut ordinary = case.learner(&train);
    let expected = case.steps(&mut ordinary, &SIZES);
    let mut scaled = case
        .static_learner(&train, None)
        .scaling_loss(Some(LossScale::default()));
    assert_eq!(case.steps(&mut scaled, &SIZES), expected);
    let mut phases = case.static_learner(&train, None);
    for (step, &size) in SIZES.iter().enumerate() {
        let (images, labels) = case.batch(step * 3, size, &phases);
        let (_, loss) = phases.forward(images, labels);
        let gradients = phases.backward(&loss);
        phases.update(gradients, 0.1 / (1 + step) as f64);
        assert_eq!(
            loss.into_data().iter::<f32>().next(),
            Some(expected[step].0),
            "step {step}"
        );
    }
    for learner in [scaled, phases] {
        assert_eq!(learner.model.weights(), ordinary.model.weights());
        assert_eq!(learner.momentum(), ordinary.momentum());
    }
}

#[test]
fn a_scaled_step_that_overflows_leaves_the_weights_and_moves_the_running_statistics() {
    let _alone = alone();
    let case = case("basic");
    let too_large = LossScale {
        scale: f64::INFINITY,
        ..LossScale::default()
    };
    let train = settings(0.9, true, 1e-4);
    let mut learners =
        [case.static_learner(&train, None), case.learner(&train)].map(|learner| learner.scaling_loss(Some(too_large)));
    let before = learners[0].model.weights();
    for learner in &mut learners {
        case.steps(learner, &[4]);
        assert_eq!(learner.loss_scale().unwrap().skipped, 1);
        for (name, tensor) in learner.model.weights() {
            assert_eq!(before[&name] == tensor, !name.contains("running_"), "{name}");
        }
    }
    assert_eq!(learners[0].model.weights(), learners[1].model.weights());
}

/// What a graph cannot hold: a value that the processor reads, or a shape that depends on values.
const READING: [&str; 9] = [
    "aten::item",
    "aten::_local_scalar_dense",
    "aten::is_nonzero",
    "aten::nonzero",
    "aten::masked_select",
    "aten::equal",
    "aten::unique",
    "aten::_unique2",
    "aten::repeat_interleave",
];

#[test]
fn a_static_step_does_the_same_each_time_takes_no_new_memory_and_reads_nothing_back() {
    let _alone = alone();
    let counter = CpuTensors::count().unwrap();
    limit_threads(1);
    for name in CASES {
        let case = case(name);
        let mut learner = case.static_learner(&settings(0.9, true, 1e-4), None);
        let mut seen = Vec::new();
        let mut addresses = Vec::new();
        for step in 0..6 {
            let (images, labels) = case.batch(step, 4, &learner);
            counter.order();
            let (live, calls) = (counter.live(), counter.calls());
            let (made, operations) = operations_of(|| learner.step(images, labels, 0.01)).unwrap();
            let (calls, order) = (counter.calls() - calls, counter.order());
            drop(made);
            let reading = operations.iter().find(|name| READING.contains(&name.as_str()));
            assert_eq!(reading, None, "{name}: step {step}");
            assert!(
                operations.len() > 100 && calls > 20,
                "{name}: {} and {calls}",
                operations.len()
            );
            seen.push((operations, calls, order, counter.live() as i64 - live as i64));
            addresses.push(learner.static_addresses());
        }
        // The first makes the buffers and the velocities; a graph is recorded after three.
        let (operations, calls, order, _) = &seen[1];
        for (step, (now, places)) in seen.iter().zip(&addresses).enumerate().skip(2) {
            assert_eq!(&now.0, operations, "{name}: the operations of step {step}");
            assert_eq!(
                (&now.1, &now.2),
                (calls, order),
                "{name}: the allocations of step {step}"
            );
            assert!(now.3 <= 0, "{name}: step {step} leaves {} bytes more", now.3);
            assert_eq!(places, &addresses[1], "{name}: step {step}");
        }
        let trained = case.graph.tensors().count();
        assert!(
            addresses[1].len() > trained,
            "{name}: {} of {trained}",
            addresses[1].len()
        );
    }
}

#[test]
fn an_ordinary_step_is_found_to_move_its_tensors() {
    let _alone = alone();
    // What the test above would see of a step that is not static: the weights are elsewhere after it.
    let case = case("basic");
    let mut learner = case.learner(&settings(0.9, true, 1e-4));
    let place = |learner: &Learner| {
        in_place_updates(&learner.model, &settings(0.0, false, 0.0), cpu())
            .unwrap()
            .unwrap()
            .addresses()
    };
    let (images, labels) = case.batch(0, 4, &learner);
    let before = place(&learner);
    learner.step(images, labels, 0.1);
    assert_ne!(place(&learner), before);
}

/// Writes down what it is asked for; the processor carries the recorded operations out at once.
struct StandIn {
    calls: Rc<RefCell<Vec<&'static str>>>,
    refuses: &'static str,
}

impl StandIn {
    fn called(&self, call: &'static str) -> Result<(), String> {
        self.calls.borrow_mut().push(call);
        if call == self.refuses {
            return Err(format!("no {call}"));
        }
        Ok(())
    }
}

impl StepGraph for StandIn {
    fn begin(&mut self) -> Result<(), String> {
        self.called("begin")
    }

    fn end(&mut self) -> Result<(), String> {
        self.called("end")
    }

    fn replay(&mut self) -> Result<(), String> {
        self.called("replay")
    }
}

/// The calls in each of the steps, and why there was no graph in the end.
fn calls_of(sizes: &[usize], refuses: &'static str) -> (Vec<Vec<&'static str>>, Option<String>) {
    let case = case("basic");
    let calls = Rc::new(RefCell::new(Vec::new()));
    let graph = StandIn {
        calls: Rc::clone(&calls),
        refuses,
    };
    let mut learner = case.static_learner(&settings(0.9, true, 1e-4), Some(Box::new(graph)));
    let of_step = |&size: &usize| {
        case.steps(&mut learner, &[size]);
        calls.take()
    };
    let all = sizes.iter().map(of_step).collect();
    (all, learner.graph_note().map(str::to_owned))
}

#[test]
fn a_step_is_recorded_after_three_and_replayed_from_then_on_but_for_smaller_batches() {
    let _alone = alone();
    let (calls, note) = calls_of(&[4, 3, 4, 4, 4, 4, 3, 4], "");
    let recorded = vec!["begin", "end", "replay"];
    let expected = [
        vec![],
        vec![],
        vec![],
        vec![],
        recorded,
        vec!["replay"],
        vec![],
        vec!["replay"],
    ];
    assert_eq!((calls.as_slice(), note), (expected.as_slice(), None));
}

#[test]
fn where_the_device_does_not_record_steps_are_made_one_by_one_and_the_reason_is_kept() {
    let _alone = alone();
    for (refuses, made) in [("begin", vec!["begin"]), ("end", vec!["begin", "end"])] {
        let (calls, note) = calls_of(&[4; 6], refuses);
        assert_eq!(calls[..3], [vec![], vec![], vec![]] as [Vec<&str>; 3]);
        assert_eq!(calls[3], made);
        assert_eq!(calls[4..], [vec![], vec![]] as [Vec<&str>; 2]);
        assert_eq!(note, Some(format!("no {refuses}")));
    }
}

#[test]
fn a_recorded_step_gives_the_losses_of_its_own_time() {
    let _alone = alone();
    // The stand-in replays nothing, so that every step after the recording has its loss; a copy, not the buffer itself.
    let case = case("basic");
    let calls = Rc::new(RefCell::new(Vec::new()));
    let graph = StandIn { calls, refuses: "" };
    let mut learner = case.static_learner(&settings(0.9, true, 1e-4), Some(Box::new(graph)));
    let mut ordinary = case.learner(&settings(0.9, true, 1e-4));
    let expected = case.steps(&mut ordinary, &[4; 4]);
    let found = case.steps(&mut learner, &[4; 6]);
    assert_eq!(found[..4], expected[..4], "the recording is a step like any other");
    assert_eq!((&found[4], &found[5]), (&found[3], &found[3]));
}

#[test]
fn a_network_whose_running_statistics_cannot_stay_where_they_are_is_refused() {
    let _alone = alone();
    let case = case("basic");
    // Burn's own normalisations make their running statistics anew in each step.
    let model = case.model_of(&RunSettings::default());
    let run = RunSettings {
        cuda_graph: true,
        ..run()
    };
    let error = static_parts(&model, &settings(0.9, true, 0.0), &run, cpu())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "cuda-graph is true, and the network's part denseblock1 is not carried out as a whole by aten, which makes its \
         running statistics anew in each step; leave cuda-graph out"
    );
}

#[test]
fn the_cpu_has_no_graphs_and_says_so() {
    let _alone = alone();
    let case = case("basic");
    let run = RunSettings {
        cuda_graph: true,
        ..run()
    };
    let error = static_parts(&case.model(), &settings(0.9, true, 0.0), &run, cpu())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "cuda-graph is true, and the processor has no graphs; leave cuda-graph out"
    );
}
