//! The data sets that are known, as plain data: a new one is a new entry.

use super::error::FetchError;
use crate::data::error::grouped;

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
    /// What is loaded.
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
    /// Bytes to load.
    pub fn download_bytes(&self) -> u64 {
        self.downloads.iter().map(|download| download.bytes).sum()
    }

    /// The most bytes that the folder takes.
    pub fn unpacked_bytes(&self) -> u64 {
        self.members.iter().map(|member| member.size.bound()).sum()
    }
}

const fn member(name: &'static str, bytes: u64, sha256: &'static str) -> Member {
    Member {
        name,
        size: Size::Exactly(bytes),
        sha256: Some(sha256),
    }
}

/// The sizes and sums of the archives are those that TensorFlow Datasets checks against; the members' sums are those
/// that the Ruby port of torchvision holds each file against whenever it loads one.
pub const CATALOGUE: &[KnownSet] = &[
    KnownSet {
        name: "digits",
        about: "handwritten digits",
        image: Some("1x8x8"),
        classes: Some(10),
        images: Some((1437, 360)),
        licence: "CC BY 4.0",
        home: "UCI Optical Recognition of Handwritten Digits, E. Alpaydin, C. Kaynak, 1998",
        files: None,
    },
    KnownSet {
        name: "synthetic",
        about: "images made from a fixed seed",
        image: None,
        classes: None,
        images: None,
        licence: "that of the program",
        home: "this program",
        files: None,
    },
    KnownSet {
        name: "cifar10",
        about: "small photographs of animals and vehicles",
        image: Some("3x32x32"),
        classes: Some(10),
        images: Some((50_000, 10_000)),
        licence: "none stated; its author asks to be cited (A. Krizhevsky, 2009)",
        home: "https://www.cs.toronto.edu/~kriz/cifar.html",
        files: Some(Files {
            base: "https://www.cs.toronto.edu/~kriz/",
            folder: "cifar-10-batches-bin",
            downloads: &[Download {
                file: "cifar-10-binary.tar.gz",
                bytes: 170_052_171,
                sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                packing: Packing::TarGz,
            }],
            members: &[
                member(
                    "data_batch_1.bin",
                    30_730_000,
                    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                ),
                member(
                    "data_batch_2.bin",
                    30_730_000,
                    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                ),
                member(
                    "data_batch_3.bin",
                    30_730_000,
                    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                ),
                member(
                    "data_batch_4.bin",
                    30_730_000,
                    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                ),
                member(
                    "data_batch_5.bin",
                    30_730_000,
                    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                ),
                member(
                    "test_batch.bin",
                    30_730_000,
                    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
                ),
                Member {
                    name: "batches.meta.txt",
                    size: Size::Exactly(61),
                    sha256: None,
                },
            ],
        }),
    },
    KnownSet {
        name: "cifar100",
        about: "small photographs of a hundred kinds of things",
        image: Some("3x32x32"),
        classes: Some(100),
        images: Some((50_000, 10_000)),
        licence: "none stated; its author asks to be cited (A. Krizhevsky, 2009)",
        home: "https://www.cs.toronto.edu/~kriz/cifar.html",
        files: Some(Files {
            base: "https://www.cs.toronto.edu/~kriz/",
            folder: "cifar-100-binary",
            downloads: &[Download {
                file: "cifar-100-binary.tar.gz",
                bytes: 168_513_733,
                sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
                packing: Packing::TarGz,
            }],
            members: &[
                member(
                    "train.bin",
                    153_700_000,
                    "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
                ),
                member(
                    "test.bin",
                    30_740_000,
                    "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
                ),
                Member {
                    name: "fine_label_names.txt",
                    size: Size::AtMost(4096),
                    sha256: None,
                },
                Member {
                    name: "coarse_label_names.txt",
                    size: Size::AtMost(4096),
                    sha256: None,
                },
            ],
        }),
    },
];

/// The data set of that name.
///
/// # Errors
/// There is none; the message has those that there are.
pub fn find<'a>(catalogue: &'a [KnownSet], name: &str) -> Result<&'a KnownSet, FetchError> {
    catalogue.iter().find(|set| set.name == name).ok_or_else(|| {
        let names: Vec<&str> = catalogue.iter().map(|set| set.name).collect();
        FetchError::input(
            format!("'{name}'"),
            "no data set has this name",
            format!("take one of {}", names.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::cifar::Format;

    #[test]
    fn every_entry_is_sound() {
        let is_sum = |sum: &str| sum.len() == 64 && sum.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        // A name is joined to a folder and to an address.
        let is_name = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && (name.bytes()).all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        for set in CATALOGUE {
            assert_eq!(
                CATALOGUE.iter().filter(|other| other.name == set.name).count(),
                1,
                "{}",
                set.name
            );
            let Some(files) = set.files else { continue };
            assert!(
                files.base.starts_with("https://") && files.base.ends_with('/'),
                "{}",
                set.name
            );
            assert!(is_name(files.folder));
            for download in files.downloads {
                assert!(
                    is_name(download.file) && is_sum(download.sha256) && download.bytes > 0,
                    "{download:?}"
                );
                let plain = files.members.iter().any(|member| member.name == download.file);
                assert_eq!(download.packing == Packing::Plain, plain, "{download:?}");
            }
            for member in files.members {
                assert!(
                    is_name(member.name) && member.sha256.is_none_or(is_sum) && member.size.bound() > 0,
                    "{member:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_fetched_is_what_is_read() {
        for (name, format) in [("cifar10", Format::Cifar10), ("cifar100", Format::Cifar100)] {
            let set = find(CATALOGUE, name).unwrap();
            let files = set.files.unwrap();
            assert_eq!(files.folder, format.folder());
            assert_eq!(set.classes, Some(format.classes()));
            let images = |names: &[&str]| -> usize {
                let bytes: u64 = (names.iter())
                    .map(|name| files.members.iter().find(|member| member.name == *name).unwrap())
                    .map(|member| member.size.bound())
                    .sum();
                assert!((bytes as usize).is_multiple_of(format.record()));
                bytes as usize / format.record()
            };
            let found = (images(format.training_files()), images(format.test_files()));
            assert_eq!(set.images, Some(found));
            assert!(files.members.iter().any(|member| member.name == format.names_file()));
        }
    }

    #[test]
    fn a_name_that_is_not_known_is_an_error_with_those_that_are() {
        assert_eq!(
            find(CATALOGUE, "cifar").unwrap_err().to_string(),
            "'cifar': no data set has this name; take one of digits, synthetic, cifar10, cifar100"
        );
    }
}
