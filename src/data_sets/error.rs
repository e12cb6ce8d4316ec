//! Faults of data sets.

use std::io;
use std::path::Path;

/// Data that cannot be used. It prints as one line: the thing, the rule and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{thing}: {rule}; {remedy}")]
pub struct DataError {
    /// The key of the ablation file at fault, with its section (`data.path`).
    pub key: &'static str,
    /// The file, the folder or the data set at fault.
    pub thing: String,
    /// The value found, where (byte, record, line), and the expected one.
    pub rule: String,
    /// The remedy.
    pub remedy: String,
}

impl DataError {
    /// A fault of a key's value, or of the file or folder that it names.
    pub fn new(
        key: &'static str,
        thing: impl Into<String>,
        rule: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            key,
            thing: thing.into(),
            rule: rule.into(),
            remedy: remedy.into(),
        }
    }

    /// A fault of a file or folder under `data.path`.
    pub(super) fn path(path: &Path, rule: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new("data.path", path.display().to_string(), rule, remedy)
    }

    /// A file or folder under `data.path` that the system refuses to read.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::path(
            path,
            format!("it cannot be read: {error}"),
            "check the file and its permissions",
        )
    }
}
