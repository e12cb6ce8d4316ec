//! Images in files, decoded when they are asked for, and kept in memory as far as there is room.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::error::DataError;
use super::file_system::FileSystem;
use super::image_file::{Fit, LARGEST_FILE, decode_to};
use super::parallel;
use super::stand_in::stand_in;
use crate::words::grouped;

/// A file with an image.
#[derive(Clone, Debug)]
pub(super) struct ImageFile {
    /// Its path.
    pub path: PathBuf,
    /// Its length when the data set was opened.
    pub bytes: u64,
}

/// Room for decoded images, in bytes, which the splits of a data set share.
///
/// What has been put in stays. Every epoch reads every image once, in an order of its own: an image that made way for
/// another would be missing later in its place, and the least recently used one is among the next to be read.
#[derive(Debug)]
pub(super) struct Room {
    left: AtomicU64,
    fits: bool,
}

impl Room {
    /// Room of `bytes` for a data set of `needed` bytes.
    pub fn new(bytes: u64, needed: u64) -> Self {
        Self {
            left: AtomicU64::new(bytes),
            fits: needed <= bytes,
        }
    }

    /// Takes `bytes` of what is left; whether there were as many.
    fn take(&self, bytes: usize) -> bool {
        let less = |left: u64| left.checked_sub(bytes as u64);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.left.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// The images of a split, `[3, size, size]` bytes each, `size` being that of `fit`.
pub(super) struct FileImages {
    pub files: Arc<dyn FileSystem>,
    pub images: Vec<ImageFile>,
    pub fit: Fit,
    /// Threads to decode on, at least one.
    pub threads: usize,
    pub room: Arc<Room>,
    /// One place for each of the images.
    kept: Vec<OnceLock<Arc<[u8]>>>,
}

impl fmt::Debug for FileImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.kept.iter().filter(|image| image.get().is_some()).count();
        write!(f, "FileImages({} images, {kept} kept)", self.images.len())
    }
}

impl FileImages {
    pub fn new(files: Arc<dyn FileSystem>, images: Vec<ImageFile>, fit: Fit, threads: usize, room: Arc<Room>) -> Self {
        Self {
            kept: images.iter().map(|_| OnceLock::new()).collect(),
            files,
            images,
            fit,
            threads,
            room,
        }
    }

    /// The images at `indices`, in that order; for each that cannot be read, does not decode, or changed since the data
    /// set was opened, why.
    pub fn read(&self, indices: &[usize]) -> Vec<Result<Arc<[u8]>, DataError>> {
        let mut images: Vec<Option<Result<Arc<[u8]>, DataError>>> = indices
            .iter()
            .map(|&index| self.kept[index].get().cloned().map(Ok))
            .collect();
        let missing = images.iter_mut().zip(indices).filter(|(image, _)| image.is_none());
        let missing: Vec<_> = missing.collect();
        let threads = self.threads.min(missing.len());
        parallel::for_each(missing, threads, |(image, &index)| *image = Some(self.decoded(index)));
        images.into_iter().flatten().collect()
    }

    /// Decodes one image, and keeps it where there is room.
    fn decoded(&self, index: usize) -> Result<Arc<[u8]>, DataError> {
        let ImageFile { path, bytes } = &self.images[index];
        let content = (self.files.read(path, LARGEST_FILE)).map_err(|error| DataError::unreadable(path, &error))?;
        if content.len() as u64 != *bytes {
            return Err(DataError::path(
                path,
                format!(
                    "the file changed while the data set was in use: it has {} bytes, and had {}",
                    grouped(content.len() as u64),
                    grouped(*bytes)
                ),
                "leave the images alone while they are trained on, and run again",
            ));
        }
        let pixels: Arc<[u8]> = decode_to(&content, self.fit)
            .map_err(|reason| {
                let (rule, remedy) = stand_in(&content).unwrap_or_else(|| {
                    let rule = format!("not a readable PNG or JPEG file: {reason}");
                    (rule, "replace the image, or remove it")
                });
                DataError::path(path, rule, remedy)
            })?
            .into();
        // Another thread may have decoded it meanwhile.
        if self.room.take(pixels.len()) && self.kept[index].set(Arc::clone(&pixels)).is_err() {
            self.room.give_back(pixels.len());
        }
        Ok(pixels)
    }

    /// How many images may be decoded at once, for about `bytes` of them; enough for every thread.
    pub fn together(&self, bytes: usize) -> usize {
        let values = 3 * (self.fit.size as usize).pow(2);
        (bytes / values.max(1)).max(2 * self.threads).max(1)
    }

    /// Whether the whole data set has room.
    pub fn fit_in_memory(&self) -> bool {
        self.room.fits
    }

    /// From now on no further image is kept.
    pub fn keep_no_more(&self) {
        self.room.left.store(0, Ordering::Relaxed);
    }
}
