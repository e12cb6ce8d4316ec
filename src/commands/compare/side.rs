//! One side of a comparison: a result folder, read.

use std::path::{Path, PathBuf};

use densenet_bench::formats::ablation::{Ablation, DataSetName, Settings};
use densenet_bench::formats::tables::{BatchRow, SampleRow, TrialRow};
use densenet_bench::trials::{ResultFolder, TrialRecord};
use densenet_bench::views::compare::{Circumstances, Facts, Measured, MeasuredComparison, Side};
use serde_json::{Value, json};

use super::super::Failure;
use super::super::plot::{read_ablation, read_table};

/// What is recorded of a machine that speeds depend on.
const MACHINE: [(&str, &str); 4] = [
    ("cpu", "cpu"),
    ("gpu", "gpu"),
    ("logical cores", "logical_cores"),
    ("physical cores", "physical_cores"),
];

/// What is recorded of the program and the system, for the notes.
const PROGRAM: [(&str, &str); 9] = [
    ("version", "version"),
    ("revision", "revision"),
    ("whether the revision was changed", "dirty"),
    ("burn", "burn"),
    ("libtorch", "libtorch"),
    ("the compiler", "rustc"),
    ("the system", "system"),
    ("the kernel", "kernel"),
    ("the set of variables", "variables"),
];

/// A result folder with the variant that the command line names in it.
pub struct LoadedSide {
    /// As the command line has it.
    pub name: String,
    /// The variant after `#`.
    pub chosen: Option<String>,
    folder: ResultFolder,
    ablation: Ablation,
    trials: Vec<TrialRow>,
    batches: Vec<BatchRow>,
    samples: Vec<SampleRow>,
}

impl LoadedSide {
    /// Reads `DIR` or `DIR#VARIANT`.
    pub fn read(argument: &str) -> Result<Self, Failure> {
        let (root, chosen) = split(argument);
        if !root.join("ablation.toml").is_file() {
            return Err(Failure::Input(format!(
                "{}: this is no result folder (it has no ablation.toml); name one, such as results/growth, or one of its \
                 variants, such as results/growth#growth-rate=12",
                root.display()
            )));
        }
        let ablation = read_ablation(&root.join("ablation.toml"))?;
        let side = Self {
            name: argument.to_owned(),
            chosen,
            trials: read_table(&root)?,
            batches: read_table(&root)?,
            samples: read_table(&root)?,
            folder: ResultFolder::at(&root),
            ablation,
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
        self.ablation
            .variants
            .iter()
            .map(|variant| variant.name.clone())
            .collect()
    }

    /// Whether both are one folder, whatever their paths.
    pub fn is_same_folder(&self, other: &Self) -> bool {
        let real = |side: &Self| std::fs::canonicalize(side.folder.root()).ok();
        real(self).is_some() && real(self) == real(other)
    }

    pub fn settings(&self, variant: &str) -> Option<&Settings> {
        let found = self.ablation.variants.iter().find(|other| other.name == variant);
        found.map(|variant| &variant.settings)
    }

    pub fn rows_of<'a>(&'a self, variant: &'a str) -> Side<'a> {
        Side::new(variant, &self.trials, &self.batches, &self.samples)
    }

    /// Under what circumstances a trial ran, by its own folder.
    pub fn circumstances_of_trial(&self, trial: &str) -> Result<Circumstances, Failure> {
        let record = self.folder.record(trial).map_err(Failure::input)?;
        let environment = read_json(&self.folder.trial(trial).join("environment.json"))?;
        let data = json!(record.as_ref().map(|record| &record.settings.data));
        let of_record = |fact: &dyn Fn(&TrialRecord) -> String| record.as_ref().map(fact);
        let images = of_record(&|record| format!("{} in {} classes", record.input, record.classes));
        let mut machine = facts(&MACHINE, &environment);
        machine.push(("device", of_record(&|record| record.device.clone())));
        machine.push(("threads", of_record(&|record| record.threads.to_string())));
        machine.push(("the images' shape", images));
        let mut of_data = facts(
            &[
                ("dataset", "dataset"),
                ("train-limit", "train_limit"),
                ("test-limit", "test_limit"),
                ("validation-share", "validation_share"),
            ],
            &data,
        );
        of_data.push((
            "the data's fingerprint",
            of_record(&|record| record.data_fingerprint.chars().take(16).collect()),
        ));
        Ok(Circumstances {
            data: of_data,
            machine,
            program: facts(&PROGRAM, &environment),
        })
    }

    /// Under what circumstances a variant was measured apart from training, by the measurement's own folder; where none
    /// is found, as in tables that were copied alone, by the whole folder's environment.
    pub fn circumstances_of_measurement(
        &self,
        variant: &str,
        measured: &MeasuredComparison,
        own: &Measured,
    ) -> Result<Circumstances, Failure> {
        let of_measurement = self.measurement(variant, measured, own)?;
        let folder = of_measurement.as_deref().unwrap_or(self.folder.root());
        let environment = read_json(&folder.join("environment.json"))?;
        let mut machine = facts(&MACHINE, &environment);
        machine.push(("device", Some(own.device.clone())));
        machine.push(("threads", Some(own.threads.to_string())));
        machine.push(("the measured images", self.settings(variant).map(images_of)));
        Ok(Circumstances {
            data: Facts::new(),
            machine,
            program: facts(&PROGRAM, &environment),
        })
    }

    /// The folder under `measurements/` whose record names this row.
    fn measurement(
        &self,
        variant: &str,
        measured: &MeasuredComparison,
        own: &Measured,
    ) -> Result<Option<PathBuf>, Failure> {
        let sought = [
            ("/spec/variant", json!(variant)),
            ("/spec/mode", json!(measured.mode)),
            ("/spec/batch_size", json!(measured.batch_size)),
            ("/spec/device", json!(own.device)),
            ("/spec/threads", json!(own.threads)),
            ("/spec/settings/run/execution", json!(own.execution)),
        ];
        let Ok(entries) = std::fs::read_dir(self.folder.root().join("measurements")) else {
            return Ok(None);
        };
        let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        folders.sort();
        for folder in folders {
            let record = read_json(&folder.join("measurement.json"))?;
            if sought.iter().all(|(field, value)| record.pointer(field) == Some(value)) {
                return Ok(Some(folder));
            }
        }
        Ok(None)
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
    let name = json!(data.dataset).as_str().unwrap_or_default().to_owned();
    let size = data.image_size;
    match data.dataset {
        DataSetName::Synthetic => format!("{name}, {}x{size}x{size} in {} classes", data.channels, data.classes),
        DataSetName::Folder => format!("{name}, {size}x{size}"),
        _ => name,
    }
}

/// Facts by (name, field); a field that holds nothing is `none`, one that is not there was not recorded.
fn facts(fields: &[(&'static str, &str)], record: &Value) -> Facts {
    let text = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (fields.iter())
        .map(|(name, field)| (*name, record.get(field).map(text)))
        .collect()
}

/// A JSON file; null where there is none.
fn read_json(path: &Path) -> Result<Value, Failure> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Value::Null),
        Err(error) => return Err(Failure::Input(format!("{}: {error}", path.display()))),
    };
    serde_json::from_slice(&bytes).map_err(|error| {
        Failure::Input(format!(
            "{}: it cannot be read ({error}); restore it, or run again",
            path.display()
        ))
    })
}
