//! The cost of loading per training step on the digits: the step alone, and the step with the loader in front of it.

mod program;

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group};
use densenet_bench::backends::DeviceChoice;
use densenet_bench::data::{Batch, Loader, load};
use densenet_bench::formats::ablation::{Ablation, TrainSettings, parse};
use densenet_bench::host::{available_threads, loader_threads};
use densenet_bench::model::{Model, initial_weights};
use densenet_bench::training::{Learner, TrainingImages, batch_tensors};

/// growth.toml's variant k = 12, which the README's first command trains.
const ABLATION: &str = include_str!("../ablations/growth.toml");

fn ablation() -> Ablation {
    parse(ABLATION, std::path::Path::new("growth.toml")).expect("the shipped ablation is valid")
}

/// One step, to the end of the device's work.
fn step(learner: &mut Learner, batch: Batch) {
    let device = learner.device();
    let (images, labels) = batch_tensors(batch, &device);
    learner.step(images, labels, 0.01);
    device.sync().expect("the device works");
}

fn loading(criterion: &mut Criterion) {
    let ablation = ablation();
    let settings = &ablation.variants[1].settings;
    let train: &TrainSettings = settings.train.as_ref().expect("growth.toml trains");
    let data = load(&settings.data, 1, None).expect("the digits are embedded");
    let graph = settings
        .model
        .graph(data.shape, data.classes.len())
        .expect("growth.toml fits the digits");
    let choice = DeviceChoice::Auto.resolve().expect("there is always a device");
    let device = choice.open().expect("it is there").autodiff();
    let loaders = loader_threads(choice, available_threads());
    let images = TrainingImages::new(Arc::new(data), &settings.data, 0, loaders).expect("the digits divide");
    let batches = || -> Loader {
        images
            .training_batches(train, 0, 0..1_000_000, 0)
            .expect("a thread starts")
    };
    let weights = initial_weights(&graph, 0);
    let model = Model::new(Arc::new(graph), &weights, &device, &[]).expect("drawn weights fit");
    let mut learner = Learner::new(model, train);

    let mut group = criterion.benchmark_group("digits, training step");
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(train.batch_size as u64));
    let ready: Vec<Batch> = batches()
        .take(8)
        .map(|batch| batch.expect("batches are made"))
        .collect();
    group.bench_function("batches ready in memory", |bencher| {
        let mut next = ready.iter().cycle();
        bencher.iter_custom(|steps| {
            let begun = Instant::now();
            for batch in next.by_ref().take(steps as usize) {
                step(&mut learner, batch.clone());
            }
            begun.elapsed()
        });
    });
    let mut loader = batches();
    group.bench_function("with the loader", |bencher| {
        bencher.iter_custom(|steps| {
            let begun = Instant::now();
            for batch in loader.by_ref().take(steps as usize) {
                step(&mut learner, batch.expect("batches are made"));
            }
            begun.elapsed()
        });
    });
    group.bench_function("waiting for the loader alone", |bencher| {
        bencher.iter_custom(|steps| {
            let mut waited = Duration::ZERO;
            for _ in 0..steps {
                let asked = Instant::now();
                let batch = loader.next().expect("there are epochs left").expect("batches are made");
                waited += asked.elapsed();
                step(&mut learner, batch);
            }
            waited
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    // Defaults that the command line may change.
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(10));
    targets = loading
}

fn main() {
    program::run_as_a_trial();
    benches();
    Criterion::default().configure_from_args().final_summary();
}
