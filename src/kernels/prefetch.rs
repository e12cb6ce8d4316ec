//! Prefetches the values of a later tile while this one is computed.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "the standard library has no safe way to prefetch")
)]

/// Values in a line of the cache.
const LINE: usize = 16;

/// Brings the lines of values `start..end` closer, those of them that are there.
///
/// A block's rows are too far apart for the processor to see the pattern by itself, and a step's buffers are larger than
/// any cache: without this, multiplying and waiting for memory follow one another.
#[inline(always)]
pub(super) fn prefetch(values: &[f32], start: usize, end: usize) {
    let end = end.min(values.len());
    let mut place = start;
    while place < end {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: `place` is an index of `values`, and a prefetch reads nothing that a program could see.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().add(place).cast()) };
        }
        place += LINE;
    }
}
