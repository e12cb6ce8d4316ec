//! Every execution against the plain one: random small networks, reruns, memory, refusals.

#![cfg(feature = "burn")]

mod f64_reference;
mod workplace;

use burn::tensor::{Int, Tensor, TensorData};
use densenet_bench::backends::{BackendDevice, CPU, FLEX};
use densenet_bench::formats::ablation::{Execution, RunSettings, TrainSettings};
use densenet_bench::formats::tables::TrialRow;
use densenet_bench::formats::weights::Weights;
use densenet_bench::host::check_execution;
use densenet_bench::model::{Model, initial_weights};
use densenet_bench::network::families::densenet::{DenseNet, Order};
use densenet_bench::network::families::inception_v3::InceptionV3;
use densenet_bench::network::{Graph, Network, Shape, Stem};
use densenet_bench::random::{Purpose, Stream};
use densenet_bench::training::{Learner, Targets, build, cross_entropy};
use f64_reference::Reference;

const CLASSES: usize = 5;

/// The executions beside the plain one, with a device that has them.
fn others() -> Vec<(BackendDevice, Execution)> {
    let all = [Execution::Aten, Execution::Recompute, Execution::Fused];
    let devices: &[BackendDevice] = if cfg!(feature = "libtorch") {
        &[FLEX.device(0), CPU.device(0)]
    } else {
        &[FLEX.device(0)]
    };
    let pairs = devices
        .iter()
        .flat_map(|&device| all.map(|execution| (device, execution)));
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

/// Draws of one seed.
struct Draws(Stream);

impl Draws {
    fn of(seed: u64) -> Self {
        Self(Stream::named(
            seed,
            Purpose::Initialization,
            "networks of tests/executions.rs",
        ))
    }

    /// One of `from..=to`.
    fn whole(&mut self, from: usize, to: usize) -> usize {
        (from + (self.0.uniform() * (to - from + 1) as f64) as usize).min(to)
    }

    fn flag(&mut self) -> bool {
        self.0.uniform() < 0.5
    }
}

/// A network with a batch for it.
struct Case {
    what: String,
    graph: Graph,
    weights: Weights,
    images: Vec<f32>,
    labels: Vec<i64>,
}

impl Case {
    fn random(seed: u64) -> Self {
        let mut draws = Draws::of(seed);
        let mut network = DenseNet {
            block_layers: (0..draws.whole(1, 3)).map(|_| draws.whole(1, 4)).collect(),
            growth_rate: draws.whole(1, 13),
            bottleneck: draws.flag(),
            bottleneck_width: draws.whole(1, 4),
            compression: [0.5, 0.7, 1.0][draws.whole(0, 2)],
            initial_channels: draws.whole(2, 17),
            transition_relu: draws.flag(),
            final_relu: draws.flag(),
            ..DenseNet::BASIC
        };
        if draws.whole(0, 3) == 0 {
            network.order = Order::PostActivation;
        }
        if draws.whole(0, 3) == 0 {
            network.stem = Stem::Imagenet;
        }
        let least = if network.stem == Stem::Imagenet { 33 } else { 9 };
        let input = Shape {
            channels: draws.whole(1, 3),
            height: draws.whole(least, least + 7),
            width: draws.whole(least, least + 7),
        };
        let graph = network.graph(input, CLASSES).unwrap();
        let alone = draws.whole(0, 4) == 0 && graph.check_training_batch(1).is_ok();
        let batch = if alone { 1 } else { draws.whole(2, 6) };
        Self::of(&network, graph, batch, seed)
    }

    fn of(network: &dyn std::fmt::Debug, graph: Graph, batch: usize, seed: u64) -> Self {
        let mut stream = Stream::named(seed, Purpose::Initialization, "batches of tests/executions.rs");
        let mut weights = initial_weights(&graph, seed);
        // Scales of 1 and shifts of 0 would hide a mistake; and near 0 the sign of a value that goes into a ReLU hangs
        // on rounding, which shifts away from 0 make rare.
        for (name, tensor) in &mut weights {
            let is_norm = name.contains("norm") || name.contains(".bn.");
            for value in &mut tensor.values {
                if is_norm && (name.ends_with("weight") || name.ends_with("running_var")) {
                    *value = (0.5 + stream.uniform()) as f32;
                } else if is_norm {
                    *value = (0.5 * stream.normal()) as f32;
                }
            }
        }
        let count = batch * graph.input.values();
        Self {
            what: format!("seed {seed}: {network:?} of {}, batch {batch}", graph.input),
            images: (0..count).map(|_| stream.normal() as f32).collect(),
            labels: (0..batch).map(|image| (image % CLASSES) as i64).collect(),
            weights,
            graph,
        }
    }

    fn model(&self, choice: BackendDevice, execution: Execution, learns: bool) -> Model {
        let device = choice.open().unwrap();
        let device = if learns { device.autodiff() } else { device };
        build(&self.graph, &self.weights, &run(execution), choice, &device).unwrap()
    }

    fn batch(&self, model: &Model) -> (Tensor<4>, Tensor<1, Int>) {
        let device = model.device().clone();
        let Shape {
            channels,
            height,
            width,
        } = self.graph.input;
        let count = self.labels.len();
        let images = TensorData::new(self.images.clone(), [count, channels, height, width]);
        let labels = TensorData::new(self.labels.clone(), [count]);
        (Tensor::from_data(images, &device), Tensor::from_data(labels, &device))
    }

    /// The same in exact arithmetic and in f32, by plain loops on the host.
    fn reference(&self) -> Reference {
        Reference::of(&self.graph, &self.weights, &self.images, &self.labels)
    }

    /// All that a training pass and an evaluation give.
    fn pass(&self, choice: BackendDevice, execution: Execution) -> Found {
        let model = self.model(choice, execution, true);
        let (images, labels) = self.batch(&model);
        let outputs = model.outputs(images);
        let loss = Targets::labels(labels).loss_of(&outputs);
        let logits = outputs.logits;
        let gradients = model.gradients(&loss.backward());
        let settled = model.weights();
        let evaluating = self.model(choice, execution, false);
        let (images, _) = self.batch(&evaluating);
        Found {
            logits: logits.into_data().iter::<f32>().collect(),
            loss: loss.into_data().iter::<f32>().next().unwrap(),
            gradients,
            weights: settled,
            evaluation: evaluating.forward(images).into_data().iter::<f32>().collect(),
        }
    }
}

struct Found {
    logits: Vec<f32>,
    loss: f32,
    gradients: Weights,
    weights: Weights,
    evaluation: Vec<f32>,
}

/// max|a - b| / max|b|, or 1e-6 where all of b are smaller.
fn apart(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.iter().all(|value| value.is_finite()));
    let largest = theirs.iter().fold(1e-6f32, |largest, value| largest.max(value.abs()));
    let differences = ours.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs()));
    differences.fold(0.0, f64::max) / f64::from(largest)
}

/// Gradients of all kinds differ by rounding alone, measured against the largest gradient of the network: some are zero
/// in exact arithmetic, such as that of a shift before another normalisation.
fn gradients_apart(ours: &Weights, theirs: &Weights) -> (f64, String) {
    let values = theirs.values().flat_map(|tensor| &tensor.values);
    let largest = f64::from(values.fold(0f32, |largest, value| largest.max(value.abs())));
    let mut worst = (0.0, String::new());
    assert!(ours.keys().eq(theirs.keys()), "every parameter has its gradient");
    for (name, theirs) in theirs {
        let ours = &ours[name];
        assert_eq!(ours.shape, theirs.shape, "{name}");
        let own = theirs
            .values
            .iter()
            .fold(0f32, |largest, value| largest.max(value.abs()));
        let scale = f64::from(own).max(1e-2 * largest);
        for (a, b) in ours.values.iter().zip(&theirs.values) {
            assert!(a.is_finite(), "{name}");
            let apart = f64::from((a - b).abs()) / scale;
            if apart > worst.0 {
                worst = (apart, name.clone());
            }
        }
    }
    worst
}

/// Sums of a few thousand products of f32, in another order: 2^-24 times the square root of their number a layer, over a
/// dozen layers. Gradients pass through twice as many and through divisions by deviations.
const FORWARD_TOLERANCE: f64 = 2e-5;
const GRADIENT_TOLERANCE: f64 = 2e-4;

/// Whether f32 can know what the network gives, with room for sums in another order. It cannot where a normalisation
/// sees two or three values a channel, or where a value stands so near a ReLU's bend that its rounding decides on the
/// side and the gradients show which. This follows from the case alone, whatever device or processor carries it out.
fn is_well_conditioned(reference: &Reference) -> bool {
    let (exact, rounded) = (&reference.exact, &reference.rounded);
    let forward = apart(&rounded.logits, &exact.logits).max(apart(&rounded.evaluation, &exact.evaluation));
    let (rounding, _) = gradients_apart(&rounded.gradients, &exact.gradients);
    let [first, second] = &reference.either_side;
    let (bends, _) = gradients_apart(first, second);
    forward <= FORWARD_TOLERANCE / 4.0 && rounding.max(bends) <= GRADIENT_TOLERANCE / 4.0
}

/// Holds what an execution found to what it should be.
fn compare(what: &str, ours: [&[f32]; 3], theirs: [&[f32]; 3], gradients: [&Weights; 2]) {
    for ((part, ours), theirs) in ["logits", "loss", "logits in evaluation"]
        .into_iter()
        .zip(ours)
        .zip(theirs)
    {
        let apart = apart(ours, theirs);
        assert!(apart <= FORWARD_TOLERANCE, "{what}: {part} are {apart:.1e} apart");
    }
    let (apart, name) = gradients_apart(gradients[0], gradients[1]);
    assert!(
        apart <= GRADIENT_TOLERANCE,
        "{what}: {name}'s gradient is {apart:.1e} apart"
    );
}

#[test]
fn every_execution_gives_the_plain_ones_logits_loss_gradients_and_running_statistics() {
    let mut compared = 0;
    for seed in 0..80 {
        let case = Case::random(seed);
        let reference = case.reference();
        if !is_well_conditioned(&reference) {
            continue;
        }
        compared += 1;
        let exact = &reference.exact;
        let others = others();
        for plains in others.chunk_by(|(a, _), (b, _)| a == b) {
            let choice = plains[0].0;
            let plain = case.pass(choice, Execution::Plain);
            let of_plain = [&plain.logits[..], &[plain.loss], &plain.evaluation];
            compare(
                &format!("plain on {choice} beside f64, {}", case.what),
                of_plain,
                [&exact.logits, &[exact.loss], &exact.evaluation],
                [&plain.gradients, &exact.gradients],
            );
            for &(_, execution) in plains {
                let what = format!("{execution:?} on {choice}, {}", case.what);
                let ours = case.pass(choice, execution);
                compare(
                    &what,
                    [&ours.logits, &[ours.loss], &ours.evaluation],
                    of_plain,
                    [&ours.gradients, &plain.gradients],
                );
                for (name, tensor) in &plain.weights {
                    let apart = apart(&ours.weights[name].values, &tensor.values);
                    assert!(apart <= FORWARD_TOLERANCE, "{what}: {name} is {apart:.1e} apart");
                }
            }
        }
    }
    // The same number on every processor.
    assert!(compared >= 40, "{compared}");
}

/// Of images as large as an Inception-v3's auxiliary head needs there is no fixture.
#[test]
fn an_auxiliary_head_learns_alike_in_every_execution() {
    let network = InceptionV3 {
        width_multiplier: 0.0625,
        dropout: 0.0,
        ..InceptionV3::TORCHVISIONS
    };
    let graph = network.graph(Shape::square(1, 299), CLASSES).unwrap();
    let case = Case::of(&network, graph, 4, 1);
    let others = others();
    let by_device: Vec<_> = others.chunk_by(|(a, _), (b, _)| a == b).collect();
    let plains: Vec<Found> = (by_device.iter().map(|of| case.pass(of[0].0, Execution::Plain))).collect();
    // Dozens of normalisations multiply rounding errors: as far apart as the same operations are on two backends.
    let by_rounding = plains.iter().map(|plain| apart(&plain.logits, &plains[0].logits));
    let tolerance = by_rounding.fold(1e-4, |largest: f64, apart| largest.max(3.0 * apart));
    assert!(tolerance < 1e-3, "two backends are {tolerance:.1e} apart");
    for (plains, plain) in by_device.into_iter().zip(&plains) {
        let choice = plains[0].0;
        let own = case.model(choice, Execution::Plain, true);
        let (images, labels) = case.batch(&own);
        let without = cross_entropy(own.outputs(images).logits, labels);
        let without = without.into_data().iter::<f32>().next().unwrap();
        assert!(
            plain.loss > 1.1 * without,
            "{choice}: the head adds {} to {without}",
            plain.loss - without
        );
        for &(_, execution) in plains {
            let what = format!("{execution:?} on {choice}");
            let ours = case.pass(choice, execution);
            let found = apart(&ours.logits, &plain.logits).max(apart(&[ours.loss], &[plain.loss]));
            assert!(
                found <= tolerance,
                "{what}: the logits or the loss are {found:.1e} apart"
            );
            let of_head = |gradients: &Weights| -> Weights {
                let own = gradients.iter().filter(|(name, _)| name.starts_with("AuxLogits."));
                own.map(|(name, tensor)| (name.clone(), tensor.clone())).collect()
            };
            let (found, name) = gradients_apart(&of_head(&ours.gradients), &of_head(&plain.gradients));
            assert!(found <= 1e-2, "{what}: {name}'s gradient is {found:.1e} apart");
        }
    }
}

fn with_dropout(seed: u64) -> Case {
    let network = DenseNet {
        block_layers: vec![2, 2],
        growth_rate: 4,
        bottleneck: true,
        dropout: 0.3,
        order: [Order::PreActivation, Order::PostActivation][seed as usize % 2],
        ..DenseNet::BASIC
    };
    let image = Shape {
        channels: 3,
        height: 9,
        width: 8,
    };
    Case::of(&network, network.graph(image, CLASSES).unwrap(), 4, seed)
}

/// Losses of five steps, and the weights after them.
fn five_steps(case: &Case, choice: BackendDevice, execution: Execution) -> (Vec<u32>, Weights) {
    let mut learner = Learner::new(case.model(choice, execution, true), &TrainSettings::default());
    let losses = (0..5).map(|step| {
        learner.device().seed(step);
        let (images, labels) = case.batch(&learner.model);
        let loss = learner.step(images, labels, 0.1).loss;
        loss.into_data().iter::<f32>().next().unwrap().to_bits()
    });
    (losses.collect(), learner.model.weights())
}

#[test]
fn a_rerun_repeats_to_the_last_bit_dropout_included() {
    for case in [Case::random(3), Case::random(4), with_dropout(0), with_dropout(1)] {
        for (choice, execution) in others() {
            let what = format!("{execution:?} on {choice}, {}", case.what);
            let first = five_steps(&case, choice, execution);
            assert_eq!(five_steps(&case, choice, execution), first, "{what}");
            assert!(first.0.windows(2).all(|pair| pair[0] != pair[1]), "{what}: it learns");
        }
    }
}

/// The derivative of the loss along a direction, from gradients and from the loss itself at either side. With dropout
/// the mask of forward and backward must be one: a second draw would give the gradient of another function.
#[test]
fn with_dropout_the_gradients_are_those_of_the_loss_that_was_drawn() {
    for seed in 0..4 {
        let case = with_dropout(seed);
        for (choice, execution) in others() {
            let loss_at = |weights: &Weights| {
                let device = choice.open().unwrap().autodiff();
                let model = build(&case.graph, weights, &run(execution), choice, &device).unwrap();
                device.seed(7);
                let (images, labels) = case.batch(&model);
                let loss = cross_entropy(model.forward(images), labels);
                let value: f32 = loss.clone().into_data().iter::<f32>().next().unwrap();
                (f64::from(value), model.gradients(&loss.backward()))
            };
            let (_, gradients) = loss_at(&case.weights);
            let squares = gradients.values().flat_map(|tensor| &tensor.values);
            let square: f64 = squares.map(|value| f64::from(*value).powi(2)).sum();
            // So short that few ReLUs change sides, and so long that the loss changes by more than its rounding.
            let step = 1e-4 / square.sqrt();
            let moved = |sign: f64| {
                let mut weights = case.weights.clone();
                for (name, gradient) in &gradients {
                    let values = &mut weights.get_mut(name).unwrap().values;
                    for (value, slope) in values.iter_mut().zip(&gradient.values) {
                        *value += (sign * step * f64::from(*slope)) as f32;
                    }
                }
                loss_at(&weights).0
            };
            let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
            let apart = (slope / square - 1.0).abs();
            assert!(
                apart < 0.03,
                "{execution:?} on {choice}, seed {seed}: the loss rises by {slope}, not {square}"
            );
        }
    }
}

fn ablation(execution: &str) -> String {
    format!(
        "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\ntrain-limit = 32\ntest-limit = 32\n\
         [model]\nblock-layers = [1]\ngrowth-rate = 2\n[train]\nsteps = 1\nbatch-size = 16\n[measure]\nbatch-sizes = [8]\nsteps = 1\n\
         [run]\nexecution = \"{execution}\"\n"
    )
}

#[test]
fn an_execution_that_the_device_lacks_is_refused_before_anything_starts() {
    let place = workplace::Workplace::new();
    place.write("x.toml", &ablation("aten"));
    for verb in [["run", "x.toml"], ["evaluate", "x.toml"]] {
        let said = place.refused(&[&verb[..], &["--device", "flex"]].concat());
        let expected = "error: x.toml:17: run.execution: execution is \"aten\", which needs libtorch, and the device is flex; take \
                        --device cpu";
        assert!(said.starts_with(expected), "{verb:?}: {said}");
    }
    assert!(!place.path("results").exists());
}

#[test]
fn every_execution_trains_measures_and_evaluates_in_the_program_and_says_so_in_its_tables() {
    use densenet_bench::formats::tables::{BatchRow, Status, TrialRow};
    for (device, execution) in others() {
        let name = format!("{execution:?}").to_lowercase();
        let place = workplace::Workplace::new();
        place.write("x.toml", &ablation(&name));
        let device = device.to_string();
        place.ok(&["run", "x.toml", "--device", &device, "--threads", "1"]);
        let trials: Vec<TrialRow> = place.rows("results/x");
        let batches: Vec<BatchRow> = place.rows("results/x");
        assert_eq!(
            (trials[0].execution.name(), trials[0].status),
            (name.as_str(), Status::Ok)
        );
        assert_eq!(
            (batches[0].execution.name(), batches[0].status),
            (name.as_str(), Status::Ok)
        );
        // The closed form is of plain execution.
        assert_eq!(batches[0].predicted_peak_bytes, None);
        let trial = format!("results/x/trials/{}", trials[0].trial);
        place.ok(&["export", &trial, "--weights", "w.safetensors"]);
        let evaluated = place.ok(&["evaluate", "x.toml", "--weights", "w.safetensors", "--device", &device]);
        let evaluated: serde_json::Value = serde_json::from_str(&evaluated).unwrap();
        let (found, trained) = (evaluated["loss"].as_f64().unwrap(), trials[0].final_test_loss.unwrap());
        assert!(
            (found / trained - 1.0).abs() < 1e-5,
            "{name} on {device}: {found} {trained}"
        );
        let described = place.ok(&["describe", "x.toml"]);
        assert!(
            described.contains(&format!("No memory is predicted of {name} execution")),
            "{described}"
        );
    }
}

/// What `execution = "auto"` comes to with these lines of `[model]` and `[run]` on a device, and the trial's ID.
fn chosen(model: &str, run: &str, device: &str) -> (Execution, String) {
    let place = workplace::Workplace::new();
    let text = |execution: &str| {
        format!(
            "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"synthetic\"\nimage-size = 32\ntrain-images = 4\ntest-images = 2\n\
             [model]\n{model}\n[train]\nsteps = 1\nbatch-size = 4\n[run]\nexecution = \"{execution}\"\n{run}\n"
        )
    };
    place.write("x.toml", &text("auto"));
    place.ok(&["run", "x.toml", "--device", device]);
    let rows: Vec<TrialRow> = place.rows("results/x");
    let execution = rows[0].execution;
    // It is the trial of the execution's own name, which is finished.
    place.write("x.toml", &text(execution.name()));
    let listed = place.ok(&["run", "x.toml", "--device", device, "--list"]);
    assert!(listed.starts_with(&rows[0].trial), "{listed}");
    (execution, rows[0].trial.clone())
}

#[test]
fn auto_is_the_fastest_execution_of_device_and_network_and_the_rows_name_it() {
    let dense = "block-layers = [1, 1]";
    let vgg = "family = \"vgg\"\nblock-layers = [1, 1]\nclassifier-width = 8\ndropout = 0.0";
    let (execution, on_cpu) = chosen(dense, "", "cpu");
    assert_eq!(execution, Execution::Fused);
    assert_eq!(chosen(dense, "", "flex"), (Execution::Fused, on_cpu));
    assert_eq!(chosen(vgg, "", "cpu").0, Execution::Aten);
    assert_eq!(chosen(vgg, "", "flex").0, Execution::Fused);
    assert_eq!(chosen(dense, "layout = \"nchw\"", "cpu").0, Execution::Aten);
    assert_eq!(chosen(dense, "precision = \"bf16\"", "cpu").0, Execution::Aten);
    assert_eq!(chosen(vgg, "instructions = \"portable\"", "cpu").0, Execution::Fused);
}
