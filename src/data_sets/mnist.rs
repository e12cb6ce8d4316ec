//! MNIST: handwritten digits of 28x28 pixels (LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document
//! recognition*, Proceedings of the IEEE, 1998).
//!
//! The sizes and checksums are those in TensorFlow Datasets. The authors' own server no longer gives the files out.

use super::descriptor::Descriptor;
use super::idx::{FASHION_MNIST_STARTS, Format, IMAGES};
use super::known::{Download, Files, KnownSet, Member};

const NAME: &str = "mnist";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &["data.path"],
    channels: |_| 1,
    outline: |options, files| FORMAT.outline(options, files),
    load: |request| FORMAT.load(request),
    known: Some(KnownSet {
        name: NAME,
        about: "handwritten digits",
        image: Some("1x28x28"),
        classes: Some(10),
        images: Some(IMAGES),
        licence: "CC BY-SA 3.0, by its authors' statement; made from NIST's Special Databases 1 and 3",
        home: "http://yann.lecun.com/exdb/mnist/",
        files: Some(FILES),
        by_hand: None,
    }),
};

/// Its files.
pub const FORMAT: Format = Format {
    name: NAME,
    folder: FILES.folder,
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    mistaken: ("fashion-mnist", FASHION_MNIST_STARTS),
};

const FILES: Files = Files {
    base: "https://ossci-datasets.s3.amazonaws.com/mnist/",
    mirrors: &["https://storage.googleapis.com/cvdf-datasets/mnist/"],
    folder: "mnist-idx",
    downloads: &[
        Download::plain(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        Download::plain(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        Download::plain(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        Download::plain(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ],
    members: &[
        Member::exactly(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        Member::exactly(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        Member::exactly(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        Member::exactly(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ],
};
