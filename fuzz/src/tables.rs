//! The result tables.

use densenet_bench::formats::correctness::{self, OfTrial, correct_images};
use densenet_bench::formats::tables::{
    BatchRow, BoundaryRow, CorrectnessRow, EpochRow, PeerRow, PhaseRow, ProfileRow, Row, SampleRow, StepRow,
    TableError, TrialRow, appended_rows, leading_rows, read_rows, whole_lines, write_rows,
};

use super::message;

/// `trials.csv`.
pub fn trials_csv(bytes: &[u8]) -> bool {
    table::<TrialRow>(bytes)
}

/// `steps.csv`.
pub fn steps_csv(bytes: &[u8]) -> bool {
    table::<StepRow>(bytes)
}

/// `epochs.csv`.
pub fn epochs_csv(bytes: &[u8]) -> bool {
    table::<EpochRow>(bytes)
}

/// `correctness.csv`: rows whose checksum holds say as many images as they name, and are written the same again.
pub fn correctness_csv(bytes: &[u8]) -> bool {
    for row in leading_rows::<CorrectnessRow>(bytes, CorrectnessRow::FILE).0 {
        if let Ok(correct) = correct_images(&row) {
            let of = OfTrial {
                trial: &row.trial,
                variant: &row.variant,
                seed: row.seed,
                data_fingerprint: &row.data_fingerprint,
            };
            assert_eq!(correct.len(), row.images);
            let again = correctness::row(of, &correct);
            assert_eq!(correct_images(&again).unwrap(), correct);
        }
    }
    table::<CorrectnessRow>(bytes)
}

/// `batches.csv`.
pub fn batches_csv(bytes: &[u8]) -> bool {
    table::<BatchRow>(bytes)
}

/// `samples.csv`.
pub fn samples_csv(bytes: &[u8]) -> bool {
    table::<SampleRow>(bytes)
}

/// `phases.csv`.
pub fn phases_csv(bytes: &[u8]) -> bool {
    table::<PhaseRow>(bytes)
}

/// `profile.csv`.
pub fn profile_csv(bytes: &[u8]) -> bool {
    table::<ProfileRow>(bytes)
}

/// `boundaries.csv`.
pub fn boundaries_csv(bytes: &[u8]) -> bool {
    table::<BoundaryRow>(bytes)
}

/// `peers.csv`.
pub fn peers_csv(bytes: &[u8]) -> bool {
    table::<PeerRow>(bytes)
}

/// Rows that are read are written and read to the same bits, those before a fault also; and wherever the table is cut, its whole rows are found.
fn table<T: Row>(bytes: &[u8]) -> bool {
    for cut in cuts(bytes.len()) {
        match whole_rows::<T>(&bytes[..cut], T::FILE) {
            Ok((_, length)) => assert!(length == 0 || (length <= cut && bytes[length - 1] == b'\n')),
            Err(error) => assert!(!message::refused(error, T::FILE)),
        }
    }
    let (leading, fault) = leading_rows::<T>(bytes, T::FILE);
    let kept = read_rows::<T>(&write_rows(&leading).unwrap(), T::FILE).unwrap();
    assert_eq!(kept.len(), leading.len());
    let rows = match read_rows::<T>(bytes, T::FILE) {
        Ok(rows) => rows,
        Err(error) => {
            assert_eq!(fault.as_ref(), Some(&error));
            return message::refused(error, T::FILE);
        }
    };
    assert_eq!((rows.len(), fault), (leading.len(), None));
    let written = write_rows(&rows).unwrap();
    let read = read_rows::<T>(&written, T::FILE).unwrap();
    // A float is printed so that it reads back to the same bits: equal text is equal bits, of NaN also.
    assert_eq!(write_rows(&read).unwrap(), written);
    assert_eq!(read.len(), rows.len());
    let mut ends = vec![write_rows::<T>(&[]).unwrap().len()];
    for row in rows.chunks(1) {
        ends.push(ends[ends.len() - 1] + appended_rows(row).unwrap().len());
    }
    for cut in cuts(written.len()) {
        let (whole, length) = whole_rows::<T>(&written[..cut], T::FILE).unwrap();
        let expected = ends.partition_point(|&end| end <= cut);
        assert_eq!(
            length,
            expected.checked_sub(1).map_or(0, |last| ends[last]),
            "cut at {cut}"
        );
        assert_eq!(whole.len(), expected.saturating_sub(1), "cut at {cut}");
    }
    true
}

/// The whole rows of a table that may be cut, and the bytes that they and the header take.
fn whole_rows<T: Row>(bytes: &[u8], file: &str) -> Result<(Vec<T>, usize), TableError> {
    match whole_lines(bytes.to_vec()) {
        Some(lines) => Ok((read_rows(&lines, file)?, lines.len())),
        None => Ok((Vec::new(), 0)),
    }
}

/// A third of a length, two thirds and the whole.
fn cuts(length: usize) -> [usize; 3] {
    [length / 3, length / 3 * 2, length]
}
