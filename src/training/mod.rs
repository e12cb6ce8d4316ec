//! Training and evaluation of a network on a data set.

#[cfg(feature = "burn")]
mod evaluation;
#[cfg(feature = "burn")]
mod images;
#[cfg(feature = "burn")]
mod optimizer;
mod schedule;
#[cfg(feature = "burn")]
mod trainer;

#[cfg(feature = "burn")]
pub use evaluation::{Evaluation, evaluate, logits};
#[cfg(feature = "burn")]
pub use images::TrainingImages;
#[cfg(feature = "burn")]
pub use optimizer::sgd;
pub use schedule::RunLength;
#[cfg(feature = "burn")]
pub use trainer::{Final, Observer, TrainError, Trained, batch_tensors, train};
