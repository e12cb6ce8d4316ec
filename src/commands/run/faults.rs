//! What goes wrong on the way and does not end a run: each is told when it happens, and counts at the end.

use crate::commands::{Failure, say};

/// Whether anything has gone wrong.
#[derive(Default)]
pub struct Faults {
    any: bool,
}

impl Faults {
    /// What work came to; a failure is told, and the run goes on.
    pub fn past<T>(&mut self, outcome: Result<T, Failure>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(failure) => {
                self.tell(&failure.into_message());
                None
            }
        }
    }

    /// Tells a fault.
    pub fn tell(&mut self, message: &str) {
        self.any = true;
        say(&format!("error: {message}"));
    }

    /// Whether there was one.
    pub fn any(&self) -> bool {
        self.any
    }
}
