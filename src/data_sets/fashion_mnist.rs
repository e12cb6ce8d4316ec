//! Fashion-MNIST: pictures of clothes in MNIST's format and sizes (Xiao, Rasul and Vollgraf, arXiv 1708.07747).
//!
//! The sizes and checksums are those in TensorFlow Datasets.

use super::descriptor::Descriptor;
use super::idx::{Format, IMAGES, MNIST_STARTS};
use super::known::{Download, Files, KnownSet, Member};

const NAME: &str = "fashion-mnist";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &["data.path"],
    channels: |_| 1,
    outline: |options, files| FORMAT.outline(options, files),
    load: |request| FORMAT.load(request),
    known: Some(KnownSet {
        name: NAME,
        about: "small pictures of clothes",
        image: Some("1x28x28"),
        classes: Some(10),
        images: Some(IMAGES),
        licence: "MIT",
        home: "https://github.com/zalandoresearch/fashion-mnist",
        files: Some(FILES),
        by_hand: None,
    }),
};

/// Its files.
pub const FORMAT: Format = Format {
    name: NAME,
    folder: FILES.folder,
    classes: [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    mistaken: ("mnist", MNIST_STARTS),
};

const FILES: Files = Files {
    base: "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    mirrors: &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
    folder: "fashion-mnist-idx",
    downloads: &[
        Download::plain(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        Download::plain(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        Download::plain(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        Download::plain(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ],
    members: &[
        Member::exactly(
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        Member::exactly(
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        Member::exactly(
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        Member::exactly(
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ],
};
