//! Why training stops before its end.

use crate::data::LoaderError;

/// Why training stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The loss is not finite any more.
    #[error("the loss became {loss} at step {step} (epoch {epoch}); take a smaller learning-rate")]
    Diverged {
        /// The loss.
        loss: f64,
        /// The step, from 0.
        step: usize,
        /// The epoch, from 0.
        epoch: usize,
    },
    /// The network gives no finite loss in evaluation.
    #[error("the {split} loss is {loss} after epoch {epoch}; take a smaller learning-rate")]
    NotFinite {
        /// `test` or `validation`.
        split: &'static str,
        /// The loss.
        loss: f64,
        /// The epoch, from 0.
        epoch: usize,
    },
    /// The backend threw.
    #[error("{doing} (epoch {epoch}): {said}")]
    Backend {
        /// The activity, `step 7`.
        doing: String,
        /// The epoch, from 0.
        epoch: usize,
        /// Its message.
        said: String,
    },
    /// It was asked to stop, and has left a checkpoint.
    #[error("interrupted after {steps} steps; run the same command again to resume")]
    Interrupted {
        /// Steps made since the run's start.
        steps: usize,
    },
    /// The images could not be prepared.
    #[error(transparent)]
    Images(#[from] LoaderError),
    /// A row or a checkpoint could not be recorded.
    #[error("{0}")]
    Record(#[from] std::io::Error),
    /// The run has no steps.
    #[error("the run has no steps; give epochs or steps of at least 1")]
    Empty,
}
