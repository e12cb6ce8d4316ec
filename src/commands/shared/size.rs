//! Sizes of memory on the command line.

/// Below this a number without a unit is more likely one whose unit was forgotten than a count of bytes.
const FEWEST_BARE_BYTES: f64 = 1e6;

/// Reads a size: a number of bytes from a million on, or a number with kB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024).
pub fn parse(text: &str) -> Result<u64, String> {
    let rule = || format!("'{text}' is not a size; write a number with its unit, such as 11GB, 512MiB or 8e9");
    let split = text
        .find(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E'))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.trim().parse().map_err(|_| rule())?;
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" | "k" => 1e3,
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024f64.powi(2),
        "gib" => 1024f64.powi(3),
        "tib" => 1024f64.powi(4),
        _ => return Err(rule()),
    };
    let bytes = number * factor;
    let unit_forgotten = unit.trim().is_empty() && bytes < FEWEST_BARE_BYTES;
    if unit_forgotten || !(1.0..1e18).contains(&bytes) {
        return Err(rule());
    }
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_have_decimal_and_binary_units() {
        assert_eq!(parse("11GB"), Ok(11_000_000_000));
        assert_eq!(parse("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(parse("512mib"), Ok(536_870_912));
        assert_eq!(parse("8e9"), Ok(8_000_000_000));
        assert_eq!(parse("4096000"), Ok(4_096_000));
    }

    #[test]
    fn an_invalid_size_error_shows_an_example() {
        for text in ["", "11", "GB", "-1GB", "0", "nan", "11GX", "1e30TB", "inf"] {
            assert!(parse(text).unwrap_err().contains("such as 11GB"), "{text}");
        }
    }
}
