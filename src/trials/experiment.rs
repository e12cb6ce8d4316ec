//! From an ablation file to its trials: every check that needs the data or the closed forms, before anything is begun.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::identity::identity;
use super::record::TrialRecord;
use crate::data::{self, DataError, DataSet, hold_out};
use crate::files::read_bounded;
use crate::formats::ablation::{Ablation, Augment, DataSetName, DataSettings, FormatError, Settings, Variant};
use crate::formats::weights;
use crate::network::Graph;
use crate::training::RunLength;
use crate::words::hex;

/// An ablation whose variants are known to fit their data.
pub struct Experiment {
    /// The file.
    pub ablation: Ablation,
    /// What the checks found of each variant, in the ablation's order.
    pub prepared: Vec<Prepared>,
    /// The trials in the ablation's order: variant by variant, seed by seed.
    pub trials: Vec<Trial>,
}

/// A variant that is known to fit its data.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its network, laid out for its data.
    pub graph: Graph,
    /// The data's fingerprint.
    pub data_fingerprint: String,
    /// SHA-256 of the file of `model.weights`, if there is one.
    pub starting_weights_sha256: Option<String>,
}

/// One variant with one seed.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The variant's index in the ablation.
    pub variant: usize,
    /// What its folder will record; device, threads and revision are still empty.
    pub record: TrialRecord,
}

/// What the checks need of a data set once its images are let go.
struct Facts {
    shape: crate::network::Shape,
    classes: usize,
    train_images: usize,
    fingerprint: String,
}

/// Reads the data of every variant, lays out its network and checks all that training could stumble over.
///
/// # Errors
/// The first fault, with the file, the line and the key.
pub fn prepare(ablation: Ablation, threads: usize, memory: Option<u64>) -> Result<Experiment, FormatError> {
    let mut known: BTreeMap<String, Facts> = BTreeMap::new();
    let mut identities: BTreeMap<String, usize> = BTreeMap::new();
    let mut prepared = Vec::with_capacity(ablation.variants.len());
    let mut trials = Vec::new();
    for (index, variant) in ablation.variants.iter().enumerate() {
        let settings = &variant.settings;
        let facts = match known.entry(data_key(&settings.data)) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => {
                let data = data::load(&settings.data, threads, memory)
                    .map_err(|error| located_data(&ablation, variant, &error))?;
                entry.insert(facts_of(&data))
            }
        };
        let graph = settings
            .model
            .graph(facts.shape, facts.classes)
            .map_err(|error| ablation.located_network(variant, &error))?;
        let weights_sha256 = check_weights(&ablation, variant, &graph)?;
        let length = check_batches(&ablation, variant, &graph, facts)?;
        let seeds = settings.train.as_ref().map_or(&[][..], |train| &train.seeds);
        for &seed in seeds {
            let record = record(&ablation, variant, &graph, facts, length, seed, weights_sha256.clone());
            if let Some(&other) = identities.get(&record.trial)
                && other != index
            {
                let rule = format!(
                    "it is the same network, data and training as variant {}",
                    ablation.variants[other].name
                );
                let key = variant.swept.first().map_or("model", |(key, _)| key.as_str());
                return Err(ablation.located(variant, key, rule, "leave one of the two out"));
            }
            identities.insert(record.trial.clone(), index);
            trials.push(Trial { variant: index, record });
        }
        prepared.push(Prepared {
            graph,
            data_fingerprint: facts.fingerprint.clone(),
            starting_weights_sha256: weights_sha256,
        });
    }
    Ok(Experiment {
        ablation,
        prepared,
        trials,
    })
}

/// A fault of the data as one of the ablation file, with its line.
pub fn located_data(ablation: &Ablation, variant: &Variant, error: &DataError) -> FormatError {
    let rule = format!("{}: {}", error.thing, error.rule);
    ablation.located(variant, error.key, rule, &error.remedy)
}

fn record(
    ablation: &Ablation,
    variant: &Variant,
    graph: &Graph,
    facts: &Facts,
    length: Option<RunLength>,
    seed: u64,
    weights_sha256: Option<String>,
) -> TrialRecord {
    TrialRecord {
        trial: identity(&variant.settings, seed, weights_sha256.as_deref()),
        ablation: ablation.name.clone(),
        variant: variant.name.clone(),
        seed,
        settings: Settings {
            // Absolute, so that the record can be used from any folder.
            weights: variant
                .settings
                .weights
                .as_ref()
                .map(|path| std::path::absolute(path).unwrap_or(path.clone())),
            ..variant.settings.clone()
        },
        starting_weights_sha256: weights_sha256,
        input: facts.shape,
        classes: facts.classes,
        data_fingerprint: facts.fingerprint.clone(),
        parameters: graph.parameters(),
        macs: graph.macs(),
        epochs: length.map_or(0, |length| length.epochs),
        steps: length.map_or(0, |length| length.steps),
        published_error: published_error(&variant.settings),
        device: String::new(),
        threads: 0,
        revision: String::new(),
    }
}

/// What is published of this network on these data with augmentation.
fn published_error(settings: &Settings) -> Option<f64> {
    let published = settings.model.published()?;
    match (settings.data.dataset, settings.data.augment) {
        (DataSetName::Cifar10, Augment::ShiftFlip) => published.cifar10,
        (DataSetName::Cifar100, Augment::ShiftFlip) => published.cifar100,
        _ => None,
    }
}

/// Data settings that lead to the same images.
fn data_key(settings: &DataSettings) -> String {
    let images = DataSettings {
        // A path need not be UTF-8, which JSON is.
        path: None,
        validation_share: 0.0,
        mean: None,
        std: None,
        augment: Augment::None,
        ..settings.clone()
    };
    format!("{:?} {}", settings.path, serde_json::json!(images))
}

fn facts_of(data: &DataSet) -> Facts {
    Facts {
        shape: data.shape,
        classes: data.classes.len(),
        train_images: data.train.images(),
        fingerprint: data.fingerprint.clone(),
    }
}

/// Reads and checks the weights that training starts from; returns the file's SHA-256.
fn check_weights(ablation: &Ablation, variant: &Variant, graph: &Graph) -> Result<Option<String>, FormatError> {
    let Some(path) = &variant.settings.weights else {
        return Ok(None);
    };
    let located = |rule: String, remedy: &str| ablation.located(variant, "model.weights", rule, remedy);
    let bytes = read_bounded(path, weights::largest_file(graph)).map_err(|error| {
        located(
            format!("{}: {error}", path.display()),
            "name a safetensors file of this network that is there",
        )
    })?;
    let name = path.display().to_string();
    weights::read(&bytes, &name)
        .and_then(|read| weights::check(&read, graph, &name))
        .map_err(|error| located(format!("{}: {}", error.file, error.rule), &error.remedy))?;
    Ok(Some(sha256(&bytes)))
}

/// Checks batch sizes against the images that are there and against the network's normalisations.
fn check_batches(
    ablation: &Ablation,
    variant: &Variant,
    graph: &Graph,
    facts: &Facts,
) -> Result<Option<RunLength>, FormatError> {
    let settings = &variant.settings;
    if let Some(measure) = &settings.measure {
        for &batch_size in &measure.batch_sizes {
            let images = facts.train_images;
            if batch_size > images {
                let rule = format!("batch-sizes has {batch_size}, and there are {images} training images");
                return Err(ablation.located(variant, "measure.batch-sizes", rule, format!("write at most {images}")));
            }
            if measure.modes.contains(&crate::formats::ablation::Mode::Train) {
                graph
                    .check_training_batch(batch_size)
                    .map_err(|error| ablation.located(variant, "measure.batch-sizes", &error.rule, &error.remedy))?;
            }
        }
    }
    let Some(train) = &settings.train else {
        return Ok(None);
    };
    let first_seed = train.seeds.first().copied().unwrap_or(0);
    let (training, _) = hold_out(facts.train_images, settings.data.validation_share, first_seed)
        .map_err(|error| located_data(ablation, variant, &error))?;
    let images = training.len();
    if train.batch_size > images {
        let rule = format!(
            "batch-size is {}, and there are {images} training images",
            train.batch_size
        );
        return Err(ablation.located(variant, "train.batch-size", rule, format!("write at most {images}")));
    }
    let length = RunLength::new(train, images);
    let last = images - (length.steps_per_epoch - 1) * train.batch_size;
    let reaches_last = length.steps >= length.steps_per_epoch;
    for batch in [train.batch_size].into_iter().chain(reaches_last.then_some(last)) {
        graph.check_training_batch(batch).map_err(|mut error| {
            if batch != train.batch_size {
                error.rule = format!(
                    "the last batch of an epoch holds {batch} of {images} images: {}",
                    error.rule
                );
            }
            ablation.located_network(variant, &error)
        })?;
    }
    Ok(Some(length))
}

/// The SHA-256 of bytes, as 64 hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}
