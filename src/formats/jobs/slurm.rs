//! SLURM: an array of tasks, and a job that depends on it.

use std::fmt::Write;

use super::job::{Job, JobFile};
use super::quoting::comment;

/// The largest number of tasks that an array may have where its cluster does not say it: SLURM's own default is an array size of 1001,
/// which is one more than the highest index.
pub fn largest_array(configuration: Option<&str>) -> u32 {
    const DEFAULT: u32 = 1001;
    let line = configuration.and_then(|text| text.lines().find_map(|line| line.strip_prefix("MaxArraySize")));
    let size = line.and_then(|rest| rest.trim_start_matches([' ', '=']).trim().parse().ok());
    // Indices end below it.
    size.filter(|size| *size > 0).unwrap_or(DEFAULT)
}

/// The scripts of a job, of at most `largest` tasks: that of the array, that of the job which depends on it, and one that submits
/// both. No word from outside stands in a line of `#SBATCH`.
pub fn slurm(job: &Job, largest: u32) -> Vec<JobFile> {
    let tasks = tasks(job, largest);
    vec![
        JobFile {
            name: "array.sh",
            text: array(job, tasks),
        },
        JobFile {
            name: "finish.sh",
            text: finish(job),
        },
        JobFile {
            name: "submit.sh",
            text: submit(job),
        },
    ]
}

/// A task a unit, or fewer where there would be too many.
fn tasks(job: &Job, largest: u32) -> usize {
    job.units.len().clamp(1, largest.max(1) as usize)
}

fn array(job: &Job, tasks: usize) -> String {
    let resources = &job.resources;
    let mut options = vec![
        format!("--job-name={}", job.name),
        match resources.at_once {
            Some(at_once) => format!("--array=0-{}%{at_once}", tasks - 1),
            None => format!("--array=0-{}", tasks - 1),
        },
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={}", resources.processors),
        "--output=logs/%A_%a.txt".to_owned(),
        // What a task that is requeued says stands behind what it said before.
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
    ];
    if resources.gpus > 0 {
        options.push(format!("--gpus-per-task={}", resources.gpus));
    }
    if let Some(time) = resources.time {
        options.push(format!("--time={}", time.for_slurm()));
        options.push(format!("--signal=B:USR1@{}", time.seconds_to_save()));
    }
    options.extend(partition(job));
    let mut text = head(
        job,
        "The tasks: each does its part, and then what no other one has.",
        &options,
    );
    // Behind its part a task takes up what no other one has: none is idle while there is work, however uneven the parts are.
    let command = format!(
        "{} --shard \"$SLURM_ARRAY_TASK_ID/{tasks}\" --steal",
        job.command(&job.run)
    );
    let _ = write!(
        text,
        "\n\
         # Before its time is up SLURM sends USR1: the task saves a checkpoint, and is put into the queue again.\n\
         program=\n\
         trap 'kill -USR1 \"$program\" 2>/dev/null' USR1\n\
         {command} &\n\
         program=$!\n\
         wait \"$program\"\n\
         status=$?\n\
         while kill -0 \"$program\" 2>/dev/null; do\n    \
             wait \"$program\"\n    \
             status=$?\n\
         done\n\
         if [ \"$status\" -eq 138 ]; then\n    \
             scontrol requeue \"$SLURM_JOB_ID\"\n\
         fi\n\
         exit \"$status\"\n"
    );
    text
}

fn finish(job: &Job) -> String {
    let mut options = vec![
        format!("--job-name={}-finish", job.name),
        "--ntasks=1".to_owned(),
        "--output=logs/finish-%j.txt".to_owned(),
    ];
    options.extend(partition(job));
    let mut text = head(job, "Tables, plots and report of what the tasks have left.", &options);
    let _ = writeln!(text, "\nexec {}", job.command(&job.finish()));
    text
}

fn submit(job: &Job) -> String {
    format!(
        "#!/bin/sh\n\
         # Submits the job of {}, and what depends on it.\n\
         set -eu\n\
         cd -- \"$(dirname -- \"$0\")\"\n\
         mkdir -p logs\n\
         array=$(sbatch --parsable array.sh)\n\
         # A cluster's name may stand behind the number.\n\
         array=${{array%%;*}}\n\
         sbatch --parsable --dependency=\"afterany:$array\" --kill-on-invalid-dep=yes finish.sh >/dev/null\n\
         echo \"$array\"\n",
        comment(&job.name)
    )
}

fn partition(job: &Job) -> Option<String> {
    job.resources
        .partition
        .as_ref()
        .map(|partition| format!("--partition={partition}"))
}

fn head(job: &Job, what: &str, options: &[String]) -> String {
    let mut text = "#!/bin/bash\n".to_owned();
    for option in options {
        let _ = writeln!(text, "#SBATCH {option}");
    }
    let _ = writeln!(text, "# {}: {what}", comment(&job.name));
    text
}
