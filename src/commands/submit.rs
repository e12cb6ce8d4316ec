//! `submit`: an ablation's work is handed to a cluster's engine, as job files in the result folder.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::{Args, ValueEnum};
use densenet_bench::backends::{BackendDevice, DeviceChoice, accelerator, fallback};
use densenet_bench::files::write_whole;
use densenet_bench::formats::ablation::with_overrides;
use densenet_bench::formats::jobs::{
    Container, Job, JobFile, Resources, TimeLimit, hyperqueue, kubernetes, largest_array, slurm,
};
use densenet_bench::host::default_threads;
use densenet_bench::measurement::count_measurements;
use densenet_bench::trials::{ExperimentPlan, MEASUREMENTS, ResultFolder, Sharing, foreign_file};
use densenet_bench::words::counted;

use super::shared::{ablation, device, units};
use super::{Failure, Outcome, print, say};

/// Hand an ablation's work to SLURM, HyperQueue or Kubernetes, and leave
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench submit slurm my.toml --out /shared/results --gpus-per-task 1 --time 04:00:00
  densenet-bench submit slurm my.toml --limit 8 --dry-run
  densenet-bench submit hyperqueue my.toml --cpus-per-task 4
  densenet-bench submit kubernetes my.toml --image registry/densenet-bench:1 --volume-claim results

The job files go to NAME/jobs/ENGINE/ in the result folder, which every node must reach by the same path. They are submitted where
the engine's client (sbatch, hq, kubectl) is found, unless --dry-run is given; the job needs no process here. docs/cluster.md has
the whole story.")]
pub struct Arguments {
    /// The engine
    #[arg(value_enum)]
    engine: Engine,
    /// The ablation file
    file: PathBuf,
    /// Where the folder NAME with the results goes, on a file system that all nodes share
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Another value for a key of the file, as for `run`
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// GPUs of each task
    #[arg(long, value_name = "N", default_value_t = 0)]
    gpus_per_task: u32,
    /// Processors of each task, and the threads of its trials; as many as this machine has, and at most 8, unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    cpus_per_task: Option<u32>,
    /// How long a task may last, such as 04:00:00 or 12h; it saves a checkpoint before that, and is put into the queue again
    #[arg(long, value_name = "TIME")]
    time: Option<TimeLimit>,
    /// The partition of SLURM's nodes
    #[arg(long, value_name = "P", value_parser = partition)]
    partition: Option<String>,
    /// The most tasks at once
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// The image of Kubernetes' containers
    #[arg(long, value_name = "IMAGE", default_value = "densenet-bench:latest")]
    image: String,
    /// The claim of the volume for the results of Kubernetes' pods; one is made unless given
    #[arg(long, value_name = "NAME")]
    volume_claim: Option<String>,
    /// Write the job files, and submit nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    Slurm,
    Hyperqueue,
    Kubernetes,
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::Slurm => "slurm",
            Self::Hyperqueue => "hyperqueue",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// Its client's program, and the arguments that only ask for its version.
    fn client(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Slurm => ("sbatch", &["--version"]),
            Self::Hyperqueue => ("hq", &["--version"]),
            Self::Kubernetes => ("kubectl", &["version", "--client"]),
        }
    }

    /// What submits the files, in their folder.
    fn command(self) -> &'static [&'static str] {
        match self {
            Self::Slurm | Self::Hyperqueue => &["./submit.sh"],
            Self::Kubernetes => &["kubectl", "apply", "-f", "job.yaml"],
        }
    }
}

/// `--partition` for clap: what stands in a line of `#SBATCH`, where nothing can be quoted for certain.
fn partition(text: &str) -> Result<String, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.,".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('-') {
        true => Ok(text.to_owned()),
        false => Err("a partition's name has letters, digits, '_', '-' and '.', and commas between several".to_owned()),
    }
}

pub fn run(arguments: &Arguments) -> Outcome {
    let written = ablation::text_of(&arguments.file)?;
    let text = with_overrides(&written, &arguments.set, &arguments.file).map_err(Failure::ablation)?;
    let parsed = ablation::parsed(&text, &arguments.file)?;
    let settled = device::with_executions(parsed, device_of_tasks(arguments)?);
    let text = settled.kept(text)?;
    let plan = ablation::planned(settled.ablation)?;
    let out = absolute(&arguments.out)?;
    let folder = ResultFolder::new(Path::new(&out), &plan.ablation.name);
    if let Some(file) = foreign_file(folder.root()) {
        return Err(Failure::Input(format!(
            "{}: this file would be replaced, and its folder has no ablation.toml, so no run has made it; name another folder with \
             --out, or move the file away",
            file.display()
        )));
    }
    let job = job(arguments, &plan, &out, &folder)?;
    let files = files(arguments, &job, &text);
    let jobs = folder.root().join("jobs").join(arguments.engine.name());
    keep(&folder, &text)?;
    write(&jobs, &files)?;
    let lines = files.iter().map(|file| format!("{}\n", jobs.join(file.name).display()));
    print(&lines.collect::<String>())?;
    say(&format!(
        "{} of work as a job of {}",
        counted(job.units.len(), "unit"),
        arguments.engine.name()
    ));
    match arguments.dry_run {
        true => say("nothing was submitted (--dry-run)"),
        false => submit(arguments.engine, &jobs)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The device that tasks come to by themselves.
fn device_of_tasks(arguments: &Arguments) -> Result<BackendDevice, Failure> {
    let backend = match arguments.gpus_per_task {
        0 => fallback(),
        _ => accelerator(),
    };
    backend.map_or_else(|| device::resolved(DeviceChoice::Auto), |backend| Ok(backend.device(0)))
}

fn job(arguments: &Arguments, plan: &ExperimentPlan, out: &str, folder: &ResultFolder) -> Result<Job, Failure> {
    /// More than small networks use well, and few enough that a node has them.
    const MOST_PROCESSORS: usize = 8;
    let every = vec![true; plan.ablation.variants.len()];
    let mut units: Vec<String> = units::of(plan, &every)
        .iter()
        .map(|unit| unit.trial.to_owned())
        .collect();
    if count_measurements(&plan.ablation, &every) > 0 {
        units.push(MEASUREMENTS.to_owned());
    }
    if units.is_empty() {
        return Err(Failure::Input(format!(
            "{}: the variants have neither [train] nor [measure], so there is nothing to run; add one",
            arguments.file.display()
        )));
    }
    let own = u32::try_from(default_threads().min(MOST_PROCESSORS)).unwrap_or(1);
    let processors = arguments.cpus_per_task.unwrap_or(own);
    let mut run = vec!["run".to_owned()];
    match arguments.engine {
        Engine::Kubernetes => run.push("/ablation/ablation.toml".to_owned()),
        // Its text has the overrides already; relative paths in it start at its own folder.
        Engine::Slurm | Engine::Hyperqueue => {
            run.extend([absolute(&arguments.file)?, "--out".to_owned(), out.to_owned()]);
            for set in &arguments.set {
                run.extend(["--set".to_owned(), set.clone()]);
            }
        }
    }
    // The same on every node: another number would make other numbers.
    run.extend(["--threads".to_owned(), processors.to_string()]);
    let program = std::env::current_exe()
        .map_err(|error| Failure::Work(format!("the program's own path cannot be found: {error}")))?;
    Ok(Job {
        name: plan.ablation.name.clone(),
        program: absolute(&program)?,
        run,
        results: absolute(folder.root())?,
        units,
        resources: Resources {
            gpus: arguments.gpus_per_task,
            processors,
            time: arguments.time,
            partition: arguments.partition.clone(),
            at_once: arguments.limit,
        },
    })
}

fn files(arguments: &Arguments, job: &Job, ablation: &str) -> Vec<JobFile> {
    match arguments.engine {
        Engine::Slurm => {
            let configuration = Command::new("scontrol")
                .args(["show", "config"])
                .stderr(Stdio::null())
                .output();
            let configuration = configuration.ok().filter(|output| output.status.success());
            let configuration = configuration.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            slurm(job, largest_array(configuration.as_deref()))
        }
        Engine::Hyperqueue => hyperqueue(job),
        Engine::Kubernetes => {
            let container = Container {
                image: &arguments.image,
                volume_claim: arguments.volume_claim.as_deref(),
                ablation,
            };
            kubernetes(job, &container)
        }
    }
}

/// An absolute path as a text: job files are texts.
fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
    absolute.into_os_string().into_string().map_err(|path| {
        Failure::Input(format!(
            "{}: the path is not UTF-8, as job files are; rename it",
            path.to_string_lossy()
        ))
    })
}

/// Makes the result folder one of this ablation, so that `status` can look at it before the first task does.
fn keep(folder: &ResultFolder, text: &str) -> Result<(), Failure> {
    let membership = folder.join(Sharing::Shared, "submit").map_err(Failure::input)?;
    membership.check_ablation(folder, text).map_err(Failure::input)?;
    folder.create(text).map_err(Failure::input)
}

fn write(folder: &Path, files: &[JobFile]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::Work(format!("{}: {error}", folder.display())))?;
    for file in files {
        let path = folder.join(file.name);
        write_whole(&path, file.text.as_bytes()).map_err(Failure::work)?;
        if file.name.ends_with(".sh") {
            make_executable(&path).map_err(|error| Failure::Work(format!("{}: {error}", path.display())))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut permissions = std::fs::metadata(path)?.permissions();
    // Whoever may read it may run it.
    permissions.set_mode(permissions.mode() | (permissions.mode() & 0o444) >> 2);
    std::fs::set_permissions(path, permissions)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Submits the files where the engine's client is there; else says how.
fn submit(engine: Engine, folder: &Path) -> Result<(), Failure> {
    let words = engine.command().join(" ");
    let (client, version) = engine.client();
    let has_client = Command::new(client).args(version).stdin(Stdio::null()).output();
    if has_client.is_err() {
        say(&format!(
            "{client} was not found here, so nothing was submitted; on a machine that has it: cd {} && {words}",
            folder.display()
        ));
        return Ok(());
    }
    let Some((program, arguments)) = engine.command().split_first() else {
        return Ok(());
    };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::Work(format!("{program}: {error}")))?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    match output.status.success() {
        true => say(&format!("submitted: {}", said(&output.stdout))),
        false => {
            return Err(Failure::Work(format!(
                "{words} failed in {}: {}",
                folder.display(),
                said(&output.stderr)
            )));
        }
    }
    Ok(())
}
