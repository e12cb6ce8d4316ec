//! Words and numbers as they are read.

use crate::visible;
pub use crate::words::{counted, grouped};

/// Text with each line break or tab and the space around it as one space, and nothing in it that acts on a terminal.
pub fn one_line(text: &str) -> String {
    let lines = text.split(['\n', '\r', '\t']).map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    visible::escape_line(&lines.join(" ")).into_owned()
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

/// Nanoseconds as milliseconds with three digits.
pub fn milliseconds(nanoseconds: u64) -> String {
    three_digits(nanoseconds as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

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
