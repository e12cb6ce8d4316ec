//! Trials: what each is, the folder it owns, the process it runs in.

#[cfg(feature = "burn")]
mod child;
mod experiment;
mod files;
mod folder;
mod identity;
mod process;
mod record;
mod supervise;

#[cfg(feature = "burn")]
pub use child::{TrialError, run_trial, starting_weights};
pub use experiment::{Experiment, Prepared, Trial, located_data, prepare};
pub use files::write_whole;
pub use folder::{FolderError, ResultFolder};
pub(crate) use folder::{read_json, write_json};
pub use identity::{arithmetic_of, digest, identity};
pub use process::{Ending, Work, says_out_of_memory};
pub use record::{TrialRecord, TrialResult};
pub use supervise::{Event, supervise};
