//! How long a data set's batches take to be prepared, apart from any network.

use std::time::Instant;

use crate::data::{Loader, LoaderError};
use crate::host::nanoseconds;

/// A pass over a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LoadingPass {
    /// Images whose values were prepared.
    pub images: usize,
    /// From before the loader's threads started to after its last batch.
    pub wall_ns: u64,
}

/// Starts a loader, takes all its batches, and says how long that took. A batch is dropped before the next is taken, as
/// in training.
///
/// # Errors
/// The loader does not start, or an image cannot be prepared.
pub fn time_pass(start: impl FnOnce() -> Result<Loader, LoaderError>) -> Result<LoadingPass, LoaderError> {
    let begun = Instant::now();
    let mut images = 0;
    for batch in start()? {
        images += batch?.labels.len();
    }
    Ok(LoadingPass {
        images,
        wall_ns: nanoseconds(begun.elapsed()),
    })
}
