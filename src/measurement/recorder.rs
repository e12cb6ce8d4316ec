//! A watcher that keeps how long each part of a step takes and how many bytes it leaves.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use burn::tensor::Device;

use super::workload::wait_for;
use crate::backends::TensorCounter;
use crate::host::nanoseconds;
use crate::model::{Moment, Watcher};

/// What the moments of a step took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    /// Nanoseconds by moment.
    pub times: BTreeMap<Moment, u64>,
    /// By moment of the forward pass, the bytes that are live after it beyond those before it; empty where they cannot be
    /// counted.
    pub kept: BTreeMap<Moment, i64>,
    /// Nanoseconds of the forward pass that belong to no moment but [`Moment::Between`].
    pub between_forward_ns: u64,
}

/// Records the steps of a device's network.
pub(super) struct Recorder {
    device: Device,
    tensors: Box<dyn TensorCounter>,
    state: Mutex<State>,
}

struct State {
    moment: Moment,
    since: Instant,
    live: Option<u64>,
    /// Whether the step has not come to its backward pass.
    is_forward: bool,
    recorded: Recorded,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    pub(super) fn new(device: Device, tensors: Box<dyn TensorCounter>) -> Self {
        Self {
            device,
            tensors,
            state: Mutex::new(State {
                moment: Moment::Between,
                since: Instant::now(),
                live: None,
                is_forward: true,
                recorded: Recorded::default(),
            }),
        }
    }

    /// The bytes that are live, once the device has done its work.
    pub(super) fn live(&self) -> Option<u64> {
        wait_for(&self.device);
        self.tensors.live()
    }

    /// Forgets what was recorded: a step begins.
    pub(super) fn begin(&self) {
        let live = self.live();
        let mut state = self.state();
        state.moment = Moment::Between;
        state.is_forward = true;
        state.recorded = Recorded::default();
        state.live = live;
        state.since = Instant::now();
    }

    /// What was recorded of the step that has ended.
    pub(super) fn end(&self) -> Recorded {
        self.at(Moment::Between);
        std::mem::take(&mut self.state().recorded)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher for Recorder {
    fn at(&self, moment: Moment) {
        // Into the time of what has ended: the device may still be at it.
        wait_for(&self.device);
        let now = Instant::now();
        let live = self.tensors.live();
        let mut state = self.state();
        let took = nanoseconds(now - state.since);
        let ended = state.moment;
        *state.recorded.times.entry(ended).or_insert(0) += took;
        if state.is_forward {
            if ended == Moment::Between {
                state.recorded.between_forward_ns += took;
            }
            if let (Some(before), Some(after)) = (state.live, live) {
                *state.recorded.kept.entry(ended).or_insert(0) += after.cast_signed() - before.cast_signed();
            }
        }
        state.is_forward &= moment != Moment::LossBackward;
        state.moment = moment;
        state.live = live;
        // What this has taken is nobody's.
        state.since = Instant::now();
    }
}
