//! Made-up rows for the views' tests.

use super::groups::Study;
use crate::formats::tables::{EpochRow, Status, SweptValue, TrialRow};

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

/// Made-up tables, owned.
pub struct Sample {
    pub name: String,
    pub question: String,
    pub variants: Vec<(String, Vec<SweptValue>)>,
    pub trials: Vec<TrialRow>,
    pub epochs: Vec<EpochRow>,
}

impl Sample {
    /// Finished trials of every variant by every seed, with falling losses that differ a little by seed.
    pub fn new(variants: &[SampleVariant], seeds: u64, epochs: usize) -> Self {
        let mut sample = Self {
            name: "growth".to_owned(),
            question: "What does a larger growth rate buy, and what does it cost?".to_owned(),
            variants: variants.iter().map(|v| (v.name.clone(), v.swept.clone())).collect(),
            trials: Vec::new(),
            epochs: Vec::new(),
        };
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
                    sample.epochs.push(EpochRow {
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
                    });
                }
                let last = sample.epochs.last();
                sample.trials.push(TrialRow {
                    ablation: sample.name.clone(),
                    trial: id,
                    variant: variant.name.clone(),
                    seed,
                    status: Status::Ok,
                    error: String::new(),
                    device: "cpu".to_owned(),
                    execution: "plain".to_owned(),
                    dataset: "digits".to_owned(),
                    block_layers: "6-6-6".to_owned(),
                    growth_rate: 12,
                    bottleneck: false,
                    compression: 1.0,
                    initial_channels: 16,
                    dropout: 0.0,
                    parameters: variant.parameters,
                    macs: variant.macs,
                    epochs,
                    batch_size: 64,
                    steps: epochs * 23,
                    final_train_loss: last.map(|row| row.train_loss),
                    final_train_error: last.map(|row| row.train_error),
                    final_validation_loss: None,
                    final_validation_error: None,
                    final_test_loss: last.map(|row| row.test_loss),
                    final_test_error: Some(error),
                    published_error: variant.published,
                    train_images_per_second: Some(2e8 / variant.parameters as f64 * (1.0 + 0.05 * draw())),
                    peak_memory_bytes: None,
                    wall_ns: Some(epochs as u64 * 1_000_000_000),
                    weights_sha256: "0".repeat(64),
                });
            }
        }
        sample
    }

    /// The tables grouped.
    pub fn study(&self) -> Study<'_> {
        Study::new(
            &self.name,
            &self.question,
            &self.variants,
            &self.trials,
            &self.epochs,
            &[],
        )
    }
}
