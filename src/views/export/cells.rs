//! The numbers in a cell that a report shows: `2.00 ± 1.00`, `1.02 [1.00, 1.04]*`, `4.63 GB`, `2 of 3`.

/// What a cell shows, number by number, each as its digits alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// The number itself; none of an interval alone.
    pub value: Option<String>,
    /// What stands behind ±.
    pub deviation: Option<String>,
    /// The ends of its interval.
    pub interval: Option<(String, String)>,
    /// Of how many: 3 of `2 of 3`.
    pub of: Option<String>,
    /// The unit of the value.
    pub unit: Option<Unit>,
    /// Whether it is marked as within the noise.
    pub is_marked: bool,
}

/// A unit that stands in cells. Bytes are counted one by one, whatever unit the report shows them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Hundredths.
    Percent,
}

impl Unit {
    /// How a column's name says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Seconds => "s",
            Self::Percent => "percent",
        }
    }
}

/// The numbers of a cell; none where it holds anything else.
pub fn numbers(cell: &str) -> Option<Numbers> {
    let cell = cell.trim();
    let (cell, is_marked) = match cell.strip_suffix('*') {
        Some(rest) => (rest, true),
        None => (cell, false),
    };
    let (scalar, interval) = match cell.split_once('[') {
        None => (cell, None),
        Some((scalar, ends)) => {
            // Thousands are grouped without a space behind the comma.
            let (low, high) = ends.strip_suffix(']')?.split_once(", ")?;
            (scalar.trim(), Some((digits(low)?, digits(high)?)))
        }
    };
    let numbers = match scalar.is_empty() {
        true => Numbers::default(),
        false => value(scalar)?,
    };
    let has_any = numbers.value.is_some() || interval.is_some();
    has_any.then_some(Numbers {
        interval,
        is_marked,
        ..numbers
    })
}

/// A number with what belongs to it, without an interval.
fn value(text: &str) -> Option<Numbers> {
    if let Some((mean, deviation)) = text.split_once(" ± ") {
        return Some(Numbers {
            value: Some(digits(mean)?),
            deviation: Some(digits(deviation)?),
            ..Numbers::default()
        });
    }
    if let Some((count, all)) = text.split_once(" of ") {
        return Some(Numbers {
            value: Some(digits(count)?),
            of: Some(digits(all)?),
            ..Numbers::default()
        });
    }
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number = digits(number.strip_suffix('×').unwrap_or(number))?;
    let (value, unit) = match unit {
        "" => (number, None),
        "s" => (number, Some(Unit::Seconds)),
        "%" => (number, Some(Unit::Percent)),
        unit => (in_bytes(&number, unit)?, Some(Unit::Bytes)),
    };
    Some(Numbers {
        value: Some(value),
        unit,
        ..Numbers::default()
    })
}

/// 4630000000 of `4.63` and `GB`.
fn in_bytes(number: &str, unit: &str) -> Option<String> {
    let factor = match unit {
        "bytes" => 1.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        "TB" => 1e12,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Some(format!("{:.0}", factor * number))
}

/// A number without the commas between its thousands.
fn digits(text: &str) -> Option<String> {
    let number = text.trim().replace(',', "");
    if matches!(number.as_str(), "NaN" | "inf" | "-inf") {
        return Some(number);
    }
    // Rust reads `infinity` and `+1` as well, which no cell has.
    let begins = number
        .trim_start_matches('-')
        .starts_with(|letter: char| letter.is_ascii_digit());
    (begins && number.parse::<f64>().is_ok()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Numbers {
        Numbers {
            value: Some(value.to_owned()),
            ..Numbers::default()
        }
    }

    fn ends(low: &str, high: &str) -> Option<(String, String)> {
        Some((low.to_owned(), high.to_owned()))
    }

    #[test]
    fn a_cell_gives_its_numbers_in_one_unit() {
        for (cell, expected) in [
            ("1,019,722", of("1019722")),
            ("-0.50", of("-0.50")),
            ("3.4e-5", of("3.4e-5")),
            ("NaN", of("NaN")),
            ("4.90×", of("4.90")),
            (
                "2.00 ± 1.00",
                Numbers {
                    deviation: Some("1.00".to_owned()),
                    ..of("2.00")
                },
            ),
            (
                "2 of 3",
                Numbers {
                    of: Some("3".to_owned()),
                    ..of("2")
                },
            ),
            (
                "4.63 GB",
                Numbers {
                    unit: Some(Unit::Bytes),
                    ..of("4630000000")
                },
            ),
            (
                "999 bytes",
                Numbers {
                    unit: Some(Unit::Bytes),
                    ..of("999")
                },
            ),
            (
                "1,234 s",
                Numbers {
                    unit: Some(Unit::Seconds),
                    ..of("1234")
                },
            ),
            (
                "65.1 %",
                Numbers {
                    unit: Some(Unit::Percent),
                    ..of("65.1")
                },
            ),
            (
                "2,192 [2,148, 2,236]",
                Numbers {
                    interval: ends("2148", "2236"),
                    ..of("2192")
                },
            ),
            (
                "1.02 [1.00, 1.04]*",
                Numbers {
                    interval: ends("1.00", "1.04"),
                    is_marked: true,
                    ..of("1.02")
                },
            ),
            (
                "[-0.50, 1.20]",
                Numbers {
                    interval: ends("-0.50", "1.20"),
                    ..Numbers::default()
                },
            ),
        ] {
            assert_eq!(numbers(cell), Some(expected), "{cell}");
        }
    }

    #[test]
    fn words_are_no_numbers() {
        for cell in [
            "",
            "*",
            "none",
            "growth-rate=8",
            "2.00 ±",
            "[1.00",
            "[1.00 2.00]",
            "4 GX",
            "1 of many",
            "infinity",
            "+1",
            "e5",
            "9d-",
        ] {
            assert_eq!(numbers(cell), None, "{cell}");
        }
    }
}
