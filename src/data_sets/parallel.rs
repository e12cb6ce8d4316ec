//! Work on many images at once, with a result that does not depend on how many threads do it.

use std::sync::Mutex;

/// Fills each chunk of `values` bytes of `pixels` with `fill(index, chunk)` on `threads` threads.
pub(super) fn fill_chunks(pixels: &mut [u8], values: usize, threads: usize, fill: impl Fn(usize, &mut [u8]) + Sync) {
    let chunks = pixels.chunks_mut(values.max(1)).enumerate();
    for_each(chunks, threads, |(index, chunk)| fill(index, chunk));
}

/// Calls `work` with each of `items`, which are taken in their order, on `threads` threads, of which the caller's is one.
pub(super) fn for_each<T: Send>(
    items: impl IntoIterator<Item = T, IntoIter: Send>,
    threads: usize,
    work: impl Fn(T) + Sync,
) {
    let items = Mutex::new(items.into_iter());
    let work = || {
        // A lock is poisoned only by a panic, which the scope propagates to the caller.
        while let Some(item) = items.lock().ok().and_then(|mut items| items.next()) {
            work(item);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_filled_whatever_the_threads() {
        for threads in [0, 1, 2, 5, 40] {
            let mut pixels = vec![0; 30];
            fill_chunks(&mut pixels, 3, threads, |index, chunk| chunk.fill(index as u8 + 1));
            let expected: Vec<u8> = (0..30).map(|value| value / 3 + 1).collect();
            assert_eq!(pixels, expected);
        }
    }
}
