//! The data sets, a file each: its name, the keys of `[data]` that it takes, its outline, how its bytes become images,
//! and where it can be downloaded.
//!
//! A data set is a [`Descriptor`] and a line of the table in `table.rs`. Files are read through a [`FileSystem`] that
//! the caller hands over, so that nothing here opens a file. The [`Images`] of a [`DataSet`] are in memory, or in files
//! that are read when they are asked for (`file_images.rs`).

mod allocation;
mod bad_files;
pub mod cifar;
pub mod cifar10;
pub mod cifar100;
mod cifar_folder;
mod cifar_format;
mod descriptor;
mod digit_sums;
pub mod digits;
mod error;
pub mod fashion_mnist;
mod file_images;
mod file_system;
mod fitting;
mod folder;
mod folder_layout;
mod folder_listing;
pub mod idx;
pub mod image_file;
mod image_name;
mod image_walk;
mod imagenet;
mod images;
mod jpeg;
mod known;
mod limit;
mod listing;
mod mat;
pub mod mnist;
mod moments;
mod noisy_digits;
mod options;
mod parallel;
mod pillow_resize;
mod region;
mod resize;
mod set;
mod settings;
mod signature;
mod split;
mod stand_in;
mod survey;
pub mod svhn;
mod synthetic;
mod table;

pub use descriptor::{Descriptor, Outline, Request};
pub use error::DataError;
pub use file_system::{Child, ChildKind, Entry, FileSystem};
pub use images::{Images, Pixels};
pub use known::{ByHand, Download, Files, Finding, KnownSet, Member, Packing, Size};
pub use limit::{
    LimitKey, LimitOrder, check_limit_leaves_classes, classes_without_images, untested_in_words,
    without_images_in_words,
};
pub use moments::Moments;
pub use options::Options;
pub use region::Region;
pub use set::{DataSet, Part};
pub use settings::{Augment, DataSettings};
pub use split::Split;
pub use survey::{FilesSurvey, LARGEST_HASHED, Progress, Survey};
pub use table::DataSetName;
