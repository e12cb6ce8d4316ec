//! CIFAR-10: 10 classes, `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
//!
//! The archive's size and checksum are those in TensorFlow Datasets; the members' checksums are those that the Ruby
//! port of torchvision verifies whenever it loads a file.

use super::cifar::{CHANNELS, Format, Mistaken};
use super::descriptor::Descriptor;
use super::known::{Download, Files, KnownSet, Member, Packing, Size};

const NAME: &str = "cifar10";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &["data.path"],
    channels: |_| CHANNELS,
    outline: |options, files| FORMAT.outline(options, files),
    load: |request| FORMAT.load(request),
    known: Some(KnownSet {
        name: NAME,
        about: "small photographs of animals and vehicles",
        image: Some("3x32x32"),
        classes: Some(10),
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
    labels: &[("label", 10)],
    training_files: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test_files: &["test_batch.bin"],
    names_file: "batches.meta.txt",
    folder: FILES.folder,
    archive: "cifar-10-binary.tar.gz",
    images: (50_000, 10_000),
    mistaken: &[
        Mistaken {
            what: "the Python version of CIFAR-10",
            folder: "cifar-10-batches-py",
            file: "data_batch_1",
            archive: "cifar-10-python",
            dataset: None,
        },
        Mistaken {
            what: "the Matlab version of CIFAR-10",
            folder: "cifar-10-batches-mat",
            file: "data_batch_1.mat",
            archive: "cifar-10-matlab",
            dataset: None,
        },
        Mistaken {
            what: "CIFAR-100",
            folder: "cifar-100-binary",
            file: "train.bin",
            archive: "cifar-100",
            dataset: Some("cifar100"),
        },
    ],
};

const FILES: Files = Files {
    base: "https://www.cs.toronto.edu/~kriz/",
    mirrors: &[],
    folder: "cifar-10-batches-bin",
    downloads: &[Download {
        file: "cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        packing: Packing::TarGz,
    }],
    members: &[
        Member::exactly(
            "data_batch_1.bin",
            30_730_000,
            "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        ),
        Member::exactly(
            "data_batch_2.bin",
            30_730_000,
            "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        ),
        Member::exactly(
            "data_batch_3.bin",
            30_730_000,
            "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        ),
        Member::exactly(
            "data_batch_4.bin",
            30_730_000,
            "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        ),
        Member::exactly(
            "data_batch_5.bin",
            30_730_000,
            "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        ),
        Member::exactly(
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
};
