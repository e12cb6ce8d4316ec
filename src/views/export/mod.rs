//! A table of a report for other documents and programs: CSV, Markdown, LaTeX, JSON.
//!
//! For documents a table is as the report shows it (`latex`, and [`markdown`](super::markdown)). For programs it is
//! data (`plain`): every number a number of its own, in one unit a column.

mod cells;
mod exported;
mod formats;
mod json;
mod latex;
mod plain;

pub use exported::Exported;
pub use formats::{TABLE_FORMATS, TableFormat};
