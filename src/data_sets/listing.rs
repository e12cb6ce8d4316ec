//! What is known of a data set's files before any of them is read.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::words::hex;

/// The files of a data set's images after its limits, as they were when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    /// The data set's folder.
    pub folder: PathBuf,
    /// SHA-256 of every file's name, length and label, in the data set's order: the same for a copy elsewhere.
    pub names: [u8; 32],
    /// SHA-256 of that, when each file was last written, and all that decides what is made of its bytes.
    pub stamp: String,
    /// Whether the images' squares leave out parts of them, so that the squares alone do not tell whether the files are
    /// the same.
    pub is_cut: bool,
}

/// A file of a data set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed<'a> {
    /// Its path below the data set's folder.
    pub name: &'a [u8],
    /// Its length.
    pub bytes: u64,
    /// The class of its image.
    pub label: u32,
    /// When it was last written, in nanoseconds since 1970, where the system says so.
    pub modified: Option<u128>,
}

/// Hashes a listing file by file.
pub(super) struct Lister {
    names: Sha256,
    stamp: Sha256,
}

impl Lister {
    /// `made_of` are the numbers that decide what is made of the files' bytes, such as the images' size.
    pub fn new(made_of: &[usize]) -> Self {
        let mut stamp = Sha256::new();
        for &number in made_of {
            stamp.update((number as u64).to_le_bytes());
        }
        Self {
            names: Sha256::new(),
            stamp,
        }
    }

    /// Adds the next file.
    pub fn add(&mut self, file: Listed<'_>) {
        // The name's length before the name: no two listings hash the same bytes.
        self.names.update((file.name.len() as u64).to_le_bytes());
        self.names.update(file.name);
        self.names.update(file.bytes.to_le_bytes());
        self.names.update(file.label.to_le_bytes());
        self.stamp.update(file.modified.unwrap_or(0).to_le_bytes());
    }

    /// The listing of the files so far, which lie in `folder`.
    pub fn finish(mut self, folder: &Path) -> Listing {
        let names: [u8; 32] = self.names.finalize().into();
        self.stamp.update(names);
        Listing {
            folder: folder.to_owned(),
            names,
            stamp: hex(&self.stamp.finalize()),
            is_cut: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Listed<'_> = Listed {
        name: b"train/a/1.png",
        bytes: 7,
        label: 0,
        modified: Some(5),
    };

    fn listing(made_of: &[usize], files: &[Listed<'_>]) -> Listing {
        let mut lister = Lister::new(made_of);
        for file in files {
            lister.add(*file);
        }
        lister.finish(Path::new("d"))
    }

    #[test]
    fn the_names_follow_from_names_lengths_and_labels_and_the_stamp_from_times_as_well() {
        let base = listing(&[32], &[FILE, FILE]);
        assert_eq!(listing(&[32], &[FILE, FILE]), base);
        for changed in [
            Listed {
                name: b"train/a/2.png",
                ..FILE
            },
            Listed { bytes: 8, ..FILE },
            Listed { label: 1, ..FILE },
        ] {
            let other = listing(&[32], &[FILE, changed]);
            assert!(other.names != base.names && other.stamp != base.stamp, "{changed:?}");
        }
        let later = Listed {
            modified: Some(6),
            ..FILE
        };
        for other in [listing(&[32], &[FILE, later]), listing(&[64], &[FILE, FILE])] {
            assert!(other.names == base.names && other.stamp != base.stamp);
        }
    }
}
