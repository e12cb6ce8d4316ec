//! Cutout (DeVries & Taylor 2017, arXiv 1708.04552): a square of each training image is set to the mean colour.

use crate::network::Shape;
use crate::random::{Purpose, Stream};

/// The place of the square in one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutout {
    row: usize,
    column: usize,
    half: usize,
}

impl Cutout {
    /// The draw for an image of a data set, by its index there, in an epoch: a square of `side` pixels, whose centre is any
    /// pixel of the image with the same probability; what stands over the edge is cut off. As in the authors' code an odd
    /// side is that of the even number below it.
    pub fn draw(side: usize, shape: Shape, seed: u64, epoch: usize, image: usize) -> Self {
        let mut stream = Stream::new(seed, Purpose::Cutout, ((epoch as u64) << 32) ^ image as u64);
        let mut pixel = |count: usize| stream.below(count as u64) as usize;
        Self {
            row: pixel(shape.height),
            column: pixel(shape.width),
            half: side / 2,
        }
    }

    /// Sets the square to 0 in every channel of a normalised image `[channel, row, column]`.
    pub(super) fn apply(self, shape: Shape, image: &mut [f32]) {
        let range = |centre: usize, count: usize| centre.saturating_sub(self.half)..(centre + self.half).min(count);
        let (rows, columns) = (range(self.row, shape.height), range(self.column, shape.width));
        for map in image.chunks_exact_mut(shape.height * shape.width) {
            for row in map.chunks_exact_mut(shape.width).take(rows.end).skip(rows.start) {
                row[columns.clone()].fill(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        channels: 2,
        height: 6,
        width: 5,
    };

    fn cut(cutout: Cutout) -> Vec<f32> {
        let mut image = vec![1.0; SHAPE.values()];
        cutout.apply(SHAPE, &mut image);
        image
    }

    #[test]
    fn a_square_is_cut_from_every_channel_and_ends_at_the_edge() {
        let inside = cut(Cutout {
            row: 3,
            column: 2,
            half: 1,
        });
        let expected = [
            [1.0, 1.0, 1.0, 1.0, 1.0],
            [1.0, 1.0, 1.0, 1.0, 1.0],
            [1.0, 0.0, 0.0, 1.0, 1.0],
            [1.0, 0.0, 0.0, 1.0, 1.0],
            [1.0, 1.0, 1.0, 1.0, 1.0],
            [1.0, 1.0, 1.0, 1.0, 1.0],
        ];
        assert_eq!(inside, [expected, expected].concat().concat());
        let zeros = |image: &[f32]| image.iter().filter(|value| **value == 0.0).count();
        assert_eq!(
            zeros(&cut(Cutout {
                row: 0,
                column: 4,
                half: 2
            })),
            2 * 2 * 3
        );
        assert_eq!(
            zeros(&cut(Cutout {
                row: 2,
                column: 2,
                half: 100
            })),
            SHAPE.values()
        );
        assert_eq!(
            zeros(&cut(Cutout {
                row: 2,
                column: 2,
                half: 0
            })),
            0
        );
    }

    #[test]
    fn the_centres_cover_every_pixel_evenly() {
        let mut counts = [[0u32; SHAPE.width]; SHAPE.height];
        for image in 0..6_000 {
            let Cutout { row, column, half } = Cutout::draw(5, SHAPE, 1, image % 3, image);
            counts[row][column] += 1;
            assert_eq!(half, 2);
        }
        // Each is expected 200 times; 140 is four standard deviations below.
        assert!(
            counts.iter().flatten().all(|count| (140..=260).contains(count)),
            "{counts:?}"
        );
        assert_eq!(Cutout::draw(4, SHAPE, 1, 2, 3), Cutout::draw(4, SHAPE, 1, 2, 3));
    }
}
