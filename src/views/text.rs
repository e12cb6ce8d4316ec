//! Tables of text in aligned columns, and numbers as they are read.

use std::borrow::Cow;

use crate::visible;

/// A column's side to which its cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A header and rows of as many cells.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The columns' names and sides.
    pub header: Vec<(String, Side)>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
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

    /// Columns two spaces apart, with a line below the header. No line ends in a space, and no cell in another line.
    pub fn aligned(&self) -> String {
        let rows: Vec<Vec<Cow<'_, str>>> = (self.rows.iter())
            .map(|row| row.iter().map(|cell| visible::line(cell)).collect())
            .collect();
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = rows
                    .iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.chars().count());
                cells.chain([self.header[column].0.chars().count()]).max().unwrap_or(0)
            })
            .collect();
        let names: Vec<Cow<'_, str>> = self.header.iter().map(|(name, _)| name.into()).collect();
        let ruler: Vec<Cow<'_, str>> = widths.iter().map(|width| "-".repeat(*width).into()).collect();
        let mut text = String::new();
        for row in [&names, &ruler].into_iter().chain(&rows) {
            let mut line = String::new();
            for ((cell, width), (_, side)) in row.iter().zip(&widths).zip(&self.header) {
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

    /// A Markdown table.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.header.iter().map(|(name, _)| markdown_escaped(name)).collect());
        let sides = self.header.iter().map(|(_, side)| match side {
            Side::Left => "---".to_owned(),
            Side::Right => "---:".to_owned(),
        });
        text.push_str(&line(sides.collect()));
        for row in &self.rows {
            text.push_str(&line(row.iter().map(|cell| markdown_escaped(cell)).collect()));
        }
        text
    }
}

/// Text of which Markdown makes nothing but itself within a line: neither HTML nor a link, a picture, emphasis, code, a
/// formula or the end of a cell.
pub fn markdown_escaped(text: &str) -> String {
    let text = one_line(text);
    let mut escaped = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '~' | '$' => escaped.extend(['\\', letter]),
            // Brackets are text, such as an interval's, unless they name a link or what it leads to.
            ']' if matches!(letters.peek(), Some('(' | '[' | ':')) => escaped.push_str("\\]"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// [`markdown_escaped`] for text that begins a paragraph or an item: no heading, list, quote or rule either.
pub fn markdown_paragraph(text: &str) -> String {
    let mut escaped = markdown_escaped(text);
    let digits = escaped.bytes().take_while(u8::is_ascii_digit).count();
    let begins_a_list = digits > 0 && escaped[digits..].starts_with(['.', ')']);
    if begins_a_list || escaped.starts_with(['#', '+', '-', '>', '=']) {
        escaped.insert(digits, '\\');
    }
    escaped
}

/// Text with each line break or tab and the space around it as one space, and nothing in it that acts on a terminal.
pub fn one_line(text: &str) -> String {
    let lines = text.split(['\n', '\r', '\t']).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    visible::line(&lines.join(" ")).into_owned()
}

/// Text for a terminal that shows nothing but ASCII.
pub fn ascii(text: &str) -> String {
    let text = text.replace('±', "+/-");
    text.chars()
        .map(|letter| if letter.is_ascii() { letter } else { '?' })
        .collect()
}

/// 1019722 as 1,019,722.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The unit in which bytes up to a largest one are read: its bytes and its name. GB are 10^9 bytes.
pub fn byte_unit(largest: f64) -> (f64, &'static str) {
    let units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    // What would be rounded up to 1,000 of a unit is 1.00 of the next.
    let unit = units.into_iter().find(|(unit, _)| largest >= 0.9995 * unit);
    unit.unwrap_or((1.0, "bytes"))
}

/// 5234567890 bytes as 5.23 GB: three digits, as 52.3 GB and 523 MB.
pub fn bytes(count: u64) -> String {
    let (unit, name) = byte_unit(count as f64);
    if unit == 1.0 {
        return format!("{count} {name}");
    }
    format!("{} {name}", three_digits(count as f64 / unit))
}

/// A number from 0 up with three digits, and with all that stand before the point: 5.23, 52.3, 523, 5,234.
pub fn three_digits(number: f64) -> String {
    match number {
        n if n < 9.995 => format!("{n:.2}"),
        n if n < 99.95 => format!("{n:.1}"),
        n => grouped(n.round() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::default();
        table.column("variant", Side::Left, ["a|b".to_owned(), "growth-rate=12".to_owned()]);
        table.column("n", Side::Right, ["3".to_owned(), "12".to_owned()]);
        table
    }

    #[test]
    fn columns_are_aligned_and_lines_end_without_spaces() {
        assert_eq!(
            table().aligned(),
            "variant          n\n\
             --------------  --\n\
             a|b              3\n\
             growth-rate=12  12\n"
        );
    }

    #[test]
    fn a_bar_in_a_cell_does_not_end_it() {
        assert!(table().markdown().contains("| a\\|b | 3 |"));
        assert_eq!(markdown_escaped("a\n b < c"), "a b &lt; c");
    }

    #[test]
    fn a_cell_stays_on_its_line_and_does_not_act_on_the_terminal() {
        let mut table = table();
        table.rows[0][0] = "\u{1b}[2J\n\u{202e}b".to_owned();
        let text = table.aligned();
        assert_eq!(text.lines().count(), 4);
        assert_eq!(text.lines().nth(2), Some("\\u{1b}[2J\\n\\u{202e}b   3"));
        assert_eq!(text.lines().nth(1), Some("--------------------  --"));
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
            assert_eq!(markdown_escaped(text), escaped, "{text}");
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
            assert_eq!(markdown_paragraph(text), escaped, "{text}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (264_812_928, "264,812,928")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn bytes_are_read_with_three_digits_and_a_decimal_unit() {
        for (count, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_500, "1.50 kB"),
            (999_499, "999 kB"),
            (999_900, "1.00 MB"),
            (52_340_000, "52.3 MB"),
            (5_234_567_890, "5.23 GB"),
            (11_000_000_000, "11.0 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
