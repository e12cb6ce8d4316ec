//! Why a batch could not be made.

use crate::data_sets::DataError;

/// Why a batch could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// The plan does not fit the data set.
    #[error("the batches cannot be made: {0}")]
    Plan(String),
    /// An image could not be read or decoded.
    #[error(transparent)]
    Image(#[from] DataError),
    /// A thread could not be started.
    #[error("no thread to prepare batches could be started: {0}; lower --threads")]
    Thread(#[from] std::io::Error),
    /// A thread that prepares batches panicked: a bug in this program.
    #[error("preparing batch {batch} of the run panicked: {message}; this is a bug, please report it")]
    Panic {
        /// The batch that was waited for, counted from the loader's start.
        batch: usize,
        /// The panic's message.
        message: String,
    },
}
