//! Trials: what each is, the folder it owns, the process it runs in.

#[cfg(feature = "burn")]
mod child;
mod experiment;
mod files;
mod folder;
mod identity;
mod process;
mod record;

#[cfg(feature = "burn")]
pub use child::{TrialError, run_trial, starting_weights};
pub use experiment::{Experiment, Trial, located_data, prepare};
pub use files::write_whole;
pub use folder::{FolderError, ResultFolder};
pub use identity::identity;
pub use process::{Event, supervise};
pub use record::{TrialRecord, TrialResult};
