//! Failures that do not end a run: each is printed when it happens, and decides the exit status.

use super::{Failure, say};

/// Whether anything has failed.
#[derive(Default)]
pub struct Faults {
    any: bool,
}

impl Faults {
    /// The value, or `None` after the failure was printed and counted.
    pub fn record<T>(&mut self, outcome: Result<T, Failure>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(failure) => {
                self.report(&failure.into_message());
                None
            }
        }
    }

    /// Prints and counts a failure.
    pub fn report(&mut self, message: &str) {
        self.any = true;
        say(&format!("error: {message}"));
    }

    /// Whether there was one.
    pub fn any(&self) -> bool {
        self.any
    }
}
