//! The status of a trial or a measurement.

use serde::{Deserialize, Serialize};

/// The status of a trial or a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Finished; its numbers are final.
    Ok,
    /// Ended by an error, which the row names.
    Failed,
    /// Out of memory.
    Oom,
    /// Ran past its time limit.
    Timeout,
    /// Stopped by the user; it is resumed at the next start.
    Interrupted,
    /// Not started or still running.
    Pending,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Failed,
        Self::Oom,
        Self::Timeout,
        Self::Interrupted,
        Self::Pending,
    ];
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Status::Ok => "ok",
            Status::Failed => "failed",
            Status::Oom => "oom",
            Status::Timeout => "timeout",
            Status::Interrupted => "interrupted",
            Status::Pending => "pending",
        })
    }
}
