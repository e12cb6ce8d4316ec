//! Downloads data sets: the catalogue, downloading and unpacking an archive, and verifying a folder.
//!
//! The [`catalogue`] is plain data. An archive is downloaded into a part file beside its target and hashed there before
//! anything in it is read; [`unpack`] writes only the files that the catalogue names, into a folder that is renamed
//! once it is complete. [`inspect`] compares a folder with the catalogue.

mod archive;
mod catalogue;
mod checksums;
#[cfg(feature = "fetch")]
mod download;
mod error;
#[cfg(feature = "fetch")]
mod install;
#[cfg(feature = "fetch")]
mod part;
mod place;
mod report;
#[cfg(feature = "fetch")]
mod source;
mod step;

pub use crate::data_sets::{ByHand, Download, Files, Finding, KnownSet, Member, Packing, Size};
pub use archive::unpack;
pub use catalogue::{catalogue, find};
#[cfg(feature = "fetch")]
pub use download::Patience;
pub use error::{Fault, FetchError};
#[cfg(feature = "fetch")]
pub use install::{Fetched, fetch};
pub(super) use place::{DATA, named_folder};
pub use place::{DATA_FOLDER, default_folder, fetch_command, obtained};
pub use report::{FileReport, FileState, Presence, inspect, inspect_files, locate, presence};
#[cfg(feature = "fetch")]
pub use source::Source;
pub use step::{Doing, Progress, Step};
