//! A table as JSON: an array of objects, one a row, with plain values. What is missing, or not finite, is null.

use serde_json::{Number, Value};

use super::plain::{Data, Plain};
use crate::visible;

/// An array with an object on each line, its fields in the columns' order.
pub fn text(data: &Data) -> String {
    let rows = (0..data.rows).map(|row| {
        let field = |(name, value): (&str, Value)| format!("{}: {value}", Value::from(name));
        let cells = data.columns.iter().map(|column| {
            let cell = column.cells.get(row).unwrap_or(&Plain::Missing);
            (column.name.as_str(), value(cell))
        });
        format!("  {{{}}}", cells.map(field).collect::<Vec<_>>().join(", "))
    });
    let rows: Vec<String> = rows.collect();
    let text = match rows.is_empty() {
        true => "[]\n".to_owned(),
        false => format!("[\n{}\n]\n", rows.join(",\n")),
    };
    visible::escape_json(&text).into_owned()
}

fn value(cell: &Plain) -> Value {
    match cell {
        Plain::Missing => Value::Null,
        Plain::Truth(truth) => Value::Bool(*truth),
        Plain::Text(text) => Value::from(text.as_str()),
        Plain::Number(digits) => number(digits),
    }
}

/// A whole number as one, any other as the nearest that a program's floats have.
fn number(digits: &str) -> Value {
    if let Ok(whole) = digits.parse::<u64>() {
        return Value::from(whole);
    }
    let number = digits.parse().ok().and_then(Number::from_f64);
    number.map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::super::plain::Column;
    use super::*;

    #[test]
    fn rows_are_objects_with_plain_values_in_the_columns_order() {
        let column = |name: &str, cells: Vec<Plain>| Column {
            name: name.to_owned(),
            cells,
        };
        let number = |digits: &str| Plain::Number(digits.to_owned());
        let data = Data {
            columns: vec![
                column("variant", vec![Plain::Text("\"a\"\u{202e}".to_owned()), Plain::Missing]),
                column("n", vec![number("18446744073709551615"), number("-1.20")]),
                column("loss", vec![number("NaN"), number("3.4e-5")]),
                column("front", vec![Plain::Truth(true), Plain::Truth(false)]),
            ],
            rows: 2,
        };
        let text = text(&data);
        assert_eq!(
            text,
            "[\n  {\"variant\": \"\\\"a\\\"\\u202e\", \"n\": 18446744073709551615, \"loss\": null, \"front\": true},\n  \
             {\"variant\": null, \"n\": -1.2, \"loss\": 0.000034, \"front\": false}\n]\n"
        );
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read[0]["variant"], "\"a\"\u{202e}");
        assert_eq!(super::text(&Data::default()), "[]\n");
    }
}
