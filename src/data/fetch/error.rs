//! Why a data set could not be downloaded.

use std::io;
use std::path::Path;

/// The kind of fault, which decides the program's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is invalid; nothing was started.
    Input,
    /// The work was started and failed.
    Work,
}

/// Why a data set could not be downloaded or verified. It prints as one line: the thing, the rule and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{thing}: {rule}; {remedy}")]
pub struct FetchError {
    /// The kind of fault.
    pub fault: Fault,
    /// The file, the folder, the address or the data set.
    pub thing: String,
    /// The finding, and the expectation.
    pub rule: String,
    /// The remedy.
    pub remedy: String,
}

impl FetchError {
    pub(super) fn input(thing: impl Into<String>, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            fault: Fault::Input,
            thing: thing.into(),
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }

    pub(super) fn work(thing: impl Into<String>, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            fault: Fault::Work,
            ..Self::input(thing, rule, remedy)
        }
    }

    /// A file or folder that the system refuses, while working.
    pub(super) fn system(path: &Path, done: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room, or take a folder on another file system with --to"
            }
            _ => "check the folder and its permissions, or take another one with --to",
        };
        Self::work(
            path.display().to_string(),
            format!("it cannot be {done}: {error}"),
            remedy,
        )
    }

    /// The same, found before anything was started.
    #[cfg(feature = "fetch")]
    pub(super) fn before_the_start(self) -> Self {
        Self {
            fault: Fault::Input,
            ..self
        }
    }
}
