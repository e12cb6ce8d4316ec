//! Which test images a trial got right, as a row of `correctness.csv`: a bit for each image, with a checksum.

use sha2::{Digest, Sha256};

use super::tables::{CorrectnessRow, Row, TableError};
use crate::words::hex;

/// Before the digits, so that no program takes them for a number.
const MARK: char = 'x';

/// Whose outcomes a row holds.
#[derive(Clone, Copy, Debug)]
pub struct OfTrial<'a> {
    /// The trial's ID.
    pub trial: &'a str,
    /// The variant's name.
    pub variant: &'a str,
    /// The trial's seed.
    pub seed: u64,
    /// The data's fingerprint.
    pub data_fingerprint: &'a str,
}

/// The row of a trial, with whether it got each test image right, in the data set's order.
pub fn row(of: OfTrial<'_>, correct: &[bool]) -> CorrectnessRow {
    let bytes: Vec<u8> = correct
        .chunks(8)
        .map(|images| {
            let bits = images.iter().enumerate();
            bits.map(|(place, &is_right)| u8::from(is_right) << (7 - place)).sum()
        })
        .collect();
    let text = format!("{MARK}{}", hex(&bytes));
    CorrectnessRow {
        trial: of.trial.to_owned(),
        variant: of.variant.to_owned(),
        seed: of.seed,
        data_fingerprint: of.data_fingerprint.to_owned(),
        images: correct.len(),
        sha256: hex(&Sha256::digest(&text)),
        correct: text,
    }
}

/// Whether the row's trial got each test image right, in the data set's order.
///
/// # Errors
/// The column that is wrong, and the rule that it breaks.
pub fn correct_images(row: &CorrectnessRow) -> Result<Vec<bool>, (&'static str, String)> {
    if hex(&Sha256::digest(&row.correct)) != row.sha256 {
        return Err(("sha256", "it is not the checksum of 'correct'".to_owned()));
    }
    let misfit = || {
        let digits = 2 * row.images.div_ceil(8);
        (
            "correct",
            format!("{} images are {MARK} and {digits} hexadecimal digits", row.images),
        )
    };
    let digits = row.correct.strip_prefix(MARK).ok_or_else(misfit)?;
    if digits.len() != 2 * row.images.div_ceil(8) {
        return Err(misfit());
    }
    let mut correct = Vec::with_capacity(4 * digits.len());
    for digit in digits.chars() {
        let bits = digit.to_digit(16).ok_or_else(misfit)?;
        correct.extend((0..4).rev().map(|place| bits >> place & 1 == 1));
    }
    // The last byte's bits behind the last image.
    if correct.drain(row.images..).any(|bit| bit) {
        return Err(misfit());
    }
    Ok(correct)
}

/// The share of test images that the row's trial got wrong; none of a row that says something else than its checksum.
pub fn error(row: &CorrectnessRow) -> Option<f64> {
    let correct = correct_images(row).ok()?;
    let wrong = correct.iter().filter(|&&is_right| !is_right).count();
    (!correct.is_empty()).then(|| wrong as f64 / correct.len() as f64)
}

/// The rows up to the first that says something else than its checksum, and what that is.
pub(super) fn checked(mut rows: Vec<CorrectnessRow>, file: &str) -> (Vec<CorrectnessRow>, Option<TableError>) {
    let faults = rows.iter().map(|row| correct_images(row).err());
    let first = faults.enumerate().find_map(|(index, fault)| Some((index, fault?)));
    let Some((index, (column, rule))) = first else {
        return (rows, None);
    };
    let value: String = match column {
        "sha256" => rows[index].sha256.chars().take(16).collect(),
        _ => rows[index].correct.chars().take(16).collect(),
    };
    rows.truncate(index);
    let fault = TableError::BadField {
        file: file.to_owned(),
        line: index as u64 + 2,
        column: column.to_owned(),
        value: crate::visible::quoted(&value),
        rule,
    };
    (rows, Some(fault))
}

/// A trial's own table, as the trial writes it: its row, checked.
///
/// # Errors
/// What is wrong with it.
pub fn read_own(bytes: &[u8], file: &str) -> Result<CorrectnessRow, TableError> {
    let rows = super::tables::read_rows::<CorrectnessRow>(bytes, file)?;
    match checked(rows, file) {
        (_, Some(fault)) => Err(fault),
        (rows, None) => rows.into_iter().next().ok_or_else(|| TableError::Other {
            file: file.to_owned(),
            line: 2,
            reason: format!("{} of a trial has a row", CorrectnessRow::FILE),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::write_rows;
    use super::*;

    const OF: OfTrial<'_> = OfTrial {
        trial: "00ff",
        variant: "base",
        seed: 3,
        data_fingerprint: "9d",
    };

    #[test]
    fn the_first_image_is_the_highest_bit_of_the_first_byte() {
        let correct: Vec<bool> = (0..11).map(|image| image != 0 && image != 9).collect();
        let row = row(OF, &correct);
        assert_eq!((row.images, row.correct.as_str()), (11, "x7fa0"));
        assert_eq!(correct_images(&row).unwrap(), correct);
    }

    #[test]
    fn every_number_of_images_reads_back() {
        for images in 0..40 {
            let correct: Vec<bool> = (0..images).map(|image| image % 3 == 0).collect();
            assert_eq!(correct_images(&row(OF, &correct)).unwrap(), correct);
        }
    }

    #[test]
    fn one_changed_digit_is_seen_and_so_is_a_wrong_number_of_images() {
        let good = row(OF, &[true; 12]);
        let mut changed = good.clone();
        changed.correct = changed.correct.replace("xff", "xfe");
        assert_eq!(correct_images(&changed).unwrap_err().0, "sha256");
        for (images, text) in [(20, "xfff0"), (12, "fff0"), (12, "xfff8"), (12, "xffé"), (12, "xfffg")] {
            let row = CorrectnessRow {
                images,
                correct: text.to_owned(),
                sha256: hex(&Sha256::digest(text)),
                ..good.clone()
            };
            assert_eq!(correct_images(&row).unwrap_err().0, "correct", "{text}");
        }
    }

    #[test]
    fn the_rows_before_a_wrong_one_are_kept_and_it_is_named() {
        let mut rows = vec![row(OF, &[true, false]); 3];
        rows[1].sha256 = "00".to_owned();
        let (kept, fault) = checked(rows.clone(), "x/correctness.csv");
        assert_eq!(kept, rows[..1]);
        assert_eq!(
            fault.unwrap().to_string(),
            "x/correctness.csv: line 3, column 'sha256': '00' is wrong: it is not the checksum of 'correct'"
        );
    }

    #[test]
    fn a_trials_own_table_has_a_row() {
        let one = row(OF, &[true]);
        let bytes = write_rows(std::slice::from_ref(&one)).unwrap();
        assert_eq!(read_own(&bytes, "correctness.csv").unwrap(), one);
        let none = write_rows::<CorrectnessRow>(&[]).unwrap();
        assert!(
            read_own(&none, "correctness.csv")
                .unwrap_err()
                .to_string()
                .contains("has a row")
        );
    }
}
