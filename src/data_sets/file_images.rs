//! Images in files, decoded when they are asked for, and kept in memory as far as there is room.

use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::error::DataError;
use super::file_system::FileSystem;
use super::fitting::Fitting;
use super::image_file::LARGEST_FILE;
use super::parallel;
use super::region::Region;
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

/// The part of an image that is wanted, by the image's index in its split, its height and its width.
pub type RegionOf<'a> = dyn Fn(usize, usize, usize) -> Region + Sync + 'a;

/// What is made of an image's file: its pixels, or why there are none.
type Decode<'a> = dyn Fn(usize, &[u8]) -> Result<Vec<u8>, String> + Sync + 'a;

/// Images, or why each cannot be had.
type Decoded = Vec<Result<Arc<[u8]>, DataError>>;

/// The images of a split, `[3, size, size]` bytes each.
pub(super) struct FileImages {
    pub files: Arc<dyn FileSystem>,
    pub images: Vec<ImageFile>,
    pub fitting: Fitting,
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
    pub fn new(
        files: Arc<dyn FileSystem>,
        images: Vec<ImageFile>,
        fitting: Fitting,
        threads: usize,
        room: Arc<Room>,
    ) -> Self {
        Self {
            kept: images.iter().map(|_| OnceLock::new()).collect(),
            files,
            images,
            fitting,
            threads,
            room,
        }
    }

    /// The images at `indices`, in that order; for each that cannot be read, does not decode, or changed since the data
    /// set was opened, why.
    pub fn read(&self, indices: &[usize]) -> Decoded {
        let mut images: Vec<Option<Result<Arc<[u8]>, DataError>>> = indices
            .iter()
            .map(|&index| self.kept[index].get().cloned().map(Ok))
            .collect();
        let missing = images.iter_mut().zip(indices).filter(|(image, _)| image.is_none());
        let missing: Vec<_> = missing.collect();
        let threads = self.threads.min(missing.len());
        parallel::for_each(missing, threads, |(image, &index)| {
            let pixels = self.decoded(index, &|_, bytes| self.fitting.square(bytes));
            *image = Some(pixels.inspect(|pixels| self.keep(index, pixels)));
        });
        images.into_iter().flatten().collect()
    }

    /// Likewise of each image the part that `region` gives for its index, height and width, as a square.
    pub fn read_parts(&self, indices: &[usize], region: &RegionOf<'_>) -> Decoded {
        let decode = |index: usize, bytes: &[u8]| {
            let of_size = |height: usize, width: usize| -> Region { region(index, height, width) };
            self.fitting.part(bytes, &of_size)
        };
        self.read_anew(indices, &decode)
    }

    /// Likewise of each image ten squares, `[10, 3, size, size]`; see [`Fitting::ten_squares`].
    pub fn read_ten(&self, indices: &[usize]) -> Decoded {
        self.read_anew(indices, &|_, bytes| self.fitting.ten_squares(bytes))
    }

    /// Reads and decodes images that are not kept: their pixels are others each time, or too many.
    fn read_anew(&self, indices: &[usize], decode: &Decode<'_>) -> Decoded {
        let mut images: Vec<Option<Result<Arc<[u8]>, DataError>>> = vec![None; indices.len()];
        let threads = self.threads.min(indices.len());
        parallel::for_each(images.iter_mut().zip(indices), threads, |(image, &index)| {
            *image = Some(self.decoded(index, decode));
        });
        images.into_iter().flatten().collect()
    }

    /// Decodes one image.
    fn decoded(&self, index: usize, decode: &Decode<'_>) -> Result<Arc<[u8]>, DataError> {
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
        let pixels = decode(index, &content).map_err(|reason| {
            let (rule, remedy) = stand_in(&content).unwrap_or_else(|| {
                let rule = format!("not a readable PNG or JPEG file: {reason}");
                (rule, "replace the image, or remove it")
            });
            DataError::path(path, rule, remedy)
        })?;
        Ok(pixels.into())
    }

    /// Keeps a decoded image where there is room.
    fn keep(&self, index: usize, pixels: &Arc<[u8]>) {
        // Another thread may have decoded it meanwhile.
        if self.room.take(pixels.len()) && self.kept[index].set(Arc::clone(pixels)).is_err() {
            self.room.give_back(pixels.len());
        }
    }

    /// How many images may be decoded at once, for about `bytes` of them; enough for every thread.
    pub fn together(&self, bytes: usize) -> usize {
        let values = 3 * self.fitting.size * self.fitting.size;
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
