//! What loading costs a training step on the digits: the step alone, and the step with the loader in front of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use densenet_bench::data::{Batch, Loader, load};
use densenet_bench::formats::ablation::{Ablation, TrainSettings, parse};
use densenet_bench::host::{DeviceChoice, cuda_devices, open};
use densenet_bench::model::{DenseNet, initial_weights};
use densenet_bench::training::{TrainingImages, batch_tensors, sgd};

/// growth.toml's variant k = 12: what the README's first command trains.
const ABLATION: &str = include_str!("../ablations/growth.toml");

fn ablation() -> Ablation {
    parse(ABLATION, std::path::Path::new("growth.toml")).expect("the shipped ablation is valid")
}

struct Training {
    model: DenseNet,
    optimizer: burn::optim::ModuleOptimizer,
    device: burn::tensor::Device,
}

impl Training {
    fn step(&mut self, batch: Batch) {
        let (images, labels) = batch_tensors(batch, &self.device);
        let loss = burn::nn::loss::CrossEntropyLossConfig::new()
            .init(&self.device)
            .forward(self.model.forward(images), labels);
        let gradients = burn::optim::GradientsParams::from_grads(loss.backward(), &self.model);
        self.model = self.optimizer.step(0.01, self.model.clone(), gradients);
        self.device.sync().expect("the device works");
    }
}

fn loading(criterion: &mut Criterion) {
    let ablation = ablation();
    let settings = &ablation.variants[1].settings;
    let train: &TrainSettings = settings.train.as_ref().expect("growth.toml trains");
    let data = load(&settings.data, 1, None).expect("the digits are embedded");
    let plan = settings
        .model
        .plan(data.shape, data.classes.len())
        .expect("growth.toml fits the digits");
    let choice = DeviceChoice::Auto
        .resolve(cfg!(feature = "libtorch"), cuda_devices())
        .expect("there is always a device");
    let device = open(choice).autodiff();
    let images = TrainingImages::new(Arc::new(data), &settings.data, 0, 1).expect("the digits divide");
    let batches = || -> Loader { images.training_batches(train, 0, 1_000_000).expect("a thread starts") };
    let model = DenseNet::new(&plan, &initial_weights(&plan, 0), &device).expect("drawn weights fit");
    let optimizer = sgd(train);
    let mut training = Training {
        model,
        optimizer,
        device,
    };

    let mut group = criterion.benchmark_group("digits, training step");
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(train.batch_size as u64));
    group.sample_size(20).measurement_time(Duration::from_secs(10));
    let ready: Vec<Batch> = batches()
        .take(8)
        .map(|batch| batch.expect("batches are made"))
        .collect();
    group.bench_function("batches ready in memory", |bencher| {
        let mut next = ready.iter().cycle();
        bencher.iter_custom(|steps| {
            let begun = Instant::now();
            for batch in next.by_ref().take(steps as usize) {
                training.step(batch.clone());
            }
            begun.elapsed()
        });
    });
    let mut loader = batches();
    group.bench_function("with the loader", |bencher| {
        bencher.iter_custom(|steps| {
            let begun = Instant::now();
            for batch in loader.by_ref().take(steps as usize) {
                training.step(batch.expect("batches are made"));
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
                training.step(batch);
            }
            waited
        });
    });
    group.finish();
}

criterion_group!(benches, loading);
criterion_main!(benches);
