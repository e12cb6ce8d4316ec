//! A table on its way into a format.

use crate::views::report::Extract;

/// A table to be written.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The table with its notes.
    pub extract: Extract,
    /// The command that writes it.
    pub command: String,
}
