//! `run`: measure, train every variant with every seed, record, plot.

mod concurrency;
mod current;
mod estimate;
mod faults;
mod measure;
mod messages;
mod part;
mod plan;
mod predicted;
mod prepare;
mod probing;
mod progress;
mod publish;
mod queue;
mod ready;
mod resume;
mod slots;
mod tables;
mod throttle;
mod train;
mod turns;
mod work;
mod workers;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::TypedValueParser;
use densenet_bench::backends::{DeviceChoice, device_help};
use densenet_bench::trials::Shard;

use super::shared::{device, size};
use super::{Failure, Outcome, plot, print, print_json, report, say};
use concurrency::{Gpus, Jobs};
use faults::Faults;
use plan::plan;
use prepare::prepare;
use publish::publish;
use work::work;

/// Train every variant of an ablation with every seed, measure each at its batch sizes, record it to CSV and draw plots
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench run ablations/growth.toml
  densenet-bench run ablations/growth.toml --only 'growth-rate=1*' --threads 2
  densenet-bench run ablations/growth.toml --set train.epochs=3 --set run.execution=fused
  densenet-bench run ablations/lineage.toml --estimate
  densenet-bench run my.toml --out /scratch/results --device cuda:0
  densenet-bench run ablations/article.toml --find-max-batch --memory-limit 11GB
  densenet-bench run ablations/execution.toml --profile
  densenet-bench run my.toml --shard 0/4 --out /shared/results

The results go to results/NAME/ (or DIR/NAME/). A finished trial is not run again; one that was stopped or killed is
resumed from its last checkpoint. Ctrl-C stops after the current step, a second one at once.")]
pub struct Arguments {
    /// The ablation file
    file: PathBuf,
    /// Where the folder NAME with the results goes
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    #[arg(long, default_value = "auto", value_parser = device::parse, help = device_help())]
    device: DeviceChoice,
    /// Threads of the device's backend; OMP_NUM_THREADS, or all that the system allows, unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Only variants whose name matches, with * and ?
    #[arg(long, value_name = "GLOB")]
    only: Option<String>,
    /// Another value for a key of the file, such as train.epochs=3; may be given several times, and is recorded
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the trials, one a line, and run nothing
    #[arg(long)]
    list: bool,
    /// Probe each variant for some seconds, say how long the run will take and how much memory, and record nothing
    #[arg(long, conflicts_with_all = ["list", "find_max_batch", "fresh", "tensorboard"])]
    estimate: bool,
    /// Start over; the old results are moved to NAME.1, NAME.2, …
    #[arg(long)]
    fresh: bool,
    /// How long a trial, or a round of a measurement, may last, such as 90s, 30m or 12h
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    timeout: Option<Duration>,
    /// Only find the largest batch of each variant, by trying
    #[arg(long)]
    find_max_batch: bool,
    /// The bytes of live tensors that a measurement may have on the CPU, such as 11GB; all that is available unless given
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    memory_limit: Option<u64>,
    /// Take training steps apart instead: the time, the memory and the arithmetic of each layer, in profile.csv and a plot
    #[arg(long, conflicts_with_all = ["list", "estimate", "find_max_batch", "tensorboard", "print_loss_every"])]
    profile: bool,
    /// Do the part I of N, counted from 0, in a folder that others may share; without it the variables of a SLURM array task
    /// are read, then JOB_COMPLETION_INDEX, then HQ_TASK_ID
    #[arg(long, value_name = "I/N", conflicts_with_all = ["trial", "fresh", "estimate", "find_max_batch", "profile"])]
    shard: Option<Shard>,
    /// Train so many trials at once, each with its share of the processors; auto: as many as a probe finds fastest
    #[arg(long, value_name = "K|auto", default_value = "1", conflicts_with = "gpus")]
    jobs: Jobs,
    /// Train a trial on each of these GPUs at once, such as 0,1, or on all
    #[arg(long, value_name = "LIST|all")]
    gpus: Option<Gpus>,
    /// Also measure so many at once as are trained at once, instead of one after the other; each row has a warning, since what
    /// shares a machine is slower
    #[arg(long, conflicts_with_all = ["estimate", "find_max_batch", "profile"])]
    measure_at_once: bool,
    /// Behind its own part take up what no other run has
    #[arg(long, conflicts_with_all = ["trial", "fresh", "estimate", "find_max_batch", "profile"])]
    steal: bool,
    /// Do one unit of the work, by its ID as `densenet-bench plan` lists it, in a folder that others may share
    #[arg(long, value_name = "ID", conflicts_with_all = ["fresh", "estimate", "find_max_batch", "profile"])]
    trial: Option<String>,
    /// Also write the trials' curves for TensorBoard, to NAME/tensorboard/, as each trial ends
    #[arg(long)]
    tensorboard: bool,
    /// Print the mean training loss every N batches to stderr, as "[Epoch 1, Batch 100] loss: 3.697"
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..).map(|every| every as usize))]
    print_loss_every: Option<usize>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
}

/// `--timeout` for clap.
fn parse_timeout(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("it must be a time above 0 with its unit, such as 90s, 30m or 12h".to_owned()),
    }
}

/// The mode of a run.
enum Mode {
    /// Print the trials.
    List,
    /// Say how long the work would take.
    Estimate,
    /// Do some work and record it.
    Work(Work),
}

/// The work of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// The measurements and trials of `[measure]` and `[train]` that are missing.
    MeasureAndTrain,
    /// A search for the largest batch of each variant.
    FindLargestBatch,
    /// Training steps layer by layer.
    Profile,
}

impl Arguments {
    fn mode(&self) -> Mode {
        match (self.list, self.find_max_batch) {
            (true, _) => Mode::List,
            (false, _) if self.estimate => Mode::Estimate,
            (false, _) if self.profile => Mode::Work(Work::Profile),
            (false, false) => Mode::Work(Work::MeasureAndTrain),
            (false, true) => Mode::Work(Work::FindLargestBatch),
        }
    }
}

pub fn run(arguments: &Arguments) -> Outcome {
    let plan = plan(arguments)?;
    let kind = match arguments.mode() {
        Mode::List => return plan.list(),
        Mode::Estimate => return estimate::estimate(plan, arguments),
        Mode::Work(kind) => kind,
    };
    let mut prepared = prepare(plan, kind, arguments)?;
    let mut faults = Faults::default();
    let done = work(&prepared, arguments, &mut faults);
    publish(&mut prepared, &done, arguments, faults)
}
