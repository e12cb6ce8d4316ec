//! A folder for the program to work in, and what tests of the whole program ask of it.
#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod outcome;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use densenet_bench::formats::tables::{Row, read_rows};
use serde_json::Value;
use tempfile::TempDir;

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
