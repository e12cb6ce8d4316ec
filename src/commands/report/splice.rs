//! Tables of the report between the markers of a Markdown file.

use std::path::Path;

use densenet_bench::files::{Output, read_text, write_whole};
use densenet_bench::trials::ResultFolder;
use densenet_bench::views::markdown;
use densenet_bench::views::report::{ANSWER, TABLES, Tables};
use densenet_bench::views::splice::{Marked, marked, spliced};
use densenet_bench::words::counted;

use super::table::missing;
use super::{Failure, output_at, read, say};

/// Beyond any document that a reader opens.
const LARGEST_FILE: u64 = 16 << 20;

/// Replaces what stands between the file's markers, whole or not at all; whether rows of damaged tables are lost.
pub fn run(file: &Path, folders: &[ResultFolder]) -> Result<bool, Failure> {
    let named = |rule: &str| Failure::Input(format!("{}: {rule}", file.display()));
    if output_at(file, &[])? == Output::Stdout {
        return Err(named("what is replaced is between the markers of a file; name one"));
    }
    let text = read_text(file, LARGEST_FILE).map_err(|error| {
        named(&format!(
            "{error}; name a Markdown file with markers, such as README.md"
        ))
    })?;
    let blocks =
        marked(&text).map_err(|error| Failure::Input(format!("{}:{}: {error}", file.display(), error.line)))?;
    check_names(file, &blocks)?;
    let (studies, lost) = read(folders)?;
    let tables = Tables::of(&studies);
    let contents: Result<Vec<String>, Failure> = blocks
        .iter()
        .map(|block| content(&block.name, &tables).ok_or_else(|| missing(&block.name, &tables, folders)))
        .collect();
    let whole = spliced(&text, &blocks, &contents?);
    if whole == text {
        say(&format!("{} is up to date", file.display()));
        return Ok(lost);
    }
    write_whole(file, whole.as_bytes()).map_err(Failure::work)?;
    let replaced = counted(blocks.len(), "block");
    say(&format!("{replaced} between markers of {} replaced", file.display()));
    Ok(lost)
}

/// Names that no report has are wrong whatever the folders hold.
fn check_names(file: &Path, blocks: &[Marked]) -> Result<(), Failure> {
    let names: Vec<&str> = std::iter::once(ANSWER)
        .chain(TABLES.iter().map(|table| table.name))
        .collect();
    let fault = |line: String, rule: String| Failure::Input(format!("{}{line}: {rule}", file.display()));
    if blocks.is_empty() {
        let remedy =
            "write <!-- densenet-bench:variants --> and <!-- /densenet-bench:variants -->, each on a line of its own";
        return Err(fault(
            String::new(),
            format!("there is no marker; {remedy}, where the table is to be"),
        ));
    }
    match blocks.iter().find(|block| !names.contains(&block.name.as_str())) {
        Some(block) => {
            let rule = format!("no report has '{}'; there are {}", block.name, names.join(", "));
            Err(fault(format!(":{}", block.line), rule))
        }
        None => Ok(()),
    }
}

/// What comes between the markers of that name, as Markdown.
fn content(name: &str, tables: &Tables<'_>) -> Option<String> {
    if name == ANSWER {
        return Some(markdown::blocks(&tables.answer()));
    }
    Some(markdown::blocks(&tables.get(name)?.blocks()))
}
