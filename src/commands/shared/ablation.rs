//! Ablation files: reading one, checking it, choosing among its variants.

use std::io::ErrorKind;
use std::path::Path;

use super::Failure;
use densenet_bench::files::read_text;
use densenet_bench::formats::ablation::{Ablation, LARGEST_FILE, parse};
use densenet_bench::host::{available_memory, available_threads};
use densenet_bench::trials::{Experiment, ExperimentPlan, plan};

/// Reads and checks an ablation file by itself.
pub fn read(file: &Path) -> Result<Ablation, Failure> {
    let text = text_of(file)?;
    parse(&text, file).map_err(Failure::input)
}

/// The text of a file.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    read_text(file, LARGEST_FILE).map_err(|error| {
        let remedy = match error.kind() {
            ErrorKind::NotFound => "name an existing ablation file, such as ablations/growth.toml",
            ErrorKind::InvalidData => "an ablation file is UTF-8 text",
            ErrorKind::FileTooLarge => "an ablation file is short; name one, such as ablations/growth.toml",
            _ => "it must be a file that can be read",
        };
        Failure::Input(format!("{}: {error}; {remedy}", file.display()))
    })
}

/// Checks an ablation against the outlines of its data and its networks' closed forms; no image is read.
pub fn planned(ablation: Ablation) -> Result<ExperimentPlan, Failure> {
    plan(ablation).map_err(Failure::input)
}

/// Reads the data of a planned ablation.
pub fn prepared(plan: ExperimentPlan) -> Result<Experiment, Failure> {
    plan.prepare(available_threads(), available_memory())
        .map_err(Failure::input)
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
