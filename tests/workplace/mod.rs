//! A folder for the program to work in, and what tests of the whole program ask of it.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod outcome;
pub mod study;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use densenet_bench::formats::tables::{Row, read_rows};
use serde_json::Value;
use tempfile::TempDir;

/// Two trials that last a moment.
pub const SMALL: &str = r#"
name = "small"
question = "Does a fault spoil what was recorded?"
[data]
dataset = "digits"
train-limit = 256
test-limit = 64
augment = "shift-flip"
[model]
block-layers = [2, 2]
growth-rate = 6
dropout = 0.1
[train]
epochs = 2
batch-size = 32
checkpoint-every = 3
seeds = [0, 1]
[run]
execution = "fused"
"#;

/// An empty folder that the program runs in.
pub struct Workplace(TempDir);

impl Workplace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs the program here.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The program, to be run here.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_densenet-bench"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("LC_ALL", "C.UTF-8")
            // The processes of several tests share the machine: a thread that waits must not take a core.
            .env("OMP_WAIT_POLICY", "passive");
        command
    }

    /// Runs a shell's script here; `$0` is the program.
    pub fn shell(&self, script: &str) -> Output {
        let mut shell = Command::new("sh");
        shell.args(["-c", script, env!("CARGO_BIN_EXE_densenet-bench")]);
        shell.current_dir(self.0.path()).output().unwrap()
    }

    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the program, which must refuse with exit status 2, and gives what it says.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        said.trim_end().to_owned()
    }

    pub fn rows<T: Row>(&self, folder: &str) -> Vec<T> {
        let path = self.path(folder).join(T::FILE);
        read_rows(&fs::read(&path).unwrap(), T::FILE).unwrap()
    }

    pub fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(file)).unwrap()).unwrap()
    }
}

/// What a run said on stderr.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Long enough for a machine that does much else; a test that waits so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Waits until something is there, for as long as `run` is running.
pub fn await_while<T>(run: &mut Child, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(run.try_wait().unwrap().is_none(), "the run ended without {what}");
        assert!(Instant::now() < end, "no {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The processes that a process's threads have started and that have not ended.
pub fn children(process: u32) -> Vec<i32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let of_list = |list: String| {
        list.split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect::<Vec<i32>>()
    };
    lists.flat_map(of_list).collect()
}

/// Waits until a process whose parent has ended is gone. One that nobody has waited for yet has ended as well.
pub fn await_end(process: i32) {
    let end = Instant::now() + PATIENCE;
    let stat = || fs::read_to_string(format!("/proc/{process}/stat"));
    while stat().is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X ")) {
        assert!(Instant::now() < end, "process {process} outlived its parent");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The checkpoints of a result folder's trials.
pub fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: PathBuf| {
        fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
    };
    let is_one = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "checkpoint");
    entries(folder.join("trials"))
        .flat_map(|trial| entries(trial.join("checkpoints")))
        .filter(is_one)
        .collect()
}
