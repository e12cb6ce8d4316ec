//! Sections for a terminal: plain text without colour, in aligned columns. Figures are files beside it, and not shown.

use std::borrow::Cow;

use super::section::{Block, Section, Side, Table};
use crate::visible;

/// Sections one below the other with an empty line between two. `ascii_only` is for a terminal that does not show UTF-8:
/// it writes +/- for ±.
pub fn text(sections: &[Section], ascii_only: bool) -> String {
    let sections: Vec<String> = sections.iter().map(section).filter(|text| !text.is_empty()).collect();
    let text = sections.join("\n");
    if ascii_only { ascii(&text) } else { text }
}

fn section(section: &Section) -> String {
    let mut text = String::new();
    if !section.title.is_empty() {
        // A list belongs to the words before it.
        let colon = match section.blocks.first() {
            Some(Block::List(_)) => ":",
            _ => "",
        };
        text += &format!("{}{colon}\n", section.title);
    }
    for block in &section.blocks {
        match block {
            Block::Text(words) | Block::Note(words) => text += &format!("{words}\n"),
            Block::Table(table) => text += &aligned(table),
            Block::Code(words) => text.extend(words.lines().map(|line| format!("  {line}\n"))),
            Block::List(items) => text.extend(items.iter().map(|item| format!("  {item}\n"))),
            Block::Figure(_) => {}
        }
    }
    text
}

/// Columns two spaces apart, with a line below the header. No line ends in a space, and no cell in another line.
pub fn aligned(table: &Table) -> String {
    let rows: Vec<Vec<Cow<'_, str>>> = (table.rows.iter())
        .map(|row| row.iter().map(|cell| visible::escape_line(cell)).collect())
        .collect();
    let widths: Vec<usize> = (0..table.header.len())
        .map(|column| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count());
            cells.chain([table.header[column].0.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let names: Vec<Cow<'_, str>> = table.header.iter().map(|(name, _)| name.into()).collect();
    let ruler: Vec<Cow<'_, str>> = widths.iter().map(|width| "-".repeat(*width).into()).collect();
    let mut text = String::new();
    for row in [&names, &ruler].into_iter().chain(&rows) {
        let mut line = String::new();
        for ((cell, width), (_, side)) in row.iter().zip(&widths).zip(&table.header) {
            let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
            match side {
                Side::Left => line.extend([cell, padding.as_str(), "  "]),
                Side::Right => line.extend([padding.as_str(), cell, "  "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Text for a terminal that shows nothing but ASCII.
fn ascii(text: &str) -> String {
    let text = text.replace('±', "+/-");
    text.chars()
        .map(|letter| if letter.is_ascii() { letter } else { '?' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::small_table;
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_spaces() {
        assert_eq!(
            aligned(&small_table()),
            "variant          n\n\
             --------------  --\n\
             a|b              3\n\
             growth-rate=12  12\n"
        );
    }

    #[test]
    fn a_cell_stays_on_its_line_and_does_not_act_on_the_terminal() {
        let mut table = small_table();
        table.rows[0][0] = "\u{1b}[2J\n\u{202e}b".to_owned();
        let text = aligned(&table);
        assert_eq!(text.lines().count(), 4);
        assert_eq!(text.lines().nth(2), Some("\\u{1b}[2J\\n\\u{202e}b   3"));
        assert_eq!(text.lines().nth(1), Some("--------------------  --"));
    }

    #[test]
    fn sections_stand_apart_and_a_list_below_its_title() {
        let sections = [
            Section {
                title: "",
                blocks: vec![Block::Text("A: a".to_owned()), Block::Note("5 ± 1".to_owned())],
            },
            Section::default(),
            Section {
                title: "Left",
                blocks: vec![Block::List(vec!["one".to_owned(), "two".to_owned()])],
            },
        ];
        assert_eq!(text(&sections, false), "A: a\n5 ± 1\n\nLeft:\n  one\n  two\n");
        assert_eq!(text(&sections, true), "A: a\n5 +/- 1\n\nLeft:\n  one\n  two\n");
    }
}
