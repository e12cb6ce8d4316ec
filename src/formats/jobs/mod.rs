//! Job files for engines that run an ablation's work on many machines: SLURM, HyperQueue, Kubernetes.

mod hyperqueue;
mod job;
mod kubernetes;
mod quoting;
mod slurm;
#[cfg(all(test, unix))]
mod tests;
mod time_limit;

pub use hyperqueue::hyperqueue;
pub use job::{Job, JobFile, Resources};
pub use kubernetes::{Container, kubernetes};
pub use quoting::shell_word;
pub use slurm::{largest_array, slurm};
pub use time_limit::TimeLimit;
