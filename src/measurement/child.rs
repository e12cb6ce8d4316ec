//! A round of a measurement in the process that was started for it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use super::record::{RoundResult, RoundSpec};
use super::timer::{MonotonicClock, WarmUp, Workload, time};
use super::workload::{EvaluationSteps, TrainingSteps, resident_batch};
use crate::backends::{BackendDevice, TensorPeaks, count_tensors};
use crate::formats::ablation::Mode;
use crate::formats::tables::Status;
use crate::host::{self, ProcessorWatch};
use crate::training::{TrainingImages, build};
use crate::trials::{TrialError, Use, opened_data, starting_weights};

/// Measures what the spec asks for. To be called once in a process, before anything else has made a tensor.
///
/// # Errors
/// Data, weights or a device that cannot be had. What fails within a step ends the process, as out of memory does.
pub fn measure(spec: &RoundSpec) -> Result<RoundResult, TrialError> {
    let device: BackendDevice = spec.device.parse()?;
    host::limit_threads(device, spec.threads)?;
    host::apply_arithmetic(&spec.settings.run, device)?;
    let tensors = count_tensors(device, spec.memory_limit)?;
    let process = host::ProcessMemory::watch(device);

    let data = opened_data(spec.data(), spec.threads, Use::Batches)?;
    let graph = spec.settings.model.graph(data.shape, data.classes.len())?;
    let images = TrainingImages::new(Arc::new(data), &spec.settings.data, spec.seed, 0)?;
    let batch = resident_batch(&images, spec.batch_size)?;
    drop(images);
    let weights = starting_weights(
        &spec.settings,
        spec.starting_weights_sha256.as_deref(),
        spec.seed,
        &graph,
    )?;
    let opened = device.open()?;
    opened.seed(spec.seed);
    let model = build(&graph, &weights, &spec.settings.run, device, &opened.autodiff())?;
    drop(weights);
    let parts = model.program().parts();
    let mut workload: Box<dyn Workload> = match spec.mode {
        Mode::Train => Box::new(TrainingSteps::new(model, &spec.optimizer(), batch)),
        Mode::Evaluate => Box::new(EvaluationSteps::new(&model, batch)),
    };

    let warm_up = WarmUp {
        steps: spec.warmup_steps,
        time: Duration::try_from_secs_f64(spec.warmup_seconds).unwrap_or_default(),
    };
    let mut peaks = TensorPeaks::default();
    // Where a GPU does the work, how long the processor's threads waited says little.
    let is_of_processor = !device.backend().runs_beside_processor;
    let watch = Cell::new(None);
    let mut processor = None;
    let startup = host::since_start();
    let timed = time(
        workload.as_mut(),
        &mut MonotonicClock::start(),
        warm_up,
        spec.steps,
        spec.phase_steps,
        &mut || {
            tensors.reset();
            watch.set(is_of_processor.then(ProcessorWatch::start).flatten());
        },
        &mut || {
            processor = watch.take().and_then(|watch| watch.elapsed());
            peaks = tensors.peaks();
        },
    );
    // While the device still holds what the steps needed.
    let (process, note) = match process.finish() {
        Ok(peak) => (Some(peak), String::new()),
        Err(reason) => (None, reason),
    };
    drop(workload);
    Ok(RoundResult {
        step_ns: timed.step_ns,
        phases: timed.phases,
        allocated_peak_bytes: peaks.allocated,
        reserved_peak_bytes: peaks.reserved,
        process_peak_bytes: process.map(|peak| peak.bytes),
        process_peak_source: process.map_or_else(String::new, |peak| peak.source.to_string()),
        processor,
        note,
        parts,
        startup_ns: startup.map(host::nanoseconds),
        first_step_ns: timed.first_step_ns,
        ..RoundResult::unfinished(Status::Ok, "")
    })
}
