//! The kernels' own buffers, which are not tensors: packed weights, sums, and weight gradients a chunk.

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;

static REPORT: OnceLock<fn(i64)> = OnceLock::new();

/// Tells `report` of the bytes of every buffer that is made from now on, and, as a negative number, of each that is dropped
/// again: a counter of tensors' memory adds them to the tensors'. The first of several calls holds.
pub fn count_buffers(report: fn(i64)) {
    REPORT.get_or_init(|| report);
}

/// Tells the counter of bytes, where there is one.
pub(super) fn report(bytes: i64) -> bool {
    let report = REPORT.get();
    if let Some(report) = report {
        report(bytes);
    }
    report.is_some()
}

/// Values whose bytes are counted.
#[derive(Debug)]
pub struct Buffer<T> {
    values: Vec<T>,
    /// Bytes that the counter was told of: none of a buffer that is older than the counter.
    counted: i64,
}

impl<T> Buffer<T> {
    fn of(values: Vec<T>) -> Self {
        let mut buffer = Self { values, counted: 0 };
        buffer.count();
        buffer
    }

    /// Counts what was not counted yet.
    fn count(&mut self) {
        let bytes = i64::try_from(std::mem::size_of_val(self.values.as_slice())).unwrap_or(i64::MAX);
        if bytes != self.counted && report(bytes - self.counted) {
            self.counted = bytes;
        }
    }
}

impl<T: Clone + Default> Buffer<T> {
    /// That many zeros.
    pub fn zeros(count: usize) -> Self {
        Self::of(vec![T::default(); count])
    }

    /// Appends values.
    pub fn extend_from_slice(&mut self, values: &[T]) {
        self.values.reserve_exact(values.len());
        self.values.extend_from_slice(values);
        self.count();
    }
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self::of(Vec::new())
    }
}

impl<T: Clone> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::of(self.values.clone())
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self::of(values)
    }
}

impl<T> FromIterator<T> for Buffer<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::of(values.into_iter().collect())
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T> DerefMut for Buffer<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if self.counted != 0 {
            report(-self.counted);
        }
    }
}
