//! The images of one split, in memory, as what reads a data set makes them.

/// The images of one split, in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// `[image, channel, row, column]`.
    pub pixels: Vec<u8>,
    /// One a image, an index into the data set's classes.
    pub labels: Vec<u32>,
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

    /// Keeps the images at `indices`, which are ascending.
    pub(super) fn keep(&mut self, indices: &[usize]) {
        if indices.len() == self.images() {
            return;
        }
        let values = self.pixels.len() / self.labels.len().max(1);
        for (place, &index) in indices.iter().enumerate() {
            self.pixels
                .copy_within(index * values..(index + 1) * values, place * values);
            self.labels[place] = self.labels[index];
        }
        self.pixels.truncate(indices.len() * values);
        self.pixels.shrink_to_fit();
        self.labels.truncate(indices.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_that_are_kept_keep_their_order_and_labels() {
        let split = Split {
            pixels: vec![1, 2, 3, 4, 5, 6, 7, 8],
            labels: vec![0, 1, 0, 2],
        };
        for (indices, pixels, labels) in [
            (vec![0, 1], vec![1, 2, 3, 4], vec![0, 1]),
            (vec![1, 3], vec![3, 4, 7, 8], vec![1, 2]),
            (vec![0, 1, 2, 3], split.pixels.clone(), split.labels.clone()),
        ] {
            let mut kept = split.clone();
            kept.keep(&indices);
            assert_eq!((kept.pixels, kept.labels), (pixels, labels));
        }
    }
}
