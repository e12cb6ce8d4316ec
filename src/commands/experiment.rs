//! What several verbs begin with: an ablation file, read and checked, and a device.

use std::path::Path;

use super::Failure;
use densenet_bench::formats::ablation::{Ablation, parse};
use densenet_bench::host::{DeviceChoice, available_memory, available_threads, cuda_devices};
use densenet_bench::trials::{Experiment, prepare};

/// Reads and checks an ablation file by itself.
pub fn read(file: &Path) -> Result<Ablation, Failure> {
    let text = text_of(file)?;
    parse(&text, file).map_err(Failure::input)
}

/// The text of a file.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| {
        let remedy = match error.kind() {
            std::io::ErrorKind::NotFound => "name an ablation file that is there, such as ablations/growth.toml",
            std::io::ErrorKind::InvalidData => "an ablation file is UTF-8 text",
            _ => "it must be a file that can be read",
        };
        Failure::Input(format!("{}: {error}; {remedy}", file.display()))
    })
}

/// Checks an ablation against its data and its networks' closed forms.
pub fn checked(ablation: Ablation) -> Result<Experiment, Failure> {
    prepare(ablation, available_threads(), available_memory()).map_err(Failure::input)
}

/// The device that `--device` comes to on this machine.
pub fn device(choice: DeviceChoice) -> Result<DeviceChoice, Failure> {
    choice
        .resolve(cfg!(feature = "libtorch"), cuda_devices())
        .map_err(Failure::input)
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
