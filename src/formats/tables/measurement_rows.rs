//! The rows of the tables of `[measure]`, of the search for the largest batch, and of the comparison with PyTorch.

use serde::{Deserialize, Serialize};

use super::cell;
use super::row::{Column, Row, row};
use super::status::Status;
use crate::formats::ablation::{Allocator, Execution, MapLayout, Mode, Precision};
use crate::formats::device_name::DeviceName;

row! {
    /// `batches.csv`: a row for each variant, mode and batch size that is measured apart from training.
    BatchRow in "batches.csv" {
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The device: `cpu`, `cuda:0`, `flex`.
        device: DeviceName,
        /// How the network's operations were carried out: `plain`, `aten`, `recompute` or `fused`.
        execution: Execution,
        /// The arithmetic of the network's values: `f32`, `tf32`, `bf16` or `f16`.
        precision: Precision = "f32",
        /// `train` or `evaluate`.
        mode: Mode,
        /// Images in a step.
        batch_size: usize,
        /// `ok`, `failed`, `oom`, `timeout`, `interrupted` or `pending`. After an `oom` the larger batch sizes of the
        /// variant are rows of that status too, and are not tried.
        status: Status,
        /// What went wrong, in words; else empty.
        #[serde(with = "cell")]
        error: String,
        /// Steps that were timed, in all rounds together.
        steps: usize,
        /// The median step, in nanoseconds.
        step_ns_median: Option<u64>,
        /// The median absolute deviation of the steps from their median, in nanoseconds, not scaled to a standard
        /// deviation.
        step_ns_mad: Option<u64>,
        /// The median forward pass with the loss, in nanoseconds. The parts come from a pass of their own, whose extra
        /// synchronisation makes their sum longer than the step.
        forward_ns_median: Option<u64>,
        /// The median backward pass, in nanoseconds; none in evaluation.
        backward_ns_median: Option<u64>,
        /// The median optimizer step, in nanoseconds; none in evaluation.
        optimizer_ns_median: Option<u64>,
        /// The batch size over the median step.
        images_per_second: Option<f64>,
        /// The most bytes of live tensors during the timed steps, counted by the backend's allocator.
        allocated_peak_bytes: Option<u64>,
        /// The most bytes that the backend's caching allocator held; CUDA alone.
        reserved_peak_bytes: Option<u64>,
        /// The most memory of the process: its resident set on the CPU, NVML's figure on CUDA.
        process_peak_bytes: Option<u64>,
        /// Whose figure that is: `resident-set`, `nvml-process`, or `nvml-device-difference` (the device's memory in use
        /// less that before the start, where NVML does not name the process).
        #[serde(with = "cell")]
        process_peak_source: String,
        /// The allocated peak in closed form, where the execution and the device have one.
        predicted_peak_bytes: Option<u64>,
        /// Threads of the device's backend.
        threads: usize,
        /// What became of freed main memory, `keep-pages`, `return-pages` or `system` (`[run] allocator`).
        allocator: Allocator,
        /// Processes that contributed.
        rounds: usize,
        /// What makes the numbers doubtful, with what to do; else empty.
        #[serde(with = "cell")]
        warning: String,
        /// Of the processor time that the threads asked for during the timed steps, the share that they got; the rest they
        /// waited for a processor. Empty on CUDA, and where the system does not say it.
        processor_share: Option<f64> = "",
        /// The processor, its kind and the vector instructions that were used:
        /// `AMD EPYC (family 25, model 17, stepping 1) with AVX-512`.
        #[serde(with = "cell")]
        cpu: String = "",
        /// The revision of the program that measured.
        #[serde(with = "cell")]
        revision: String = "",
        /// The name of the host that measured; of several, as they come, with `; ` between.
        #[serde(with = "cell")]
        host: String = "",
        /// When the first round ended, RFC 3339, UTC.
        #[serde(with = "cell")]
        measured_at: String = "",
        /// The lower end of the median step's 95 % interval, in nanoseconds: Student's t on the logarithms of the rounds'
        /// medians. Empty of fewer than three rounds.
        step_ns_low: Option<u64> = "",
        /// Its upper end, in nanoseconds.
        step_ns_high: Option<u64> = "",
        /// Which of the measurements of the same work this is, from 0 (`[measure] repeats`).
        repeat: usize = "0",
        /// Its step time over that of the same work's first measurement where `repeat` is above 0, else over that of the
        /// first variant measured in the same mode, at the same batch size, on the same device: the geometric mean of the
        /// ratios within the rounds. Empty of the first itself, and where the rounds did not take turns in one run.
        step_ratio: Option<f64> = "",
        /// The lower end of the ratio's 95 % interval: a paired t on the logarithms of the ratios within the rounds. Empty
        /// of fewer than five rounds.
        step_ratio_low: Option<f64> = "",
        /// Its upper end.
        step_ratio_high: Option<f64> = "",
        /// Tries of rounds that were discarded, since other programs disturbed them.
        discarded_rounds: usize = "0",
        /// Images in a second of as many steps more, one behind the other with one synchronisation at their end, as training
        /// makes them; empty where the processor does the work, where nothing can run ahead of it, and in earlier files.
        images_per_second_window: Option<f64> = "",
        /// The median time from a process's start to its first step, in nanoseconds: loading the program, reading data and
        /// weights, building the network. To 10 ms. Empty where the system does not say it, and in earlier files.
        startup_ns: Option<u64> = "",
        /// The median of the processes' first steps, of which all are in the warm-up, in nanoseconds.
        first_step_ns: Option<u64> = "",
        /// Floating-point operations of a step in convolutions and classifier, two a multiply-accumulate, from the graph. It and
        /// what follows from it are empty with `bf16` and `f16`, of which no rates are measured.
        step_flops: Option<u64> = "",
        /// The fewest bytes that these move in a step: each input read once and each output written once, in training also
        /// gradients, weights and velocities, in 32 bits.
        step_bytes: Option<u64> = "",
        /// `step_flops` over the median step.
        flops_per_second: Option<f64> = "",
        /// What the device reached in the product of two matrices, in the same processes after the timed steps, in
        /// floating-point operations a second; the best of the rounds. Empty where a memory limit leaves no room.
        device_flops_per_second: Option<f64> = "",
        /// Likewise the bytes that a pass over a long vector read and wrote a second.
        device_bytes_per_second: Option<f64> = "",
        /// The share of the roofline: the longer of `step_flops` over `device_flops_per_second` and `step_bytes` over
        /// `device_bytes_per_second`, over the median step.
        roofline_share: Option<f64> = "",
        /// Joules that the device took in a step, the mean over the timed steps of the rounds that lasted half a second or
        /// longer: of the whole device, by its own counter. Empty where it has none that may be read, and in earlier files.
        step_joules: Option<f64> = "",
        /// `step_joules` over the batch size.
        joules_per_image: Option<f64> = "",
        /// Whose counter that is: `nvml-gpu`, the whole GPU with its memory, or `rapl-packages`, all of the processor's
        /// packages without the main memory. Other programs' work on them is counted too.
        #[serde(with = "cell")]
        energy_source: String = "",
        /// How feature maps lay in memory: `nchw` or `channels-last`.
        layout: Option<MapLayout> = "",
        /// Whether training steps were to be replayed from a CUDA graph (`[run] cuda-graph`); a warning says where they were
        /// not. Empty of devices without such graphs.
        cuda_graph: Option<bool> = "",
    }
}

row! {
    /// `samples.csv`: a row for each timed step, every duration that a median in `batches.csv` is of, none left out.
    SampleRow in "samples.csv" {
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The device.
        device: DeviceName,
        /// How the network's operations were carried out.
        execution: Execution,
        /// The arithmetic of the network's values.
        precision: Precision = "f32",
        /// `train` or `evaluate`.
        mode: Mode,
        /// Images in a step.
        batch_size: usize,
        /// The timed step, from 0, counted through all rounds.
        step: usize,
        /// Its duration, in nanoseconds.
        step_ns: u64,
        /// Threads of the device's backend.
        threads: usize,
        /// The round, from 0: each is a process of its own.
        round: usize,
        /// Which of the measurements of the same work this is, from 0.
        repeat: usize = "0",
        /// When the run that timed it started: rounds of one run took turns. Empty in earlier files.
        #[serde(with = "cell")]
        run: String = "",
    }
}

row! {
    /// `phases.csv`: a row for each step of the pass that times forward, backward and optimizer separately. These steps are
    /// others than those of `samples.csv`, and slower: the device is synchronised after each part.
    PhaseRow in "phases.csv" {
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The device.
        device: DeviceName,
        /// How the network's operations were carried out.
        execution: Execution,
        /// The arithmetic of the network's values.
        precision: Precision = "f32",
        /// `train` or `evaluate`.
        mode: Mode,
        /// Images in a step.
        batch_size: usize,
        /// The step, from 0, counted through all rounds.
        step: usize,
        /// The forward pass with the loss, in nanoseconds.
        forward_ns: u64,
        /// The backward pass, in nanoseconds; none in evaluation.
        backward_ns: Option<u64>,
        /// The optimizer's step, in nanoseconds; none in evaluation.
        optimizer_ns: Option<u64>,
        /// Threads of the device's backend.
        threads: usize,
        /// The round, from 0: each is a process of its own.
        round: usize,
        /// Which of the measurements of the same work this is, from 0.
        repeat: usize = "0",
    }
}

row! {
    /// `boundaries.csv`: a row for each variant and mode whose largest batch was searched for by trying. Each search's own
    /// file, `measurements/ID/boundary-LIMIT.json`, holds the same fields.
    BoundaryRow in "boundaries.csv" {
        /// The variant's name.
        #[serde(with = "cell")]
        variant: String,
        /// The device.
        device: DeviceName,
        /// How the network's operations were carried out.
        execution: Execution,
        /// The arithmetic of the network's values.
        #[serde(default)]
        precision: Precision = "f32",
        /// `train` or `evaluate`.
        mode: Mode,
        /// Threads of the device's backend.
        threads: usize,
        /// The bytes of live tensors that a try was allowed; empty: whatever the device has.
        memory_limit_bytes: Option<u64>,
        /// The largest batch that ran; empty where not even one image did.
        largest_batch_size: Option<usize>,
        /// Its allocated peak.
        allocated_peak_bytes: Option<u64>,
        /// The smallest batch that did not run; empty where the largest that was tried did.
        smallest_too_large: Option<usize>,
        /// `ok` where the search ended by itself; else the status of the try that ended it.
        status: Status,
        /// Why the smallest batch that is too large did not run, or what ended the search.
        #[serde(with = "cell")]
        error: String,
        /// The largest batch by the closed form, where there is one.
        predicted_largest: Option<usize>,
        /// Processes that were started.
        tries: usize,
    }
}

row! {
    /// `peers.csv`: a row for each way to run a variant at a batch size, this program's and PyTorch's, measured beside
    /// each other (`scripts/compare-pytorch`).
    PeerRow in "peers.csv" {
        /// The variant's name. Variants that differ in `run.execution` alone are one here, under what their names share
        /// (`base` where that is nothing).
        #[serde(with = "cell")]
        variant: String,
        /// `train` or `evaluate`.
        mode: Mode,
        /// Images in a step.
        batch_size: usize,
        /// Who ran it: `densenet-bench` with the execution, `stock Burn`, `PyTorch eager NCHW`, `PyTorch eager
        /// channels-last`, those with `fused SGD` and with `compile`, and those `as installed`; one ends in `, again`: the
        /// same work measured twice.
        #[serde(with = "cell")]
        peer: String,
        /// How it stands, as in `batches.csv`.
        status: Status,
        /// What went wrong, in words; else empty.
        #[serde(with = "cell")]
        error: String,
        /// The device, the same on both sides.
        device: DeviceName,
        /// The arithmetic of the network's values, the same on both sides.
        precision: Precision = "f32",
        /// Threads on both sides.
        threads: usize,
        /// What became of freed main memory: `keep-pages` or `return-pages` as the ablation says, `system` of peers that
        /// run as installed.
        allocator: Allocator,
        /// Rounds, each a process of its own.
        rounds: usize,
        /// Timed steps in all rounds together.
        steps: usize,
        /// The median step, in nanoseconds.
        step_ns_median: Option<u64>,
        /// The median absolute deviation of the steps from their median, in nanoseconds, not scaled.
        step_ns_mad: Option<u64>,
        /// The batch size over the median step.
        images_per_second: Option<f64>,
        /// The most bytes of live tensors during the timed steps, counted by the same allocator on both sides. Empty of
        /// PyTorch as installed, which has its own.
        allocated_peak_bytes: Option<u64>,
        /// The process's highest resident set.
        process_peak_bytes: Option<u64>,
        /// Images a second over those of the fastest eager PyTorch (`eager_unit`): the geometric mean of the ratios within
        /// the rounds.
        speed_ratio: Option<f64>,
        /// Images a second over those of the fastest PyTorch with `torch.compile` (`compiled_unit`), likewise.
        compiled_speed_ratio: Option<f64>,
        /// The allocated peak over that of the fastest eager PyTorch whose bytes are counted.
        peak_share: Option<f64>,
        /// The largest difference of the loss from that of eager NCHW over the first steps, from the same weights and
        /// batches.
        loss_difference: Option<f64>,
        /// The lower end of the median step's 95 % interval, in nanoseconds: Student's t on the logarithms of the rounds'
        /// medians. Empty of fewer than three rounds.
        step_ns_low: Option<u64> = "",
        /// Its upper end, in nanoseconds.
        step_ns_high: Option<u64> = "",
        /// The lower end of the 95 % interval of `speed_ratio`: a paired t on the logarithms of the ratios within the
        /// rounds. Empty of fewer than five rounds, and of the unit itself.
        speed_ratio_low: Option<f64> = "",
        /// Its upper end.
        speed_ratio_high: Option<f64> = "",
        /// The lower end of the 95 % interval of `compiled_speed_ratio`, likewise.
        compiled_speed_ratio_low: Option<f64> = "",
        /// Its upper end.
        compiled_speed_ratio_high: Option<f64> = "",
        /// Where the peer is another's work measured again: its images a second over the other's, likewise. 1 but for noise.
        again_ratio: Option<f64> = "",
        /// The lower end of its 95 % interval.
        again_ratio_low: Option<f64> = "",
        /// Its upper end.
        again_ratio_high: Option<f64> = "",
        /// The peer that `speed_ratio` is to.
        #[serde(with = "cell")]
        eager_unit: String = "",
        /// The peer that `compiled_speed_ratio` is to.
        #[serde(with = "cell")]
        compiled_unit: String = "",
        /// The largest relative difference from eager NCHW on the batch that is timed, before anything is: of the logits,
        /// over the largest of them, and in training also of the loss and of the gradients' norm. Empty of eager NCHW
        /// itself, and where nothing was compared.
        check_difference: Option<f64> = "",
        /// The median time from a process's start to its first step, in nanoseconds: interpreter, libraries, data, network.
        startup_ns: Option<u64> = "",
        /// The median of the processes' first steps, in nanoseconds. With `torch.compile` it compiles, from the second
        /// process on with what the first has left in the cache.
        first_step_ns: Option<u64> = "",
        /// With `torch.compile` and an empty cache: how long the first call took, in nanoseconds, training with its backward
        /// pass and in the check before anything is timed. Empty where the cache was not.
        cold_compile_ns: Option<u64> = "",
        /// Floating-point operations a second of convolutions and classifier, as in `batches.csv`.
        flops_per_second: Option<f64> = "",
        /// The share of the roofline, as in `batches.csv`; what the device reached is the best of densenet-bench's processes
        /// at the same network, mode and batch size.
        roofline_share: Option<f64> = "",
        /// The processor, its kind and the vector instructions in use, as in `batches.csv`.
        #[serde(with = "cell")]
        cpu: String = "",
        /// The revision of densenet-bench.
        #[serde(with = "cell")]
        revision: String = "",
        /// When the first round ended, RFC 3339, UTC.
        #[serde(with = "cell")]
        measured_at: String = "",
        /// What makes the steps doubtful, with what to do, as in `batches.csv`; else empty.
        #[serde(with = "cell")]
        warning: String = "",
        /// Joules that the device took for an image, as in `batches.csv`.
        joules_per_image: Option<f64> = "",
        /// Whose counter that is, as in `batches.csv`.
        #[serde(with = "cell")]
        energy_source: String = "",
    }
}
