//! The machine and the program, as `environment.json` has them.

use serde_json::Value;

use super::piece::Piece;
use super::studied::Studied;
use crate::views::section::{Side, Table};

/// A row for each fact, whatever facts there are.
pub fn pieces(studied: &Studied<'_>) -> Vec<Piece> {
    let mut facts = Vec::new();
    flatten("", &studied.reported.environment, &mut facts);
    if facts.is_empty() {
        return vec![Piece::text(
            "The folder has no environment.json: what it was made with is not recorded.",
        )];
    }
    let mut table = Table::named("environment");
    table.column("fact", Side::Left, facts.iter().map(|(name, _)| name.clone()));
    table.column("value", Side::Left, facts.iter().map(|(_, value)| value.clone()));
    vec![
        Piece::table(table),
        Piece::note(
            "Of the last run that trained or measured something; each trial keeps its own in trials/ID/environment.json.",
        ),
    ]
}

/// The leaves of a value with their paths; what is not there has no row.
fn flatten(path: &str, value: &Value, facts: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = in_words(name);
                let path = if path.is_empty() {
                    name
                } else {
                    format!("{path}: {name}")
                };
                flatten(&path, field, facts);
            }
        }
        Value::Array(items) => facts.push((path.to_owned(), items.iter().map(text).collect::<Vec<_>>().join(" "))),
        value => facts.push((path.to_owned(), text(value))),
    }
}

/// A field's name with spaces; a variable's, in capitals, as it is.
fn in_words(name: &str) -> String {
    match name.chars().any(char::is_lowercase) {
        true => name.replace('_', " "),
        false => name.to_owned(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_leaf_is_a_fact_with_its_path() {
        let mut facts = Vec::new();
        let environment =
            json!({"cpu": "EPYC", "gpu": null, "variables": {"OMP_NUM_THREADS": "2"}, "command_line": ["a", "b c"]});
        flatten("", &environment, &mut facts);
        facts.sort();
        let expected = [
            ("command line", "a b c"),
            ("cpu", "EPYC"),
            ("variables: OMP_NUM_THREADS", "2"),
        ];
        assert_eq!(facts, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
