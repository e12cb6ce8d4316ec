//! Lists of lengths: a serde `with` module for columns of them. Written `[6, 12, 24]`; `6-12-24`, as earlier programs
//! wrote, is read too.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes the lengths in brackets; none is an empty field.
pub fn serialize<S: Serializer>(lengths: &Option<Vec<usize>>, serializer: S) -> Result<S::Ok, S::Error> {
    match lengths {
        Some(lengths) => serializer.collect_str(&format_args!("{lengths:?}")),
        None => serializer.serialize_none(),
    }
}

/// Reads lengths in brackets, or joined by hyphens.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<usize>>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let parts = match bracketed {
        Some(list) => list.split(','),
        None => return joined(&text).map(Some),
    };
    let lengths = parts.map(|part| part.trim().parse()).collect::<Result<_, _>>();
    lengths.map(Some).map_err(|_| rule())
}

fn joined<E: Error>(text: &str) -> Result<Vec<usize>, E> {
    let lengths = text.split('-').map(str::parse).collect::<Result<_, _>>();
    lengths.map_err(|_| rule())
}

fn rule<E: Error>() -> E {
    E::custom("expected lengths such as [6, 12, 24]")
}

#[cfg(test)]
mod tests {
    use super::super::read::read_rows;
    use super::super::row::Row;
    use super::super::rows::TrialRow;
    use super::super::write::write_rows;

    /// A table of one trial whose block_layers are as given.
    fn table(lengths: &str) -> Vec<u8> {
        let cell = |column: &&'static str| match *column {
            "block_layers" => lengths.to_owned(),
            "status" => "ok".to_owned(),
            "bottleneck" => "true".to_owned(),
            "device" => "cpu".to_owned(),
            "execution" => "plain".to_owned(),
            "precision" => "f32".to_owned(),
            "layout" => "nchw".to_owned(),
            "cuda_graph" => "true".to_owned(),
            _ => "1".to_owned(),
        };
        let header = TrialRow::header();
        let cells: Vec<String> = header.iter().map(cell).collect();
        format!("{}\n{}\n", header.join(","), cells.join(",")).into_bytes()
    }

    fn read(lengths: &str) -> Option<Vec<usize>> {
        let rows = read_rows::<TrialRow>(&table(lengths), "trials.csv").unwrap();
        rows.into_iter().next().unwrap().block_layers
    }

    #[test]
    fn lengths_are_written_in_brackets_and_read_in_either_form() {
        assert_eq!(read("6-12-24"), Some(vec![6, 12, 24]));
        assert_eq!(read("\"[6, 12, 24]\""), Some(vec![6, 12, 24]));
        assert_eq!(read("12"), Some(vec![12]));
        assert_eq!(read("[12]"), Some(vec![12]));
        assert_eq!(read(""), None);
        let rows = read_rows::<TrialRow>(&table("6-12-24"), "trials.csv").unwrap();
        let written = String::from_utf8(write_rows(&rows).unwrap()).unwrap();
        assert!(written.contains(",\"[6, 12, 24]\","), "{written}");
    }

    #[test]
    fn what_is_no_list_of_lengths_names_the_rule() {
        for wrong in ["twelve", "\"[6, x]\"", "2024-12-0x", "[]"] {
            let error = read_rows::<TrialRow>(&table(wrong), "trials.csv")
                .unwrap_err()
                .to_string();
            assert!(error.contains("expected lengths such as [6, 12, 24]"), "{error}");
        }
    }
}
