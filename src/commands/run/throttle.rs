//! Work that is repeated while something else runs, but never for more than a small share of the time.

use std::time::{Duration, Instant};

/// Decides when the work is due.
pub struct Throttle {
    next: Instant,
}

impl Throttle {
    /// The least time between two turns.
    const PAUSE: Duration = Duration::from_secs(2);
    /// Pauses are this many times as long as the work took.
    const SHARE: u32 = 20;

    /// Due at once.
    pub fn new() -> Self {
        Self { next: Instant::now() }
    }

    /// Does the work if it is due.
    pub fn now_and_then<T>(&mut self, work: impl FnOnce() -> T) -> Option<T> {
        let started = Instant::now();
        if started < self.next {
            return None;
        }
        let done = work();
        self.next = Instant::now() + Self::PAUSE.max(started.elapsed() * Self::SHARE);
        Some(done)
    }
}
