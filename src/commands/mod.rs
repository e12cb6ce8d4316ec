//! The program's verbs, a file each.

mod compare;
mod completions;
mod data;
mod describe;
mod doctor;
mod evaluate;
mod experiment;
mod export;
mod inputs;
mod losses;
mod measure;
mod measurement;
mod plot;
mod progress;
mod run;
mod size;
mod status;
mod throttle;
mod train;
mod trial;
mod worker;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use densenet_bench::host::first_line;
use densenet_bench::trials::says_out_of_memory;
use densenet_bench::visible;

/// A reproducible benchmark and ablation harness for DenseNet.
#[derive(Parser)]
#[command(name = "densenet-bench", version, about, max_term_width = 110, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  densenet-bench run ablations/growth.toml             train every variant with every seed, draw plots
  densenet-bench run ablations/growth.toml --list      the trials, one a line; nothing is run
  densenet-bench describe densenet-121                 layers, shapes, parameters, multiply-accumulates
  densenet-bench plot results/growth                   draw again, also while the run goes on
  densenet-bench status results/growth                 which trials are finished, failed, to be done
  densenet-bench compare results/a results/b           on the same seeds, with intervals and tests
  densenet-bench data fetch cifar10                    load a data set, checked against its known sum

Exit status: 0 all trials ok, 1 some trial failed, 2 bad usage or bad input and nothing started, 130 and 143 stopped by
SIGINT and SIGTERM with the work so far kept.";

#[derive(Subcommand)]
enum Verb {
    Run(run::Arguments),
    Describe(describe::Arguments),
    Evaluate(evaluate::Arguments),
    Export(export::Arguments),
    Plot(plot::Arguments),
    Compare(compare::Arguments),
    Status(status::Arguments),
    Data(data::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Trial(trial::Arguments),
    #[command(hide = true)]
    Inputs(inputs::Arguments),
    #[command(hide = true)]
    Losses(losses::Arguments),
    #[command(hide = true)]
    Measurement(measurement::Arguments),
}

/// Why a verb did not do what it was asked for.
enum Failure {
    /// Bad usage or bad input; nothing was started. Exit status 2.
    Input(String),
    /// Something failed on the way. Exit status 1.
    Work(String),
}

impl Failure {
    fn input(error: impl std::fmt::Display) -> Self {
        Self::Input(error.to_string())
    }

    fn work(error: impl std::fmt::Display) -> Self {
        Self::Work(error.to_string())
    }

    fn into_message(self) -> String {
        match self {
            Self::Input(message) | Self::Work(message) => message,
        }
    }
}

type Outcome = Result<ExitCode, Failure>;

/// Runs the verb that the command line names.
pub fn main() -> ExitCode {
    say_panics_in_a_line();
    let cli = Cli::parse();
    // The hook has said what there is to say; the status is that of any other failure.
    std::panic::catch_unwind(|| run(cli)).unwrap_or(ExitCode::FAILURE)
}

fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.verb {
        Verb::Run(arguments) => run::run(&arguments),
        Verb::Describe(arguments) => describe::run(&arguments),
        Verb::Evaluate(arguments) => evaluate::run(&arguments),
        Verb::Export(arguments) => export::run(&arguments),
        Verb::Plot(arguments) => plot::run(&arguments),
        Verb::Compare(arguments) => compare::run(&arguments),
        Verb::Status(arguments) => status::run(&arguments),
        Verb::Data(arguments) => data::run(&arguments),
        Verb::Doctor(arguments) => doctor::run(&arguments),
        Verb::Completions(arguments) => completions::run(&arguments),
        Verb::Trial(arguments) => trial::run(&arguments),
        Verb::Inputs(arguments) => inputs::run(&arguments),
        Verb::Losses(arguments) => losses::run(&arguments),
        Verb::Measurement(arguments) => measurement::run(&arguments),
    };
    outcome.unwrap_or_else(|failure| {
        let status = match &failure {
            Failure::Input(_) => 2,
            Failure::Work(_) => 1,
        };
        say(&format!("error: {}", failure.into_message()));
        ExitCode::from(status)
    })
}

/// libtorch's errors reach us as panics (Burn unwraps them): they end the process, but with a line a reader can use.
fn say_panics_in_a_line() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let first = first_line(message);
        if says_out_of_memory(message) {
            say(&format!("error: out of memory: {first}"));
            return;
        }
        let place = panic.location().map(|place| format!(" ({place})")).unwrap_or_default();
        say(&format!(
            "error: internal error: {first}{place}; please report it with the command and the ablation file"
        ));
    }));
}

/// Says something on stderr, on one line: names of files, what is in them and errors of libraries come from outside.
fn say(message: &str) {
    // Where stderr is a full disk or a pipe that nobody reads, the work is worth more than the words.
    let _ = writeln!(io::stderr(), "{}", visible::line(message));
}

/// Prints to stdout; a reader that has gone away (`| head`) is no failure. What a text holds from outside does not act
/// on a terminal.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(visible::lines(text).as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::work(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}

/// Checks before the work that a file can be written where its result is to go.
fn check_target(path: &Path) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::Input(format!(
            "{}: there is no folder {}; create it, or name another file",
            path.display(),
            folder.display()
        )));
    }
    if path.is_dir() {
        return Err(Failure::Input(format!(
            "{}: it is a folder; name a file in it",
            path.display()
        )));
    }
    Ok(())
}

/// Prints a value as JSON to stdout.
fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&visible::json(&format!("{value:#}\n")))
}
