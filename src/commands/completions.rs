//! `completions`: completion scripts for shells.

use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use super::{Outcome, print};

/// Print a completion script for a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench completions bash > ~/.local/share/bash-completion/completions/densenet-bench
  densenet-bench completions zsh > \"${fpath[1]}/_densenet-bench\"

scripts/install PREFIX puts those of bash, zsh and fish where the shells look for them, beside the program and its manual.")]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

pub fn run(arguments: &Arguments, mut program: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut program, "densenet-bench", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
