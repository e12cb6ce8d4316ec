//! Takes training steps apart, in the process of a measurement.

use std::sync::Arc;

use super::recorder::{Recorded, Recorder};
use super::step_profile::{Passes, ProfiledPart, StepProfile};
use super::timer::{Phase, Workload};
use super::workload::TrainingSteps;
use crate::backends::{BackendDevice, DeviceError, count_tensors};
use crate::model::{Moment, ProgramUnit};
use crate::network::{Graph, Processor};

/// How steps are taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profiling {
    /// The device.
    pub device: BackendDevice,
    /// Steps that are recorded.
    pub steps: usize,
    /// Images in a step.
    pub batch_size: usize,
    /// The processor that memory is predicted for, where there is a closed form of the execution on the device.
    pub predicted_for: Option<Processor>,
}

/// Records steps of a network that has been warmed up.
///
/// # Errors
/// A backend that is not built in.
pub(super) fn profile(training: &mut TrainingSteps, graph: &Graph, of: Profiling) -> Result<StepProfile, DeviceError> {
    let isolation = (of.device.runtime()?.isolation)();
    let recorder = Arc::new(Recorder::new(
        training.device().clone(),
        count_tensors(of.device, None)?,
    ));
    let kept_bytes = kept_by_a_whole_step(training, &recorder);
    let mut step = || {
        recorder.begin();
        training.step_node_by_node(isolation.as_ref(), Arc::clone(&recorder) as _);
        recorder.end()
    };
    // The first one takes memory that later ones find.
    step();
    let recorded: Vec<Recorded> = (0..of.steps).map(|_| step()).collect();
    let predicted = of
        .predicted_for
        .map(|processor| graph.forward_bytes(of.batch_size, processor));
    let part = |unit: ProgramUnit| part_of(graph, unit, &recorded, predicted.as_deref(), of.batch_size);
    let times = |of: &dyn Fn(&Recorded) -> u64| recorded.iter().map(of).collect();
    Ok(StepProfile {
        parts: training.units().into_iter().map(part).collect(),
        loss: passes(&recorded, Moment::Loss, Moment::LossBackward),
        between: Passes {
            forward_ns: times(&|step| step.between_forward_ns),
            backward_ns: times(&|step| time(step, Moment::Between) - step.between_forward_ns),
            kept_bytes: kept(&recorded, Moment::Between),
        },
        kept_bytes,
    })
}

/// The bytes that the forward pass of a step as a whole leaves.
fn kept_by_a_whole_step(training: &mut TrainingSteps, recorder: &Recorder) -> Option<i64> {
    let before = recorder.live();
    training.phase(Phase::Forward);
    let after = recorder.live();
    training.phase(Phase::Backward);
    training.phase(Phase::Optimizer);
    Some(after?.cast_signed() - before?.cast_signed())
}

fn part_of(
    graph: &Graph,
    unit: ProgramUnit,
    recorded: &[Recorded],
    predicted: Option<&[u64]>,
    batch_size: usize,
) -> ProfiledPart {
    let first = unit.nodes.start;
    let nodes = &graph.nodes[unit.nodes.clone()];
    let work = match unit.is_one {
        true => graph.part_work(unit.nodes.clone(), batch_size),
        false => graph.node_work(first, batch_size),
    };
    let (name, operation) = match unit.is_one {
        true => (unit.segment.clone(), PART.to_owned()),
        false => (graph.nodes[first].name.clone(), graph.nodes[first].operation.kind()),
    };
    let live = |live: &[u64]| live[unit.nodes.end - 1].cast_signed() - live[first - 1].cast_signed();
    ProfiledPart {
        name,
        operation,
        execution: unit.execution.to_owned(),
        nodes: nodes.len(),
        passes: passes(recorded, Moment::Forward(first), Moment::Backward(first)),
        predicted_bytes: predicted.map(live),
        macs: nodes.iter().map(crate::network::Node::macs).sum(),
        forward: work.forward,
        backward: work.backward,
        segment: unit.segment,
    }
}

/// The operation of several nodes that are carried out as one.
const PART: &str = "part";

fn passes(recorded: &[Recorded], forward: Moment, backward: Moment) -> Passes {
    let times = |moment: Moment| recorded.iter().map(|step| time(step, moment)).collect();
    Passes {
        forward_ns: times(forward),
        backward_ns: times(backward),
        kept_bytes: kept(recorded, forward),
    }
}

fn time(step: &Recorded, moment: Moment) -> u64 {
    step.times.get(&moment).copied().unwrap_or(0)
}

/// Of the last step; none where nothing was counted.
fn kept(recorded: &[Recorded], moment: Moment) -> Option<i64> {
    let kept = &recorded.last()?.kept;
    (!kept.is_empty()).then(|| kept.get(&moment).copied().unwrap_or(0))
}
