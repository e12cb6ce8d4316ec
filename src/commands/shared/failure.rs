//! How a verb ends.

use std::process::ExitCode;

use densenet_bench::formats::ablation::{Excerpt, FormatError};

/// Why a verb has failed.
pub enum Failure {
    /// Bad usage or bad input; nothing was started. Exit status 2.
    Input(String),
    /// A fault of an ablation file, with the line at fault where it is known. Exit status 2.
    Ablation(Box<FormatError>),
    /// Something failed on the way. Exit status 1.
    Work(String),
}

impl Failure {
    /// Bad usage or bad input.
    pub fn input(error: impl std::fmt::Display) -> Self {
        Self::Input(error.to_string())
    }

    /// A fault of an ablation file.
    pub fn ablation(error: FormatError) -> Self {
        Self::Ablation(Box::new(error))
    }

    /// Lines that show the place at fault, below the message.
    pub fn excerpt(&self) -> Option<String> {
        match self {
            Self::Ablation(error) => error.excerpt().map(Excerpt::to_string),
            Self::Input(_) | Self::Work(_) => None,
        }
    }

    /// Something that failed on the way.
    pub fn work(error: impl std::fmt::Display) -> Self {
        Self::Work(error.to_string())
    }

    /// What to print.
    pub fn into_message(self) -> String {
        match self {
            Self::Input(message) | Self::Work(message) => message,
            Self::Ablation(error) => error.to_string(),
        }
    }
}

/// The outcome of a verb: its exit status, or why it has failed.
pub type Outcome = Result<ExitCode, Failure>;
