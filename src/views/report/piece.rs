//! What a section of the page holds, as plain data.

use crate::views::plots::NamedPicture;
use crate::views::section::{Block, Section, Table};

/// A piece of a section.
#[derive(Clone, Debug)]
pub enum Piece {
    /// The sentence that matters most.
    Lead(String),
    /// What other formats show as well.
    Plain(Block),
    /// A figure that gives way to curves which answer to the pointer, where scripts run.
    Live {
        /// Their numbers, as [`live`](super::live) writes them.
        json: String,
        /// What stands there otherwise, and on paper.
        still: NamedPicture,
    },
    /// A table that is folded away: what a figure shows, for those who cannot see it, or want its numbers.
    Folded {
        /// What it is of.
        caption: String,
        /// The numbers.
        table: Table,
    },
    /// Commands, to be copied.
    Commands(String),
    /// A file's text, folded away.
    File {
        /// The file's name.
        name: String,
        /// Its text.
        text: String,
    },
}

impl Piece {
    /// A sentence or two.
    pub fn text(words: impl Into<String>) -> Self {
        Self::Plain(Block::Text(words.into()))
    }

    /// What columns or figures mean.
    pub fn note(words: impl Into<String>) -> Self {
        Self::Plain(Block::Note(words.into()))
    }

    /// A table in full.
    pub fn table(table: Table) -> Self {
        Self::Plain(Block::Table(table))
    }

    /// A figure.
    pub fn figure(picture: NamedPicture) -> Self {
        Self::Plain(Block::Figure(picture))
    }

    /// A section of other formats, its figures first.
    pub fn of_section(section: Section) -> Vec<Self> {
        let (mut pieces, rest): (Vec<Self>, Vec<Self>) = (section.blocks.into_iter())
            .map(Self::Plain)
            .partition(|piece| matches!(piece, Self::Plain(Block::Figure(_))));
        pieces.extend(rest);
        pieces
    }
}
