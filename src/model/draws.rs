//! The seeds of dropout's masks where the kernels draw them.

use std::sync::atomic::{AtomicU64, Ordering};

/// A series of seeds, one for each pass of a segment: the same after the same seed, whatever the device.
#[derive(Debug, Default)]
pub struct Draws {
    seed: AtomicU64,
    drawn: AtomicU64,
}

impl Draws {
    /// Starts the series of a seed.
    pub fn start(&self, seed: u64) {
        self.seed.store(seed, Ordering::Relaxed);
        self.drawn.store(0, Ordering::Relaxed);
    }

    /// The next seed of the series.
    pub fn next(&self) -> u64 {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed) + 1;
        // An odd factor, so that no two seeds of a series are one.
        let seed = self.seed.load(Ordering::Relaxed);
        seed.wrapping_add(number.wrapping_mul(0xD1B5_4A32_D192_ED03))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_starts_anew_with_its_seed() {
        let draws = Draws::default();
        let series = |seed| {
            draws.start(seed);
            [draws.next(), draws.next(), draws.next()]
        };
        let first = series(7);
        assert!(first[0] != first[1] && first[1] != first[2]);
        assert_ne!(series(8), first);
        assert_eq!(series(7), first);
    }
}
