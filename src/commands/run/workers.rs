//! What starting a process for a trial or a round needs.

use std::path::Path;
use std::time::Duration;

use densenet_bench::backends::BackendDevice;
use densenet_bench::formats::ablation::RunSettings;
use densenet_bench::host::{Environment, Stop, choose_threads_of};
use densenet_bench::trials::{ResultFolder, Supervisor};

use super::slots::Slot;

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
    /// The environment of a process with these settings that is about to start in a slot, with the GPU as it is now.
    pub fn environment_of(&self, run: &RunSettings, threads: usize, slot: &Slot) -> Environment {
        let own = slot
            .variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut environment = Environment {
            threads_source: choose_threads_of(slot.at_once, self.threads, run.threads).source,
            gpu_record: slot.gpu_record(self.device),
            ..self.environment.of_process(self.device, run, threads)
        };
        environment.variables.extend(own);
        environment
    }

    /// Starts the processes of trials in a slot.
    pub fn supervisor<'s>(&'s self, slot: &'s Slot) -> Supervisor<'s> {
        Supervisor {
            program: self.program,
            folder: self.folder,
            timeout: self.timeout,
            stop: self.stop,
            variables: &slot.variables,
        }
    }
}
