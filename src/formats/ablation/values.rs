//! TOML values with the line of each, before it is known what they should be.

use toml::Spanned;
use toml::de::DeValue;

/// A value and the line of the file on which it starts, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Located<T> {
    pub value: T,
    pub line: usize,
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Whole(i128),
    Float(f64),
    Flag(bool),
    Text(String),
    List(Vec<Located<Value>>),
    /// A table, a date or a number that nothing here can hold, in words.
    Other(String),
}

impl Value {
    /// The value as a message shows it, with its type where its look does not show it: `"12", a string`.
    pub fn shown(&self) -> String {
        match self {
            Value::Whole(number) => number.to_string(),
            Value::Float(number) => number_text(*number),
            Value::Flag(flag) => format!("{flag}, a boolean"),
            Value::Text(text) => format!("{text:?}, a string"),
            Value::List(_) => "a list".to_owned(),
            Value::Other(words) => words.clone(),
        }
    }

    pub fn read(value: &Spanned<DeValue<'_>>, lines: &Lines) -> Located<Value> {
        let line = lines.line(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(whole) => Value::Whole(whole),
                Err(_) => Value::Other("a number with too many digits".to_owned()),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(float) => Value::Float(float),
                Err(_) => Value::Other("a number that cannot be read".to_owned()),
            },
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Datetime(date) => Value::Other(format!("{date}, a date or time")),
            DeValue::Array(elements) => {
                Value::List(elements.iter().map(|element| Value::read(element, lines)).collect())
            }
            DeValue::Table(_) => Value::Other("a table".to_owned()),
        };
        Located { value, line }
    }
}

/// A float as TOML writes it: the shortest digits that read back to the same bits, `1.0`, `nan`.
pub(super) fn number_text(number: f64) -> String {
    if number.is_nan() {
        "nan".to_owned()
    } else {
        format!("{number:?}")
    }
}

/// Where each line of a text starts.
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub fn new(text: &str) -> Self {
        // A newline that ends the text starts no further line: what is missing there is missing from the last one.
        let newlines = text.trim_end_matches('\n').match_indices('\n');
        Self {
            starts: newlines.map(|(offset, _)| offset + 1).collect(),
        }
    }

    /// The character, from 1, of the byte at `offset` in its line; a byte order mark is none.
    pub fn column(text: &str, offset: usize) -> usize {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        line.trim_start_matches('\u{feff}').chars().count() + 1
    }

    /// The line, from 1, of the byte at `offset`.
    pub fn line(&self, offset: usize) -> usize {
        1 + self.starts.partition_point(|&start| start <= offset)
    }
}
