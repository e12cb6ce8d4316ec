//! From an ablation file to its trials: every check that needs the data's outline or the closed forms, before any
//! image is read and anything is started.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::identity::identities;
use super::weights_file::{FileWeights, read_weights};
use crate::data::{self, DataError, Outline, hold_out};
use crate::formats::ablation::{Ablation, Augment, DataSettings, FormatError, Mode, Variant};
use crate::formats::network_weights::Head;
use crate::formats::weights::WeightsError;
use crate::network::Graph;
use crate::training::RunLength;

/// An ablation whose networks, batches and trials are known.
#[derive(Clone, Debug)]
pub struct ExperimentPlan {
    /// The file.
    pub ablation: Ablation,
    /// What the checks found of each variant, in the ablation's order.
    pub variants: Vec<VariantPlan>,
    /// The trials in the ablation's order: variant by variant, seed by seed.
    pub trials: Vec<PlannedTrial>,
    /// What the user should know of how data and weights were found, each once.
    pub remarks: Vec<String>,
}

/// A variant whose settings fit its data's outline.
#[derive(Clone, Debug)]
pub struct VariantPlan {
    /// Its network, laid out for its data.
    pub network: Graph,
    /// Its data.
    pub outline: Outline,
    /// How long its training lasts; none without `[train]`.
    pub length: Option<RunLength>,
    /// SHA-256 of the file of `model.weights`, if there is one.
    pub starting_weights_sha256: Option<String>,
}

/// One variant with one seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTrial {
    /// The variant's index in the ablation.
    pub variant: usize,
    /// The seed.
    pub seed: u64,
    /// The trial's identity.
    pub trial: String,
}

/// Lays out the network of every variant for its data's outline and checks everything that training could fail on. No
/// image is read.
///
/// # Errors
/// The first fault, with the file, the line and the key.
pub fn plan(mut ablation: Ablation) -> Result<ExperimentPlan, FormatError> {
    let mut outlines: BTreeMap<String, Outline> = BTreeMap::new();
    let mut variant_of: BTreeMap<String, usize> = BTreeMap::new();
    let mut variants = Vec::with_capacity(ablation.variants.len());
    let mut trials = Vec::new();
    let mut remarks: Vec<String> = Vec::new();
    let mut fitted = Vec::with_capacity(ablation.variants.len());
    for (index, variant) in ablation.variants.iter().enumerate() {
        let mut settings = variant.settings.clone();
        // A folder of many images is listed once.
        let outline = match outlines.entry(images_key(&settings.data)) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => {
                let outline = data::outline(&settings.data);
                let outline = outline.map_err(|error| located_data(&ablation, variant, &error))?;
                entry.insert(outline).clone()
            }
        };
        let located = |error| ablation.located_network(variant, &error);
        if let Some(model) = (settings.model.fitted(outline.shape, outline.classes)).map_err(located)? {
            settings.model = model;
        }
        let network = (settings.graph(outline.shape, outline.classes)).map_err(located)?;
        let (weights_sha256, notes) = match check_weights(&ablation, variant, &network)? {
            Some(read) => (Some(read.sha256), read.notes),
            None => (None, Vec::new()),
        };
        for remark in outline.remarks.iter().chain(&notes) {
            if !remarks.contains(remark) {
                remarks.push(remark.clone());
            }
        }
        let length = check_batches(&ablation, variant, &network, &outline)?;
        let seeds = settings.train.as_ref().map_or(&[][..], |train| &train.seeds);
        for (&seed, trial) in seeds
            .iter()
            .zip(identities(&settings, seeds, weights_sha256.as_deref()))
        {
            if let Some(&other) = variant_of.get(&trial)
                && other != index
            {
                let rule = format!(
                    "it is the same network, data and training as variant {}",
                    ablation.variants[other].name
                );
                let key = variant.swept.first().map_or("model", |(key, _)| key.as_str());
                return Err(ablation.located(variant, key, rule, "leave one of the two out"));
            }
            variant_of.insert(trial.clone(), index);
            trials.push(PlannedTrial {
                variant: index,
                seed,
                trial,
            });
        }
        variants.push(VariantPlan {
            network,
            outline,
            length,
            starting_weights_sha256: weights_sha256,
        });
        fitted.push(settings.model);
    }
    for (variant, model) in ablation.variants.iter_mut().zip(fitted) {
        variant.settings.model = model;
    }
    Ok(ExperimentPlan {
        ablation,
        variants,
        trials,
        remarks,
    })
}

/// A fault of the data as one of the ablation file, with its line.
pub fn located_data(ablation: &Ablation, variant: &Variant, error: &DataError) -> FormatError {
    let rule = format!("{}: {}", error.thing, error.rule);
    ablation.located(variant, error.key, rule, &error.remedy)
}

/// The same for data settings that lead to the same images.
pub(super) fn images_key(settings: &DataSettings) -> String {
    let images = DataSettings {
        // A path need not be UTF-8, which JSON is.
        path: None,
        validation_share: 0.0,
        validation_seed: None,
        mean: None,
        std: None,
        augment: Augment::None,
        cutout: None,
        test_crops: 1,
        ..settings.clone()
    };
    format!("{:?} {}", settings.path, serde_json::json!(images))
}

/// Reads and checks the weights that training starts from.
fn check_weights(ablation: &Ablation, variant: &Variant, graph: &Graph) -> Result<Option<FileWeights>, FormatError> {
    let Some(path) = &variant.settings.weights else {
        return Ok(None);
    };
    let located = |error: WeightsError| {
        let rule = format!("{}: {}", error.file, error.rule);
        ablation.located(variant, "model.weights", rule, &error.remedy)
    };
    let head = Head::of(&variant.settings);
    let read = read_weights(path, &*variant.settings.model, graph, head).map_err(located)?;
    Ok(Some(read))
}

/// Checks batch sizes against the images that are there and against the network's normalisations.
fn check_batches(
    ablation: &Ablation,
    variant: &Variant,
    graph: &Graph,
    outline: &Outline,
) -> Result<Option<RunLength>, FormatError> {
    let settings = &variant.settings;
    if let Some(measure) = &settings.measure {
        for &batch_size in &measure.batch_sizes {
            let images = outline.train_images;
            if batch_size > images {
                let rule = format!("batch-sizes has {batch_size}, and there are {images} training images");
                return Err(ablation.located(variant, "measure.batch-sizes", rule, format!("write at most {images}")));
            }
            if measure.modes.contains(&Mode::Train) {
                graph
                    .check_training_batch(batch_size)
                    .map_err(|error| ablation.located(variant, "measure.batch-sizes", &error.rule, &error.remedy))?;
            }
        }
    }
    let Some(train) = &settings.train else {
        return Ok(None);
    };
    // Which are held out depends on the seed; how many does not.
    let (training, _) = hold_out(outline.train_images, settings.data.validation_share, 0)
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
    if train.warmup_steps >= length.steps {
        let rule = format!(
            "warmup-steps is {}, and the run has {} steps: it would end before the warm-up does",
            train.warmup_steps, length.steps
        );
        let remedy = format!(
            "write at most {}, or leave warmup-steps out",
            length.steps.saturating_sub(1)
        );
        return Err(ablation.located(variant, "train.warmup-steps", rule, remedy));
    }
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
