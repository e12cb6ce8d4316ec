//! The files of data sets.

use densenet_bench::data_sets::cifar::{Format, parse_batch, parse_names};
use densenet_bench::data_sets::{
    Region, cifar10 as cifar10_files, cifar100 as cifar100_files, digits as digits_file, idx as idx_files, image_file,
    mnist, svhn as svhn_files,
};

use super::message;

/// The side that images are resized to.
const SIDE: u32 = 8;

/// CIFAR-10's batches and names.
pub fn cifar10(bytes: &[u8]) -> bool {
    cifar(bytes, &cifar10_files::FORMAT)
}

/// CIFAR-100's batches and names.
pub fn cifar100(bytes: &[u8]) -> bool {
    cifar(bytes, &cifar100_files::FORMAT)
}

/// The records hold exactly the images that are read, and the names are one for each class.
fn cifar(bytes: &[u8], format: &Format) -> bool {
    let batch = match parse_batch(bytes, "fuzzed.bin", format) {
        Ok(split) => {
            assert_eq!(split.labels.len() * format.record(), bytes.len());
            for (index, record) in bytes.chunks_exact(format.record()).enumerate() {
                let (labels, pixels) = record.split_at(format.record() - split.image(index).len());
                assert_eq!(labels.last().map(|&label| u32::from(label)), Some(split.labels[index]));
                assert!((split.labels[index] as usize) < format.classes());
                assert_eq!(pixels, split.image(index));
            }
            true
        }
        Err(error) => message::refused(error, "fuzzed.bin"),
    };
    let names = match parse_names(bytes, "fuzzed.txt", format) {
        Ok(names) => names.len() == format.classes(),
        Err(error) => message::refused(error, "fuzzed.txt"),
    };
    batch || names
}

/// Rows that are read and written again are read the same.
pub fn digits(bytes: &[u8]) -> bool {
    let split = match digits_file::parse(bytes) {
        Ok(split) => split,
        Err(error) => return message::refused(error, "digits.csv"),
    };
    let mut text = String::new();
    for (index, label) in split.labels.iter().enumerate() {
        for pixel in split.image(index) {
            text += &format!("{pixel},");
        }
        text += &format!("{label}\n");
    }
    assert_eq!(digits_file::parse(text.as_bytes()).unwrap(), split);
    true
}

/// Labels and images have no more values than the bytes account for, packed a thousand to one at most.
pub fn idx(bytes: &[u8]) -> bool {
    let most = bytes.len() * 1032 + 1;
    let labels = match idx_files::parse_labels(bytes, "fuzzed.gz", &mnist::FORMAT) {
        Ok(labels) => {
            assert!(labels.len() <= most && labels.iter().all(|&label| label < 10));
            true
        }
        Err(error) => message::refused(error, "fuzzed.gz"),
    };
    let images = match idx_files::parse_images(bytes, "fuzzed.gz", &mnist::FORMAT) {
        Ok(pixels) => {
            assert!(pixels.len() <= most && pixels.len().is_multiple_of(28 * 28));
            true
        }
        Err(error) => message::refused(error, "fuzzed.gz"),
    };
    labels || images
}

/// Every image has a label and all its pixels.
pub fn svhn(bytes: &[u8]) -> bool {
    match svhn_files::parse(bytes, "fuzzed.mat") {
        Ok(split) => {
            assert_eq!(split.pixels.len(), split.labels.len() * 3072);
            assert!(split.labels.iter().all(|&label| label < 10));
            true
        }
        Err(error) => message::refused(error, "fuzzed.mat"),
    }
}

/// An image that decodes has every pixel of every channel, and a part of it the same ones.
pub fn image(bytes: &[u8]) -> bool {
    match image_file::decode(bytes, SIDE) {
        Ok(pixels) => {
            assert_eq!(pixels.len(), 3 * SIDE.pow(2) as usize);
            let middle = |height: usize, width: usize| Region {
                top: height / 3,
                left: width / 3,
                height: height - height / 3 * 2,
                width: width - width / 3 * 2,
            };
            let whole = image_file::decode_rgb(bytes).expect("it is decoded a second time");
            let (part, place) = image_file::decode_region(bytes, middle).expect("a part of it is decoded");
            for (x, y, pixel) in part.enumerate_pixels() {
                let there = whole.get_pixel(place.left as u32 + x, place.top as u32 + y);
                assert_eq!(pixel, there, "{place:?}: {x} {y}");
            }
            true
        }
        Err(reason) => message::refused(reason, ""),
    }
}
