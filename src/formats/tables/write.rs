//! Rows to bytes.

use super::error::TableError;
use super::row::Row;

/// A whole table: the header, which is there even without rows, and a line for each row.
///
/// # Errors
/// A row that is not a flat struct; every row of this crate is one.
pub fn write_rows<T: Row>(rows: &[T]) -> Result<Vec<u8>, TableError> {
    serialized(true, rows)
}

/// Lines for the end of a table that has its header already.
///
/// # Errors
/// Those of [`write_rows`].
pub fn appended_rows<T: Row>(rows: &[T]) -> Result<Vec<u8>, TableError> {
    serialized(false, rows)
}

fn serialized<T: Row>(with_header: bool, rows: &[T]) -> Result<Vec<u8>, TableError> {
    let error = |line: usize, reason: String| TableError::Other {
        file: T::FILE.to_owned(),
        line: line as u64,
        reason,
    };
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if with_header {
        writer.write_record(T::header()).map_err(|e| error(1, e.to_string()))?;
    }
    for (index, row) in rows.iter().enumerate() {
        writer.serialize(row).map_err(|e| error(index + 2, e.to_string()))?;
    }
    writer.into_inner().map_err(|e| error(rows.len() + 1, e.to_string()))
}
