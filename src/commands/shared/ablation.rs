//! Ablation files: reading one, checking it, choosing among its variants.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{Failure, say};
use densenet_bench::data::find_folders;
use densenet_bench::files::{expand_home, read_bounded};
use densenet_bench::formats::ablation::{Ablation, LARGEST_FILE, parse, text_of_bytes};
use densenet_bench::host::{available_memory, default_threads};
use densenet_bench::trials::{Experiment, ExperimentPlan, located_data, plan};
use densenet_bench::words::grouped;

/// Reads and checks an ablation file by itself.
pub fn read(file: &Path) -> Result<Ablation, Failure> {
    parsed(&text_of(file)?, file)
}

/// Checks an ablation file by itself, and finds what it leaves to this machine: the home folder, and where downloaded data
/// sets are.
pub fn parsed(text: &str, file: &Path) -> Result<Ablation, Failure> {
    let mut ablation = parse(text, file).map_err(Failure::ablation)?;
    for index in 0..ablation.variants.len() {
        let variant = &ablation.variants[index];
        let mut settings = variant.settings.clone();
        find_folders(&mut settings.data, file)
            .map_err(|error| Failure::input(located_data(&ablation, variant, &error)))?;
        if let Some(path) = &settings.weights {
            let expanded = expand_home(path).map_err(|rule| {
                let rule = format!("{}: {rule}", path.display());
                Failure::input(ablation.located(variant, "model.weights", rule, "write the path in full"))
            })?;
            settings.weights = Some(expanded);
        }
        ablation.variants[index].settings = settings;
    }
    Ok(ablation)
}

/// The text of a file.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    let bytes = read_bounded(file, LARGEST_FILE).map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::NotFound => match meant_by(file) {
                Some(meant) => format!("did you mean {}?", meant.display()),
                None if file.starts_with("~") => {
                    "a shell replaces ~ only where it is not in quotes; write the folder itself, or $HOME".to_owned()
                }
                None => "name an existing ablation file, such as ablations/growth.toml".to_owned(),
            },
            ErrorKind::IsADirectory => match meant_by(file) {
                Some(meant) => format!("name a file; did you mean {}?", meant.display()),
                None => "name a file in it, such as ablations/growth.toml".to_owned(),
            },
            ErrorKind::FileTooLarge => "an ablation file is short; name one, such as ablations/growth.toml".to_owned(),
            _ => "it must be a file that can be read".to_owned(),
        };
        Failure::Input(format!("{}: {error}; {remedy}", file.display()))
    })?;
    text_of_bytes(bytes, file).map_err(Failure::ablation)
}

/// An ablation file that is there and is likely meant: one with the extension, in ablations/, or a result folder's own.
fn meant_by(file: &Path) -> Option<PathBuf> {
    let named = |folder: &str| Path::new(folder).join(file.file_name().unwrap_or_default());
    let candidates = [
        file.with_extension("toml"),
        named("ablations"),
        named("ablations").with_extension("toml"),
        file.join("ablation.toml"),
    ];
    candidates.into_iter().find(|path| path != file && path.is_file())
}

/// Checks an ablation against the outlines of its data and its networks' closed forms, and says what the user should know
/// of data and weights; no image is read.
pub fn planned(ablation: Ablation) -> Result<ExperimentPlan, Failure> {
    let plan = plan(ablation).map_err(Failure::input)?;
    remark(&plan.remarks);
    Ok(plan)
}

/// Says what the user should know of how data and weights were found.
pub fn remark(remarks: &[String]) {
    for remark in remarks {
        say(&format!("note: {remark}"));
    }
}

/// Reads the data of a planned ablation.
pub fn prepared(plan: ExperimentPlan) -> Result<Experiment, Failure> {
    let mut reading = Reading::begin();
    let read = plan.prepare(default_threads(), available_memory(), &mut |done, all| {
        reading.report(done, all)
    });
    let experiment = read.map_err(Failure::input)?;
    remark(&experiment.remarks);
    Ok(experiment)
}

/// Says how far the reading of a large data set is.
struct Reading {
    next: Instant,
}

impl Reading {
    /// Until its first report, and between two.
    const PAUSE: Duration = Duration::from_secs(10);

    fn begin() -> Self {
        Self {
            next: Instant::now() + Self::PAUSE,
        }
    }

    fn report(&mut self, done: usize, all: usize) {
        if Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + Self::PAUSE;
        let [done, all] = [done, all].map(|images| grouped(images as u64));
        say(&format!("checking the images: {done} of {all}"));
    }
}

/// Which variants `--only` leaves.
pub fn chosen_variants(ablation: &Ablation, only: Option<&str>) -> Result<Vec<bool>, Failure> {
    let names = || ablation.variants.iter().map(|variant| variant.name.as_str());
    let Some(only) = only else {
        return Ok(names().map(|_| true).collect());
    };
    let pattern = glob::Pattern::new(only).map_err(|error| {
        Failure::Input(format!(
            "--only '{only}' is not a pattern ({error}); write names with * and ?"
        ))
    })?;
    let chosen: Vec<bool> = names().map(|name| pattern.matches(name)).collect();
    if !chosen.contains(&true) {
        let there = names().collect::<Vec<_>>().join(", ");
        return Err(Failure::Input(format!(
            "no variant of '{}' matches --only '{only}'; it has {there}",
            ablation.file.display()
        )));
    }
    Ok(chosen)
}

/// The index of the variant of that name; without a name the only one.
pub fn variant_index(ablation: &Ablation, name: Option<&str>) -> Result<usize, Failure> {
    let names: Vec<&str> = ablation.variants.iter().map(|variant| variant.name.as_str()).collect();
    let found = match name {
        Some(name) => names.iter().position(|&other| other == name),
        None if names.len() == 1 => Some(0),
        None => None,
    };
    found.ok_or_else(|| {
        let file = ablation.file.display();
        let there = names.join(", ");
        Failure::Input(match name {
            Some(name) => format!("could not find variant '{name}' in '{file}'; it has {there}"),
            None => format!("'{file}' has several variants; choose one with --variant: {there}"),
        })
    })
}
