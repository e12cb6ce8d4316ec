//! The result tables: CSV with a header, one row an observation (see `docs/results.md`).
//!
//! Times are whole nanoseconds, memory is bytes, errors are shares from 0 to 1; an empty field was not measured. A
//! float is printed so that it reads back to the same bits. No text is a formula to a spreadsheet, or missing, a
//! number or a date to any program.

mod cell;
mod error;
mod lengths;
mod measurement_rows;
mod profile_rows;
mod read;
mod row;
mod rows;
mod status;
#[cfg(test)]
mod tests;
mod weight_rows;
mod whole_lines;
mod write;

pub use cell::guarded;
pub use error::TableError;
pub use measurement_rows::{BatchRow, BoundaryRow, PeerRow, PhaseRow, SampleRow};
pub use profile_rows::{ProfileKind, ProfileRow};
pub use read::{each_row, leading_rows, read_rows};
pub use row::{Column, Row};
pub use rows::{CorrectnessRow, EpochRow, SCHEMA_VERSION, StepRow, SweptValue, TrialRow};
pub use status::Status;
pub use weight_rows::FeatureReuseRow;
pub use whole_lines::{WholeLines, row_ends, whole_lines};
pub use write::{appended_rows, write_rows};
