//! A data set's description, source and files, known before it is downloaded.

use std::path::Path;

use super::error::DataError;
use super::file_system::FileSystem;
use crate::words::grouped;

/// A data set by the name that an ablation file calls it.
#[derive(Clone, Copy, Debug)]
pub struct KnownSet {
    /// The name, as `[data] dataset` has it.
    pub name: &'static str,
    /// A short description.
    pub about: &'static str,
    /// One image, as `channels x height x width`; none where the ablation file decides.
    pub image: Option<&'static str>,
    /// Classes; none where the ablation file decides.
    pub classes: Option<usize>,
    /// Images to train and to test on; none where the ablation file decides.
    pub images: Option<(usize, usize)>,
    /// Its licence, as its authors state it.
    pub licence: &'static str,
    /// Its author, or the page that describes it.
    pub home: &'static str,
    /// Its source and files; none where it is built in, or may not be downloaded.
    pub files: Option<Files>,
    /// How it is obtained where its terms do not allow to download it for others.
    pub by_hand: Option<ByHand>,
}

/// How a data set is obtained that users have to get themselves.
#[derive(Clone, Copy, Debug)]
pub struct ByHand {
    /// Why it is not downloaded.
    pub rule: &'static str,
    /// The way to it.
    pub remedy: &'static str,
    /// A folder that it has: where that is, the data set is.
    pub folder: &'static str,
    /// Looks at the files in its folder.
    pub verify: fn(&dyn FileSystem, &Path) -> Result<Vec<Finding>, DataError>,
}

/// What is found of a part of such a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The part.
    pub thing: &'static str,
    /// Whether it is as in the whole data set.
    pub is_right: bool,
    /// What is there, and what should be.
    pub text: String,
}

/// The files of a downloaded data set.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// The address of the downloads, without their names.
    pub base: &'static str,
    /// Other addresses of the same files, tried in this order where the first does not give them.
    pub mirrors: &'static [&'static str],
    /// The folder of the files, which is also the one inside an archive.
    pub folder: &'static str,
    /// The files to download.
    pub downloads: &'static [Download],
    /// The files that the folder then holds.
    pub members: &'static [Member],
}

/// A file on the network.
#[derive(Clone, Copy, Debug)]
pub struct Download {
    /// Its name, on the server and here.
    pub file: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, 64 lowercase hexadecimal digits.
    pub sha256: &'static str,
    /// How it packs the members.
    pub packing: Packing,
}

/// How a download packs the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// A gzipped tar archive with the members in a folder.
    TarGz,
    /// The download is the member of the same name.
    Plain,
}

/// A file of the data set's folder.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name in the folder.
    pub name: &'static str,
    /// How large it is.
    pub size: Size,
    /// Its SHA-256, where it is known; else the one listed when the archive was unpacked counts.
    pub sha256: Option<&'static str>,
}

/// A file's known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Exactly this many bytes.
    Exactly(u64),
    /// At most this many bytes.
    AtMost(u64),
}

impl KnownSet {
    /// Its classes and images, in words.
    pub fn extent(&self) -> String {
        let (Some(image), Some(classes), Some((train, test))) = (self.image, self.classes, self.images) else {
            return "images, classes and sizes as the ablation file has them".to_owned();
        };
        format!(
            "{image}, {classes} classes, {} training and {} test images",
            grouped(train as u64),
            grouped(test as u64)
        )
    }
}

impl Size {
    /// The most bytes that the file can have.
    pub fn bound(self) -> u64 {
        match self {
            Size::Exactly(bytes) | Size::AtMost(bytes) => bytes,
        }
    }

    /// Whether a file of `bytes` bytes fits.
    pub fn fits(self, bytes: u64) -> bool {
        match self {
            Size::Exactly(exactly) => bytes == exactly,
            Size::AtMost(most) => bytes <= most,
        }
    }
}

impl Files {
    /// Bytes to download.
    pub fn download_bytes(&self) -> u64 {
        self.downloads.iter().map(|download| download.bytes).sum()
    }

    /// The most bytes that the folder takes.
    pub fn unpacked_bytes(&self) -> u64 {
        self.members.iter().map(|member| member.size.bound()).sum()
    }
}

impl Download {
    /// A file that is read as it is downloaded.
    pub(super) const fn plain(file: &'static str, bytes: u64, sha256: &'static str) -> Self {
        Self {
            file,
            bytes,
            sha256,
            packing: Packing::Plain,
        }
    }
}

impl Member {
    /// A file of that size and SHA-256.
    pub(super) const fn exactly(name: &'static str, bytes: u64, sha256: &'static str) -> Self {
        Self {
            name,
            size: Size::Exactly(bytes),
            sha256: Some(sha256),
        }
    }
}
