//! The table of the formats in which a single table is written: a new one is a file beside this one and a line here.

use super::exported::Exported;
use super::plain::{Data, Plain, data};
use super::{json, latex};
use crate::formats::tables::guarded;
use crate::views::markdown;
use crate::visible;

/// A format.
pub struct TableFormat {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
    /// The file's text.
    pub text: fn(&Exported) -> String,
}

/// Every format.
pub const TABLE_FORMATS: [TableFormat; 4] = [
    TableFormat {
        name: "csv",
        meaning: "plain values with a header, a number a column",
        text: |exported| csv(&data(&exported.extract.table)),
    },
    TableFormat {
        name: "md",
        meaning: "Markdown, as the report shows it, with its notes",
        text: |exported| markdown::blocks(&exported.extract.blocks()),
    },
    TableFormat {
        name: "latex",
        meaning: "a tabular for the package booktabs",
        text: latex::text,
    },
    TableFormat {
        name: "json",
        meaning: "an array of objects with plain values",
        text: |exported| json::text(&data(&exported.extract.table)),
    },
];

/// Lines of cells, of which no text is a formula to a spreadsheet, or a number or a date to any program.
fn csv(data: &Data) -> String {
    let cell = |cell: &Plain| match cell {
        Plain::Missing => String::new(),
        Plain::Number(digits) => digits.clone(),
        Plain::Truth(truth) => truth.to_string(),
        Plain::Text(text) => quoted(&guarded(&visible::escape_line(text))),
    };
    let names = data.columns.iter().map(|column| column.name.clone());
    let mut lines = vec![names.collect::<Vec<_>>().join(",")];
    for row in 0..data.rows {
        let cells = data
            .columns
            .iter()
            .map(|column| column.cells.get(row).map(cell).unwrap_or_default());
        lines.push(cells.collect::<Vec<_>>().join(","));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A field of CSV, in quotes where it needs them.
fn quoted(text: &str) -> String {
    match text.contains([',', '"']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::report::Extract;
    use crate::views::samples::small_table;
    use crate::views::section::{Block, Side, Table};

    fn exported(table: Table) -> Exported {
        Exported {
            extract: Extract {
                table,
                notes: vec![Block::Note("n: seeds.".to_owned())],
            },
            command: "densenet-bench report results/growth --table variants --format latex".to_owned(),
        }
    }

    fn written(format: &str, table: Table) -> String {
        let format = TABLE_FORMATS.iter().find(|known| known.name == format).unwrap();
        (format.text)(&exported(table))
    }

    #[test]
    fn every_format_has_a_name_of_its_own_and_writes_every_row() {
        let mut names: Vec<&str> = TABLE_FORMATS.iter().map(|format| format.name).collect();
        for name in &names {
            let text = written(name, small_table());
            assert!(text.contains("growth-rate=12") && text.contains("12"), "{name}: {text}");
            assert!(text.ends_with('\n'), "{name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE_FORMATS.len());
    }

    #[test]
    fn csv_is_read_as_it_was_written() {
        let mut table = small_table();
        table.rows[0][0] = "=1+1, \"a\"\n\u{1b}".to_owned();
        let text = written("csv", table);
        assert_eq!(text, "variant,n\n\"'=1+1, \"\"a\"\"\\n\\u{1b}\",3\ngrowth-rate=12,12\n");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(&rows[0][0], "'=1+1, \"a\"\\n\\u{1b}");
        assert_eq!(&rows[1][1], "12");
    }

    #[test]
    fn a_table_without_rows_is_a_header() {
        let mut table = Table::default();
        table.column("what", Side::Left, []);
        table.column("n", Side::Right, []);
        assert_eq!(written("csv", table.clone()), "what,n\n");
        assert_eq!(written("json", table), "[]\n");
    }

    #[test]
    fn markdown_has_the_notes_below_the_table() {
        let text = written("md", small_table());
        assert_eq!(
            text,
            "| variant | n |\n| --- | ---: |\n| a\\|b | 3 |\n| growth-rate=12 | 12 |\n\nn: seeds.\n"
        );
    }
}
