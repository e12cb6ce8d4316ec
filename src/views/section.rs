//! What a view shows, as plain data: sections of text, tables and figures. Each output format is one file over these,
//! as [`terminal`](super::terminal) and [`markdown`](super::markdown) are.

use super::plots::NamedPicture;

/// A whole report.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// What it is about: the ablation's name.
    pub title: String,
    /// The question that it answers.
    pub question: String,
    /// Its sections in their order.
    pub sections: Vec<Section>,
}

/// A part of a report.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// What it is about; empty for one that needs no title.
    pub title: &'static str,
    /// Its contents in their order.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, Debug)]
pub enum Block {
    /// A sentence or two, on a line of its own.
    Text(String),
    /// Rows and columns.
    Table(Table),
    /// What a table's columns mean.
    Note(String),
    /// Remarks, each on its own.
    List(Vec<String>),
    /// Commands, to be copied.
    Code(String),
    /// A plot, for formats that show pictures or files beside them.
    Figure(NamedPicture),
}

/// A header and rows of as many cells.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The name by which it is asked for; empty for one that is only shown.
    pub name: &'static str,
    /// The columns' names and sides.
    pub header: Vec<(String, Side)>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// A column's side to which its cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Table {
    /// An empty table of that name.
    pub fn named(name: &'static str) -> Self {
        Self {
            name,
            ..Self::default()
        }
    }

    /// Adds a column; `cells` gives one for each row.
    pub fn column(&mut self, name: &str, side: Side, cells: impl IntoIterator<Item = String>) {
        self.header.push((name.to_owned(), side));
        for (index, cell) in cells.into_iter().enumerate() {
            if self.rows.len() <= index {
                self.rows.push(Vec::new());
            }
            self.rows[index].push(cell);
        }
    }

    /// Adds a column of a cell for each row, unless all are empty.
    pub fn column_if_any(&mut self, name: &str, side: Side, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            self.column(name, side, cells);
        }
    }
}

impl Document {
    /// Its figures in their order.
    pub fn figures(&self) -> impl Iterator<Item = &NamedPicture> {
        let blocks = self.sections.iter().flat_map(|section| &section.blocks);
        blocks.filter_map(|block| match block {
            Block::Figure(figure) => Some(figure),
            _ => None,
        })
    }
}
