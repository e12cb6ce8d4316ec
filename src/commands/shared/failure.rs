//! How a verb ends.

use std::process::ExitCode;

/// Why a verb has failed.
pub enum Failure {
    /// Bad usage or bad input; nothing was started. Exit status 2.
    Input(String),
    /// Something failed on the way. Exit status 1.
    Work(String),
}

impl Failure {
    /// Bad usage or bad input.
    pub fn input(error: impl std::fmt::Display) -> Self {
        Self::Input(error.to_string())
    }

    /// Something that failed on the way.
    pub fn work(error: impl std::fmt::Display) -> Self {
        Self::Work(error.to_string())
    }

    /// What to print.
    pub fn into_message(self) -> String {
        match self {
            Self::Input(message) | Self::Work(message) => message,
        }
    }
}

/// The outcome of a verb: its exit status, or why it has failed.
pub type Outcome = Result<ExitCode, Failure>;
