//! What several verbs share: how they end and print, and how they read an ablation file, a device, a trial and a peer's work.

pub mod ablation;
pub mod device;
mod failure;
mod fonts;
mod log;
mod output;
mod peer_work;
pub mod size;
pub mod study;
mod trial_weights;
pub mod units;
pub mod worker;

pub use failure::{Failure, Outcome};
pub use fonts::fonts_for;
pub use log::Log;
pub use output::{output_at, print, print_json, say};
pub use peer_work::PeerFiles;
pub use trial_weights::NamedTrial;
