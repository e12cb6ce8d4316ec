//! Why there is no batch of a data set.

/// Why there is no batch.
#[derive(Debug, thiserror::Error)]
pub enum LoaderError {
    /// The plan asks for what is not there.
    #[error("the batches cannot be made: {0}")]
    Plan(String),
    /// The system starts no thread.
    #[error("no thread to prepare batches could be started: {0}; lower --threads")]
    Thread(#[from] std::io::Error),
    /// A thread that made batches panicked: a fault of this program.
    #[error("preparing batch {batch} of the run panicked: {message}; this is a fault of the program, please report it")]
    Panic {
        /// The batch that was waited for, counted from where the loader began.
        batch: usize,
        /// What the panic said.
        message: String,
    },
}
