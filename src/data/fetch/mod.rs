//! Data sets that are fetched: what is known of them, how an archive comes here, and what a folder is held against.
//!
//! The [`catalogue`] is plain data. An archive is downloaded into a part file beside its target and hashed there before anything in
//! it is looked at; [`unpack`] writes none but the files that the catalogue names, into a folder that is renamed once it is
//! whole. [`inspect`] holds a folder against the catalogue.

mod archive;
mod catalogue;
#[cfg(feature = "fetch")]
mod download;
mod error;
#[cfg(feature = "fetch")]
mod install;
#[cfg(feature = "fetch")]
mod part;
mod report;
#[cfg(feature = "fetch")]
mod source;
mod step;
mod sums;

pub use crate::data_sets::{Download, Files, KnownSet, Member, Packing, Size};
pub use archive::unpack;
pub use catalogue::{catalogue, find};
#[cfg(feature = "fetch")]
pub use download::Patience;
pub use error::{Fault, FetchError};
#[cfg(feature = "fetch")]
pub use install::{Fetched, fetch};
pub use report::{FileReport, FileState, Presence, inspect, inspect_files, locate, presence};
#[cfg(feature = "fetch")]
pub use source::Source;
pub use step::{Doing, Progress, Step};
