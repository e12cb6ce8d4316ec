//! A table as data: a column of numbers that a report shows together, such as a mean with its interval, becomes a column
//! for each, in one unit, with a name that a program can take.

use super::cells::{Numbers, numbers};
use crate::views::section::{Side, Table};

/// A table of plain values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Data {
    /// The columns, all of as many cells.
    pub columns: Vec<Column>,
    /// Its rows' number.
    pub rows: usize,
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name, of small letters, digits and underscores.
    pub name: String,
    /// Its cells.
    pub cells: Vec<Plain>,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plain {
    /// There is nothing.
    Missing,
    /// A number, as its digits.
    Number(String),
    /// True or false.
    Truth(bool),
    /// Anything else.
    Text(String),
}

/// Words for a number that there is not.
const NO_NUMBER: [&str; 2] = ["none", "not found"];

/// The table as data.
pub fn data(table: &Table) -> Data {
    let mut columns: Vec<Column> = Vec::new();
    // What the interval in a column of its own is of.
    let mut last_number = String::new();
    for (place, (header, side)) in table.header.iter().enumerate() {
        let cells: Vec<&str> = table
            .rows
            .iter()
            .map(|row| row.get(place).map_or("", String::as_str))
            .collect();
        let own = match (side, parsed(&cells)) {
            (Side::Right, Some(parsed)) => {
                let name = number_name(header, &parsed);
                let own = of_numbers(&name, &last_number, &parsed);
                last_number = name;
                own
            }
            _ => vec![of_words(name(header), &cells)],
        };
        for mut column in own {
            column.name = unique(&column.name, &columns);
            columns.push(column);
        }
    }
    Data {
        columns,
        rows: table.rows.len(),
    }
}

/// The cells' numbers, where each cell has some or says that there is none.
fn parsed(cells: &[&str]) -> Option<Vec<Option<Numbers>>> {
    let parse = |cell: &&str| match *cell {
        cell if cell.is_empty() || NO_NUMBER.contains(&cell) => Some(None),
        cell => numbers(cell).map(Some),
    };
    cells.iter().map(parse).collect()
}

/// A column's name with the unit of its cells.
fn number_name(header: &str, parsed: &[Option<Numbers>]) -> String {
    let name = name(header);
    match parsed.iter().flatten().find_map(|numbers| numbers.unit) {
        Some(unit) => format!("{name}_{}", unit.word()),
        None => name,
    }
}

/// A column for each kind of number that the cells have. An interval alone is that of the column before.
fn of_numbers(name: &str, before: &str, parsed: &[Option<Numbers>]) -> Vec<Column> {
    let column = |name: String, cell: &dyn Fn(&Numbers) -> Option<String>| {
        let cells: Vec<Plain> = parsed
            .iter()
            .map(|numbers| numbers.as_ref().and_then(cell).map_or(Plain::Missing, Plain::Number))
            .collect();
        let has_any = cells.iter().any(|cell| *cell != Plain::Missing);
        has_any.then_some(Column { name, cells })
    };
    let value = column(name.to_owned(), &|numbers| numbers.value.clone());
    let of = match (&value, before) {
        (None, before) if !before.is_empty() => before,
        _ => name,
    };
    let end = |suffix: &str, end: fn(&(String, String)) -> &String| {
        column(format!("{of}_{suffix}"), &|numbers| {
            numbers.interval.as_ref().map(|ends| end(ends).clone())
        })
    };
    let others = [
        column(format!("{name}_sd"), &|numbers| numbers.deviation.clone()),
        end("low", |ends| &ends.0),
        end("high", |ends| &ends.1),
        column(format!("{name}_of"), &|numbers| numbers.of.clone()),
        marks(name, parsed),
    ];
    let mut columns: Vec<Column> = value.into_iter().chain(others.into_iter().flatten()).collect();
    if columns.is_empty() {
        // Of a table without rows, or of one in which there is none of them.
        columns.push(Column {
            name: name.to_owned(),
            cells: vec![Plain::Missing; parsed.len()],
        });
    }
    columns
}

/// Which numbers are within the noise, where one is.
fn marks(name: &str, parsed: &[Option<Numbers>]) -> Option<Column> {
    let is_marked = |numbers: &Option<Numbers>| match numbers {
        Some(numbers) => Plain::Truth(numbers.is_marked),
        None => Plain::Missing,
    };
    let cells: Vec<Plain> = parsed.iter().map(is_marked).collect();
    cells.contains(&Plain::Truth(true)).then(|| Column {
        name: format!("{name}_within_noise"),
        cells,
    })
}

/// A column of texts, or of truths where there is nothing but `yes` and `no`.
fn of_words(name: String, cells: &[&str]) -> Column {
    let is_truth =
        cells.iter().all(|cell| matches!(*cell, "" | "yes" | "no")) && cells.iter().any(|cell| !cell.is_empty());
    let plain = |cell: &&str| match *cell {
        "" => Plain::Missing,
        cell if is_truth => Plain::Truth(cell == "yes"),
        cell => Plain::Text(cell.to_owned()),
    };
    Column {
        name,
        cells: cells.iter().map(plain).collect(),
    }
}

/// A header as a program's name: `images_per_second` of `images/s`, `test_error_percent` of `test error (%)`.
fn name(header: &str) -> String {
    let words = header
        .replace('Δ', " difference ")
        .replace('%', " percent ")
        .replace(" / ", " over ")
        .replace("/s", " per second ")
        .replace("'s", " ")
        .replace('\'', "")
        .to_lowercase();
    let words = words
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

/// The name, with a number behind it where another column has it already.
fn unique(name: &str, columns: &[Column]) -> String {
    let is_free = |name: &str| columns.iter().all(|column| column.name != name);
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| is_free(name)).unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(columns: &[(&str, Side, [&str; 2])]) -> Table {
        let mut table = Table::default();
        for (name, side, cells) in columns {
            table.column(name, *side, cells.map(str::to_owned));
        }
        table
    }

    fn shown(data: &Data) -> Vec<(&str, Vec<String>)> {
        let cell = |cell: &Plain| match cell {
            Plain::Missing => String::new(),
            Plain::Number(text) | Plain::Text(text) => text.clone(),
            Plain::Truth(truth) => truth.to_string(),
        };
        let columns = data.columns.iter();
        columns
            .map(|column| (column.name.as_str(), column.cells.iter().map(cell).collect()))
            .collect()
    }

    fn expected<'e>(columns: &[(&'e str, [&str; 2])]) -> Vec<(&'e str, Vec<String>)> {
        let columns = columns.iter();
        columns
            .map(|(name, cells)| (*name, cells.map(str::to_owned).to_vec()))
            .collect()
    }

    #[test]
    fn what_a_column_shows_together_becomes_a_column_for_each_number() {
        let table = table(&[
            ("variant", Side::Left, ["growth-rate=8", "12"]),
            ("test error (%)", Side::Right, ["2.00 ± 1.00", "5.00"]),
            ("95 % interval", Side::Right, ["[0.00, 4.48]", ""]),
            ("n", Side::Right, ["2 of 3", "1"]),
            ("step / first's", Side::Right, ["", "1.02 [1.00, 1.04]*"]),
            ("peak memory", Side::Right, ["2.50 GB", "523 MB"]),
            ("images/s", Side::Right, ["2,000", "42.3"]),
            ("on the front", Side::Left, ["yes", "no"]),
        ]);
        let data = data(&table);
        assert_eq!(
            shown(&data),
            expected(&[
                ("variant", ["growth-rate=8", "12"]),
                ("test_error_percent", ["2.00", "5.00"]),
                ("test_error_percent_sd", ["1.00", ""]),
                ("test_error_percent_low", ["0.00", ""]),
                ("test_error_percent_high", ["4.48", ""]),
                ("n", ["2", "1"]),
                ("n_of", ["3", ""]),
                ("step_over_first", ["", "1.02"]),
                ("step_over_first_low", ["", "1.00"]),
                ("step_over_first_high", ["", "1.04"]),
                ("step_over_first_within_noise", ["", "true"]),
                ("peak_memory_bytes", ["2500000000", "523000000"]),
                ("images_per_second", ["2000", "42.3"]),
                ("on_the_front", ["true", "false"]),
            ])
        );
        // The second variant is called 12: it is a text.
        assert_eq!(data.columns[0].cells[1], Plain::Text("12".to_owned()));
    }

    #[test]
    fn a_column_with_anything_but_numbers_stays_as_it_is() {
        let table = table(&[
            ("largest that ran", Side::Right, ["none", "150"]),
            ("odd", Side::Right, ["soon", "1"]),
            ("odd", Side::Left, ["", ""]),
        ]);
        assert_eq!(
            shown(&data(&table)),
            expected(&[
                ("largest_that_ran", ["", "150"]),
                ("odd", ["soon", "1"]),
                ("odd_2", ["", ""])
            ])
        );
    }

    #[test]
    fn headers_become_names_that_say_the_unit() {
        for (header, expected) in [
            (
                "Δ test error (%) to the baseline",
                "difference_test_error_percent_to_the_baseline",
            ),
            ("time / baseline's", "time_over_baseline"),
            ("wall time (s)", "wall_time_s"),
            ("GFLOP/s", "gflop_per_second"),
            ("weights' SHA-256 begins", "weights_sha_256_begins"),
            ("parameters, on the front", "parameters_on_the_front"),
        ] {
            assert_eq!(name(header), expected);
        }
    }
}
