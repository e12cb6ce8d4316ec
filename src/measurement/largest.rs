//! The search for the largest batch that runs, by trying.

use crate::formats::tables::Status;

/// How one try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// How it ended.
    pub status: Status,
    /// The error, empty where there was none.
    pub error: String,
    /// Its allocated peak.
    pub allocated_peak_bytes: Option<u64>,
}

/// What the search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boundary {
    /// The largest batch that ran.
    pub largest: Option<usize>,
    /// Its allocated peak.
    pub allocated_peak_bytes: Option<u64>,
    /// The smallest batch that did not run.
    pub smallest_too_large: Option<usize>,
    /// Why that did not run, or what ended the search before its end.
    pub error: String,
    /// Tries made.
    pub tries: usize,
    /// How the try ended that ended otherwise than by running or by running out of memory, if one did: the boundary is
    /// then not known.
    pub broken_off: Option<Status>,
}

/// The largest batch that is tried where nothing stops the search before.
const LARGEST_TRIED: usize = 1 << 20;

/// Finds the largest batch that runs: from `guess` (a prediction, or 1) up in steps that double until one runs out of
/// memory or down until one runs, then by halving what lies between. Every size is tried at most once. What needs more
/// memory needs it for every larger batch, so one boundary is all there is.
///
/// # Errors
/// Those of `attempt`, which end the search.
pub fn find_largest<E>(guess: usize, attempt: &mut dyn FnMut(usize) -> Result<Attempt, E>) -> Result<Boundary, E> {
    let mut found = Boundary::default();
    // The first step is an eighth of the guess: predictions are good to a tenth.
    let mut step = (guess / 8).max(1);
    let mut size = guess.clamp(1, LARGEST_TRIED);
    loop {
        let tried = attempt(size)?;
        found.tries += 1;
        match tried.status {
            Status::Ok => {
                found.largest = Some(size);
                found.allocated_peak_bytes = tried.allocated_peak_bytes;
            }
            Status::Oom => {
                found.smallest_too_large = Some(size);
                found.error = tried.error;
            }
            status => {
                found.broken_off = Some(status);
                found.error = format!("batch size {size}: {status}: {}", tried.error);
                return Ok(found);
            }
        }
        size = match (found.largest, found.smallest_too_large) {
            (Some(low), Some(high)) if high - low <= 1 => return Ok(found),
            (Some(low), Some(high)) => low + (high - low) / 2,
            (Some(LARGEST_TRIED), None) => {
                found.error = format!("no larger batch than {LARGEST_TRIED} is tried");
                return Ok(found);
            }
            (Some(low), None) => (low + step).min(LARGEST_TRIED),
            (None, Some(1)) => return Ok(found),
            (None, Some(high)) => high.saturating_sub(step).max(1),
            (None, None) => return Ok(found),
        };
        step = step.saturating_mul(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(status: Status) -> Attempt {
        Attempt {
            status,
            error: format!("{status}"),
            allocated_peak_bytes: Some(7),
        }
    }

    /// The boundary where every batch up to `fits` runs, and the sizes that were tried.
    fn search(guess: usize, fits: usize) -> (Boundary, Vec<usize>) {
        let mut tried = Vec::new();
        let boundary = find_largest::<()>(guess, &mut |size| {
            tried.push(size);
            Ok(attempt(if size <= fits { Status::Ok } else { Status::Oom }))
        });
        (boundary.unwrap(), tried)
    }

    #[test]
    fn the_boundary_is_found_from_any_guess_and_no_size_is_tried_twice() {
        for fits in [1, 2, 3, 7, 64, 100, 1000] {
            for guess in [1, 2, 5, 60, 64, 90, 100, 110, 5000] {
                let (boundary, mut tried) = search(guess, fits);
                assert_eq!(boundary.largest, Some(fits), "from {guess}");
                assert_eq!(boundary.smallest_too_large, Some(fits + 1), "from {guess}");
                assert_eq!(boundary.tries, tried.len());
                assert_eq!(boundary.error, "oom");
                let count = tried.len();
                tried.sort_unstable();
                tried.dedup();
                assert_eq!(tried.len(), count, "from {guess} to {fits}");
            }
        }
    }

    #[test]
    fn a_good_guess_needs_few_tries() {
        assert!(search(100, 104).1.len() <= 7, "{:?}", search(100, 104).1);
    }

    #[test]
    fn where_not_even_one_image_fits_there_is_no_largest() {
        let (boundary, _) = search(40, 0);
        assert_eq!((boundary.largest, boundary.smallest_too_large), (None, Some(1)));
    }

    #[test]
    fn a_search_without_a_limit_ends_at_the_largest_size_and_reports_it() {
        let (boundary, _) = search(1000, usize::MAX);
        assert_eq!(
            (boundary.largest, boundary.smallest_too_large),
            (Some(LARGEST_TRIED), None)
        );
        assert_eq!(boundary.error, "no larger batch than 1048576 is tried");
    }

    #[test]
    fn a_try_that_fails_otherwise_ends_the_search_and_is_named() {
        let boundary = find_largest::<()>(8, &mut |size| {
            Ok(attempt(if size < 9 { Status::Ok } else { Status::Timeout }))
        })
        .unwrap();
        assert_eq!(boundary.broken_off, Some(Status::Timeout));
        assert_eq!((boundary.largest, boundary.smallest_too_large), (Some(8), None));
        assert_eq!(boundary.error, "batch size 9: timeout: timeout");
    }
}
