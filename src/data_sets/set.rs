//! A data set in memory.

use sha2::{Digest, Sha256};

use crate::network::Shape;
use crate::words::hex;

/// A labelled set of images of one shape, as bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSet {
    /// As `[data] dataset` has it.
    pub name: String,
    /// One image.
    pub shape: Shape,
    /// The classes' names; a label is an index into them.
    pub classes: Vec<String>,
    /// The byte that stands for 1.0: a pixel divided by it is in 0..1.
    pub scale: f32,
    /// The images to train on (and to hold out from).
    pub train: Split,
    /// The images to test on.
    pub test: Split,
    /// The SHA-256 of everything that decides numbers: the shape, the scale, the classes, and the pixels and labels of
    /// both splits after their limits; 64 hexadecimal digits.
    pub fingerprint: String,
}

/// The images of one split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// `[image, channel, row, column]`.
    pub pixels: Vec<u8>,
    /// One a image, an index into the data set's classes.
    pub labels: Vec<u32>,
}

/// Which split of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The images to train on.
    Train,
    /// The images to test on.
    Test,
}

impl Split {
    /// How many images there are.
    pub fn images(&self) -> usize {
        self.labels.len()
    }

    /// The bytes of one image, `[channel, row, column]`.
    ///
    /// # Panics
    /// Where `index` is not below [`Split::images`].
    pub fn image(&self, index: usize) -> &[u8] {
        let values = self.pixels.len() / self.labels.len();
        &self.pixels[index * values..(index + 1) * values]
    }

    /// Keeps the first images, at most `images` of them.
    pub(super) fn truncate(&mut self, images: usize) {
        if images < self.images() {
            let values = self.pixels.len() / self.labels.len();
            self.pixels.truncate(images * values);
            self.pixels.shrink_to_fit();
            self.labels.truncate(images);
        }
    }
}

impl DataSet {
    pub(super) fn new(name: &str, shape: Shape, classes: Vec<String>, scale: f32, train: Split, test: Split) -> Self {
        let fingerprint = fingerprint(shape, &classes, scale, &train, &test);
        Self {
            name: name.to_owned(),
            shape,
            classes,
            scale,
            train,
            test,
            fingerprint,
        }
    }

    /// One of the splits.
    pub fn split(&self, part: Part) -> &Split {
        match part {
            Part::Train => &self.train,
            Part::Test => &self.test,
        }
    }
}

/// Every length is hashed before what it counts, so that no two data sets hash the same bytes.
fn fingerprint(shape: Shape, classes: &[String], scale: f32, train: &Split, test: &Split) -> String {
    let mut hash = Sha256::new();
    let number = |hash: &mut Sha256, value: usize| hash.update((value as u64).to_le_bytes());
    for value in [shape.channels, shape.height, shape.width, classes.len()] {
        number(&mut hash, value);
    }
    for class in classes {
        number(&mut hash, class.len());
        hash.update(class);
    }
    hash.update(scale.to_le_bytes());
    for split in [train, test] {
        number(&mut hash, split.images());
        hash.update(&split.pixels);
        for label in &split.labels {
            hash.update(label.to_le_bytes());
        }
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> DataSet {
        let shape = Shape {
            channels: 1,
            height: 1,
            width: 2,
        };
        let split = |pixels: &[u8], labels: &[u32]| Split {
            pixels: pixels.to_vec(),
            labels: labels.to_vec(),
        };
        DataSet::new(
            "digits",
            shape,
            vec!["a".into(), "b".into()],
            16.0,
            split(&[1, 2, 3, 4, 5, 6], &[0, 1, 0]),
            split(&[7, 8], &[1]),
        )
    }

    #[test]
    fn the_fingerprint_follows_every_part_that_decides_numbers() {
        let base = small();
        let again = |data: &DataSet| fingerprint(data.shape, &data.classes, data.scale, &data.train, &data.test);
        assert_eq!(base.fingerprint, again(&small()));
        let changes: [fn(&mut DataSet); 6] = [
            |data| data.shape.width = 1,
            |data| data.classes[1].push('x'),
            |data| data.scale = 255.0,
            |data| data.train.pixels[3] ^= 1,
            |data| data.train.labels[2] = 1,
            |data| data.test.pixels[0] = 0,
        ];
        for change in changes {
            let mut changed = base.clone();
            change(&mut changed);
            assert_ne!(again(&changed), base.fingerprint);
        }
    }

    #[test]
    fn a_limit_keeps_the_first_images() {
        let mut split = small().train;
        split.truncate(2);
        split.truncate(3);
        assert_eq!((split.pixels, split.labels), (vec![1, 2, 3, 4], vec![0, 1]));
    }
}
