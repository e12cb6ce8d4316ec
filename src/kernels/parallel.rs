//! How a batch is divided among threads: in chunks of whole images that depend on the shapes alone.
//!
//! Every sum over the batch is made of one sum a chunk, added in the chunks' order. So the result is the same to the last
//! bit whichever thread took which chunk, and at any number of threads.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::buffer::{Buffer, report};

/// Most chunks of a batch.
const CHUNKS: usize = 32;
/// Fewest pixels of a chunk: below, what a chunk adds to the sums costs more than its share of the work.
const CHUNK_PIXELS: usize = 128;
/// Work, in multiply-accumulates, below which waking a thread costs more than it brings.
const PARALLEL_WORK: usize = 2_000_000;

/// The shares of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunks {
    /// Images in each but the last.
    pub(super) images: usize,
}

impl Chunks {
    /// Divides `images` images of `pixels` pixels each.
    pub(super) fn new(images: usize, pixels: usize) -> Self {
        let fewest = CHUNK_PIXELS.div_ceil(pixels.max(1));
        Self {
            images: images.div_ceil(CHUNKS).max(fewest).min(images.max(1)),
        }
    }
}

/// Which end of a batch a pass starts at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    First,
    /// Where the pass before it ended: what it left in the caches is used before it is driven out.
    Last,
}

/// The results of all parts of a batch, in order. `work` is what all take together, in multiply-accumulates.
pub(super) fn map<P: Send, R: Send>(
    work: usize,
    start: Start,
    parts: impl Iterator<Item = P>,
    run: impl Fn(P) -> R + Send + Sync,
) -> Vec<R> {
    let mut parts: Vec<P> = parts.collect();
    if start == Start::Last {
        parts.reverse();
    }
    let mut results: Vec<R> = if work < PARALLEL_WORK || parts.len() < 2 {
        parts.into_iter().map(run).collect()
    } else {
        parts.into_par_iter().map(run).collect()
    };
    if start == Start::Last {
        results.reverse();
    }
    results
}

/// Runs a whole pass inside the thread pool where it is large enough to be shared out: entering the pool takes as long
/// as a small layer.
pub(super) fn enter<R: Send>(work: usize, pass: impl FnOnce() -> R + Send) -> R {
    if work < PARALLEL_WORK {
        pass()
    } else {
        rayon::scope(|_| pass())
    }
}

/// Runs over pieces of values, each with the place of its first value: what depends on no other value.
pub(super) fn pieces(values: &mut [f32], run: impl Fn(usize, &mut [f32]) + Send + Sync) {
    const PIECE: usize = 1 << 16;
    let work = values.len();
    let parts = values.chunks_mut(PIECE).enumerate();
    map(work, Start::First, parts, |(piece, values)| run(piece * PIECE, values));
}

/// The sums of the parts' values, element by element in the parts' order.
pub(super) fn sum(parts: Vec<Buffer<f32>>) -> Buffer<f32> {
    let mut parts = parts.into_iter();
    let mut sums = parts.next().unwrap_or_default();
    let rest: Vec<Buffer<f32>> = parts.collect();
    const PIECE: usize = 4096;
    let add = |(piece, sums): (usize, &mut [f32])| {
        for part in &rest {
            let part = &part[piece * PIECE..][..sums.len()];
            for (sum, value) in sums.iter_mut().zip(part) {
                *sum += value;
            }
        }
    };
    if sums.len() * rest.len() < PARALLEL_WORK / 4 {
        sums.chunks_mut(PIECE).enumerate().for_each(add);
    } else {
        sums.par_chunks_mut(PIECE).enumerate().for_each(add);
    }
    sums
}

/// The sums of the parts' values, in the parts' order.
pub(super) fn sum_f64<'a>(parts: impl Iterator<Item = &'a [f64]>, count: usize) -> Buffer<f64> {
    let mut sums = Buffer::zeros(count);
    for part in parts {
        for (sum, value) in sums.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sums
}

/// The most values of scratch that a call has asked for: counted for every thread, whichever have had a share of the work.
static MOST_SCRATCH: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SCRATCH: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Counts what every thread's scratch grows by.
#[cold]
fn count_scratch(values: usize) {
    let more = values.saturating_sub(MOST_SCRATCH.fetch_max(values, Ordering::Relaxed));
    let bytes = more * size_of::<f32>() * rayon::current_num_threads();
    report(i64::try_from(bytes).unwrap_or(i64::MAX));
}

/// Lends this thread's scratch memory, at least `values` values of any content. It is kept from call to call and grows
/// to what the largest layer needs, a few hundred KiB.
pub(super) fn with_scratch<R>(values: usize, run: impl FnOnce(&mut [f32]) -> R) -> R {
    // Nearly every call only reads it: a write would take the cache line from the other threads.
    if MOST_SCRATCH.load(Ordering::Relaxed) < values {
        count_scratch(values);
    }
    let mut scratch = SCRATCH.take();
    if scratch.len() < values {
        scratch.resize(values, 0.0);
    }
    let result = run(&mut scratch[..values]);
    SCRATCH.set(scratch);
    result
}
