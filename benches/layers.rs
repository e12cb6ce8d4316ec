//! The parts of DenseNet-BC-100 (k = 12, 32x32) and DenseNet-121 (224x224), forward and backward, and the whole
//! training step, on every backend that the machine has.
//!
//! The parts are taken out of a built network, so that the benches time what `run` trains; they are in the first dense
//! block, whose maps are the largest. A benchmark's name is `NETWORK/PART/PASS/DEVICE`.

mod program;

use std::cell::LazyCell;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::tensor::{Device, Distribution, Int, Tensor};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group};
use densenet_bench::backends::{BACKENDS, Backend, BackendDevice, CPU, CUDA};
use densenet_bench::formats::ablation::{TrainSettings, parse};
use densenet_bench::model::densenet::{DenseLayer, DenseNet};
use densenet_bench::model::{Model, initial_weights};
use densenet_bench::network::families::densenet;
use densenet_bench::network::{Graph, Network, Shape, preset};
use densenet_bench::training::{Learner, cross_entropy};

/// The optimizer of the paper's CIFAR runs, for the training step.
const PAPER: &str = include_str!("../ablations/paper/cifar10-augmented.toml");

// --- what is timed --------------------------------------------------------------------------------------------------

/// A network whose parts are timed.
struct Subject {
    name: &'static str,
    preset: &'static str,
    /// Rows and columns of an image.
    side: usize,
    /// Images in a batch on some backends, so small that all benches together need less than a quarter of an hour on two
    /// idle cores.
    batches: [(&'static Backend, usize); 2],
    /// On any other.
    smallest_batch: usize,
}

static SUBJECTS: [Subject; 2] = [
    Subject {
        name: "DenseNet-BC-100",
        preset: "densenet-bc-100-12",
        side: 32,
        batches: [(&CUDA, 64), (&CPU, 16)],
        smallest_batch: 4,
    },
    Subject {
        name: "DenseNet-121",
        preset: "densenet-121",
        side: 224,
        batches: [(&CUDA, 32), (&CPU, 4)],
        smallest_batch: 2,
    },
];

impl Subject {
    fn batch(&self, device: BackendDevice) -> usize {
        let known = self.batches.iter().find(|(backend, _)| *backend == device.backend());
        known.map_or(self.smallest_batch, |(_, batch)| *batch)
    }

    /// The preset's options.
    fn network(&self) -> densenet::DenseNet {
        let preset = preset(self.preset).expect("the preset is there");
        serde_json::from_value(preset.network.options()).expect("the preset is a DenseNet")
    }

    fn graph(&self, network: &densenet::DenseNet) -> Graph {
        let preset = preset(self.preset).expect("the preset is there");
        let image = Shape::square(3, self.side);
        network
            .graph(image, preset.classes)
            .expect("the preset fits its images")
    }
}

/// A part of a network.
#[derive(Clone, Copy)]
enum Part {
    Stem,
    /// The block's last layer, as it is without a bottleneck.
    BasicLayer,
    /// The block's last layer.
    BottleneckLayer,
    /// The block's last concatenation.
    Concatenation,
    /// The normalisation of all that enters the block's last layer.
    BatchNorm,
    Transition,
    DenseBlock,
}

impl Part {
    const ALL: [(Self, &str); 7] = [
        (Self::Stem, "stem"),
        (Self::BasicLayer, "basic-layer"),
        (Self::BottleneckLayer, "bottleneck-layer"),
        (Self::Concatenation, "concatenation"),
        (Self::BatchNorm, "batch-norm"),
        (Self::Transition, "transition"),
        (Self::DenseBlock, "dense-block"),
    ];

    /// The part's inputs for one image.
    fn inputs(self, graph: &Graph) -> Vec<Shape> {
        let layers = graph.blocks[0].layers;
        let entering = |layer: String| {
            let found = graph.nodes.iter().find(|candidate| candidate.name == layer);
            found.expect("the graph has the layer").input
        };
        let last = |part: &str| entering(format!("features.denseblock1.denselayer{layers}.{part}"));
        match self {
            Self::Stem => vec![graph.input],
            Self::BasicLayer | Self::BottleneckLayer | Self::BatchNorm => vec![last("norm1")],
            Self::Concatenation => vec![last("norm1"), last("concatenation")],
            Self::Transition => vec![entering("features.transition1.norm".to_owned())],
            Self::DenseBlock => vec![entering("features.denseblock1.denselayer1.norm1".to_owned())],
        }
    }

    /// Whether the part passes a gradient on; none is needed at the images.
    fn passes_gradient(self) -> bool {
        !matches!(self, Self::Stem)
    }

    fn forward(self, built: &Built, mut inputs: Vec<Tensor<4>>) -> Tensor<4> {
        if let Self::Concatenation = self {
            return Tensor::cat(inputs, 1);
        }
        let input = inputs.remove(0);
        match self {
            Self::Stem => built.network.stem(input),
            Self::BasicLayer => built.basic.forward(input),
            Self::BottleneckLayer => built.last_layer().forward(input),
            Self::Transition => built.network.transitions[0].forward(input),
            Self::DenseBlock => built.network.blocks[0].forward(input),
            Self::BatchNorm | Self::Concatenation => {
                let bottleneck = built.last_layer().bottleneck.as_ref();
                bottleneck.expect("both networks have bottlenecks").norm.forward(input)
            }
        }
    }
}

/// A network on a device, and the layer that it would have without bottlenecks.
struct Built {
    network: DenseNet,
    basic: DenseLayer,
}

impl Built {
    fn new(subject: &Subject, device: &Device) -> Self {
        let build =
            |network: &densenet::DenseNet| DenseNet::new(network, &initial_weights(&subject.graph(network), 0), device);
        let network = subject.network();
        let mut basic = densenet::DenseNet {
            bottleneck: false,
            ..network.clone()
        };
        basic.block_layers.truncate(1);
        let basic = build(&basic).blocks.remove(0).layers.pop();
        Self {
            network: build(&network),
            basic: basic.expect("a block has layers"),
        }
    }

    fn last_layer(&self) -> &DenseLayer {
        self.network.blocks[0].layers.last().expect("a block has layers")
    }
}

// --- how it is timed ------------------------------------------------------------------------------------------------

#[derive(Clone, Copy)]
enum Pass {
    Forward,
    Backward,
}

impl Pass {
    const ALL: [(Self, &str); 2] = [(Self::Forward, "forward"), (Self::Backward, "backward")];

    /// The time of this pass in `rounds` rounds of both, the device idle before and after each.
    ///
    /// Both passes run whichever is timed: Burn keeps what a forward pass recorded until a backward pass consumes it,
    /// and memory is then in the state in which training leaves it. `prepare` makes an input that nothing else holds,
    /// as within a network, so that backward may overwrite it.
    fn time<I, const D: usize>(
        self,
        rounds: u64,
        device: &Device,
        prepare: impl Fn() -> I,
        forward: impl Fn(I) -> Tensor<D>,
    ) -> Duration {
        let mut total = Duration::ZERO;
        for _ in 0..rounds {
            let input = black_box(prepare());
            let (output, forward_time) = timed(device, || forward(input));
            let (gradients, backward_time) = timed(device, || output.backward());
            drop(black_box((output, gradients)));
            total += match self {
                Self::Forward => forward_time,
                Self::Backward => backward_time,
            };
        }
        total
    }
}

/// The result of `work`, and how long the device took for it and nothing else.
fn timed<T>(device: &Device, work: impl FnOnce() -> T) -> (T, Duration) {
    device.sync().expect("the device works");
    let begun = Instant::now();
    let result = black_box(work());
    device.sync().expect("the device works");
    (result, begun.elapsed())
}

/// Values as a normalisation leaves them, `[batch, channels, height, width]`, without a graph.
fn maps(batch: usize, shape: Shape, device: &Device) -> Tensor<4> {
    let shape = [batch, shape.channels, shape.height, shape.width];
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device.clone().inner())
}

/// A batch of images and the labels 0, 1, 2 and so on.
fn examples(batch: usize, graph: &Graph, device: &Device) -> (Tensor<4>, Tensor<1, Int>) {
    let labels = Tensor::arange(0..batch as i64, device).remainder_scalar(graph.classes as i64);
    (maps(batch, graph.input, device).autodiff(), labels)
}

// --- the benchmarks -------------------------------------------------------------------------------------------------

/// A device of this machine, and the images of a batch there.
struct Target {
    choice: BackendDevice,
    device: Device,
    batch: usize,
}

/// Every backend that the machine has.
fn targets(subject: &Subject) -> impl Iterator<Item = Target> {
    let first_devices = BACKENDS.iter().map(|backend| backend.device(0));
    let there = first_devices.filter(|device| device.check().is_ok());
    there.map(|choice| Target {
        choice,
        device: choice.open().expect("it is there").autodiff(),
        batch: subject.batch(choice),
    })
}

fn group<'a>(criterion: &'a mut Criterion, subject: &Subject, part: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(format!("{}/{part}", subject.name));
    // The same number of rounds in every sample: some take seconds.
    group.sampling_mode(SamplingMode::Flat);
    group
}

fn parts(criterion: &mut Criterion) {
    for subject in &SUBJECTS {
        let graph = subject.graph(&subject.network());
        // Built when the first part is timed there: a filter may leave none.
        let lazily = |target: Target| {
            let device = target.device.clone();
            (target, LazyCell::new(move || Built::new(subject, &device)))
        };
        let targets: Vec<_> = targets(subject).map(lazily).collect();
        for (part, part_name) in Part::ALL {
            let mut group = group(criterion, subject, part_name);
            for (target, built) in &targets {
                let Target { choice, device, batch } = target;
                group.throughput(Throughput::Elements(*batch as u64));
                let sources = LazyCell::new(|| -> Vec<Tensor<4>> {
                    let shapes = part.inputs(&graph).into_iter();
                    shapes.map(|shape| maps(*batch, shape, device)).collect()
                });
                for (pass, pass_name) in Pass::ALL {
                    group.bench_function(BenchmarkId::new(pass_name, choice), |bencher| {
                        let (built, sources) = (LazyCell::force(built), LazyCell::force(&sources));
                        let prepare = || -> Vec<Tensor<4>> {
                            let copies = sources.iter().map(|source| source.clone().mul_scalar(1.0).autodiff());
                            let tracked = |copy: Tensor<4>| copy.set_require_grad(part.passes_gradient());
                            copies.map(tracked).collect()
                        };
                        let forward = |inputs| part.forward(built, inputs);
                        bencher.iter_custom(|rounds| pass.time(rounds, device, prepare, forward));
                    });
                }
            }
            group.finish();
        }
    }
}

fn networks(criterion: &mut Criterion) {
    let paper = parse(PAPER, Path::new("cifar10-augmented.toml")).expect("the shipped ablation is valid");
    let settings: &TrainSettings = paper.variants[0].settings.train.as_ref().expect("it trains");
    for subject in &SUBJECTS {
        let graph = subject.graph(&subject.network());
        let build = |device: &Device| {
            let weights = initial_weights(&graph, 0);
            Model::new(Arc::new(graph.clone()), &weights, device, &[]).expect("drawn weights fit")
        };

        let mut whole = group(criterion, subject, "network");
        for Target { choice, device, batch } in targets(subject) {
            whole.throughput(Throughput::Elements(batch as u64));
            let built = LazyCell::new(|| (build(&device), examples(batch, &graph, &device)));
            for (pass, pass_name) in Pass::ALL {
                whole.bench_function(BenchmarkId::new(pass_name, choice), |bencher| {
                    let (network, examples) = LazyCell::force(&built);
                    let forward = |(images, labels)| cross_entropy(network.forward(images), labels);
                    bencher.iter_custom(|rounds| pass.time(rounds, &device, || examples.clone(), forward));
                });
            }
        }
        whole.finish();

        let mut step = group(criterion, subject, "training-step");
        for Target { choice, device, batch } in targets(subject) {
            step.throughput(Throughput::Elements(batch as u64));
            // One learner for all samples: its optimizer's first step differs from the others.
            let mut learner = None;
            step.bench_function(BenchmarkId::new("step", choice), |bencher| {
                let (learner, examples) = learner.get_or_insert_with(|| {
                    let learner = Learner::new(build(&device), settings);
                    (learner, examples(batch, &graph, &device))
                });
                bencher.iter_custom(|rounds| {
                    let one = |_| {
                        let (images, labels) = examples.clone();
                        timed(&device, || learner.step(images, labels, 0.01)).1
                    };
                    (0..rounds).map(one).sum()
                });
            });
        }
        step.finish();
    }
}

/// Defaults that the command line may change.
fn configuration(samples: usize, seconds: f64) -> Criterion {
    Criterion::default()
        .sample_size(samples)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs_f64(seconds))
}

criterion_group! {
    name = of_parts;
    config = configuration(20, 1.0);
    targets = parts
}
criterion_group! {
    name = of_networks;
    config = configuration(10, 5.0);
    targets = networks
}

fn main() {
    program::run_as_a_trial();
    of_parts();
    of_networks();
    Criterion::default().configure_from_args().final_summary();
}
