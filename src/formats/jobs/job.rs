//! What is to be run, whatever the engine.

use super::quoting::shell_words;
use super::time_limit::TimeLimit;

/// An ablation's work, to be divided into tasks.
#[derive(Clone, Debug)]
pub struct Job {
    /// The ablation's name, `[a-z0-9-]+`.
    pub name: String,
    /// The program's path.
    pub program: String,
    /// The arguments of `run` for all of the work, from `run` on; paths are absolute.
    pub run: Vec<String>,
    /// The result folder's absolute path.
    pub results: String,
    /// The names of the units of work, in their order.
    pub units: Vec<String>,
    /// What each task may use.
    pub resources: Resources,
}

/// What a task may use.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    /// GPUs; 0: none.
    pub gpus: u32,
    /// Processors.
    pub processors: u32,
    /// How long it may last.
    pub time: Option<TimeLimit>,
    /// The partition of the cluster.
    pub partition: Option<String>,
    /// The most tasks at once.
    pub at_once: Option<u32>,
}

/// A file of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobFile {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

impl Job {
    /// The words that do one unit.
    pub(super) fn unit(&self, unit: &str) -> Vec<String> {
        let own = ["--trial".to_owned(), unit.to_owned()];
        self.run.iter().cloned().chain(own).collect()
    }

    /// The words that make tables, plots and report of what is there.
    pub(super) fn finish(&self) -> Vec<String> {
        ["merge", "--into", &self.results].map(str::to_owned).to_vec()
    }

    /// A command for the shell: the program, quoted, and words of which all are quoted.
    pub(super) fn command(&self, words: &[String]) -> String {
        let program = std::slice::from_ref(&self.program);
        shell_words(program.iter().chain(words))
    }
}
