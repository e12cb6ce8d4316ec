//! Training and evaluation of a network on a data set.

#[cfg(feature = "burn")]
mod answers;
#[cfg(feature = "burn")]
mod arrivals;
mod error;
#[cfg(feature = "burn")]
mod evaluation;
#[cfg(feature = "burn")]
mod execution;
#[cfg(feature = "burn")]
mod images;
#[cfg(feature = "burn")]
mod loss;
#[cfg(feature = "burn")]
mod loss_scale;
#[cfg(feature = "burn")]
mod losses;
#[cfg(feature = "burn")]
mod mixup;
#[cfg(feature = "burn")]
mod optimizer;
mod schedule;
#[cfg(feature = "burn")]
mod static_step;
#[cfg(feature = "burn")]
mod step;
#[cfg(feature = "burn")]
mod step_results;
#[cfg(feature = "burn")]
mod trainer;

#[cfg(feature = "burn")]
pub use answers::{Answers, answers};
pub use error::TrainError;
#[cfg(feature = "burn")]
pub use evaluation::{Evaluated, Evaluation, evaluate, logits};
#[cfg(feature = "burn")]
pub use execution::{BuildError, build, fastest_execution, in_place_updates, static_parts, uploads};
#[cfg(feature = "burn")]
pub use images::TrainingImages;
#[cfg(feature = "burn")]
pub use loss::{Targets, cross_entropy};
#[cfg(feature = "burn")]
pub use losses::losses;
pub use schedule::RunLength;
#[cfg(feature = "burn")]
pub use static_step::{STEPS_BEFORE_REPLAYS, StaticParts};
#[cfg(feature = "burn")]
pub use step::{Learner, batch_tensors, initial_loss_scale};
#[cfg(feature = "burn")]
pub use step_results::Step;
#[cfg(feature = "burn")]
pub use trainer::{EpochTime, Final, Observer, Start, Trained, train};
