//! Sources of randomness that do not follow the trial's seed.

use serde::{Deserialize, Serialize};

/// The seeds that `[train]` sets one by one. A source without its own follows the trial's seed; one that has a seed is the
/// same in every trial, so that a spread over the seeds is that of the other sources (Bouthillier et al. 2021).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedSeeds {
    /// Of the weights at the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<u64>,
    /// Of the images' order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// Of how images change from epoch to epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub augmentation: Option<u64>,
    /// Of dropout's masks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<u64>,
}

impl FixedSeeds {
    /// Whether every source follows the trial's seed; a trial's identity is then without this.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
