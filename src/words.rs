//! Numbers, lists and checksums in words, for messages and tables.

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The noun alone: `trial` of 1, else `trials`.
pub fn plural(count: usize, noun: &str) -> String {
    format!("{noun}{}", if count == 1 { "" } else { "s" })
}

/// `1 trial`, `2 trials`, of a noun whose plural ends in `s`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {}", plural(count, noun))
}

/// A duration to about three digits: `0.4 s`, `42 s`, `3 min 2 s`, `2 h 14 min`, `3 days 4 h`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let pair = |large: u64, of_large: &str, small: u64, of_small: &str| match small {
        0 => format!("{large} {of_large}"),
        small => format!("{large} {of_large} {small} {of_small}"),
    };
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => pair(whole / 60, "min", whole % 60, "s"),
        // Rounded to minutes, and then to hours.
        3600..86_370 => pair((whole + 30) / 3600, "h", (whole + 30) % 3600 / 60, "min"),
        _ => {
            let hours = (whole + 1800) / 3600;
            pair(hours / 24, &plural((hours / 24) as usize, "day"), hours % 24, "h")
        }
    }
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed(items: &[&str]) -> String {
    joined(items, "and")
}

/// As [`listed`], with another conjunction: `a, b or c`.
pub fn joined(items: &[impl AsRef<str>], conjunction: &str) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match items.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} {conjunction} {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// How many of many a message names.
const NAMED: usize = 10;

/// As [`listed`], of many: the first ten, and how many more there are.
pub fn first_ten(items: &[impl AsRef<str>]) -> String {
    let named: Vec<&str> = items.iter().take(NAMED).map(AsRef::as_ref).collect();
    match items.len().saturating_sub(NAMED) {
        0 => listed(&named),
        more => format!("{} and {} more", named.join(", "), grouped(more as u64)),
    }
}

/// Said of each of several things, in a line for each kind of text: texts that differ in their numbers alone are of one kind,
/// whose first stands for all. `a: it got 40 %; likewise b and c`.
pub fn gathered(said: &[(String, String)]) -> Vec<String> {
    let is_of_number = |letter: &char| letter.is_ascii_digit() || *letter == '.';
    let kind = |text: &str| text.chars().filter(|letter| !is_of_number(letter)).collect::<String>();
    let mut kinds: Vec<(String, Vec<&(String, String)>)> = Vec::new();
    for one in said {
        let of = kind(&one.1);
        match kinds.iter_mut().find(|(other, _)| *other == of) {
            Some((_, alike)) => alike.push(one),
            None => kinds.push((of, vec![one])),
        }
    }
    let line = |alike: &[&(String, String)]| {
        let (of, text) = alike.first()?;
        let others: Vec<&String> = alike.iter().skip(1).map(|(of, _)| of).collect();
        Some(match others.is_empty() {
            true => format!("{of}: {text}"),
            false => format!("{of}: {text}; likewise {}", first_ten(&others)),
        })
    };
    kinds.iter().filter_map(|(_, alike)| line(alike)).collect()
}

/// Bytes as lowercase hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_unit_that_a_person_would_take() {
        let cases = [
            (0.44, "0.4 s"),
            (9.4, "9.4 s"),
            (9.6, "10 s"),
            (59.4, "59 s"),
            (60.0, "1 min"),
            (182.0, "3 min 2 s"),
            (3600.0, "1 h"),
            (8040.0, "2 h 14 min"),
            (86_369.0, "23 h 59 min"),
            (86_399.0, "1 day"),
            (273_600.0, "3 days 4 h"),
        ];
        for (seconds, words) in cases {
            assert_eq!(duration(seconds), words, "{seconds}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(30_729_999), "30,729,999");
    }

    #[test]
    fn one_thing_has_no_plural() {
        assert_eq!(counted(1, "trial"), "1 trial");
        assert_eq!(counted(0, "trial"), "0 trials");
        assert_eq!(counted(2, "trial"), "2 trials");
    }

    #[test]
    fn the_last_item_of_a_list_follows_and() {
        assert_eq!(listed(&["a"]), "a");
        assert_eq!(listed(&["a", "b"]), "a and b");
        assert_eq!(listed(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn of_many_items_the_first_ten_are_named_and_the_others_counted() {
        let items: Vec<String> = (1..=12).map(|item| item.to_string()).collect();
        assert_eq!(first_ten(&items[..2]), "1 and 2");
        assert_eq!(first_ten(&items[..10]), "1, 2, 3, 4, 5, 6, 7, 8, 9 and 10");
        assert_eq!(first_ten(&items), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more");
    }

    #[test]
    fn what_is_said_of_several_with_other_numbers_is_said_once() {
        let said = [
            ("a", "it got 40 %"),
            ("b", "it is hot"),
            ("c", "it got 7.5 %"),
            ("d", "it got 40 %"),
        ];
        let said = said.map(|(of, text)| (of.to_owned(), text.to_owned()));
        assert_eq!(gathered(&said), ["a: it got 40 %; likewise c and d", "b: it is hot"]);
        let many: Vec<_> = (0..13).map(|n| (format!("t{n}"), format!("{n} %"))).collect();
        assert!(
            gathered(&many)[0].ends_with("t9, t10 and 2 more"),
            "{:?}",
            gathered(&many)
        );
        assert!(gathered(&[]).is_empty());
    }

    #[test]
    fn a_byte_is_two_hexadecimal_digits() {
        assert_eq!(hex(&[0, 10, 255]), "000aff");
    }
}
