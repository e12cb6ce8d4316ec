//! One side of a comparison: a result folder, read.

use std::path::{Path, PathBuf};

use densenet_bench::formats::ablation::{DataSetName, PrimaryMetric, Settings};
use densenet_bench::formats::study::{LongTable, LongTables, Study};
use densenet_bench::host::{Environment, ProcessorIdentity, instructions_in_words};
use densenet_bench::measurement::{MeasurementRecord, Measurements};
use densenet_bench::trials::{ResultFolder, TrialRecord};
use densenet_bench::views::compare::{Circumstances, Facts, MeasuredComparison, MeasuredSide, Side};
use serde_json::json;

use super::super::Failure;

/// A fact's name, and how it reads in a record.
type Fact<T> = (&'static str, fn(&T) -> String);

/// What is recorded of a machine that speeds depend on.
const MACHINE: [Fact<Environment>; 6] = [
    ("cpu", |environment| environment.cpu.clone()),
    ("the processor's kind", |environment| {
        (environment.processor.as_ref()).map_or_else(String::new, ProcessorIdentity::kind)
    }),
    ("the vector instructions", |environment| {
        instructions_in_words(&environment.instructions)
    }),
    ("gpu", |environment| or_none(environment.gpu.as_ref())),
    ("logical cores", |environment| environment.logical_cores.to_string()),
    ("physical cores", |environment| {
        or_none(environment.physical_cores.as_ref())
    }),
];

/// What is recorded of the program and the system, for the notes.
const PROGRAM: [Fact<Environment>; 9] = [
    ("version", |environment| environment.version.clone()),
    ("revision", |environment| environment.revision.clone()),
    ("whether the revision was changed", |environment| {
        environment.dirty.clone()
    }),
    ("burn", |environment| environment.burn.clone()),
    ("libtorch", |environment| or_none(environment.libtorch.as_ref())),
    ("the compiler", |environment| environment.rustc.clone()),
    ("the system", |environment| environment.system.clone()),
    ("the kernel", |environment| environment.kernel.clone()),
    ("the set of variables", |environment| {
        json!(environment.variables).to_string()
    }),
];

/// What is recorded of a trial's data, which errors and losses depend on.
const DATA: [Fact<TrialRecord>; 6] = [
    ("dataset", |record| record.settings.data.dataset.name().to_owned()),
    ("train-limit", |record| {
        or_none(record.settings.data.train_limit.as_ref())
    }),
    ("test-limit", |record| or_none(record.settings.data.test_limit.as_ref())),
    ("limit-order", |record| {
        json!(record.settings.data.limit_order).to_string()
    }),
    ("validation-share", |record| {
        format!("{:?}", record.settings.data.validation_share)
    }),
    ("the data's fingerprint", |record| {
        record.data_fingerprint.chars().take(16).collect()
    }),
];

/// What is recorded of a trial itself that its speed depends on.
const TRIAL: [Fact<TrialRecord>; 3] = [
    ("device", |record| record.device.clone()),
    ("threads", |record| record.threads.to_string()),
    ("the images' shape", |record| {
        format!("{} in {} classes", record.input, record.classes)
    }),
];

/// The facts of a record; none of them is known without one, nor what an earlier record leaves empty.
fn facts<T>(of: &[Fact<T>], record: Option<&T>) -> Facts {
    let fact = |fact: &fn(&T) -> String| record.map(fact).filter(|text| !text.is_empty());
    of.iter().map(|(name, of)| (*name, fact(of))).collect()
}

fn or_none(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "none".to_owned(), ToString::to_string)
}

/// A result folder with the variant that the command line names in it.
pub struct LoadedSide {
    /// As the command line has it.
    pub name: String,
    /// The variant after `#`.
    pub chosen: Option<String>,
    folder: ResultFolder,
    study: Study,
}

impl LoadedSide {
    /// Reads `DIR` or `DIR#VARIANT`.
    pub fn read(argument: &str) -> Result<Self, Failure> {
        let (root, chosen) = split(argument);
        if !root.join("ablation.toml").is_file() {
            return Err(Failure::Input(format!(
                "{}: this is not a result folder (it has no ablation.toml); name one, such as results/growth, or one of its \
                 variants, such as results/growth#growth-rate=12",
                root.display()
            )));
        }
        let folder = ResultFolder::at(&root);
        let long = LongTables {
            steps: LongTable::Skip,
            samples: LongTable::Read,
        };
        let study = folder.study(long).map_err(Failure::input)?;
        // Numbers of a part of the rows would be compared as if they were those of all.
        if let Some(damage) = study.damage.iter().find(|damage| damage.loses_rows) {
            return Err(Failure::Input(format!(
                "{}; run the ablation again to rewrite the table",
                damage.fault
            )));
        }
        let side = Self {
            name: argument.to_owned(),
            chosen,
            folder,
            study,
        };
        let variants = side.variants();
        match &side.chosen {
            Some(chosen) if !variants.contains(chosen) => Err(Failure::Input(format!(
                "could not find variant '{chosen}' in '{}'; it has {}",
                root.display(),
                variants.join(", ")
            ))),
            _ => Ok(side),
        }
    }

    /// Its variants, in the ablation's order.
    pub fn variants(&self) -> Vec<String> {
        self.study
            .ablation
            .variants
            .iter()
            .map(|variant| variant.name.clone())
            .collect()
    }

    /// The number that answers its question.
    pub fn primary(&self) -> PrimaryMetric {
        self.study.ablation.primary
    }

    /// Whether both are one folder, whatever their paths.
    pub fn is_same_folder(&self, other: &Self) -> bool {
        let real = |side: &Self| std::fs::canonicalize(side.folder.root()).ok();
        real(self).is_some() && real(self) == real(other)
    }

    pub fn settings(&self, variant: &str) -> Option<&Settings> {
        let found = self.study.ablation.variants.iter().find(|other| other.name == variant);
        found.map(|variant| &variant.settings)
    }

    pub fn rows_of<'a>(&'a self, variant: &'a str) -> Side<'a> {
        Side::new(variant, &self.study)
    }

    /// Under what circumstances a trial ran, by its own folder.
    pub fn circumstances_of_trial(&self, trial: &str) -> Result<Circumstances, Failure> {
        let record = self.folder.record(trial).map_err(Failure::input)?;
        let environment = self.folder.trial_environment(trial).map_err(Failure::input)?;
        let (record, environment) = (record.as_ref(), environment.as_ref());
        Ok(Circumstances {
            data: facts(&DATA, record),
            machine: [facts(&MACHINE, environment), facts(&TRIAL, record)].concat(),
            program: facts(&PROGRAM, environment),
        })
    }

    /// Under what circumstances a variant was measured apart from training, by the measurement's own folder; where none
    /// is found, as in tables that were copied alone, by the whole folder's environment.
    pub fn circumstances_of_measurement(
        &self,
        variant: &str,
        measured: &MeasuredComparison,
        own: &MeasuredSide,
    ) -> Result<Circumstances, Failure> {
        let is_sought = |record: &MeasurementRecord| {
            let spec = &record.spec;
            (&record.origin.cpu, &record.origin.revision) == (&own.cpu, &own.revision)
                && (spec.variant.as_str(), spec.mode, spec.batch_size) == (variant, measured.mode, measured.batch_size)
                && (spec.device.as_str(), spec.threads) == (own.device.as_str(), own.threads)
                && (spec.settings.run.execution, spec.settings.run.precision) == (own.execution, own.precision)
        };
        let of_measurement = Measurements::of(&self.folder).environment(is_sought);
        let environment = match of_measurement.map_err(Failure::input)? {
            Some(environment) => Some(environment),
            None => self.folder.environment().map_err(Failure::input)?,
        };
        let own: Facts = vec![
            ("device", Some(own.device.to_string())),
            ("threads", Some(own.threads.to_string())),
            ("the measured images", self.settings(variant).map(images_of)),
        ];
        Ok(Circumstances {
            data: Facts::new(),
            machine: [facts(&MACHINE, environment.as_ref()), own].concat(),
            program: facts(&PROGRAM, environment.as_ref()),
        })
    }
}

/// A folder's own name may hold a `#`.
fn split(argument: &str) -> (PathBuf, Option<String>) {
    if Path::new(argument).is_dir() {
        return (PathBuf::from(argument), None);
    }
    match argument.rsplit_once('#') {
        Some((folder, variant)) => (PathBuf::from(folder), Some(variant.to_owned())),
        None => (PathBuf::from(argument), None),
    }
}

/// The images of a data set as far as a step's time depends on them.
fn images_of(settings: &Settings) -> String {
    let data = &settings.data;
    let name = data.dataset.name();
    let size = data.image_size;
    match data.dataset {
        DataSetName::Synthetic => format!("{name}, {}x{size}x{size} in {} classes", data.channels, data.classes),
        DataSetName::Folder | DataSetName::Imagenet => format!("{name}, {size}x{size}"),
        _ => name.to_owned(),
    }
}
