//! `manual`: the manual's pages, for `scripts/install`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};

use super::{Failure, Outcome};

/// Write the manual's pages into a folder, a page for the program and one for each verb
#[derive(Args)]
pub struct Arguments {
    /// The folder, which is there
    folder: PathBuf,
}

pub fn run(arguments: &Arguments, program: Command) -> Outcome {
    let folder = &arguments.folder;
    if !folder.is_dir() {
        return Err(Failure::Input(format!(
            "{}: there is no such folder; make it first",
            folder.display()
        )));
    }
    clap_mangen::generate_to(program, folder)
        .map_err(|error| Failure::Work(format!("{}: {error}", folder.display())))?;
    Ok(ExitCode::SUCCESS)
}
