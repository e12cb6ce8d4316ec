//! What starting a process for a trial or a round needs.

use std::path::Path;
use std::time::Duration;

use densenet_bench::backends::BackendDevice;
use densenet_bench::formats::ablation::RunSettings;
use densenet_bench::host::{Environment, GpuRecord, Stop, choose_threads};
use densenet_bench::trials::ResultFolder;

/// What starting a process needs, whatever it is for.
pub struct Workers<'a> {
    /// This program.
    pub program: &'a Path,
    /// The folder that the results go to.
    pub folder: &'a ResultFolder,
    /// The run's environment.
    pub environment: &'a Environment,
    /// The device.
    pub device: BackendDevice,
    /// `--threads`.
    pub threads: Option<usize>,
    /// How long a process may last.
    pub timeout: Option<Duration>,
    /// Whether the run was asked to stop.
    pub stop: &'a Stop,
}

impl Workers<'_> {
    /// The environment of a process with these settings that is about to start, with the GPU as it is now.
    pub fn environment_of(&self, run: &RunSettings, threads: usize) -> Environment {
        Environment {
            threads_source: choose_threads(self.threads, run.threads).source,
            gpu_record: GpuRecord::of(self.device),
            ..self.environment.of_process(self.device, run, threads)
        }
    }
}
