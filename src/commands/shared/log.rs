//! Lines on stderr where it is not a terminal, as in a batch job, under nohup or in CI: a line for each thing that
//! happens, and one after a minute of silence, which says what is being done. CI systems end jobs that say nothing.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::output::say;

/// After so long without a line there is one: it must be less than a minute.
const SILENCE: Duration = Duration::from_secs(50);

/// A log of work that lasts.
pub struct Log {
    shared: Arc<Shared>,
    beat: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    print: Box<dyn Fn(&str) + Send + Sync>,
}

struct State {
    /// What is being done, in words.
    doing: String,
    /// Since when it has been.
    since: Instant,
    /// When the last line was printed.
    printed: Instant,
    ended: bool,
}

impl Log {
    /// A log on stderr that says after a silence what is being done.
    pub fn start(doing: &str) -> Self {
        Self::with(doing, SILENCE, Box::new(say))
    }

    fn with(doing: &str, silence: Duration, print: Box<dyn Fn(&str) + Send + Sync>) -> Self {
        let now = Instant::now();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                doing: doing.to_owned(),
                since: now,
                printed: now,
                ended: false,
            }),
            changed: Condvar::new(),
            print,
        });
        let other = Arc::clone(&shared);
        // Without a thread there are no lines after a silence; the work goes on.
        let beat = thread::Builder::new().spawn(move || other.beat(silence)).ok();
        Self { shared, beat }
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        self.shared.state().printed = Instant::now();
        (self.shared.print)(text);
    }

    /// What is being done from now on.
    pub fn begin(&self, doing: &str) {
        let mut state = self.shared.state();
        doing.clone_into(&mut state.doing);
        state.since = Instant::now();
    }

    /// How far that has come.
    pub fn update(&self, doing: &str) {
        doing.clone_into(&mut self.shared.state().doing);
    }

    /// The time since the last line.
    pub fn silent_for(&self) -> Duration {
        self.shared.state().printed.elapsed()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.changed.notify_all();
        if let Some(beat) = self.beat.take() {
            let _ = beat.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints a line after each silence, until the end.
    fn beat(&self, silence: Duration) {
        let mut state = self.state();
        while !state.ended {
            let left = silence.saturating_sub(state.printed.elapsed());
            if left.is_zero() {
                state.printed = Instant::now();
                let so_far = Duration::from_secs(state.since.elapsed().as_secs());
                let line = format!("{}; for {} so far", state.doing, humantime::format_duration(so_far));
                drop(state);
                (self.print)(&line);
                state = self.state();
                continue;
            }
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(10);

    fn logged(silence: Duration) -> (Log, Arc<Mutex<Vec<String>>>) {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let other = Arc::clone(&lines);
        let print = move |line: &str| other.lock().unwrap().push(line.to_owned());
        (Log::with("reading the data", silence, Box::new(print)), lines)
    }

    #[test]
    fn after_a_silence_a_line_says_what_is_being_done_again_and_again() {
        let (log, lines) = logged(SHORT);
        let wait_for = |what: &str, count: usize| {
            let end = Instant::now() + Duration::from_secs(60);
            while lines
                .lock()
                .unwrap()
                .iter()
                .filter(|line| line.starts_with(what))
                .count()
                < count
            {
                assert!(Instant::now() < end, "{what}: {:?}", lines.lock().unwrap());
                thread::sleep(Duration::from_millis(1));
            }
        };
        wait_for("reading the data; for ", 2);
        log.begin("training");
        wait_for("training; for 0s so far", 1);
        drop(log);
        let count = lines.lock().unwrap().len();
        thread::sleep(5 * SHORT);
        assert_eq!(lines.lock().unwrap().len(), count, "it has ended");
    }

    #[test]
    fn work_that_is_not_silent_has_its_own_lines_alone() {
        let (log, lines) = logged(Duration::from_secs(3600));
        log.line("trial 1 of 2 starts");
        assert!(log.silent_for() < Duration::from_secs(3600));
        log.update("step 3");
        drop(log);
        assert_eq!(*lines.lock().unwrap(), ["trial 1 of 2 starts"]);
    }

    #[test]
    fn there_is_a_line_at_least_once_a_minute() {
        assert!(SILENCE < Duration::from_secs(60));
    }
}
