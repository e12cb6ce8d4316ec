//! The data sets, a file each: its name, the keys of `[data]` that it takes, its outline, how its bytes become images,
//! and where it can be downloaded.
//!
//! A data set is a [`Descriptor`] and a line of the table in `table.rs`. Files are read through a [`FileSystem`] that
//! the caller hands over, so that nothing here opens a file.

mod allocation;
pub mod cifar;
pub mod cifar10;
pub mod cifar100;
mod descriptor;
pub mod digits;
mod error;
mod file_system;
mod folder;
pub mod image_file;
mod known;
mod options;
mod parallel;
mod set;
mod settings;
mod synthetic;
mod table;

pub use descriptor::{Descriptor, Outline, Request};
pub use error::DataError;
pub use file_system::{Entry, FileSystem};
pub use known::{Download, Files, KnownSet, Member, Packing, Size};
pub use options::Options;
pub use set::{DataSet, Part, Split};
pub use settings::{Augment, DataSettings};
pub use table::DataSetName;
