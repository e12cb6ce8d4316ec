//! A harder task of the embedded digits: few training images, each at a place of its own on a larger canvas, with noise.
//!
//! On the digits as they are networks err on 3 % and hardly differ. Here the first 500 of them train, and all 360 test
//! images test. Each 8x8 image is put on a black canvas of 12x12 pixels, at one of its 25 places, and each pixel of the
//! canvas gets normal noise with a standard deviation of 0.25 of the full range, cut off at black and white. The draws
//! follow from a fixed seed: the images are the same on every machine and for every seed of `[train]`.

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

const NAME: &str = "noisy-digits";

/// The data set.
pub(super) const DESCRIPTOR: Descriptor = Descriptor {
    name: NAME,
    keys: &[],
    channels: |_| SHAPE.channels,
    outline: |options, _| outline(options),
    load: |request| load(&request.options),
    known: Some(KnownSet {
        name: NAME,
        about: "the digits at random places on a larger canvas, with noise, and few to train on",
        image: Some("1x12x12"),
        classes: Some(10),
        images: Some((TRAINING_IMAGES, TEST_IMAGES)),
        licence: "CC BY 4.0; changed as docs/ablation-format.md describes",
        home: "made from the digits (UCI Optical Recognition of Handwritten Digits, E. Alpaydin, C. Kaynak, 1998)",
        files: None,
        by_hand: None,
    }),
};

/// One image.
const SHAPE: Shape = Shape::square(1, 12);

const TRAINING_IMAGES: usize = 500;
const TEST_IMAGES: usize = 360;

/// Decides places and noise.
const SEED: u64 = 0;

/// The standard deviation of the noise, as a share of the range from black to white.
const NOISE: f64 = 0.25;

/// The largest value of the images.
const WHITE: f64 = 255.0;

fn outline(options: &Options<'_>) -> Result<Outline, DataError> {
    let all = Outline {
        shape: SHAPE,
        classes: 10,
        train_images: TRAINING_IMAGES,
        test_images: TEST_IMAGES,
        remarks: Vec::new(),
    };
    all.within_limits(options, NAME)
}

/// Makes the images from the embedded digits.
///
/// # Errors
/// A limit beyond them.
fn load(options: &Options<'_>) -> Result<DataSet, DataError> {
    let whole = digits::load(&Options {
        train_limit: Some(TRAINING_IMAGES),
        ..Options::default()
    })?;
    let (mut train, mut test) = (
        changed(&whole.train, 0, whole.shape, whole.scale)?,
        changed(&whole.test, 1, whole.shape, whole.scale)?,
    );
    let (train_images, test_images) = options.limited(train.images(), test.images(), NAME)?;
    train.keep(&options.limit_order.choose(&train.labels, train_images));
    test.keep(&options.limit_order.choose(&test.labels, test_images));
    Ok(DataSet::new(NAME, SHAPE, whole.classes, WHITE as f32, train, test))
}

/// Every image on its canvas; `split` numbers the splits, whose draws differ.
fn changed(images: &Images, split: u64, shape: Shape, scale: f32) -> Result<Split, DataError> {
    let indices: Vec<usize> = (0..images.images()).collect();
    let mut pixels = Vec::with_capacity(indices.len() * SHAPE.values());
    for (index, image) in images.read(&indices)?.iter().enumerate() {
        let mut stream = Stream::new(SEED, Purpose::NoisyDigits, split << 48 | index as u64);
        let places = (SHAPE.height - shape.height + 1) as u64;
        let (top, left) = (stream.below(places) as usize, stream.below(places) as usize);
        for row in 0..SHAPE.height {
            for column in 0..SHAPE.width {
                let inside = |place: usize, first: usize| place.checked_sub(first).filter(|&place| place < shape.width);
                let ink = match (inside(row, top), inside(column, left)) {
                    (Some(row), Some(column)) => f64::from(image[row * shape.width + column]) / f64::from(scale),
                    _ => 0.0,
                };
                let value = ink + NOISE * stream.normal();
                pixels.push((WHITE * value).round().clamp(0.0, WHITE) as u8);
            }
        }
    }
    Ok(Split {
        pixels,
        labels: images.labels.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The share of test images whose nearest training image, by squared distance, is of another class.
    fn nearest_neighbour_error(data: &DataSet) -> f64 {
        let all = |images: &Images| {
            let pixels = images.pixels();
            let values = pixels.len() / images.images();
            pixels.chunks(values).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let (train, test) = (all(&data.train), all(&data.test));
        let distance =
            |a: &[u8], b: &[u8]| -> u32 { (a.iter().zip(b)).map(|(&a, &b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
        let wrong = (test.iter().zip(&data.test.labels)).filter(|(image, label)| {
            let nearest = (0..train.len())
                .min_by_key(|&index| distance(&train[index], image))
                .unwrap();
            data.train.labels[nearest] != **label
        });
        wrong.count() as f64 / test.len() as f64
    }

    #[test]
    fn the_task_is_harder_than_that_of_the_digits_and_can_be_learned() {
        let plain = nearest_neighbour_error(&digits::load(&Options::default()).unwrap());
        let noisy = nearest_neighbour_error(&load(&Options::default()).unwrap());
        // Of random answers nine in ten are wrong.
        assert!(plain < 0.05 && (0.15..0.75).contains(&noisy), "{plain} and {noisy}");
    }

    #[test]
    fn every_image_is_a_digit_at_one_of_25_places() {
        let data = load(&Options::default()).unwrap();
        let digits = digits::load(&Options::default()).unwrap();
        assert_eq!((data.train.images(), data.test.images()), (500, 360));
        assert_eq!(data.train.labels, digits.train.labels[..500]);
        assert_eq!(data.test.labels, digits.test.labels);
        let (image, digit) = (&data.test.read(&[7]).unwrap()[0], &digits.test.read(&[7]).unwrap()[0]);
        // At the right place the noise is what is left, and elsewhere more.
        let left = |top: usize, first: usize| -> f64 {
            let ink = |row: usize, column: usize| match (row.checked_sub(top), column.checked_sub(first)) {
                (Some(row @ ..8), Some(column @ ..8)) => f64::from(digit[row * 8 + column]) / 16.0,
                _ => 0.0,
            };
            let pixels = (0..144).map(|pixel| f64::from(image[pixel]) / WHITE - ink(pixel / 12, pixel % 12));
            (pixels.map(|rest| rest * rest).sum::<f64>() / 144.0).sqrt()
        };
        let least = (0..25).map(|place| left(place / 5, place % 5)).fold(f64::MAX, f64::min);
        assert!((0.1..0.26).contains(&least), "{least}");
    }
}
