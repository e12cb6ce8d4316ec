//! HyperQueue: a job definition file, with a task for each unit of work.

use toml::{Table, Value};

use super::job::{Job, JobFile};

/// The job definition file, for `hq job submit-file`, and a script that submits it. The last task makes tables, plots and report,
/// and waits for all others.
pub fn hyperqueue(job: &Job) -> Vec<JobFile> {
    let mut tasks: Vec<Value> = Vec::with_capacity(job.units.len() + 1);
    for (id, unit) in job.units.iter().enumerate() {
        tasks.push(task(job, id, &job.unit(unit), Vec::new(), request(job)));
    }
    let all = (0..job.units.len()).map(integer).collect();
    let mut one = Table::new();
    one.insert("cpus".to_owned(), Value::Integer(1));
    let mut small = Table::new();
    small.insert("resources".to_owned(), Value::Table(one));
    tasks.push(task(job, job.units.len(), &job.finish(), all, small));
    let mut file = Table::new();
    file.insert("name".to_owned(), Value::String(job.name.clone()));
    file.insert("task".to_owned(), Value::Array(tasks));
    let text = format!(
        "# The units of work, a task each: `hq job submit-file job.toml`.\n{}",
        toml::to_string(&file).unwrap_or_default()
    );
    let submit = "#!/bin/sh\n\
                  # Submits the job to the HyperQueue server of this user.\n\
                  set -eu\n\
                  cd -- \"$(dirname -- \"$0\")\"\n\
                  exec hq job submit-file job.toml\n";
    vec![
        JobFile { name: "job.toml", text },
        JobFile {
            name: "submit.sh",
            text: submit.to_owned(),
        },
    ]
}

fn task(job: &Job, id: usize, words: &[String], deps: Vec<Value>, request: Table) -> Value {
    let command = std::iter::once(&job.program).chain(words);
    let command = command.map(|word| Value::String(word.clone())).collect();
    let mut task = Table::new();
    task.insert("id".to_owned(), integer(id));
    task.insert("command".to_owned(), Value::Array(command));
    if !deps.is_empty() {
        task.insert("deps".to_owned(), Value::Array(deps));
    }
    if let Some(time) = job.resources.time {
        task.insert("time_limit".to_owned(), Value::String(format!("{}s", time.seconds())));
    }
    task.insert("request".to_owned(), Value::Array(vec![Value::Table(request)]));
    Value::Table(task)
}

fn request(job: &Job) -> Table {
    let mut resources = Table::new();
    resources.insert("cpus".to_owned(), Value::Integer(job.resources.processors.into()));
    if job.resources.gpus > 0 {
        resources.insert("gpus/nvidia".to_owned(), Value::Integer(job.resources.gpus.into()));
    }
    let mut request = Table::new();
    request.insert("resources".to_owned(), Value::Table(resources));
    request
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
