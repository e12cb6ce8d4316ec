//! Two of the embedded digits in one image, whose class is the last digit of their sum: a task that no part of the image answers.
//!
//! The canvas has 10x20 pixels, a half for each digit, which stands at one of the 9 places there. 4,000 training images are
//! composed of the training digits, 1,000 test images of the test digits. The draws follow from a fixed seed: the images are
//! the same on every machine and for every seed of `[train]`.

use super::descriptor::{Descriptor, Outline};
use super::digits;
use super::error::DataError;
use super::images::Images;
use super::known::KnownSet;
use super::options::Options;
use super::set::DataSet;
use super::split::Split;
use crate::network::Shape;
use crate::random::{Purpose, Stream};

const NAME: &str = "digit-sums";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &[],
    channels: |_| SHAPE.channels,
    outline: |options, _| outline(options),
    load: |request| load(&request.options),
    known: Some(KnownSet {
        name: NAME,
        about: "two of the digits side by side, whose class is the last digit of their sum",
        image: Some("1x10x20"),
        classes: Some(CLASSES),
        images: Some((TRAINING_IMAGES, TEST_IMAGES)),
        licence: "CC BY 4.0; changed as docs/ablation-format.md describes",
        home: "made from the digits (UCI Optical Recognition of Handwritten Digits, E. Alpaydin, C. Kaynak, 1998)",
        files: None,
        by_hand: None,
    }),
};

/// The side of the half of the canvas that a digit has.
const HALF: usize = 10;

/// One image.
const SHAPE: Shape = Shape {
    channels: 1,
    height: HALF,
    width: 2 * HALF,
};

const CLASSES: usize = 10;
const TRAINING_IMAGES: usize = 4_000;
const TEST_IMAGES: usize = 1_000;

/// Decides pairs and places.
const SEED: u64 = 0;

fn outline(options: &Options<'_>) -> Result<Outline, DataError> {
    let all = Outline {
        shape: SHAPE,
        classes: CLASSES,
        train_images: TRAINING_IMAGES,
        test_images: TEST_IMAGES,
        remarks: Vec::new(),
    };
    all.within_limits(options, NAME)
}

/// Composes the images of the embedded digits.
///
/// # Errors
/// A limit beyond them.
fn load(options: &Options<'_>) -> Result<DataSet, DataError> {
    let whole = digits::load(&Options::default())?;
    let (mut train, mut test) = (
        composed(&whole.train, 0, TRAINING_IMAGES, whole.shape)?,
        composed(&whole.test, 1, TEST_IMAGES, whole.shape)?,
    );
    let (train_images, test_images) = options.limited(train.images(), test.images(), NAME)?;
    train.keep(&options.limit_order.choose(&train.labels, train_images));
    test.keep(&options.limit_order.choose(&test.labels, test_images));
    Ok(DataSet::new(NAME, SHAPE, whole.classes, whole.scale, train, test))
}

/// `count` images of two digits each; `split` numbers the splits, whose draws differ.
fn composed(digits: &Images, split: u64, count: usize, digit: Shape) -> Result<Split, DataError> {
    let indices: Vec<usize> = (0..digits.images()).collect();
    let images = digits.read(&indices)?;
    let mut pixels = vec![0u8; count * SHAPE.values()];
    let mut labels = Vec::with_capacity(count);
    for (index, canvas) in pixels.chunks_exact_mut(SHAPE.values()).enumerate() {
        let mut stream = Stream::new(SEED, Purpose::DigitSums, split << 48 | index as u64);
        let mut sum = 0;
        for half in 0..2 {
            let chosen = stream.below(images.len() as u64) as usize;
            sum += digits.labels[chosen];
            let places = (HALF - digit.height + 1) as u64;
            let (top, left) = (stream.below(places) as usize, stream.below(places) as usize);
            for (row, ink) in images[chosen].chunks_exact(digit.width).enumerate() {
                let first = (top + row) * SHAPE.width + half * HALF + left;
                canvas[first..first + digit.width].copy_from_slice(ink);
            }
        }
        labels.push(sum % CLASSES as u32);
    }
    Ok(Split { pixels, labels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_has_two_digits_whose_sum_ends_with_its_label() {
        let data = load(&Options::default()).unwrap();
        let digits = digits::load(&Options::default()).unwrap();
        assert_eq!((data.train.images(), data.test.images()), (4_000, 1_000));
        let all: Vec<usize> = (0..digits.test.images()).collect();
        let known = digits.test.read(&all).unwrap();
        // Which of the test digits a half of a canvas shows: there is one at a place of it.
        let shown = |image: &[u8], half: usize| -> u32 {
            let found = (0..9).find_map(|place| {
                let cut: Vec<u8> = (0..64)
                    .map(|pixel| {
                        let (row, column) = (place / 3 + pixel / 8, half * HALF + place % 3 + pixel % 8);
                        image[row * SHAPE.width + column]
                    })
                    .collect();
                known.iter().position(|digit| digit[..] == cut[..])
            });
            digits.test.labels[found.unwrap()]
        };
        for index in 0..50 {
            let image = &data.test.read(&[index]).unwrap()[0];
            assert_eq!(
                (shown(image, 0) + shown(image, 1)) % 10,
                data.test.labels[index],
                "{index}"
            );
        }
    }

    #[test]
    fn the_classes_are_about_as_frequent_as_each_other() {
        let data = load(&Options::default()).unwrap();
        for class in 0..10 {
            let count = data.train.labels.iter().filter(|&&label| label == class).count();
            assert!((300..500).contains(&count), "{class}: {count}");
        }
    }
}
