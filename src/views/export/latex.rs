//! A table as LaTeX: a `tabular` with the rules of the package booktabs, which compiles wherever that is loaded.

use super::exported::Exported;
use crate::views::section::{Block, Side, Table};
use crate::views::text::one_line;

/// The table, below comments that say which command made it and what its columns mean.
pub fn text(exported: &Exported) -> String {
    let table = &exported.extract.table;
    let mut lines = vec![
        comment(&exported.command),
        comment("Needs \\usepackage{booktabs}. Written anew by the command above."),
    ];
    for note in &exported.extract.notes {
        match note {
            Block::Text(words) | Block::Note(words) => lines.push(comment(words)),
            Block::List(items) => lines.extend(items.iter().map(|item| comment(item))),
            Block::Code(words) => lines.extend(words.lines().map(comment)),
            Block::Table(_) | Block::Figure(_) => {}
        }
    }
    let sides: String = (table.header.iter())
        .map(|(_, side)| match side {
            Side::Left => 'l',
            Side::Right => 'r',
        })
        .collect();
    lines.push(format!("\\begin{{tabular}}{{{sides}}}"));
    lines.push("\\toprule".to_owned());
    lines.push(row(table.header.iter().map(|(name, _)| escaped(name)).collect()));
    lines.push("\\midrule".to_owned());
    lines.extend(rows(table).into_iter().map(row));
    lines.push("\\bottomrule".to_owned());
    lines.push("\\end{tabular}".to_owned());
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn comment(words: &str) -> String {
    format!("% {}", one_line(words))
}

/// A row. What begins one with `[` or `*` would be an option of the line's end before it.
fn row(mut cells: Vec<String>) -> String {
    if let Some(first) = cells.first_mut().filter(|cell| cell.starts_with(['[', '*'])) {
        first.insert_str(0, "{}");
    }
    format!("{} \\\\", cells.join(" & "))
}

/// The cells, those of a column of plain numbers with their decimal points below each other.
fn rows(table: &Table) -> Vec<Vec<String>> {
    let decimals: Vec<Option<usize>> = (0..table.header.len())
        .map(|place| {
            let is_right = table.header.get(place).is_some_and(|(_, side)| *side == Side::Right);
            let cells = table
                .rows
                .iter()
                .filter_map(|row| row.get(place))
                .filter(|cell| !cell.is_empty());
            let decimals: Option<Vec<usize>> = cells.map(|cell| decimals(cell)).collect();
            decimals.filter(|_| is_right)?.into_iter().max()
        })
        .collect();
    let cell = |(cell, most): (&String, &Option<usize>)| {
        let padding = most.and_then(|most| padding(most, decimals_of(cell)?));
        escaped(cell) + &padding.unwrap_or_default()
    };
    let rows = table.rows.iter();
    rows.map(|row| row.iter().zip(&decimals).map(cell).collect()).collect()
}

/// The digits behind the point of a plain number; none of anything else.
fn decimals(cell: &str) -> Option<usize> {
    let is_plain = cell
        .chars()
        .all(|letter| letter.is_ascii_digit() || matches!(letter, ',' | '.' | '-'));
    let (_, behind) = cell.split_once('.').unwrap_or((cell, ""));
    is_plain.then_some(behind.len())
}

fn decimals_of(cell: &str) -> Option<usize> {
    match cell.is_empty() {
        true => None,
        false => decimals(cell),
    }
}

/// What takes the room of the decimals that a number lacks.
fn padding(most: usize, own: usize) -> Option<String> {
    let point = if own == 0 { "." } else { "" };
    (own < most).then(|| format!("\\phantom{{{point}{}}}", "0".repeat(most - own)))
}

/// Text of which LaTeX makes nothing but itself, whatever packages and languages are loaded.
fn escaped(text: &str) -> String {
    let text = one_line(text);
    let mut shown = String::with_capacity(text.len());
    let mut before = ' ';
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => shown.extend(['\\', letter]),
            '~' => shown.push_str("\\textasciitilde{}"),
            '^' => shown.push_str("\\textasciicircum{}"),
            '\\' => shown.push_str("\\textbackslash{}"),
            '<' => shown.push_str("$<$"),
            '>' => shown.push_str("$>$"),
            '|' => shown.push_str("$|$"),
            // babel gives it another meaning in some languages, and two ` or ' are one quotation mark.
            '"' => shown.push_str("{\\char34}"),
            '`' => shown.push_str("{\\char96}"),
            '\'' if before == '\'' => shown.push_str("{}'"),
            // Two are a dash.
            '-' if before == '-' => shown.push_str("{}-"),
            letter if letter.is_ascii() => shown.push(letter),
            letter => shown.push_str(&beyond_ascii(letter)),
        }
        before = letter;
    }
    match shown.strip_prefix('-') {
        Some(number) if decimals_of(&text).is_some() => format!("$-${number}"),
        _ => shown,
    }
}

/// A letter that not every engine and font has: those of Western Europe as they are, known signs by their commands, others
/// by their code point.
fn beyond_ascii(letter: char) -> String {
    match letter {
        '±' => "$\\pm$".to_owned(),
        '×' => "$\\times$".to_owned(),
        'Δ' => "$\\Delta$".to_owned(),
        'µ' | 'μ' => "$\\mu$".to_owned(),
        '°' => "$^\\circ$".to_owned(),
        '≤' => "$\\leq$".to_owned(),
        '≥' => "$\\geq$".to_owned(),
        '–' => "--".to_owned(),
        '—' => "---".to_owned(),
        '…' => "\\ldots{}".to_owned(),
        '’' => "'".to_owned(),
        // Eth and thorn need another font encoding than the first one.
        'Ð' | 'Þ' | 'ð' | 'þ' | '÷' => code_point(letter),
        'À'..='ÿ' => letter.to_string(),
        _ => code_point(letter),
    }
}

fn code_point(letter: char) -> String {
    format!("(U+{:04X})", u32::from(letter))
}

#[cfg(test)]
mod tests {
    use super::super::super::report::Extract;
    use super::*;

    fn exported(table: Table) -> Exported {
        Exported {
            extract: Extract {
                table,
                notes: vec![
                    Block::Note("n: seeds,\n100 %.".to_owned()),
                    Block::List(vec!["a: doubtful".to_owned()]),
                ],
            },
            command: "densenet-bench report 'a\nb' --table variants --format latex".to_owned(),
        }
    }

    #[test]
    fn a_table_has_rules_sides_and_the_command_that_made_it() {
        let mut table = Table::default();
        table.column("variant", Side::Left, ["growth_rate=8", "[1]"].map(str::to_owned));
        table.column("test error (%)", Side::Right, ["2.00 ± 1.00", ""].map(str::to_owned));
        table.column("images/s", Side::Right, ["2,000", "42.3"].map(str::to_owned));
        table.column("Δ", Side::Right, ["-1.20", "0.05"].map(str::to_owned));
        assert_eq!(
            text(&exported(table)),
            "% densenet-bench report 'a b' --table variants --format latex\n\
             % Needs \\usepackage{booktabs}. Written anew by the command above.\n\
             % n: seeds, 100 %.\n\
             % a: doubtful\n\
             \\begin{tabular}{lrrr}\n\
             \\toprule\n\
             variant & test error (\\%) & images/s & $\\Delta$ \\\\\n\
             \\midrule\n\
             growth\\_rate=8 & 2.00 $\\pm$ 1.00 & 2,000\\phantom{.0} & $-$1.20 \\\\\n\
             {}[1] &  & 42.3 & 0.05 \\\\\n\
             \\bottomrule\n\
             \\end{tabular}\n"
        );
    }

    #[test]
    fn latex_makes_nothing_of_text_but_itself() {
        for (text, expected) in [
            ("& % $ # _ { }", "\\& \\% \\$ \\# \\_ \\{ \\}"),
            ("~^\\", "\\textasciitilde{}\\textasciicircum{}\\textbackslash{}"),
            ("\\input{/etc/passwd}", "\\textbackslash{}input\\{/etc/passwd\\}"),
            ("<a|b>", "$<$a$|$b$>$"),
            ("\"a\" `b` ''", "{\\char34}a{\\char34} {\\char96}b{\\char96} '{}'"),
            ("a--b -1", "a-{}-b -1"),
            (
                "\u{1b}[2J\r\n^^M",
                "\\textbackslash{}u\\{1b\\}[2J \\textasciicircum{}\\textasciicircum{}M",
            ),
            ("Zürich, 日本 ð", "Zürich, (U+65E5)(U+672C) (U+00F0)"),
            ("-0.5", "$-$0.5"),
            ("-v", "-v"),
            ("", ""),
        ] {
            assert_eq!(escaped(text), expected, "{text}");
        }
    }
}
