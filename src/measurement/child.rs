//! A round of a measurement in the process that was started for it.

use std::sync::Arc;
use std::time::Duration;

use super::counters::StepCounters;
use super::profiler::{Profiling, profile};
use super::rates::{Sizes, rates};
use super::record::{RoundResult, RoundSpec};
use super::timer::{MonotonicClock, Passes, WarmUp, Workload, time};
use super::workload::{EvaluationSteps, TrainingSteps, resident_batch};
use crate::backends::{BackendDevice, count_tensors};
use crate::formats::ablation::{Execution, Mode};
use crate::formats::tables::Status;
use crate::host::{self, ProcessMemory};
use crate::network::Processor;
use crate::training::{STEPS_BEFORE_REPLAYS, TrainingImages, build, static_parts};
use crate::trials::{TAKE_LESS_MEMORY, TrialError, Use, opened_data, starting_weights};

/// Measures what the spec asks for. To be called once in a process, before anything else has made a tensor.
///
/// # Errors
/// Data, weights or a device that cannot be had. What fails within a step ends the process, as out of memory does.
pub fn measure(spec: &RoundSpec) -> Result<RoundResult, TrialError> {
    let device: BackendDevice = spec.device.parse()?;
    host::limit_threads(device, spec.threads)?;
    host::apply_arithmetic(&spec.settings.run, device)?;
    let tensors = count_tensors(device, spec.memory_limit)?;
    // Where a GPU does the work, how long the processor's threads waited says little.
    let is_of_processor = !device.backend().runs_beside_processor;
    let mut counters = StepCounters::new(tensors, ProcessMemory::watch(device), is_of_processor);

    let data = opened_data(spec.data(), spec.threads, Use::Batches)?;
    let graph = spec.settings.graph(data.shape, data.classes.len())?;
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
    let model = build(&graph, &weights, &spec.settings.run, device, &opened.clone().autodiff())?;
    drop(weights);
    let parts = model.program().parts();
    let work = match spec.mode {
        Mode::Train => graph.training_work(spec.batch_size),
        Mode::Evaluate => graph.evaluation_work(spec.batch_size),
    };
    let mut warmup_steps = spec.warmup_steps;
    let (mut training, mut evaluation) = (None, None);
    let workload: &mut dyn Workload = match spec.mode {
        Mode::Train => {
            let (run, optimizer) = (&spec.settings.run, spec.optimizer());
            let parts = static_parts(&model, &optimizer, run, device)?;
            if parts.as_ref().is_some_and(|parts| parts.graph.is_some()) {
                counters.keeps_peaks();
                // No recording among what is timed.
                warmup_steps = warmup_steps.max(STEPS_BEFORE_REPLAYS);
            }
            training.insert(TrainingSteps::new(model, run, &optimizer, parts, batch))
        }
        Mode::Evaluate => evaluation.insert(EvaluationSteps::new(&model, batch)),
    };

    let warm_up = WarmUp {
        steps: warmup_steps,
        time: Duration::try_from_secs_f64(spec.warmup_seconds).unwrap_or_default(),
    };
    let passes = Passes {
        steps: spec.steps,
        // Where the processor does the work there is nothing that could run ahead of it.
        window_steps: if is_of_processor { 0 } else { spec.steps },
        phase_steps: spec.phase_steps,
    };
    let startup = host::since_start();
    let timed = time(workload, &mut MonotonicClock::start(), warm_up, passes, &mut counters);
    // While the device still holds what the steps needed.
    let counted = counters.finish();
    if let (Some(limit), Some(peak)) = (spec.memory_limit, counted.tensors.allocated)
        && peak > limit
    {
        // The kernels' own buffers are counted, and none is refused.
        let error =
            format!("the steps took {peak} bytes of memory, more than the limit of {limit}; {TAKE_LESS_MEMORY}");
        return Ok(RoundResult::unfinished(Status::Oom, error));
    }
    let notes = [Some(counted.note), workload.note()].into_iter().flatten();
    let notes: Vec<String> = notes.filter(|note| !note.is_empty()).collect();
    let predicts = device.backend().predicts_memory && spec.settings.run.execution == Execution::Plain;
    let profiling = Profiling {
        device,
        steps: spec.profile_steps,
        batch_size: spec.batch_size,
        predicted_for: predicts.then(|| Processor {
            instructions: host::vector_instructions(),
            threads: spec.threads,
        }),
    };
    let to_profile = training.as_mut().filter(|_| spec.profile_steps > 0);
    let profile = to_profile.map(|steps| profile(steps, &graph, profiling)).transpose()?;
    drop((training, evaluation));
    let sizes = Sizes::of(device.backend().runs_beside_processor);
    // With room to spare: beyond the limit an allocation ends the process.
    let has_room = spec.memory_limit.is_none_or(|limit| limit > 4 * sizes.bytes());
    let rates = has_room.then(|| rates(&opened, sizes));
    Ok(RoundResult {
        step_ns: timed.step_ns,
        window_ns: timed.window_ns,
        phases: timed.phases,
        allocated_peak_bytes: counted.tensors.allocated,
        reserved_peak_bytes: counted.tensors.reserved,
        process_peak_bytes: counted.process.map(|peak| peak.bytes),
        process_peak_source: counted.process.map_or_else(String::new, |peak| peak.source.to_string()),
        processor: counted.processor,
        gpu: counted.gpu,
        energy: counted.energy,
        note: notes.join("; "),
        parts,
        startup_ns: startup.map(host::nanoseconds),
        first_step_ns: timed.first_step_ns,
        // The counts and the rates are those of 32 bits.
        work: (!spec.settings.run.precision.is_half()).then_some(work),
        rates,
        profile,
        ..RoundResult::unfinished(Status::Ok, "")
    })
}
