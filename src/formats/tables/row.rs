//! What a row of a table is: one declaration gives the struct, its columns, and their rows in `docs/results.md`.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A row of a result table: a flat struct whose fields are the table's columns.
pub trait Row: Serialize + DeserializeOwned {
    /// The table's file name.
    const FILE: &'static str;
    /// The columns in their order. A table without rows has a header too, so it cannot come from a row.
    const COLUMNS: &'static [Column];

    /// The names of the columns in their order, as the first line of the file has them.
    fn header() -> Vec<&'static str> {
        Self::COLUMNS.iter().map(|column| column.name).collect()
    }
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// The type of its values, as the row's struct spells it.
    pub kind: &'static str,
    /// What it means, as the documentation says it.
    pub meaning: &'static str,
    /// What is read from a file that was written before there was this column; none where every file has it.
    pub before: Option<&'static str>,
}

/// Declares a row and its columns: each is a line of documentation, a name and a type, in the order of the header. A
/// column that came later has `= "what earlier files mean"` after its type. Text takes `#[serde(with = "cell")]`.
macro_rules! row {
    (
        $(#[$about:meta])+
        $row:ident in $file:literal {
            $(
                $(#[doc = $meaning:literal])+
                $(#[serde($($serde:tt)+)])?
                $column:ident: $kind:ty $(= $before:literal)?,
            )+
        }
    ) => {
        $(#[$about])+
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $row {
            $(
                $(#[doc = $meaning])+
                $(#[serde($($serde)+)])?
                pub $column: $kind,
            )+
        }

        impl Row for $row {
            const FILE: &'static str = $file;
            const COLUMNS: &'static [Column] = &[
                $(Column {
                    name: stringify!($column),
                    kind: stringify!($kind),
                    meaning: concat!($($meaning),+),
                    before: row!(@before $($before)?),
                },)+
            ];
        }
    };
    (@before) => { None };
    (@before $before:literal) => { Some($before) };
}

pub(super) use row;
