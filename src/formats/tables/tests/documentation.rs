//! `docs/results.md` describes every column.

use std::path::Path;

use super::super::{
    BatchRow, BoundaryRow, Column, CorrectnessRow, EpochRow, FeatureReuseRow, PeerRow, PhaseRow, ProfileRow, Row,
    SampleRow, StepRow, TrialRow,
};

/// A column's values, in a reader's words; `-` where a row may have none.
fn values(column: &Column) -> &'static str {
    match column.kind {
        "String" => "text",
        "Option<String>" => "text or empty",
        "u64" | "usize" => "whole number",
        "Option<i64>" | "Option<u64>" | "Option<usize>" => "whole number or empty",
        "f64" => "number",
        "Option<f64>" => "number or empty",
        "Option<Vec<usize>>" => "whole numbers in brackets, or empty",
        "Option<bool>" => "`true`, `false` or empty",
        "Status" | "ProfileKind" | "DeviceName" | "Execution" | "Precision" | "Mode" | "Allocator" => "word",
        kind => panic!("{}: say in words what {kind} is", column.name),
    }
}

fn table<T: Row>() -> String {
    let line = |column: &Column| {
        let before = match column.before {
            Some("") => " It is empty in files from before this column.".to_owned(),
            Some(before) => format!(" Files from before this column mean `{before}`."),
            None => String::new(),
        };
        let (name, meaning) = (column.name, column.meaning.trim());
        format!("| `{name}` | {} | {meaning}{before} |\n", values(column))
    };
    let lines: String = T::COLUMNS.iter().map(line).collect();
    format!("| column | value | meaning |\n|---|---|---|\n{lines}")
}

/// To write the tables anew: `UPDATE_DOCS=1 cargo test --no-default-features the_documentation`.
#[test]
fn the_documentation_lists_every_column_of_every_table() {
    let tables = [
        (TrialRow::FILE, table::<TrialRow>()),
        (StepRow::FILE, table::<StepRow>()),
        (EpochRow::FILE, table::<EpochRow>()),
        (CorrectnessRow::FILE, table::<CorrectnessRow>()),
        (BatchRow::FILE, table::<BatchRow>()),
        (SampleRow::FILE, table::<SampleRow>()),
        (PhaseRow::FILE, table::<PhaseRow>()),
        (ProfileRow::FILE, table::<ProfileRow>()),
        (BoundaryRow::FILE, table::<BoundaryRow>()),
        (PeerRow::FILE, table::<PeerRow>()),
        (FeatureReuseRow::FILE, table::<FeatureReuseRow>()),
    ];
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.md");
    let mut text = std::fs::read_to_string(&file).unwrap();
    let writes = std::env::var_os("UPDATE_DOCS").is_some();
    for (name, table) in tables {
        let start = format!("<!-- columns {name} -->\n");
        let from = text.find(&start).unwrap_or_else(|| panic!("no marker {start}")) + start.len();
        let to = from + text[from..].find("<!-- end -->").unwrap();
        if writes {
            text.replace_range(from..to, &table);
        } else {
            assert_eq!(text[from..to], table, "run this test with UPDATE_DOCS=1");
        }
    }
    if writes {
        std::fs::write(&file, text).unwrap();
    }
}
