//! Made-up rows for the views' tests.

use std::path::Path;

pub use super::sample_profiles::with_profile;
use super::section::{Side, Table};
use crate::formats::ablation::Precision;
use crate::formats::ablation::{Allocator, Execution, Mode, Variant, parse};
use crate::formats::device_name::DeviceName;
use crate::formats::study::Study;
use crate::formats::tables::{BatchRow, BoundaryRow, EpochRow, PeerRow, SampleRow, Status, SweptValue, TrialRow};

pub fn cpu() -> DeviceName {
    DeviceName::recorded("cpu")
}

/// A table of two rows, one of which has a bar.
pub fn small_table() -> Table {
    let mut table = Table::default();
    table.column("variant", Side::Left, ["a|b".to_owned(), "growth-rate=12".to_owned()]);
    table.column("n", Side::Right, ["3".to_owned(), "12".to_owned()]);
    table
}

/// A variant to make up.
#[derive(Clone)]
pub struct SampleVariant {
    pub name: String,
    pub swept: Vec<SweptValue>,
    pub parameters: usize,
    pub macs: u64,
    pub error: f64,
    pub published: Option<f64>,
}

impl SampleVariant {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            swept: Vec::new(),
            parameters: 176_122,
            macs: 2_834_161,
            error: 0.03,
            published: None,
        }
    }

    /// `growth-rate=12` of (`model.growth-rate`, `12`); of several joined by commas.
    pub fn swept(values: &[(&str, &str)], parameters: usize, error: f64) -> Self {
        let last = |key: &str| key.rsplit('.').next().unwrap_or(key).to_owned();
        let names: Vec<String> = values
            .iter()
            .map(|(key, value)| format!("{}={value}", last(key)))
            .collect();
        Self {
            name: names.join(","),
            swept: values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            parameters,
            macs: parameters as u64 * 260,
            error,
            published: None,
        }
    }
}

/// The ablation of every sample.
const TEXT: &str = "name = \"growth\"\nquestion = \"What does a larger growth rate buy, and what does it cost?\"\n\
                    [data]\ndataset = \"digits\"\n[model]\ndepth = 10\n";

/// A study without variants and rows.
pub fn empty() -> Study {
    let mut study = Study::new(parse(TEXT, Path::new("growth.toml")).unwrap());
    study.ablation.variants.clear();
    study
}

/// Finished trials of every variant by every seed, with falling losses that differ a little by seed.
pub fn trained(variants: &[SampleVariant], seeds: u64, epochs: usize) -> Study {
    let mut study = empty();
    let base = parse(TEXT, Path::new("growth.toml")).unwrap().variants.remove(0);
    study.ablation.variants = (variants.iter())
        .map(|variant| Variant {
            name: variant.name.clone(),
            swept: variant.swept.clone(),
            ..base.clone()
        })
        .collect();
    let mut state = 7_u64;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    for variant in variants {
        for seed in 0..seeds {
            let id = format!("{}-{seed}", variant.name);
            let error = (variant.error * (1.0 + 0.25 * draw())).max(0.0);
            let share = |epoch: usize| (epoch + 1) as f64 / epochs as f64;
            for epoch in 0..epochs {
                let fall = (-4.0 * share(epoch)).exp();
                let wobble = 1.0 + 0.3 * draw() * share(epoch);
                study.epochs.push(EpochRow {
                    trial: id.clone(),
                    variant: variant.name.clone(),
                    seed,
                    epoch,
                    train_loss: (2.3 * fall.powf(1.3) + variant.error * 0.1) * wobble,
                    train_error: fall * 0.9,
                    validation_loss: None,
                    validation_error: None,
                    test_loss: (2.3 * fall + variant.error * 3.0) * wobble,
                    test_error: fall * 0.9 + error * (1.0 - fall),
                    wall_ns: 1_000_000_000,
                    train_ns: Some(900_000_000),
                    test_ns: Some(100_000_000),
                });
            }
            let last = study.epochs.last().cloned();
            study.trials.push(TrialRow {
                ablation: study.ablation.name.clone(),
                trial: id,
                variant: variant.name.clone(),
                seed,
                status: Status::Ok,
                error: String::new(),
                device: cpu(),
                execution: Execution::Plain,
                precision: Precision::F32,
                family: "densenet".to_owned(),
                dataset: "digits".to_owned(),
                block_layers: Some(vec![6, 6, 6]),
                growth_rate: Some(12),
                bottleneck: Some(false),
                compression: Some(1.0),
                initial_channels: Some(16),
                dropout: Some(0.0),
                parameters: variant.parameters,
                macs: variant.macs,
                epochs,
                batch_size: 64,
                steps: epochs * 23,
                final_train_loss: last.as_ref().map(|row| row.train_loss),
                final_train_error: last.as_ref().map(|row| row.train_error),
                final_validation_loss: None,
                final_validation_error: None,
                final_test_loss: last.as_ref().map(|row| row.test_loss),
                final_test_error: Some(error),
                published_error: variant.published,
                train_images_per_second: Some(2e8 / variant.parameters as f64 * (1.0 + 0.05 * draw())),
                peak_memory_bytes: None,
                wall_ns: Some(epochs as u64 * 1_000_000_000),
                weights_sha256: "0".repeat(64),
                processor_share: Some(0.99),
                warning: String::new(),
                test_images: None,
                cpu: String::new(),
                revision: String::new(),
                layout: None,
                skipped_steps: None,
                cuda_graph: None,
                host: String::new(),
            });
        }
    }
    study
}

/// Four ways to run a network, with their speed and memory beside the first's.
const PEERS: [(&str, f64, f64); 4] = [
    ("densenet-bench plain", 1.0, 1.0),
    ("PyTorch eager NCHW", 1.9, 0.75),
    ("PyTorch eager channels-last", 2.2, 0.76),
    ("PyTorch compile channels-last", 2.8, 0.62),
];

/// Measurements about like those of DenseNet-BC-100 on two cores, in both modes: every variant is a little slower and
/// takes a little more memory than the one before.
pub fn measured(variants: &[&str], batch_sizes: &[usize]) -> Study {
    let mut study = empty();
    for (index, variant) in variants.iter().enumerate() {
        let scale = 1.0 + 0.35 * index as f64;
        for mode in [Mode::Train, Mode::Evaluate] {
            for batch_size in batch_sizes {
                study.batches.push(batch_row(variant, mode, *batch_size, scale));
                for peer in &PEERS {
                    study.peers.push(peer_row(variant, mode, *batch_size, scale, peer));
                }
            }
            study.boundaries.push(BoundaryRow {
                variant: (*variant).to_owned(),
                device: cpu(),
                execution: Execution::Plain,
                precision: Precision::F32,
                mode,
                threads: 2,
                memory_limit_bytes: Some(11_000_000_000),
                largest_batch_size: Some(150 - 10 * index.min(14)),
                allocated_peak_bytes: Some(10_900_000_000),
                smallest_too_large: Some(151 - 10 * index.min(14)),
                status: Status::Ok,
                error: "out of memory: 11.0 GB were allowed".to_owned(),
                predicted_largest: Some(148 - 10 * index.min(14)),
                tries: 9,
            });
        }
    }
    study
}

/// The same with so many timed steps in each of so many rounds, which differ a little.
pub fn with_samples(mut study: Study, rounds: usize, steps: usize) -> Study {
    for row in &mut study.batches {
        (row.rounds, row.steps) = (rounds, rounds * steps);
        let median = row.step_ns_median.unwrap_or(1_000_000);
        study.samples.extend((0..rounds * steps).map(|step| SampleRow {
            variant: row.variant.clone(),
            device: row.device.clone(),
            execution: row.execution,
            precision: row.precision,
            mode: row.mode,
            batch_size: row.batch_size,
            step,
            step_ns: median + median / 200 * ((7 * step + 3 * (step / steps)) % 11) as u64,
            threads: row.threads,
            round: step / steps,
            repeat: row.repeat,
            run: "2026-01-01T00:00:00Z".to_owned(),
        }));
    }
    study
}

/// Seconds of a step and bytes at its peak.
fn cost(mode: Mode, batch_size: usize, scale: f64) -> (f64, u64) {
    let (an_image, bytes_an_image) = match mode {
        Mode::Train => (0.033, 72e6),
        Mode::Evaluate => (0.011, 9e6),
    };
    let seconds = scale * (0.08 + an_image * batch_size as f64);
    (seconds, (2e7 + scale * bytes_an_image * batch_size as f64) as u64)
}

fn batch_row(variant: &str, mode: Mode, batch_size: usize, scale: f64) -> BatchRow {
    let (seconds, bytes) = cost(mode, batch_size, scale);
    let step_ns = (seconds * 1e9) as u64;
    let train = mode == Mode::Train;
    let part = |share: f64| (seconds * 1e9 * share) as u64;
    BatchRow {
        variant: variant.to_owned(),
        device: cpu(),
        execution: Execution::Plain,
        precision: Precision::F32,
        mode,
        batch_size,
        status: Status::Ok,
        error: String::new(),
        steps: 30,
        step_ns_median: Some(step_ns),
        step_ns_mad: Some(step_ns / 25),
        forward_ns_median: Some(part(if train { 0.32 } else { 1.02 })),
        backward_ns_median: train.then(|| part(0.68)),
        optimizer_ns_median: train.then(|| part(0.04)),
        images_per_second: Some(batch_size as f64 / seconds),
        allocated_peak_bytes: Some(bytes),
        reserved_peak_bytes: None,
        process_peak_bytes: Some(bytes + 450_000_000),
        process_peak_source: "resident-set".to_owned(),
        predicted_peak_bytes: train.then_some(bytes - bytes / 25),
        threads: 2,
        allocator: Allocator::KeepPages,
        rounds: 3,
        warning: String::new(),
        processor_share: None,
        cpu: String::new(),
        revision: String::new(),
        host: String::new(),
        measured_at: String::new(),
        step_ns_low: Some(step_ns - step_ns / 50),
        step_ns_high: Some(step_ns + step_ns / 50),
        repeat: 0,
        step_ratio: (scale > 1.0).then_some(scale),
        step_ratio_low: (scale > 1.0).then_some(0.98 * scale),
        step_ratio_high: (scale > 1.0).then_some(1.02 * scale),
        discarded_rounds: 0,
        images_per_second_window: None,
        startup_ns: None,
        first_step_ns: None,
        step_flops: None,
        step_bytes: None,
        flops_per_second: None,
        device_flops_per_second: None,
        device_bytes_per_second: None,
        roofline_share: None,
        step_joules: None,
        joules_per_image: None,
        energy_source: String::new(),
        layout: None,
        cuda_graph: None,
    }
}

fn peer_row(
    variant: &str,
    mode: Mode,
    batch_size: usize,
    scale: f64,
    (peer, speed, memory): &(&str, f64, f64),
) -> PeerRow {
    let (seconds, bytes) = cost(mode, batch_size, scale);
    let step_ns = (seconds * 1e9 / speed) as u64;
    let bytes = (bytes as f64 * memory) as u64;
    PeerRow {
        variant: variant.to_owned(),
        mode,
        batch_size,
        peer: (*peer).to_owned(),
        status: Status::Ok,
        error: String::new(),
        device: cpu(),
        precision: Precision::F32,
        threads: 2,
        allocator: Allocator::KeepPages,
        rounds: 3,
        steps: 30,
        step_ns_median: Some(step_ns),
        step_ns_mad: Some(step_ns / 30),
        images_per_second: Some(1e9 * batch_size as f64 / step_ns as f64),
        allocated_peak_bytes: Some(bytes),
        process_peak_bytes: Some(bytes + 600_000_000),
        speed_ratio: Some(speed / 2.2),
        compiled_speed_ratio: Some(speed / 2.6),
        peak_share: Some(memory / 0.66),
        step_ns_low: Some(step_ns - step_ns / 60),
        step_ns_high: Some(step_ns + step_ns / 60),
        speed_ratio_low: Some(0.95 * speed / 2.2),
        speed_ratio_high: Some(1.05 * speed / 2.2),
        compiled_speed_ratio_low: Some(0.95 * speed / 2.6),
        compiled_speed_ratio_high: Some(1.05 * speed / 2.6),
        again_ratio: None,
        again_ratio_low: None,
        again_ratio_high: None,
        eager_unit: "PyTorch eager channels-last".to_owned(),
        compiled_unit: "PyTorch compile channels-last".to_owned(),
        check_difference: (*peer != "PyTorch eager NCHW").then_some(2.1e-6),
        startup_ns: None,
        first_step_ns: None,
        cold_compile_ns: None,
        flops_per_second: None,
        roofline_share: None,
        cpu: String::new(),
        revision: String::new(),
        measured_at: String::new(),
        warning: String::new(),
        joules_per_image: None,
        energy_source: String::new(),
        loss_difference: (*peer != "PyTorch eager NCHW").then_some(3.4e-5),
    }
}
