//! What a cell of numbers is sorted by.

/// The first number of a cell, with the unit after it: 2.5e9 of `2.50 GB`, 1234 of `1,234 ± 5`. None of a cell without one.
pub fn sort_key(cell: &str) -> Option<f64> {
    let mut words = cell.split_whitespace();
    let first = words
        .next()?
        .trim_matches(|letter: char| !(letter.is_ascii_digit() || matches!(letter, '-' | '+' | '.')));
    if !first.contains(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    let number: f64 = first.replace(',', "").parse().ok()?;
    let unit = match words.next() {
        Some("kB") => 1e3,
        Some("MB") => 1e6,
        Some("GB") => 1e9,
        Some("TB") => 1e12,
        _ => 1.0,
    };
    Some(unit * number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_sort_by_their_first_number_in_its_unit() {
        for (cell, key) in [
            ("1,019,722", Some(1_019_722.0)),
            ("2.00 ± 1.00", Some(2.0)),
            ("[-0.50, 1.20]", Some(-0.5)),
            ("2.50 GB", Some(2.5e9)),
            ("523 MB", Some(523e6)),
            ("4.90×", Some(4.9)),
            ("1.02 [1.00, 1.04]*", Some(1.02)),
            ("3.4e-5", Some(3.4e-5)),
            ("3 of 5", Some(3.0)),
            ("none", None),
            ("", None),
            ("inf", None),
        ] {
            assert_eq!(sort_key(cell), key, "{cell}");
        }
    }
}
