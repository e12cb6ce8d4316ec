//! `shift-flip`, the paper's augmentation: mirrored with probability 1/2, then padded by 4 pixels on each side and
//! cropped to the old size at random (arXiv 1608.06993, section 4.1).

use crate::network::Shape;
use crate::random::{Purpose, Stream};

/// An image is shifted by up to this many pixels, down or up and across.
pub const LARGEST_SHIFT: isize = 4;

/// The change that `shift-flip` makes to one image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShiftFlip {
    /// Left and right change places, before the shift.
    pub mirror: bool,
    /// Pixels that the image moves down; negative: up.
    pub down: isize,
    /// Pixels that the image moves to the right; negative: to the left.
    pub right: isize,
}

impl ShiftFlip {
    /// The draw for an image of a data set, by its index there, in an epoch. It depends on nothing else: not on the
    /// batch, the order or the threads.
    pub fn draw(seed: u64, epoch: usize, image: usize) -> Self {
        let mut stream = Stream::new(seed, Purpose::Augmentation, ((epoch as u64) << 32) ^ image as u64);
        let mut shift = || stream.below(2 * LARGEST_SHIFT as u64 + 1) as isize - LARGEST_SHIFT;
        let (down, right) = (shift(), shift());
        Self {
            mirror: stream.below(2) == 1,
            down,
            right,
        }
    }

    /// Normalises an image by its channels' `tables` and moves it; what moves in is 0, the mean colour. `image` and
    /// `output` are `[channel, row, column]`.
    pub(super) fn apply(self, image: &[u8], tables: &[[f32; 256]], shape: Shape, output: &mut [f32]) {
        let Shape { height, width, .. } = shape;
        let maps = image
            .chunks_exact(height * width)
            .zip(output.chunks_exact_mut(height * width));
        for ((map, output), table) in maps.zip(tables) {
            for (row, output) in output.chunks_exact_mut(width).enumerate() {
                output.fill(0.0);
                let Some(source) = row.checked_add_signed(-self.down).filter(|&source| source < height) else {
                    continue;
                };
                let pixels = &map[source * width..(source + 1) * width];
                for (column, output) in output.iter_mut().enumerate() {
                    let source = column.wrapping_add_signed(-self.right);
                    if source < width {
                        let source = if self.mirror { width - 1 - source } else { source };
                        *output = table[pixels[source] as usize];
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const SHAPE: Shape = Shape {
        channels: 2,
        height: 5,
        width: 6,
    };

    /// A table a channel in which no byte becomes 0.
    fn tables() -> Vec<[f32; 256]> {
        vec![
            std::array::from_fn(|pixel| pixel as f32 + 1.0),
            std::array::from_fn(|pixel| -(pixel as f32) - 1.0),
        ]
    }

    #[test]
    fn every_shift_equals_padding_with_zeros_and_cropping() {
        let image: Vec<u8> = (0..60).collect();
        let tables = tables();
        for mirror in [false, true] {
            for down in -4isize..=4 {
                for right in -4isize..=4 {
                    let mut output = vec![f32::NAN; 60];
                    ShiftFlip { mirror, down, right }.apply(&image, &tables, SHAPE, &mut output);
                    for channel in 0..2 {
                        // The reference: a map with 4 zeros on each side, cropped.
                        let mut padded = [[0f32; 14]; 13];
                        for row in 0..5 {
                            for column in 0..6 {
                                let source = if mirror { 5 - column } else { column };
                                let pixel = image[channel * 30 + row * 6 + source];
                                padded[row + 4][column + 4] = tables[channel][pixel as usize];
                            }
                        }
                        for row in 0..5usize {
                            for column in 0..6usize {
                                let expected =
                                    padded[(row as isize + 4 - down) as usize][(column as isize + 4 - right) as usize];
                                assert_eq!(output[channel * 30 + row * 6 + column], expected);
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn the_draws_cover_all_81_shifts_and_both_mirrors_evenly() {
        let mut counts = HashMap::new();
        for image in 0..16_200 {
            *counts.entry(ShiftFlip::draw(5, image % 7, image)).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 162);
        // Each is expected 100 times; 60 is four standard deviations below.
        assert!(counts.values().all(|&count| (60..=145).contains(&count)), "{counts:?}");
    }

    #[test]
    fn a_draw_depends_on_seed_epoch_and_image() {
        let draws =
            |seed, epoch| -> Vec<ShiftFlip> { (0..50).map(|image| ShiftFlip::draw(seed, epoch, image)).collect() };
        assert_eq!(draws(1, 2), draws(1, 2));
        assert_ne!(draws(1, 2), draws(2, 2));
        assert_ne!(draws(1, 2), draws(1, 3));
    }

    #[test]
    fn an_image_smaller_than_the_shift_may_leave_altogether() {
        let shape = Shape {
            channels: 1,
            height: 2,
            width: 2,
        };
        let mut output = [f32::NAN; 4];
        let gone = ShiftFlip {
            mirror: true,
            down: -4,
            right: 3,
        };
        gone.apply(&[1, 2, 3, 4], &tables(), shape, &mut output);
        assert_eq!(output, [0.0; 4]);
    }
}
