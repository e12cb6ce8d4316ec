//! The images of a split: in memory, or in files that are read when they are asked for.

use std::ops::Deref;
use std::sync::Arc;

use super::bad_files::BadFiles;
use super::error::DataError;
use super::file_images::{FileImages, RegionOf};
use super::split::Split;

/// The images of a split and their labels, in the data set's order.
#[derive(Clone, Debug)]
pub struct Images {
    /// One an image, an index into the data set's classes.
    pub labels: Vec<u32>,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    /// `[image, channel, row, column]`.
    Memory(Arc<[u8]>),
    Files(Arc<FileImages>),
}

/// The bytes of one image, `[channel, row, column]`.
#[derive(Clone, Debug)]
pub enum Pixels<'a> {
    /// Part of a split that is in memory.
    Held(&'a [u8]),
    /// Decoded from a file, and possibly kept for the next time.
    Decoded(Arc<[u8]>),
}

impl Deref for Pixels<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Pixels::Held(bytes) => bytes,
            Pixels::Decoded(bytes) => bytes,
        }
    }
}

/// The most bytes of images that [`Images::visit`] decodes at once.
const LARGEST_CHUNK: usize = 32 << 20;

impl From<Split> for Images {
    fn from(split: Split) -> Self {
        Self {
            labels: split.labels,
            source: Source::Memory(split.pixels.into()),
        }
    }
}

impl Images {
    /// Images that are decoded when they are asked for.
    pub(super) fn in_files(files: FileImages, labels: Vec<u32>) -> Self {
        Self {
            labels,
            source: Source::Files(Arc::new(files)),
        }
    }

    /// How many images there are.
    pub fn images(&self) -> usize {
        self.labels.len()
    }

    /// The images at `indices`, in that order. Those in files are read and decoded on several threads, but for those
    /// that are still in memory from the last time.
    ///
    /// # Errors
    /// A file that cannot be read, that does not decode, or that changed since the data set was opened: the first in
    /// the order of `indices`, whatever the threads.
    ///
    /// # Panics
    /// Where an index is not below [`Images::images`].
    pub fn read(&self, indices: &[usize]) -> Result<Vec<Pixels<'_>>, DataError> {
        match &self.source {
            Source::Memory(pixels) => {
                let values = pixels.len() / self.labels.len().max(1);
                let image = |&index: &usize| Pixels::Held(&pixels[index * values..(index + 1) * values]);
                Ok(indices.iter().map(image).collect())
            }
            Source::Files(files) => (files.read(indices).into_iter())
                .map(|image| image.map(Pixels::Decoded))
                .collect(),
        }
    }

    /// Of each of the images at `indices` the part that `region` gives for its index, height and width, resized to the
    /// data set's square. They are read and decoded each time.
    ///
    /// # Errors
    /// Those of [`Images::read`], and images that are in memory: their files' pixels are not there.
    ///
    /// # Panics
    /// Where an index is not below [`Images::images`], or a region is empty or not within its image.
    pub fn read_parts(&self, indices: &[usize], region: &RegionOf<'_>) -> Result<Vec<Pixels<'_>>, DataError> {
        let files = self.in_their_files()?;
        let parts = files.read_parts(indices, region).into_iter();
        parts.map(|image| image.map(Pixels::Decoded)).collect()
    }

    /// Of each of the images at `indices` ten squares, `[10, channel, row, column]`: those in the corners and the one in the
    /// middle of the resized image, then those of the mirrored one: torchvision's `TenCrop`. They are read and decoded each time.
    ///
    /// # Errors
    /// Those of [`Images::read_parts`].
    ///
    /// # Panics
    /// Where an index is not below [`Images::images`].
    pub fn read_ten(&self, indices: &[usize]) -> Result<Vec<Pixels<'_>>, DataError> {
        let squares = self.in_their_files()?.read_ten(indices).into_iter();
        squares.map(|image| image.map(Pixels::Decoded)).collect()
    }

    fn in_their_files(&self) -> Result<&FileImages, DataError> {
        match &self.source {
            Source::Files(files) => Ok(files),
            Source::Memory(_) => Err(DataError::new(
                "data.dataset",
                "[data]",
                "parts are cut out of images in files of their own, and these are read whole",
                "choose the data set folder or imagenet",
            )),
        }
    }

    /// As many of the images at `indices` as can be read; the others are added to `bad`, whose files are counted from
    /// `first` on.
    fn readable(&self, indices: &[usize], bad: &BadFiles, first: usize) -> Vec<Pixels<'_>> {
        let Source::Files(files) = &self.source else {
            // Images in memory have no errors.
            return self.read(indices).unwrap_or_default();
        };
        let mut readable = Vec::with_capacity(indices.len());
        for (image, &index) in files.read(indices).into_iter().zip(indices) {
            match image {
                Ok(image) => readable.push(Pixels::Decoded(image)),
                Err(error) => bad.add(first + index, &files.images[index].path, error.rule, error.remedy),
            }
        }
        readable
    }

    /// Calls `visit` with every image in the data set's order, as many at once as are decoded together. While it works
    /// the next ones are decoded. Images that cannot be read are left out and added to `bad`, whose files are counted
    /// from `first` on.
    pub(super) fn visit(&self, bad: &BadFiles, first: usize, visit: &mut dyn FnMut(&[Pixels<'_>])) {
        let together = match &self.source {
            Source::Memory(_) => self.images().max(1),
            Source::Files(files) => files.together(LARGEST_CHUNK),
        };
        let indices: Vec<usize> = (0..self.images()).collect();
        let mut chunks = indices.chunks(together);
        let mut next = chunks.next().map(|chunk| self.readable(chunk, bad, first));
        while let Some(current) = next {
            next = std::thread::scope(|scope| {
                let reading = chunks
                    .next()
                    .map(|chunk| scope.spawn(|| self.readable(chunk, bad, first)));
                visit(&current);
                // A panic of a decoder is caught where it decodes; any other is passed on.
                reading.map(|reading| reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            });
        }
    }

    /// Whether all images are in memory, or will be when each has been read once.
    pub(super) fn fit_in_memory(&self) -> bool {
        match &self.source {
            Source::Memory(_) => true,
            Source::Files(files) => files.fit_in_memory(),
        }
    }

    /// From now on no further image that is read from a file stays in memory.
    pub(super) fn keep_no_more(&self) {
        if let Source::Files(files) = &self.source {
            files.keep_no_more();
        }
    }
}

#[cfg(test)]
impl Images {
    /// All images one after the other.
    pub(crate) fn pixels(&self) -> Vec<u8> {
        let indices: Vec<usize> = (0..self.images()).collect();
        self.read(&indices)
            .unwrap()
            .iter()
            .flat_map(|image| image.to_vec())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_in_memory_are_read_in_the_order_that_is_asked_for() {
        let images = Images::from(Split {
            pixels: vec![1, 2, 3, 4, 5, 6],
            labels: vec![0, 1, 0],
        });
        let read: Vec<Vec<u8>> = (images.read(&[2, 0]).unwrap().iter())
            .map(|image| image.to_vec())
            .collect();
        assert_eq!(read, [[5, 6], [1, 2]]);
        let mut visited = Vec::new();
        images.visit(&BadFiles::default(), 0, &mut |images| {
            visited.extend(images.iter().map(|image| image.to_vec()))
        });
        assert_eq!(visited, [[1, 2], [3, 4], [5, 6]]);
        assert!(images.fit_in_memory());
    }
}
