//! CIFAR-100: 100 classes, `train.bin` and `test.bin`; the fine label is taken.
//!
//! The archive's size and checksum are those in TensorFlow Datasets; the members' checksums are those that the Ruby
//! port of torchvision verifies whenever it loads a file.

use super::cifar::{CHANNELS, Format, Mistaken};
use super::descriptor::Descriptor;
use super::known::{Download, Files, KnownSet, Member, Packing, Size};

const NAME: &str = "cifar100";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &["data.path"],
    channels: |_| CHANNELS,
    outline: |options, files| FORMAT.outline(options, files),
    load: |request| FORMAT.load(request),
    known: Some(KnownSet {
        name: NAME,
        about: "small photographs of a hundred kinds of things",
        image: Some("3x32x32"),
        classes: Some(100),
        images: Some(FORMAT.images),
        licence: "none stated; its author asks to be cited (A. Krizhevsky, 2009)",
        home: "https://www.cs.toronto.edu/~kriz/cifar.html",
        files: Some(FILES),
        by_hand: None,
    }),
};

/// Its batch files.
pub const FORMAT: Format = Format {
    name: NAME,
    labels: &[("coarse label", 20), ("fine label", 100)],
    training_files: &["train.bin"],
    test_files: &["test.bin"],
    names_file: "fine_label_names.txt",
    folder: FILES.folder,
    archive: "cifar-100-binary.tar.gz",
    images: (50_000, 10_000),
    mistaken: &[
        Mistaken {
            what: "the Python version of CIFAR-100",
            folder: "cifar-100-python",
            file: "meta",
            archive: "cifar-100-python",
            dataset: None,
        },
        Mistaken {
            what: "the Matlab version of CIFAR-100",
            folder: "cifar-100-matlab",
            file: "train.mat",
            archive: "cifar-100-matlab",
            dataset: None,
        },
        Mistaken {
            what: "CIFAR-10",
            folder: "cifar-10-batches-bin",
            file: "data_batch_1.bin",
            archive: "cifar-10-",
            dataset: Some("cifar10"),
        },
    ],
};

const FILES: Files = Files {
    base: "https://www.cs.toronto.edu/~kriz/",
    mirrors: &[],
    folder: "cifar-100-binary",
    downloads: &[Download {
        file: "cifar-100-binary.tar.gz",
        bytes: 168_513_733,
        sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        packing: Packing::TarGz,
    }],
    members: &[
        Member::exactly(
            "train.bin",
            153_700_000,
            "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
        ),
        Member::exactly(
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
};
