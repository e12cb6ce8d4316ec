//! Work on many images at once, with a result that does not depend on how many threads do it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Fills each chunk of `values` bytes of `pixels` with `fill(index, chunk)` on `threads` threads.
///
/// # Errors
/// The error of the first chunk, in the chunks' order, that has one. Chunks are taken in ascending order, so every chunk
/// before a failed one is finished too, and which error comes back does not depend on timing.
pub(super) fn fill_chunks<E: Send>(
    pixels: &mut [u8],
    values: usize,
    threads: usize,
    fill: impl Fn(usize, &mut [u8]) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let first_failure: Mutex<Option<(usize, E)>> = Mutex::new(None);
    let failed_at = AtomicUsize::new(usize::MAX);
    let chunks = Mutex::new(pixels.chunks_mut(values.max(1)).enumerate());
    let work = || {
        loop {
            // A lock is poisoned only by a panic, which the scope propagates to the caller.
            let Some((index, chunk)) = chunks.lock().ok().and_then(|mut chunks| chunks.next()) else {
                return;
            };
            if index > failed_at.load(Ordering::Acquire) {
                return;
            }
            if let Err(error) = fill(index, chunk)
                && let Ok(mut first) = first_failure.lock()
                && first.as_ref().is_none_or(|(earlier, _)| index < *earlier)
            {
                failed_at.store(index, Ordering::Release);
                *first = Some((index, error));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    match first_failure.into_inner() {
        Ok(Some((_, error))) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_filled_whatever_the_threads() {
        for threads in [0, 1, 2, 5, 40] {
            let mut pixels = vec![0; 30];
            let filled = fill_chunks(&mut pixels, 3, threads, |index, chunk| {
                chunk.fill(index as u8 + 1);
                Ok::<(), ()>(())
            });
            assert_eq!(filled, Ok(()));
            let expected: Vec<u8> = (0..30).map(|value| value / 3 + 1).collect();
            assert_eq!(pixels, expected);
        }
    }

    #[test]
    fn the_first_error_in_order_is_reported_whatever_the_timing() {
        // The first failure comes late, or another that started beside it comes later.
        for (first, second) in [(20, 0), (5, 20)] {
            for threads in [1, 2, 4, 8] {
                let mut pixels = vec![0; 64];
                let filled = fill_chunks(&mut pixels, 1, threads, |index, _| {
                    let pause = [first, second].get(index.wrapping_sub(9)).copied().unwrap_or(0);
                    std::thread::sleep(std::time::Duration::from_millis(pause));
                    if index >= 9 { Err(index) } else { Ok(()) }
                });
                assert_eq!(filled, Err(9));
            }
        }
    }
}
