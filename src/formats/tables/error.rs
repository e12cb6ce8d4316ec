//! What is wrong with a table.

/// A table that cannot be read; the message names the file, the line (the header is line 1), the column and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The file is empty.
    #[error("{file}: has no header; a table starts with its columns' names, so delete the file or restore it")]
    NoHeader {
        /// The file, as the caller named it.
        file: String,
    },
    /// The header lacks a column.
    #[error("{file}: has no column '{column}'; it has {}", present.join(", "))]
    MissingColumn {
        /// The file, as the caller named it.
        file: String,
        /// The first column that is missing.
        column: &'static str,
        /// The columns that are there.
        present: Vec<String>,
    },
    /// A row has more or fewer fields than the header.
    #[error("{file}: line {line} has {fields} fields, but the header has {columns}")]
    FieldCount {
        /// The file, as the caller named it.
        file: String,
        /// The row's line.
        line: u64,
        /// The row's fields.
        fields: u64,
        /// The header's fields.
        columns: u64,
    },
    /// A field does not hold what its column holds.
    #[error("{file}: line {line}, column '{column}': '{value}' is wrong: {rule}")]
    BadField {
        /// The file, as the caller named it.
        file: String,
        /// The row's line.
        line: u64,
        /// The field's column.
        column: String,
        /// What the field holds.
        value: String,
        /// What was expected.
        rule: String,
    },
    /// A row that cannot be read or written for another reason.
    #[error("{file}: line {line}: {reason}")]
    Other {
        /// The file, as the caller named it.
        file: String,
        /// The row's line.
        line: u64,
        /// The CSV library's words.
        reason: String,
    },
}
