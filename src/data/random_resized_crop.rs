//! `random-resized-crop`, the augmentation of ImageNet's training images: a random part of the image, of a random shape,
//! resized to the square (Szegedy and others, *Going deeper with convolutions*, 2015, section 6), and mirrored with
//! probability 1/2.
//!
//! The draws are those of torchvision's `RandomResizedCrop` and `RandomHorizontalFlip` with their defaults, from another
//! generator. fb.resnet.torch, which the DenseNet paper's ImageNet results were trained with, draws the ratio of the sides
//! itself and not its logarithm, resizes by a bicubic filter, and also changes colours, which is not done here.

use crate::data_sets::Region;
use crate::random::{Purpose, Stream};

/// Shares of the image's area that a part may have, from the first to the second.
const AREA: (f64, f64) = (0.08, 1.0);

/// Widths that a part may have for each pixel of its height, likewise.
const RATIO: (f64, f64) = (3.0 / 4.0, 4.0 / 3.0);

/// Draws of a part before the middle of the image is taken.
const ATTEMPTS: usize = 10;

/// The draws for one image in one epoch.
pub struct RandomResizedCrop {
    stream: Stream,
    /// Left and right change places, after the part is cut out.
    pub mirror: bool,
}

impl RandomResizedCrop {
    /// The draws for an image of a data set, by its index there, in an epoch. They depend on nothing else: not on the
    /// batch, the order or the threads.
    pub fn draw(seed: u64, epoch: usize, image: usize) -> Self {
        let mut stream = Stream::new(seed, Purpose::Augmentation, ((epoch as u64) << 32) ^ image as u64);
        let mirror = stream.below(2) == 1;
        Self { stream, mirror }
    }

    /// The part of an image of that height and width.
    ///
    /// Its area is uniform, and so is the logarithm of the ratio of its sides; where the part of the tenth draw does not
    /// fit either, it is the largest part in the middle whose ratio is allowed.
    pub fn region(mut self, height: usize, width: usize) -> Region {
        let area = height as f64 * width as f64;
        let between = |(low, high): (f64, f64), share: f64| low + (high - low) * share;
        let logarithms = (libm::log(RATIO.0), libm::log(RATIO.1));
        for _ in 0..ATTEMPTS {
            let wanted = area * between(AREA, self.stream.uniform());
            let ratio = libm::exp(between(logarithms, self.stream.uniform()));
            let columns = (wanted * ratio).sqrt().round_ties_even() as usize;
            let rows = (wanted / ratio).sqrt().round_ties_even() as usize;
            if (1..=width).contains(&columns) && (1..=height).contains(&rows) {
                return Region {
                    top: self.stream.below((height - rows) as u64 + 1) as usize,
                    left: self.stream.below((width - columns) as u64 + 1) as usize,
                    height: rows,
                    width: columns,
                };
            }
        }
        in_the_middle(height, width)
    }
}

/// The largest part in the middle of an image whose ratio is allowed.
fn in_the_middle(height: usize, width: usize) -> Region {
    let ratio = width as f64 / height as f64;
    let rounded = |side: f64, most: usize| (side.round_ties_even() as usize).clamp(1, most.max(1));
    let (rows, columns) = if ratio < RATIO.0 {
        (rounded(width as f64 / RATIO.0, height), width)
    } else if ratio > RATIO.1 {
        (height, rounded(height as f64 * RATIO.1, width))
    } else {
        (height, width)
    };
    Region {
        top: (height - rows) / 2,
        left: (width - columns) / 2,
        height: rows,
        width: columns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(height: usize, width: usize) -> impl Iterator<Item = Region> {
        (0..4000).map(move |image| RandomResizedCrop::draw(3, image % 5, image).region(height, width))
    }

    #[test]
    fn a_part_lies_within_the_image_and_has_an_allowed_area_and_ratio() {
        for (height, width) in [(375, 500), (500, 375), (224, 224)] {
            for Region {
                top,
                left,
                height: rows,
                width: columns,
            } in regions(height, width)
            {
                assert!(top + rows <= height && left + columns <= width);
                let share = (rows * columns) as f64 / (height * width) as f64;
                let ratio = columns as f64 / rows as f64;
                // Sides are rounded to whole pixels.
                assert!((0.078..=1.0).contains(&share), "{share}");
                assert!((0.74..=1.35).contains(&ratio), "{ratio}");
            }
        }
    }

    #[test]
    fn areas_are_uniform_and_ratios_as_often_above_one_as_below() {
        // In a square image parts of almost the whole area do not always fit and are drawn again; below 3/4 of it all do.
        let shares: Vec<f64> = regions(1000, 1000)
            .map(|region| (region.height * region.width) as f64 / 1e6)
            .filter(|share| *share < 0.75)
            .collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        // Uniform from 0.08 to 0.75: the mean of some 3,000 has the standard error 0.0035.
        assert!((mean - 0.415).abs() < 0.014, "{mean}");
        let wide = regions(1000, 1000)
            .filter(|region| region.width > region.height)
            .count();
        assert!((1870..=2130).contains(&wide), "{wide}");
    }

    #[test]
    fn a_long_image_gives_the_largest_part_in_its_middle() {
        // torchvision.transforms.RandomResizedCrop.get_params of images of these sizes: no draw fits.
        for (size, expected) in [((10, 400), (0, 193, 10, 13)), ((400, 10), (193, 0, 13, 10))] {
            let found = in_the_middle(size.0, size.1);
            assert_eq!((found.top, found.left, found.height, found.width), expected);
        }
        assert_eq!(in_the_middle(30, 30), Region::whole(30, 30));
        assert_eq!(RandomResizedCrop::draw(0, 0, 0).region(10, 400), in_the_middle(10, 400));
    }

    #[test]
    fn a_draw_depends_on_seed_epoch_and_image_and_mirrors_half() {
        let draws = |seed, epoch| -> Vec<(bool, Region)> {
            let draw = |image| {
                let draw = RandomResizedCrop::draw(seed, epoch, image);
                (draw.mirror, draw.region(300, 400))
            };
            (0..50).map(draw).collect()
        };
        assert_eq!(draws(1, 2), draws(1, 2));
        assert_ne!(draws(1, 2), draws(2, 2));
        assert_ne!(draws(1, 2), draws(1, 3));
        let mirrored = (0..1000)
            .filter(|&image| RandomResizedCrop::draw(4, 0, image).mirror)
            .count();
        assert!((430..=570).contains(&mirrored), "{mirrored}");
    }
}
