//! Trials: what each is, the folder it owns, the process it runs in.

mod checkpoints;
#[cfg(feature = "burn")]
mod child;
mod claims;
mod derived;
mod ending;
mod experiment;
mod folder;
mod identity;
mod joined_table;
mod lock;
mod members;
mod merging;
mod opened_data;
mod overview;
mod plan;
mod probe;
mod process;
mod record;
mod recorded;
#[cfg(feature = "burn")]
mod recording;
#[cfg(feature = "burn")]
mod row_file;
mod share;
mod study;
mod supervise;
mod tensorboard;
mod weights_file;

pub use checkpoints::Checkpoints;
#[cfg(feature = "burn")]
pub use child::{TrialError, run_trial, starting_weights};
pub use claims::{Claim, ClaimError, Claimant, Claims};
pub use derived::Derived;
pub use ending::{Ending, TAKE_LESS_MEMORY, says_out_of_memory};
pub use experiment::{Experiment, Prepared, Trial, prepare};
pub use folder::{FolderError, ResultFolder};
pub(crate) use folder::{read_json, write_json};
pub use identity::{arithmetic_of, digest, identity, sha256};
pub use lock::Holder;
pub use members::{Membership, Sharing};
pub use merging::Merging;
pub use opened_data::{OpenedDataError, RecordedData, Use, opened_data};
pub use overview::{TrialStatus, count_stale, overview};
pub use plan::{ExperimentPlan, PlannedTrial, VariantPlan, located_data, plan};
pub use probe::{FIRST_STEPS, Probe, longer, predicted_seconds, probe_of};
pub use process::{Heard, Work};
pub use record::{TrialRecord, TrialResult};
pub use recorded::{REPORT, foreign_file, is_recorded};
pub use share::{MEASUREMENTS, Shard, Share};
pub use supervise::{Event, Supervisor};
pub use tensorboard::TENSORBOARD;
pub use weights_file::{FileWeights, read_weights, recognized_weights};
