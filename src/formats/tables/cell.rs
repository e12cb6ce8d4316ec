//! Cells of text that no program takes for anything else: a serde `with` module for the rows' text columns.
//!
//! A text that starts with a formula's sign, or reads as a missing value, a number or a date, is escaped: written with an
//! apostrophe before it, as one types text into a spreadsheet, and read without. Numbers are never touched: -0.5 is a
//! number to everyone.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::formats::misread::misreading;

const GUARD: char = '\'';

/// What makes a cell a formula at its start: the signs themselves, their full-width forms, and white space that some
/// programs skip to look for one after it.
const SIGNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// Whether the text is written with a guard: it could be a formula or what is no text, or be taken for a guarded one.
fn needs_guard(text: &str) -> bool {
    text.starts_with(GUARD) || text.starts_with(SIGNS) || misreading(text).is_some()
}

/// The text with a guard where it needs one.
pub fn guarded(text: &str) -> Cow<'_, str> {
    match needs_guard(text) {
        true => Cow::Owned(format!("{GUARD}{text}")),
        false => Cow::Borrowed(text),
    }
}

/// Writes the text with a guard where it needs one.
pub fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    guarded(text).serialize(serializer)
}

/// Reads the text without its guard. An apostrophe that guards nothing, in a table that a hand has edited, is a letter.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let mut text = String::deserialize(deserializer)?;
    if text.strip_prefix(GUARD).is_some_and(needs_guard) {
        text.remove(0);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::super::measurement_rows::{BatchRow, BoundaryRow, PeerRow, PhaseRow, SampleRow};
    use super::super::profile_rows::ProfileRow;
    use super::super::read::read_rows;
    use super::super::row::Row;
    use super::super::rows::{EpochRow, StepRow, TrialRow};
    use super::super::weight_rows::FeatureReuseRow;
    use super::super::write::write_rows;

    fn step(variant: &str) -> StepRow {
        StepRow {
            trial: "e1979bc3da6c8a93".into(),
            variant: variant.to_owned(),
            seed: 0,
            epoch: 0,
            step: 0,
            loss: -0.5,
            learning_rate: f64::NEG_INFINITY,
        }
    }

    /// The first row's cells, as a spreadsheet would get them.
    fn cells(bytes: &[u8]) -> Vec<String> {
        let mut reader = csv::Reader::from_reader(bytes);
        let record = reader.records().next().unwrap().unwrap();
        record.iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_text_that_starts_like_a_formula_is_written_with_an_apostrophe_and_read_without() {
        for text in [
            "=cmd|' /C calc'!A0",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "＝1",
            "＋1",
            "－1",
            "＠A",
            "'",
            "''",
            "'=1",
            "'quoted'",
            // Names in folders from before such names were refused, and an ID of sixteen digits.
            "None",
            "nan",
            "001",
            "1-2",
            "T",
            "1234567890123456",
            "12e4567890123456",
        ] {
            let bytes = write_rows(&[step(text)]).unwrap();
            assert_eq!(cells(&bytes)[1], format!("'{text}"));
            assert_eq!(
                read_rows::<StepRow>(&bytes, "steps.csv").unwrap(),
                [step(text)],
                "{text:?}"
            );
        }
        for text in [
            "",
            "growth-rate=12",
            "e1979bc3da6c8a93",
            "it's",
            " =1",
            "\"=1\"",
            "\u{1b}[2J",
        ] {
            let bytes = write_rows(&[step(text)]).unwrap();
            assert_eq!(cells(&bytes)[1], text);
            assert_eq!(
                read_rows::<StepRow>(&bytes, "steps.csv").unwrap(),
                [step(text)],
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_number_keeps_its_sign_and_gets_no_apostrophe() {
        let bytes = write_rows(&[step("base")]).unwrap();
        assert_eq!(cells(&bytes)[5..], ["-0.5", "-inf"]);
    }

    #[test]
    fn an_apostrophe_that_guards_nothing_is_a_letter() {
        let bytes = write_rows(&[step("variant")]).unwrap();
        let by_hand = String::from_utf8(bytes).unwrap().replace(",variant,0", ",'tis,0");
        let read: Vec<StepRow> = read_rows(by_hand.as_bytes(), "steps.csv").unwrap();
        assert_eq!(read[0].variant, "'tis");
    }

    /// Puts a formula without a guard, as a program before this rule wrote it, into each column in turn: where it is
    /// read at all the column is one of text, and must be written with a guard. Gives the columns of text.
    fn guarded_columns<T: Row>() -> Vec<&'static str> {
        let plain = |column: &str| match column {
            "status" => "ok",
            "bottleneck" => "true",
            "device" => "cpu",
            "execution" => "plain",
            "precision" => "f32",
            "layout" => "nchw",
            "cuda_graph" => "true",
            "kind" => "node",
            "mode" => "train",
            "allocator" => "keep-pages",
            _ => "1",
        };
        let mut guarded = Vec::new();
        for (index, column) in T::header().iter().enumerate() {
            let mut row: Vec<&str> = T::header().iter().map(|column| plain(column)).collect();
            row[index] = "=SUM(A1)";
            let table = format!("{}\n{}\n", T::header().join(","), row.join(","));
            let Ok(rows) = read_rows::<T>(table.as_bytes(), T::FILE) else {
                continue;
            };
            let written = write_rows(&rows).unwrap();
            assert_eq!(cells(&written)[index], "'=SUM(A1)", "{}: {column}", T::FILE);
            guarded.push(*column);
        }
        guarded
    }

    #[test]
    fn every_text_column_of_every_table_is_guarded() {
        assert_eq!(guarded_columns::<StepRow>(), ["trial", "variant"]);
        assert_eq!(guarded_columns::<EpochRow>(), ["trial", "variant"]);
        assert_eq!(guarded_columns::<SampleRow>(), ["variant", "run"]);
        assert_eq!(guarded_columns::<PhaseRow>(), ["variant"]);
        let of_profile = [
            "variant",
            "segment",
            "name",
            "operation",
            "carried_out_by",
            "error",
            "warning",
            "cpu",
            "revision",
            "measured_at",
        ];
        assert_eq!(guarded_columns::<ProfileRow>(), of_profile);
        assert_eq!(guarded_columns::<FeatureReuseRow>(), ["target", "target_tensor"]);
        assert!(!guarded_columns::<TrialRow>().contains(&"block_layers"));
        for columns in [
            guarded_columns::<TrialRow>(),
            guarded_columns::<BatchRow>(),
            guarded_columns::<BoundaryRow>(),
            guarded_columns::<PeerRow>(),
        ] {
            assert!(
                columns.contains(&"variant") && columns.contains(&"error"),
                "{columns:?}"
            );
        }
    }
}
