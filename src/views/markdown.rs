//! A report as a Markdown document. Figures are files beside it, and not shown.

use super::section::{Block, Document, Side, Table};
use super::text::one_line;
use crate::visible;

/// A report, `summary.md`.
pub fn document(document: &Document) -> String {
    let mut text = format!("# {}\n\n{}\n", escaped(&document.title), paragraph(&document.question));
    for section in &document.sections {
        if !section.title.is_empty() {
            text += &format!("\n## {}\n", escaped(section.title));
        }
        if !section.blocks.is_empty() {
            text += &format!("\n{}", blocks(&section.blocks));
        }
    }
    text
}

/// The blocks one below the other with an empty line between two; figures are left out.
pub fn blocks<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> String {
    let blocks: Vec<String> = blocks.into_iter().filter_map(block).collect();
    blocks.join("\n")
}

fn block(block: &Block) -> Option<String> {
    match block {
        Block::Text(words) => Some(format!("{}\n", paragraph(words))),
        Block::Note(words) => Some(format!("{}\n", escaped(words))),
        Block::Table(cells) => Some(table(cells)),
        Block::List(items) => Some(items.iter().map(|item| format!("- {}\n", paragraph(item))).collect()),
        Block::Code(text) => Some(code(text)),
        Block::Figure(_) => None,
    }
}

/// A fenced block, whose fence is longer than any row of backticks in it.
fn code(text: &str) -> String {
    let text = visible::escape_lines(text);
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(table.header.iter().map(|(name, _)| escaped(name)).collect());
    let sides = table.header.iter().map(|(_, side)| match side {
        Side::Left => "---".to_owned(),
        Side::Right => "---:".to_owned(),
    });
    text.push_str(&line(sides.collect()));
    for row in &table.rows {
        text.push_str(&line(row.iter().map(|cell| escaped(cell)).collect()));
    }
    text
}

/// Text with Markdown escaped within a line: neither HTML nor a link, a picture, emphasis, code, a
/// formula or the end of a cell.
fn escaped(text: &str) -> String {
    let text = one_line(text);
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '<' => shown.push_str("&lt;"),
            '&' => shown.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '~' | '$' => shown.extend(['\\', letter]),
            // Brackets are text, such as an interval's, unless they name a link or what it leads to.
            ']' if matches!(letters.peek(), Some('(' | '[' | ':')) => shown.push_str("\\]"),
            _ => shown.push(letter),
        }
    }
    shown
}

/// [`escaped`] for text that starts a paragraph or an item: no heading, list, quote or rule either.
fn paragraph(text: &str) -> String {
    let mut shown = escaped(text);
    let digits = shown.bytes().take_while(u8::is_ascii_digit).count();
    let begins_a_list = digits > 0 && shown[digits..].starts_with(['.', ')']);
    if begins_a_list || shown.starts_with(['#', '+', '-', '>', '=']) {
        shown.insert(digits, '\\');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::super::samples::small_table;
    use super::*;

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        assert!(table(&small_table()).contains("| a\\|b | 3 |"));
        assert_eq!(escaped("a\n b < c"), "a b &lt; c");
    }

    #[test]
    fn commands_stand_in_a_fence_that_they_do_not_end() {
        assert_eq!(code("a *b*\nc\n"), "```\na *b*\nc\n```\n");
        assert_eq!(code("````\n\u{1b}"), "`````\n````\n\\u{1b}\n`````\n");
    }

    #[test]
    fn markdown_makes_nothing_of_text_but_itself() {
        for (text, escaped) in [
            ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
            (
                "`rm` *a* __b__ ~~c~~ $d$",
                "\\`rm\\` \\*a\\* \\_\\_b\\_\\_ \\~\\~c\\~\\~ \\$d\\$",
            ),
            ("![a](http://b)", "![a\\](http://b)"),
            ("[a][b] [a]: b", "[a\\][b] [a\\]: b"),
            ("\\[a](b)", "\\\\[a\\](b)"),
            (
                "[2.35, 3.94] in growth-rate=8,seed=0",
                "[2.35, 3.94] in growth-rate=8,seed=0",
            ),
            ("&lt; \u{1b}[31m", "&amp;lt; \\\\u{1b}[31m"),
            ("one\r\n\ttwo\n\n# three", "one two # three"),
        ] {
            assert_eq!(super::escaped(text), escaped, "{text}");
        }
    }

    #[test]
    fn a_paragraph_of_markdown_begins_as_one() {
        for (text, escaped) in [
            ("# a", "\\# a"),
            ("- a", "\\- a"),
            ("+ a", "\\+ a"),
            ("> a", "\\> a"),
            ("===", "\\==="),
            ("12. a", "12\\. a"),
            ("3) a", "3\\) a"),
            ("  \n # a", "\\# a"),
            ("3 seeds. Enough?", "3 seeds. Enough?"),
            (".", "."),
            ("", ""),
        ] {
            assert_eq!(paragraph(text), escaped, "{text}");
        }
    }
}
