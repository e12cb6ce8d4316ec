//! What is known of a data set before it is here: what it is, where it comes from, which files it consists of.

use crate::words::grouped;

/// A data set by the name that an ablation file calls it.
#[derive(Clone, Copy, Debug)]
pub struct KnownSet {
    /// The name, as `[data] dataset` has it.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// One image, as `channels x height x width`; none where the ablation file decides.
    pub image: Option<&'static str>,
    /// Classes; none where the ablation file decides.
    pub classes: Option<usize>,
    /// Images to train and to test on; none where the ablation file decides.
    pub images: Option<(usize, usize)>,
    /// What its makers say of its use.
    pub licence: &'static str,
    /// Who made it, or the page that tells of it.
    pub home: &'static str,
    /// Where it comes from and what it consists of; none where it is built in.
    pub files: Option<Files>,
}

/// What a fetched data set is made of.
#[derive(Clone, Copy, Debug)]
pub struct Files {
    /// The address of the downloads, without their names.
    pub base: &'static str,
    /// The folder they come to be in, which is also the one inside the archives.
    pub folder: &'static str,
    /// What is downloaded.
    pub downloads: &'static [Download],
    /// What the folder then holds.
    pub members: &'static [Member],
}

/// A file on the network.
#[derive(Clone, Copy, Debug)]
pub struct Download {
    /// Its name, there and here.
    pub file: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, 64 lowercase hexadecimal digits.
    pub sha256: &'static str,
    /// How the members are in it.
    pub packing: Packing,
}

/// How a download holds the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// A gzipped tar archive with the members in a folder.
    TarGz,
    /// The download is the member of its name.
    Plain,
}

/// A file of the data set's folder.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name in the folder.
    pub name: &'static str,
    /// How large it is.
    pub size: Size,
    /// Its SHA-256, where that is known; where it is not, what was noted when the archive was unpacked counts.
    pub sha256: Option<&'static str>,
}

/// What is known of a file's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// So many bytes.
    Exactly(u64),
    /// No more than so many bytes.
    AtMost(u64),
}

impl KnownSet {
    /// What it holds, in words.
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

    /// Whether a file of so many bytes can be it.
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
