//! What a pass over a data set finds: its fingerprint, and the moments of its training images.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bad_files::BadFiles;
use super::error::DataError;
use super::moments::Moments;
use super::set::{DataSet, Part};
use crate::words::hex;

/// What a pass over a data set finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// SHA-256, as 64 hexadecimal digits, of everything that decides numbers: the shape, the scale, the classes, and the
    /// pixels and labels of both splits after their limits. Of images in files that take more than
    /// [`LARGEST_HASHED`] bytes together, their files' names and lengths stand for the pixels; of images that are cut
    /// they stand beside them.
    pub fingerprint: String,
    /// For other processes that read the same files; none for images in memory.
    pub files: Option<FilesSurvey>,
}

/// What one process finds of a data set's files, so that another need not read them all again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesSurvey {
    /// SHA-256 of the files' names, lengths, labels and times, and of what is made of them: where it is the same, the
    /// rest holds.
    pub stamp: String,
    /// Of the training images, one a channel; none where they are not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<Vec<Moments>>,
}

/// The most bytes of images in files that a fingerprint is made of: below, a pass takes minutes; ImageNet's 193 GB would
/// take hours before the first step.
pub const LARGEST_HASHED: u64 = 16 << 30;

/// Is told how many images of how many have been read.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize);

impl DataSet {
    /// Finds the fingerprint, and with `with_moments` the moments of the training images. Images in files are read and
    /// decoded, each once, unless there are more than [`LARGEST_HASHED`] bytes of them; then only the training images,
    /// and only for their moments.
    ///
    /// # Errors
    /// Images that cannot be read or decoded: the first ten, in the data set's order, and their count.
    pub fn survey(&self, with_moments: bool, progress: Progress<'_>) -> Result<Survey, DataError> {
        let by_names = self.listing.as_ref().filter(|_| self.decoded_bytes() > LARGEST_HASHED);
        let mut moments = vec![Moments::default(); self.shape.channels];
        let mut fingerprint = self.start_of_fingerprint();
        let mut total = 0;
        for part in [Part::Train, Part::Test] {
            let adds = with_moments && part == Part::Train;
            if by_names.is_none() || adds {
                total += self.split(part).images();
            }
        }
        let (mut done, mut first) = (0, 0);
        let bad = BadFiles::default();
        for part in [Part::Train, Part::Test] {
            let images = self.split(part);
            let adds = with_moments && part == Part::Train;
            hash_number(&mut fingerprint, images.images());
            match &self.listing {
                Some(listing) if part == Part::Train && (by_names.is_some() || listing.is_cut) => {
                    fingerprint.update(listing.names);
                }
                _ => {}
            }
            if by_names.is_none() || adds {
                images.visit(&bad, first, &mut |images| {
                    for image in images {
                        if by_names.is_none() {
                            fingerprint.update(&image[..]);
                        }
                        if adds {
                            Moments::add(&mut moments, image);
                        }
                    }
                    done += images.len();
                    progress(done, total);
                });
            }
            first += images.images();
            for label in &images.labels {
                fingerprint.update(label.to_le_bytes());
            }
        }
        self.check(bad)?;
        let moments = with_moments.then_some(moments);
        if let Some(moments) = &moments {
            let _ = self.moments.set(moments.clone());
        }
        Ok(Survey {
            fingerprint: hex(&fingerprint.finalize()),
            files: self.listing.as_ref().map(|listing| FilesSurvey {
                stamp: listing.stamp.clone(),
                moments,
            }),
        })
    }

    /// The moments of the training images, one a channel. The first call may have to read them all.
    ///
    /// # Errors
    /// The first image that cannot be read or decoded.
    pub fn moments(&self) -> Result<&[Moments], DataError> {
        if self.moments.get().is_none() {
            let mut moments = vec![Moments::default(); self.shape.channels];
            let bad = BadFiles::default();
            (self.train).visit(&bad, 0, &mut |images| {
                images.iter().for_each(|image| Moments::add(&mut moments, image));
            });
            self.check(bad)?;
            let _ = self.moments.set(moments);
        }
        Ok(self.moments.get().map_or(&[], Vec::as_slice))
    }

    /// Takes what another process found, where it is of the same files as they are now; whether it is.
    pub fn accept(&self, survey: &FilesSurvey) -> bool {
        let is_same = (self.listing.as_ref()).is_some_and(|listing| listing.stamp == survey.stamp);
        if let (true, Some(moments)) = (is_same, &survey.moments) {
            let _ = self.moments.set(moments.clone());
        }
        is_same
    }

    /// Decodes every image in files, and keeps those that there is room for.
    ///
    /// # Errors
    /// Images that cannot be read or decoded, likewise.
    pub fn decode_all(&self) -> Result<(), DataError> {
        if self.listing.is_none() {
            return Ok(());
        }
        let bad = BadFiles::default();
        self.train.visit(&bad, 0, &mut |_| ());
        self.test.visit(&bad, self.train.images(), &mut |_| ());
        self.check(bad)
    }

    /// Checks that no image's file is bad.
    fn check(&self, bad: BadFiles) -> Result<(), DataError> {
        let folder = self.listing.as_ref().map_or(Path::new(""), |listing| &listing.folder);
        bad.check(folder)
    }

    fn decoded_bytes(&self) -> u64 {
        (self.train.images() + self.test.images()) as u64 * self.shape.values() as u64
    }

    /// Every length is hashed before what it counts, so that no two data sets hash the same bytes.
    fn start_of_fingerprint(&self) -> Sha256 {
        let mut hash = Sha256::new();
        let shape = self.shape;
        for value in [shape.channels, shape.height, shape.width, self.classes.len()] {
            hash_number(&mut hash, value);
        }
        for class in &self.classes {
            hash_number(&mut hash, class.len());
            hash.update(class);
        }
        hash.update(self.scale.to_le_bytes());
        hash
    }
}

fn hash_number(hash: &mut Sha256, value: usize) {
    hash.update((value as u64).to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::split::Split;
    use super::*;
    use crate::network::Shape;

    /// Width, last class, scale, training pixels, last training label, test pixels.
    type Parts = (usize, &'static str, f32, [u8; 6], u32, [u8; 2]);

    const PARTS: Parts = (2, "b", 16.0, [1, 2, 3, 4, 5, 6], 0, [7, 8]);

    fn small((width, class, scale, train, label, test): Parts) -> DataSet {
        let shape = Shape {
            channels: 1,
            height: 1,
            width,
        };
        let split = |pixels: &[u8], labels: &[u32]| Split {
            pixels: pixels.to_vec(),
            labels: labels.to_vec(),
        };
        DataSet::new(
            "digits",
            shape,
            vec!["a".into(), class.into()],
            scale,
            split(&train, &[0, 1, label]),
            split(&test, &[1]),
        )
    }

    fn fingerprint(parts: Parts) -> String {
        small(parts).survey(false, &mut |_, _| ()).unwrap().fingerprint
    }

    #[test]
    fn the_fingerprint_follows_every_part_that_decides_numbers() {
        let base = fingerprint(PARTS);
        assert_eq!(base, fingerprint(PARTS));
        let changes: [fn(&mut Parts); 6] = [
            |parts| parts.0 = 1,
            |parts| parts.1 = "bx",
            |parts| parts.2 = 255.0,
            |parts| parts.3[3] ^= 1,
            |parts| parts.4 = 1,
            |parts| parts.5[0] = 0,
        ];
        for change in changes {
            let mut changed = PARTS;
            change(&mut changed);
            assert_ne!(fingerprint(changed), base);
        }
    }

    #[test]
    fn a_survey_of_images_in_memory_finds_their_moments_and_nothing_of_files() {
        let data = small(PARTS);
        let survey = data.survey(true, &mut |_, _| ()).unwrap();
        assert_eq!(survey.files, None);
        assert_eq!(data.moments().unwrap(), [Moments { sum: 21, squares: 91 }]);
        assert_eq!(small(PARTS).moments().unwrap(), data.moments().unwrap());
    }
}
