//! An ablation whose data are there: its trials, each with the record that its folder will hold.

use std::collections::BTreeMap;

use super::plan::{ExperimentPlan, PlannedTrial, VariantPlan, images_key, located_data, plan};
use super::record::TrialRecord;
use crate::data::{
    self, DataError, DataSet, FilesSurvey, Outline, Progress, Survey, check_training_classes, untested_in_words,
};
use crate::formats::ablation::{
    Ablation, Augment, DataSetName, DataSettings, Duration, FormatError, Schedule, Settings, TrainSettings, Variant,
};
use crate::network::Graph;

/// An ablation whose variants are known to fit their data.
pub struct Experiment {
    /// The file.
    pub ablation: Ablation,
    /// What the checks found of each variant, in the ablation's order.
    pub prepared: Vec<Prepared>,
    /// The trials in the ablation's order: variant by variant, seed by seed.
    pub trials: Vec<Trial>,
    /// What the user should know of the images.
    pub remarks: Vec<String>,
}

/// A variant that is known to fit its data.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// Its network, laid out for its data.
    pub graph: Graph,
    /// The data's fingerprint.
    pub data_fingerprint: String,
    /// What was found of the data's files; none for images that are in memory.
    pub data_files: Option<FilesSurvey>,
    /// SHA-256 of the file of `model.weights`, if there is one.
    pub starting_weights_sha256: Option<String>,
}

/// One variant with one seed.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The variant's index in the ablation.
    pub variant: usize,
    /// What its folder will record; device, threads, cpu, revision and host are still empty.
    pub record: TrialRecord,
}

impl Experiment {
    /// The trials of these indices in the order of work: the first seed of every variant, then the second of every one. An
    /// ablation that is interrupted then has variants to compare, and none was trained in an hour of its own.
    pub fn seed_by_seed(&self, indices: &[usize]) -> Vec<&Trial> {
        let mut seeds_before = BTreeMap::new();
        let ranks: Vec<usize> = (self.trials.iter())
            .map(|trial| {
                let rank: &mut usize = seeds_before.entry(trial.variant).or_default();
                *rank += 1;
                *rank
            })
            .collect();
        let mut indices = indices.to_vec();
        indices.sort_by_key(|&index| (ranks.get(index).copied(), index));
        indices.iter().filter_map(|&index| self.trials.get(index)).collect()
    }
}

/// Plans an ablation and reads its data.
///
/// # Errors
/// Those of [`plan`] and of [`ExperimentPlan::prepare`].
pub fn prepare(ablation: Ablation, threads: usize, memory: Option<u64>) -> Result<Experiment, FormatError> {
    plan(ablation)?.prepare(threads, memory, &mut |_, _| ())
}

impl ExperimentPlan {
    /// Reads the data of every variant on `threads` threads, for the fingerprints that the records hold; `memory` is
    /// what the machine has free, where that is known. `progress` is told how many images of a data set have been read.
    ///
    /// # Errors
    /// The first fault of the data, with the file, the line and the key.
    pub fn prepare(
        self,
        threads: usize,
        memory: Option<u64>,
        progress: Progress<'_>,
    ) -> Result<Experiment, FormatError> {
        let mut surveys: BTreeMap<String, (DataSet, Survey)> = BTreeMap::new();
        let variants = &self.ablation.variants;
        let mut prepared = Vec::with_capacity(self.variants.len());
        let mut remarks = Vec::new();
        for (variant, planned) in variants.iter().zip(&self.variants) {
            let settings = &variant.settings.data;
            let located = |error: DataError| located_data(&self.ablation, variant, &error);
            let key = images_key(settings);
            // Images of several variants are read once.
            if !surveys.contains_key(&key) {
                let mut same = variants
                    .iter()
                    .map(|other| &other.settings.data)
                    .filter(|data| images_key(data) == key);
                let needs_moments = same.any(DataSettings::needs_moments);
                let data = data::open(settings, threads, memory).map_err(located)?;
                check_outline(&data, &planned.outline).map_err(located)?;
                data.keep_no_more();
                let survey = data.survey(needs_moments, progress).map_err(located)?;
                let untested = untested_in_words(&data.classes, &data.test.labels);
                remarks.extend(untested.map(|untested| format!("{}: {untested}", data.name)));
                surveys.insert(key.clone(), (data, survey));
            }
            let Some((data, survey)) = surveys.get(&key) else {
                continue;
            };
            if let (Some(train), Some(length)) = (&variant.settings.train, planned.length)
                && length.never_falls(train)
            {
                remarks.push(format!(
                    "{}: the schedule \"step\" never falls in {} steps, which end before an epoch starts at a milestone; give \
                     epochs, or write schedule = \"constant\" to say so",
                    variant.name, length.steps
                ));
            }
            for &seed in variant.settings.train.iter().flat_map(|train| &train.seeds) {
                check_training_classes(
                    data,
                    settings.validation_share,
                    settings.validation_seed.unwrap_or(seed),
                )
                .map_err(located)?;
            }
            prepared.push(Prepared {
                graph: planned.network.clone(),
                data_fingerprint: survey.fingerprint.clone(),
                data_files: survey.files.clone(),
                starting_weights_sha256: planned.starting_weights_sha256.clone(),
            });
        }
        Ok(self.experiment(prepared, remarks))
    }

    /// The experiment as its records have it, without reading the data: `fingerprint` gives that of a variant's data, by the
    /// variant's place, where a record has it.
    pub fn recorded(self, fingerprint: &dyn Fn(usize) -> Option<String>) -> Experiment {
        let variants = self.variants.iter().enumerate();
        let prepared = variants.map(|(index, planned)| Prepared {
            graph: planned.network.clone(),
            data_fingerprint: fingerprint(index).unwrap_or_default(),
            data_files: None,
            starting_weights_sha256: planned.starting_weights_sha256.clone(),
        });
        let prepared = prepared.collect();
        self.experiment(prepared, Vec::new())
    }

    fn experiment(self, prepared: Vec<Prepared>, remarks: Vec<String>) -> Experiment {
        let trial = |trial: &PlannedTrial| {
            let variant = &self.ablation.variants[trial.variant];
            let (planned, prepared) = (&self.variants[trial.variant], &prepared[trial.variant]);
            Trial {
                variant: trial.variant,
                record: record(&self.ablation, variant, planned, prepared, trial),
            }
        };
        Experiment {
            trials: self.trials.iter().map(trial).collect(),
            prepared,
            ablation: self.ablation,
            remarks,
        }
    }
}

/// The images may have changed since planning.
fn check_outline(data: &DataSet, planned: &Outline) -> Result<(), DataError> {
    let found = Outline {
        shape: data.shape,
        classes: data.classes.len(),
        train_images: data.train.images(),
        test_images: data.test.images(),
        remarks: planned.remarks.clone(),
    };
    match found == *planned {
        true => Ok(()),
        false => Err(DataError::new(
            "data.dataset",
            &data.name,
            "the data set changed while it was being read",
            "run again",
        )),
    }
}

fn record(
    ablation: &Ablation,
    variant: &Variant,
    planned: &VariantPlan,
    prepared: &Prepared,
    trial: &PlannedTrial,
) -> TrialRecord {
    let length = planned.length;
    TrialRecord {
        trial: trial.trial.clone(),
        ablation: ablation.name.clone(),
        variant: variant.name.clone(),
        seed: trial.seed,
        settings: Settings {
            // Absolute, so that the record can be used from any folder.
            weights: variant
                .settings
                .weights
                .as_ref()
                .map(|path| std::path::absolute(path).unwrap_or(path.clone())),
            ..variant.settings.clone()
        },
        starting_weights_sha256: planned.starting_weights_sha256.clone(),
        input: planned.outline.shape,
        classes: planned.outline.classes,
        data_fingerprint: prepared.data_fingerprint.clone(),
        data_files: prepared.data_files.clone(),
        parameters: planned.network.parameters(),
        macs: planned.network.macs(),
        epochs: length.map_or(0, |length| length.epochs),
        steps: length.map_or(0, |length| length.steps),
        published_error: published_error(&variant.settings),
        device: String::new(),
        threads: 0,
        test_images: Some(planned.outline.test_images),
        cpu: String::new(),
        revision: String::new(),
        at_once: 1,
        host: String::new(),
    }
}

/// The published error of this network on these data. It stands beside training by the same recipe alone:
/// as many epochs of all images in batches of the same size, with the same learning rates.
fn published_error(settings: &Settings) -> Option<f64> {
    let published = settings.model.published()?;
    let (train, data) = (settings.train.as_ref()?, &settings.data);
    let usual = TrainSettings::default();
    let schedule = match published.milestones {
        None => usual.schedule.clone(),
        Some(milestones) => Schedule::Step {
            milestones: milestones.to_vec(),
            gamma: 0.1,
        },
    };
    let is_the_recipe = train.duration == Duration::Epochs(published.epochs)
        && train.batch_size == published.batch_size
        && (train.learning_rate, train.momentum, train.weight_decay)
            == (usual.learning_rate, usual.momentum, usual.weight_decay)
        && train.schedule == schedule
        && (train.warmup_steps, train.label_smoothing, train.mixup)
            == (usual.warmup_steps, usual.label_smoothing, usual.mixup)
        && data.cutout.is_none()
        && (train.fine_tuning.is_empty() && settings.weights.is_none())
        && (data.train_limit, data.test_limit, data.validation_share) == (None, None, 0.0);
    if !is_the_recipe {
        return None;
    }
    match (settings.data.dataset, settings.data.augment) {
        (DataSetName::Cifar10, Augment::None) => published.cifar10,
        (DataSetName::Cifar10, Augment::ShiftFlip) => published.cifar10_augmented,
        (DataSetName::Cifar100, Augment::None) => published.cifar100,
        (DataSetName::Cifar100, Augment::ShiftFlip) => published.cifar100_augmented,
        (DataSetName::Imagenet, Augment::RandomResizedCrop) if is_cut_as_usual(data) => match data.test_crops {
            1 => published.imagenet,
            _ => published.imagenet_ten_crops,
        },
        _ => None,
    }
}

/// Whether ImageNet's images are resized and cut as by default.
fn is_cut_as_usual(data: &DataSettings) -> bool {
    let usual = DataSettings::new(data.dataset);
    (data.image_size, data.resize, data.scaled_decoding) == (usual.image_size, usual.resize, usual.scaled_decoding)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::formats::ablation::parse;

    fn ablation(data: &str) -> Ablation {
        let text = format!(
            "name = \"x\"\nquestion = \"?\"\n[data]\n{data}\n[model]\ndepth = 10\n[train]\nepochs = 2\nseeds = [3, 5]\n"
        );
        parse(&text, Path::new("x.toml")).unwrap()
    }

    #[test]
    fn a_published_error_stands_beside_the_papers_own_recipe_alone() {
        let of = |data: &str, train: &str| {
            let text = format!(
                "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"cifar10\"\naugment = \"shift-flip\"\n{data}\n\
                 [model]\npreset = \"densenet-bc-100-12\"\n[train]\n{train}\n"
            );
            let ablation = parse(&text, Path::new("x.toml")).unwrap();
            published_error(&ablation.variants[0].settings)
        };
        assert_eq!(of("", "epochs = 300"), Some(0.0451));
        for (data, train) in [
            ("", "epochs = 30"),
            ("", "steps = 234600"),
            ("", "epochs = 300\nbatch-size = 128"),
            ("", "epochs = 300\nlearning-rate = 0.05"),
            ("", "epochs = 300\nschedule = \"cosine\""),
            ("train-limit = 5000", "epochs = 300"),
            ("validation-share = 0.1", "epochs = 300"),
        ] {
            assert_eq!(of(data, train), None, "{data} {train}");
        }
    }

    #[test]
    fn each_column_of_the_papers_table_stands_beside_its_own_data_and_dropout() {
        let of = |dataset: &str, augment: &str, dropout: &str| {
            let text = format!(
                "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"{dataset}\"\naugment = \"{augment}\"\n[model]\n\
                 preset = \"densenet-bc-100-12\"\ndropout = {dropout}\n[train]\nepochs = 300\n"
            );
            let ablation = parse(&text, Path::new("x.toml")).unwrap();
            published_error(&ablation.variants[0].settings)
        };
        assert_eq!(of("cifar10", "none", "0.2"), Some(0.0592));
        assert_eq!(of("cifar10", "shift-flip", "0.0"), Some(0.0451));
        assert_eq!(of("cifar100", "none", "0.2"), Some(0.2415));
        assert_eq!(of("cifar100", "shift-flip", "0.0"), Some(0.2227));
        assert_eq!(
            of("cifar10", "none", "0.0"),
            None,
            "without augmentation the paper has dropout"
        );
        assert_eq!(of("cifar10", "shift-flip", "0.2"), None);
    }

    #[test]
    fn the_papers_errors_on_imagenet_stand_beside_its_recipe_for_one_square_and_for_ten() {
        let of = |data: &str, milestones: &str| {
            let text = format!(
                "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"imagenet\"\n{data}\n[model]\n\
                 preset = \"densenet-121\"\n[train]\nepochs = 90\nbatch-size = 256\nmilestones = {milestones}\n"
            );
            let ablation = parse(&text, Path::new("x.toml")).unwrap();
            published_error(&ablation.variants[0].settings)
        };
        let thirds = "[0.3333333333333333, 0.6666666666666666]";
        let augment = "augment = \"random-resized-crop\"";
        assert_eq!(of(augment, thirds), Some(0.2502));
        assert_eq!(of(&format!("{augment}\ntest-crops = 10"), thirds), Some(0.2361));
        assert_eq!(of(augment, "[0.5, 0.75]"), None);
        assert_eq!(of("", thirds), None);
        assert_eq!(of(&format!("{augment}\nimage-size = 112"), thirds), None);
    }

    #[test]
    fn an_experiment_has_the_trials_that_were_planned() {
        let ablation = ablation("dataset = \"synthetic\"\ntrain-images = 100\ntrain-limit = 70\nimage-size = 8");
        let plan = plan(ablation).unwrap();
        let outline = plan.variants[0].outline.clone();
        assert_eq!((outline.train_images, outline.test_images), (70, 512));
        let planned = plan.trials.clone();
        let experiment = plan.prepare(2, None, &mut |_, _| ()).unwrap();
        let prepared = experiment.trials.iter().map(|trial| PlannedTrial {
            variant: trial.variant,
            seed: trial.record.seed,
            trial: trial.record.trial.clone(),
        });
        assert_eq!(prepared.collect::<Vec<_>>(), planned);
        for trial in &experiment.trials {
            assert_eq!(trial.record.data_fingerprint, experiment.prepared[0].data_fingerprint);
            // Two epochs of 64 and 6 images.
            assert_eq!((trial.record.epochs, trial.record.steps), (2, 4));
        }
    }

    #[test]
    fn the_work_is_done_seed_by_seed_whatever_of_it_is_left() {
        let text = "name = \"x\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\ndepth = 10\n[train]\n\
                    seeds = [3, 5, 7]\n[sweep]\n\"model.growth-rate\" = [4, 6]\n";
        let experiment = prepare(parse(text, Path::new("x.toml")).unwrap(), 1, None).unwrap();
        let order = |indices: &[usize]| -> Vec<(usize, u64)> {
            let trials = experiment.seed_by_seed(indices);
            trials.iter().map(|trial| (trial.variant, trial.record.seed)).collect()
        };
        assert_eq!(
            order(&[0, 1, 2, 3, 4, 5]),
            [(0, 3), (1, 3), (0, 5), (1, 5), (0, 7), (1, 7)]
        );
        assert_eq!(order(&[1, 2, 3, 99]), [(1, 3), (0, 5), (0, 7)]);
        // The tables' order stays the ablation's.
        let seeds: Vec<u64> = experiment.trials.iter().map(|trial| trial.record.seed).collect();
        assert_eq!(seeds, [3, 5, 7, 3, 5, 7]);
    }

    #[test]
    fn data_that_changed_since_planning_are_refused() {
        let mut plan = plan(ablation("dataset = \"digits\"")).unwrap();
        plan.variants[0].outline.train_images -= 1;
        let error = plan.prepare(1, None, &mut |_, _| ()).err().unwrap().to_string();
        assert!(
            error.contains("the data set changed while it was being read"),
            "{error}"
        );
    }
}
