//! The command line: dispatch to a verb, and its outcome as an exit status.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use densenet_bench::host::{first_line, outlive_the_file_size_limit};
use densenet_bench::trials::says_out_of_memory;

use super::shared::{Failure, say};
use super::{
    answers, compare, completions, data, describe, doctor, evaluate, export, inputs, loading, losses, manual,
    measurement, merge, plan, plot, report, run, status, steadiness, submit, trial,
};

/// A reproducible benchmark and ablation harness for DenseNet.
#[derive(Parser)]
#[command(name = "densenet-bench", version, about, max_term_width = 110, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  densenet-bench run ablations/growth.toml             train every variant with every seed, draw plots
  densenet-bench run ablations/growth.toml --list      the trials, one a line; nothing is run
  densenet-bench describe densenet-121                 layers, shapes, parameters, multiply-accumulates
  densenet-bench plot results/growth                   draw again, also during a run
  densenet-bench report results/growth                 one HTML page of the whole study
  densenet-bench status results/growth                 which trials are finished, failed, pending
  densenet-bench submit slurm my.toml --time 04:00:00  hand a sweep to a cluster, and leave
  densenet-bench merge a/growth b/growth --into results/growth
                                                       one result folder from those of several machines
  densenet-bench compare results/a results/b           on the same seeds, with intervals and tests
  densenet-bench data fetch cifar10                    download CIFAR-10 and verify its checksum

Exit status: 0 all trials ok, 1 some trial failed, 2 bad usage or bad input and nothing started, 129, 130, 138 and 143 stopped
by SIGHUP, SIGINT, SIGUSR1 and SIGTERM with the work so far kept.";

#[derive(Subcommand)]
enum Verb {
    Run(run::Arguments),
    Plan(plan::Arguments),
    Describe(describe::Arguments),
    Evaluate(evaluate::Arguments),
    Export(export::Arguments),
    Plot(plot::Arguments),
    Report(report::Arguments),
    Compare(compare::Arguments),
    Submit(submit::Arguments),
    Merge(merge::Arguments),
    Status(status::Arguments),
    Data(data::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    #[command(hide = true)]
    Manual(manual::Arguments),
    #[command(hide = true)]
    Trial(trial::Arguments),
    #[command(hide = true)]
    Inputs(inputs::Arguments),
    #[command(hide = true)]
    Loading(loading::Arguments),
    #[command(hide = true)]
    Losses(losses::Arguments),
    #[command(hide = true)]
    Answers(answers::Arguments),
    #[command(hide = true)]
    Measurement(measurement::Arguments),
    #[command(hide = true)]
    Steadiness(steadiness::Arguments),
}

/// Runs the verb that the command line names.
pub fn main() -> ExitCode {
    report_panics_on_one_line();
    // Where the system refuses, such a limit ends the process, as it does any program.
    let _ = outlive_the_file_size_limit();
    let cli = Cli::parse();
    // The hook has printed the message; the status is that of any other failure.
    std::panic::catch_unwind(|| dispatch(cli)).unwrap_or(ExitCode::FAILURE)
}

fn dispatch(cli: Cli) -> ExitCode {
    let outcome = match cli.verb {
        Verb::Run(arguments) => run::run(&arguments),
        Verb::Plan(arguments) => plan::run(&arguments),
        Verb::Describe(arguments) => describe::run(&arguments),
        Verb::Evaluate(arguments) => evaluate::run(&arguments),
        Verb::Export(arguments) => export::run(&arguments),
        Verb::Plot(arguments) => plot::run(&arguments),
        Verb::Report(arguments) => report::run(&arguments),
        Verb::Compare(arguments) => compare::run(&arguments),
        Verb::Submit(arguments) => submit::run(&arguments),
        Verb::Merge(arguments) => merge::run(&arguments),
        Verb::Status(arguments) => status::run(&arguments),
        Verb::Data(arguments) => data::run(&arguments),
        Verb::Doctor(arguments) => doctor::run(&arguments),
        Verb::Completions(arguments) => completions::run(&arguments, Cli::command()),
        Verb::Manual(arguments) => manual::run(&arguments, Cli::command()),
        Verb::Trial(arguments) => trial::run(&arguments),
        Verb::Inputs(arguments) => inputs::run(&arguments),
        Verb::Loading(arguments) => loading::run(&arguments),
        Verb::Losses(arguments) => losses::run(&arguments),
        Verb::Answers(arguments) => answers::run(&arguments),
        Verb::Measurement(arguments) => measurement::run(&arguments),
        Verb::Steadiness(arguments) => steadiness::run(&arguments),
    };
    outcome.unwrap_or_else(|failure| {
        let status = match &failure {
            Failure::Input(_) | Failure::Ablation(_) => 2,
            Failure::Work(_) => 1,
        };
        let excerpt = failure.excerpt();
        say(&format!("error: {}", failure.into_message()));
        // Its letters are escaped one by one, so that the caret stays below its place.
        if let Some(excerpt) = excerpt {
            excerpt.lines().for_each(say);
        }
        ExitCode::from(status)
    })
}

/// libtorch's errors reach us as panics (Burn unwraps them): they end the process, but with a line a reader can use.
fn report_panics_on_one_line() {
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
