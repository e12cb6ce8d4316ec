//! The rows of the tables of `[measure]`, of the search for the largest batch, and of the comparison with PyTorch.

use serde::{Deserialize, Serialize};

use super::cell;
use super::rows::{Row, Status};

/// `batches.csv`: a row for each variant, mode and batch size that is measured apart from training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchRow {
    /// The variant's name.
    #[serde(with = "cell")]
    pub variant: String,
    /// The device, `cpu`, `cuda:0` or `flex`.
    #[serde(with = "cell")]
    pub device: String,
    /// How the network's operations are carried out, `plain`.
    #[serde(with = "cell")]
    pub execution: String,
    /// `train` or `evaluate`.
    #[serde(with = "cell")]
    pub mode: String,
    /// Images in a step.
    pub batch_size: usize,
    /// How the measurement stands.
    pub status: Status,
    /// What ended it, where it failed; else empty.
    #[serde(with = "cell")]
    pub error: String,
    /// Steps that were timed, in all rounds together.
    pub steps: usize,
    /// The median step, in nanoseconds.
    pub step_ns_median: Option<u64>,
    /// The median absolute deviation of the steps from their median, in nanoseconds, raw.
    pub step_ns_mad: Option<u64>,
    /// The median forward pass with the loss, in nanoseconds, from a pass of its own.
    pub forward_ns_median: Option<u64>,
    /// The median backward pass, in nanoseconds, from a pass of its own; none in evaluation.
    pub backward_ns_median: Option<u64>,
    /// The median optimizer step, in nanoseconds, from a pass of its own; none in evaluation.
    pub optimizer_ns_median: Option<u64>,
    /// The batch size over the median step.
    pub images_per_second: Option<f64>,
    /// The most bytes of live tensors during the timed steps, as the backend's allocator counts them.
    pub allocated_peak_bytes: Option<u64>,
    /// The most bytes that the backend's caching allocator held; CUDA alone.
    pub reserved_peak_bytes: Option<u64>,
    /// The most memory of the process: its resident set on the CPU, what NVML gives for it on CUDA.
    pub process_peak_bytes: Option<u64>,
    /// Where the process's peak comes from: `resident-set`, `nvml-process`, `nvml-device-difference`.
    #[serde(with = "cell")]
    pub process_peak_source: String,
    /// The allocated peak in closed form, where the execution and the device have one.
    pub predicted_peak_bytes: Option<u64>,
    /// Threads of the device's backend.
    pub threads: usize,
    /// What became of freed main memory, `keep-pages` or `return-pages`.
    #[serde(with = "cell")]
    pub allocator: String,
    /// Processes that contributed.
    pub rounds: usize,
    /// What makes the numbers doubtful, with what to do; else empty.
    #[serde(with = "cell")]
    pub warning: String,
}

impl Row for BatchRow {
    const FILE: &'static str = "batches.csv";
    const COLUMNS: &'static [&'static str] = &[
        "variant",
        "device",
        "execution",
        "mode",
        "batch_size",
        "status",
        "error",
        "steps",
        "step_ns_median",
        "step_ns_mad",
        "forward_ns_median",
        "backward_ns_median",
        "optimizer_ns_median",
        "images_per_second",
        "allocated_peak_bytes",
        "reserved_peak_bytes",
        "process_peak_bytes",
        "process_peak_source",
        "predicted_peak_bytes",
        "threads",
        "allocator",
        "rounds",
        "warning",
    ];
}

/// `samples.csv`: a row for each timed step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRow {
    /// The variant's name.
    #[serde(with = "cell")]
    pub variant: String,
    /// The device, `cpu`, `cuda:0` or `flex`.
    #[serde(with = "cell")]
    pub device: String,
    /// How the network's operations are carried out, `plain`.
    #[serde(with = "cell")]
    pub execution: String,
    /// `train` or `evaluate`.
    #[serde(with = "cell")]
    pub mode: String,
    /// Images in a step.
    pub batch_size: usize,
    /// The timed step, from 0, counted through all rounds.
    pub step: usize,
    /// Its duration, in nanoseconds.
    pub step_ns: u64,
    /// Threads of the device's backend.
    pub threads: usize,
    /// The round, from 0: each is a process of its own.
    pub round: usize,
}

impl Row for SampleRow {
    const FILE: &'static str = "samples.csv";
    const COLUMNS: &'static [&'static str] = &[
        "variant",
        "device",
        "execution",
        "mode",
        "batch_size",
        "step",
        "step_ns",
        "threads",
        "round",
    ];
}

/// `phases.csv`: a row for each step of the pass that tells forward, backward and optimizer apart. Its extra
/// synchronisation makes these steps slower than those of `samples.csv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseRow {
    /// The variant's name.
    #[serde(with = "cell")]
    pub variant: String,
    /// The device, `cpu`, `cuda:0` or `flex`.
    #[serde(with = "cell")]
    pub device: String,
    /// How the network's operations are carried out, `plain`.
    #[serde(with = "cell")]
    pub execution: String,
    /// `train` or `evaluate`.
    #[serde(with = "cell")]
    pub mode: String,
    /// Images in a step.
    pub batch_size: usize,
    /// The step, from 0, counted through all rounds.
    pub step: usize,
    /// The forward pass with the loss, in nanoseconds.
    pub forward_ns: u64,
    /// The backward pass, in nanoseconds; none in evaluation.
    pub backward_ns: Option<u64>,
    /// The optimizer's step, in nanoseconds; none in evaluation.
    pub optimizer_ns: Option<u64>,
    /// Threads of the device's backend.
    pub threads: usize,
    /// The round, from 0: each is a process of its own.
    pub round: usize,
}

impl Row for PhaseRow {
    const FILE: &'static str = "phases.csv";
    const COLUMNS: &'static [&'static str] = &[
        "variant",
        "device",
        "execution",
        "mode",
        "batch_size",
        "step",
        "forward_ns",
        "backward_ns",
        "optimizer_ns",
        "threads",
        "round",
    ];
}

/// `boundaries.csv`: a row for each variant and mode whose largest batch was searched for by trying.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundaryRow {
    /// The variant's name.
    #[serde(with = "cell")]
    pub variant: String,
    /// The device, `cpu`, `cuda:0` or `flex`.
    #[serde(with = "cell")]
    pub device: String,
    /// How the network's operations are carried out, `plain`.
    #[serde(with = "cell")]
    pub execution: String,
    /// `train` or `evaluate`.
    #[serde(with = "cell")]
    pub mode: String,
    /// Threads of the device's backend.
    pub threads: usize,
    /// The bytes of live tensors that a try was allowed; none: whatever the device has.
    pub memory_limit_bytes: Option<u64>,
    /// The largest batch that ran; none where not even one image did.
    pub largest_batch_size: Option<usize>,
    /// Its allocated peak.
    pub allocated_peak_bytes: Option<u64>,
    /// The smallest batch that did not run; none where the largest that was tried did.
    pub smallest_too_large: Option<usize>,
    /// Whether the search came to its end: `ok`, or how the try ended that broke it off.
    pub status: Status,
    /// Why the smallest batch that is too large did not run, or what broke the search off.
    #[serde(with = "cell")]
    pub error: String,
    /// The largest batch by the closed form, where there is one.
    pub predicted_largest: Option<usize>,
    /// Processes that were started.
    pub tries: usize,
}

impl Row for BoundaryRow {
    const FILE: &'static str = "boundaries.csv";
    const COLUMNS: &'static [&'static str] = &[
        "variant",
        "device",
        "execution",
        "mode",
        "threads",
        "memory_limit_bytes",
        "largest_batch_size",
        "allocated_peak_bytes",
        "smallest_too_large",
        "status",
        "error",
        "predicted_largest",
        "tries",
    ];
}

/// `peers.csv`: a row for each way of running a variant at a batch size, this program's and PyTorch's, measured beside
/// each other (`scripts/compare-pytorch`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerRow {
    /// The variant's name, or what the names of variants share that differ in their execution alone.
    #[serde(with = "cell")]
    pub variant: String,
    /// `train` or `evaluate`.
    #[serde(with = "cell")]
    pub mode: String,
    /// Images in a step.
    pub batch_size: usize,
    /// Who ran it: `densenet-bench plain`, `PyTorch eager NCHW`, `PyTorch compile channels-last`.
    #[serde(with = "cell")]
    pub peer: String,
    /// How it stands.
    pub status: Status,
    /// What ended it, where it failed; else empty.
    #[serde(with = "cell")]
    pub error: String,
    /// The device, `cpu`.
    #[serde(with = "cell")]
    pub device: String,
    /// Threads on both sides.
    pub threads: usize,
    /// What became of freed main memory on both sides, `keep-pages` or `return-pages`.
    #[serde(with = "cell")]
    pub allocator: String,
    /// Rounds, each a process of its own.
    pub rounds: usize,
    /// Timed steps in all rounds together.
    pub steps: usize,
    /// The median step, in nanoseconds.
    pub step_ns_median: Option<u64>,
    /// The median absolute deviation of the steps from their median, in nanoseconds, raw.
    pub step_ns_mad: Option<u64>,
    /// The batch size over the median step.
    pub images_per_second: Option<f64>,
    /// The most bytes of live tensors during the timed steps, counted by the same allocator on both sides.
    pub allocated_peak_bytes: Option<u64>,
    /// The process's highest resident set.
    pub process_peak_bytes: Option<u64>,
    /// Images a second over those of the better eager layout.
    pub speed_ratio: Option<f64>,
    /// Images a second over those of the better layout with `torch.compile`.
    pub compiled_speed_ratio: Option<f64>,
    /// The allocated peak over that of the faster eager layout.
    pub peak_share: Option<f64>,
    /// The largest difference of the loss from eager NCHW's over the first steps from the same weights and batches.
    pub loss_difference: Option<f64>,
}

impl Row for PeerRow {
    const FILE: &'static str = "peers.csv";
    const COLUMNS: &'static [&'static str] = &[
        "variant",
        "mode",
        "batch_size",
        "peer",
        "status",
        "error",
        "device",
        "threads",
        "allocator",
        "rounds",
        "steps",
        "step_ns_median",
        "step_ns_mad",
        "images_per_second",
        "allocated_peak_bytes",
        "process_peak_bytes",
        "speed_ratio",
        "compiled_speed_ratio",
        "peak_share",
        "loss_difference",
    ];
}
