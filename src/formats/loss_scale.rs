//! The scaling of the loss, as a checkpoint keeps it.

use serde::{Deserialize, Serialize};

/// The state of the loss' scaling, with 16-bit floating point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossScale {
    /// What the loss is multiplied by before the backward pass.
    pub scale: f64,
    /// Steps since it last changed.
    pub steps: usize,
    /// Steps since the run's start that were skipped, since a gradient was not finite.
    pub skipped: usize,
}

impl Default for LossScale {
    /// That of PyTorch's `GradScaler`.
    fn default() -> Self {
        Self {
            scale: 65536.0,
            steps: 0,
            skipped: 0,
        }
    }
}
