//! The timer: warm-up, timed steps, and a separate pass that times the phases of a step.

use std::time::{Duration, Instant};

use super::record::Phases;
use crate::host::nanoseconds;

/// A phase of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The forward pass, in training with the loss.
    Forward,
    /// The backward pass.
    Backward,
    /// The optimizer's step.
    Optimizer,
}

/// What is timed.
pub trait Workload {
    /// Makes a whole step.
    fn step(&mut self);
    /// The phases of a step, in their order.
    fn phases(&self) -> &'static [Phase];
    /// Makes one phase of a step; they are called in their order.
    fn phase(&mut self, phase: Phase);
    /// Waits until the device has done all that it was given.
    fn synchronize(&mut self);
    /// What whoever reads the numbers should know of the steps, after they were made.
    fn note(&self) -> Option<String> {
        None
    }
}

/// A clock that never goes back.
pub trait Clock {
    /// The time since some fixed moment.
    fn now(&mut self) -> Duration;
}

/// The system's monotonic clock.
pub struct MonotonicClock(Instant);

impl MonotonicClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MonotonicClock {
    fn now(&mut self) -> Duration {
        self.0.elapsed()
    }
}

/// How long steps are made before the timed ones: until both have been reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WarmUp {
    /// Steps.
    pub steps: usize,
    /// Time.
    pub time: Duration,
}

/// What is timed after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Steps, each between two synchronisations.
    pub steps: usize,
    /// Steps one behind the other with one synchronisation at their end; 0 leaves that pass out.
    pub window_steps: usize,
    /// Steps phase by phase.
    pub phase_steps: usize,
}

/// Counters of the timed steps alone. Neither is called while anything is timed.
pub trait Counters {
    /// The warm-up is over and the device has done all its work.
    fn begin(&mut self);
    /// So have the timed steps.
    fn end(&mut self);
}

/// What the timer found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timed {
    /// The first step of all, in nanoseconds.
    pub first_step_ns: Option<u64>,
    /// Each timed step, in nanoseconds.
    pub step_ns: Vec<u64>,
    /// All steps of the pass with one synchronisation together, in nanoseconds.
    pub window_ns: Option<u64>,
    /// Each step of the pass that times the phases.
    pub phases: Vec<Phases>,
}

/// Warms up, times whole steps, then as many as asked for with one synchronisation, and then steps phase by phase. The
/// device is synchronised around each window, so that no work of another is in it.
pub fn time(
    workload: &mut dyn Workload,
    clock: &mut dyn Clock,
    warm_up: WarmUp,
    passes: Passes,
    counters: &mut dyn Counters,
) -> Timed {
    let mut made = 0;
    let mut first_step_ns = None;
    workload.synchronize();
    let start = clock.now();
    while made < warm_up.steps || clock.now() - start < warm_up.time {
        workload.step();
        // Otherwise a device that queues work faster than it does it would get far too many warm-up steps.
        workload.synchronize();
        made += 1;
        if made == 1 {
            first_step_ns = Some(nanoseconds(clock.now() - start));
        }
    }
    counters.begin();
    let step_ns: Vec<u64> = (0..passes.steps)
        .map(|_| window(workload, clock, |workload| workload.step()))
        .collect();
    counters.end();
    // As in training, where nothing waits for a step: a device that queues work takes the next step's while it does this one's.
    let window_ns = (passes.window_steps > 0).then(|| {
        window(workload, clock, |workload| {
            (0..passes.window_steps).for_each(|_| workload.step());
        })
    });
    let phases = (0..passes.phase_steps).map(|_| phases(workload, clock)).collect();
    Timed {
        first_step_ns: first_step_ns.or_else(|| step_ns.first().copied()),
        step_ns,
        window_ns,
        phases,
    }
}

/// The nanoseconds from a synchronised device to a synchronised device.
fn window(workload: &mut dyn Workload, clock: &mut dyn Clock, work: impl FnOnce(&mut dyn Workload)) -> u64 {
    workload.synchronize();
    let start = clock.now();
    work(workload);
    workload.synchronize();
    nanoseconds(clock.now() - start)
}

fn phases(workload: &mut dyn Workload, clock: &mut dyn Clock) -> Phases {
    let mut phases = Phases::default();
    for &phase in workload.phases() {
        let time = window(workload, clock, |workload| workload.phase(phase));
        match phase {
            Phase::Forward => phases.forward_ns = time,
            Phase::Backward => phases.backward_ns = Some(time),
            Phase::Optimizer => phases.optimizer_ns = Some(time),
        }
    }
    phases
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// Records every call; a step takes 10 ns, its phases 5, 3 and 2, a synchronisation and a look at the clock nothing.
    #[derive(Default)]
    struct Log {
        calls: Vec<&'static str>,
        now: u64,
    }

    struct Fake(Rc<RefCell<Log>>);

    impl Fake {
        fn spend(&self, call: &'static str, nanoseconds: u64) {
            let mut log = self.0.borrow_mut();
            log.calls.push(call);
            log.now += nanoseconds;
        }
    }

    impl Workload for Fake {
        fn step(&mut self) {
            self.spend("step", 10);
        }

        fn phases(&self) -> &'static [Phase] {
            &[Phase::Forward, Phase::Backward, Phase::Optimizer]
        }

        fn phase(&mut self, phase: Phase) {
            match phase {
                Phase::Forward => self.spend("forward", 5),
                Phase::Backward => self.spend("backward", 3),
                Phase::Optimizer => self.spend("optimizer", 2),
            }
        }

        fn synchronize(&mut self) {
            self.spend("sync", 0);
        }
    }

    impl Clock for Fake {
        fn now(&mut self) -> Duration {
            self.spend("clock", 0);
            Duration::from_nanos(self.0.borrow().now)
        }
    }

    impl Counters for Fake {
        fn begin(&mut self) {
            self.spend("before", 0);
        }

        fn end(&mut self) {
            self.spend("after", 0);
        }
    }

    fn timed(warm_up: WarmUp, steps: usize, window_steps: usize, phase_steps: usize) -> (Timed, Vec<&'static str>) {
        let log = Rc::new(RefCell::new(Log::default()));
        let passes = Passes {
            steps,
            window_steps,
            phase_steps,
        };
        let timed = time(
            &mut Fake(Rc::clone(&log)),
            &mut Fake(Rc::clone(&log)),
            warm_up,
            passes,
            &mut Fake(Rc::clone(&log)),
        );
        let calls = log.borrow().calls.clone();
        (timed, calls)
    }

    const NONE: WarmUp = WarmUp {
        steps: 0,
        time: Duration::ZERO,
    };

    fn count(calls: &[&str], name: &str) -> usize {
        calls.iter().filter(|&&call| call == name).count()
    }

    #[test]
    fn the_device_is_synchronised_before_the_clock_is_read_at_both_ends_of_a_step() {
        let (timed, calls) = timed(NONE, 2, 0, 0);
        assert_eq!(timed.step_ns, [10, 10]);
        let window = ["sync", "clock", "step", "sync", "clock"];
        let expected: Vec<&str> = [&["sync", "clock", "clock", "before"][..], &window, &window, &["after"]].concat();
        assert_eq!(calls, expected);
    }

    #[test]
    fn steps_that_may_run_ahead_are_timed_after_the_others_with_one_synchronisation_at_their_end() {
        let (timed, calls) = timed(NONE, 1, 3, 1);
        assert_eq!((timed.step_ns, timed.window_ns), (vec![10], Some(30)));
        let after = calls.iter().position(|&call| call == "after").unwrap();
        let pass = ["sync", "clock", "step", "step", "step", "sync", "clock"];
        assert_eq!(calls[after + 1..after + 1 + pass.len()], pass);
        assert_eq!(calls[after + 1 + pass.len()..][..3], ["sync", "clock", "forward"]);
    }

    #[test]
    fn without_steps_for_it_that_pass_is_left_out() {
        let (timed, calls) = timed(NONE, 2, 0, 0);
        assert_eq!(timed.window_ns, None);
        assert_eq!((count(&calls, "step"), calls.last()), (2, Some(&"after")));
    }

    #[test]
    fn phases_are_timed_in_a_pass_after_the_timed_steps() {
        let (timed, calls) = timed(NONE, 1, 0, 2);
        let phases = Phases {
            forward_ns: 5,
            backward_ns: Some(3),
            optimizer_ns: Some(2),
        };
        assert_eq!(timed.phases, [phases; 2]);
        let after = calls.iter().position(|&call| call == "after").unwrap();
        let first_phase = calls.iter().position(|&call| call == "forward").unwrap();
        assert!(after < first_phase);
        assert_eq!(
            calls[first_phase - 2..first_phase + 3],
            ["sync", "clock", "forward", "sync", "clock"]
        );
    }

    #[test]
    fn the_warm_up_lasts_until_both_its_steps_and_its_time_have_passed() {
        for (steps, nanoseconds, made) in [(3, 0, 3), (0, 45, 5), (3, 45, 5), (7, 45, 7)] {
            let warm_up = WarmUp {
                steps,
                time: Duration::from_nanos(nanoseconds),
            };
            let (timed, calls) = timed(warm_up, 1, 0, 0);
            let before = calls.iter().position(|&call| call == "before").unwrap();
            assert_eq!(count(&calls[..before], "step"), made, "{steps} steps, {nanoseconds} ns");
            assert_eq!(timed.step_ns.len(), 1);
        }
    }
}
