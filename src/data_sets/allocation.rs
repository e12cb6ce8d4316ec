//! Whether a data set fits into memory, asked before it is read or made.

use super::error::DataError;
use crate::words::grouped;

/// Checks that `images` images of `values` bytes each fit into the available memory, where it is known.
///
/// # Errors
/// They do not fit; `key` and `remedy` name what the user can change.
pub(super) fn check(
    key: &'static str,
    thing: &str,
    images: usize,
    values: usize,
    available: Option<u64>,
    remedy: &str,
) -> Result<(), DataError> {
    let needed = images as u128 * values as u128;
    match available {
        Some(available) if needed > u128::from(available) => Err(DataError::new(
            key,
            thing,
            format!(
                "{} images of {} bytes need {} bytes of memory, and {} are available",
                grouped(images as u64),
                grouped(values as u64),
                grouped(u64::try_from(needed).unwrap_or(u64::MAX)),
                grouped(available)
            ),
            remedy,
        )),
        _ => Ok(()),
    }
}

/// Zeros for `images` images of `values` bytes each.
///
/// # Errors
/// The system refuses the memory.
pub(super) fn allocate(
    key: &'static str,
    thing: &str,
    images: usize,
    values: usize,
    remedy: &str,
) -> Result<Vec<u8>, DataError> {
    let mut pixels = Vec::new();
    let granted = images
        .checked_mul(values)
        .filter(|&bytes| pixels.try_reserve_exact(bytes).is_ok());
    match granted {
        Some(bytes) => {
            pixels.resize(bytes, 0);
            Ok(pixels)
        }
        None => Err(DataError::new(
            key,
            thing,
            format!(
                "the system refuses the memory for {} images of {} bytes",
                grouped(images as u64),
                grouped(values as u64)
            ),
            remedy,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_available_memory_is_refused_before_anything_is_read() {
        let check = |available| check("data.image-size", "synthetic", 1000, 300, available, "make fewer");
        assert_eq!(check(None), Ok(()));
        assert_eq!(check(Some(300_000)), Ok(()));
        assert_eq!(
            check(Some(299_999)).unwrap_err().to_string(),
            "synthetic: 1,000 images of 300 bytes need 300,000 bytes of memory, and 299,999 are available; make fewer"
        );
    }

    #[test]
    fn an_impossible_allocation_is_an_error_and_no_abort() {
        let error = allocate("data.train-images", "synthetic", usize::MAX, 3, "make fewer").unwrap_err();
        assert!(error.to_string().contains("refuses the memory"), "{error}");
    }
}
