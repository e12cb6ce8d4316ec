//! One table of the report, for other documents and programs.

use std::path::Path;

use clap::builder::PossibleValue;
use densenet_bench::files::Output;
use densenet_bench::trials::ResultFolder;
use densenet_bench::views::export::{Exported, TABLE_FORMATS};
use densenet_bench::views::report::{TABLES, Tables, quoted};

use super::{Arguments, Failure, output_at, print, read, say};

/// The tables' names, for `--help` and for what is written wrongly.
pub fn names() -> Vec<PossibleValue> {
    let named = TABLES.iter();
    named
        .map(|table| PossibleValue::new(table.name).help(table.meaning))
        .collect()
}

/// The formats' names.
pub fn formats() -> Vec<PossibleValue> {
    let named = TABLE_FORMATS.iter();
    named
        .map(|format| PossibleValue::new(format.name).help(format.meaning))
        .collect()
}

/// Writes the table of that name; whether rows of damaged tables are lost.
pub fn run(name: &str, arguments: &Arguments, folders: &[ResultFolder]) -> Result<bool, Failure> {
    let path = arguments.out.as_deref().unwrap_or(Path::new("-"));
    let target = output_at(path, &[])?;
    let (studies, lost) = read(folders)?;
    let tables = Tables::of(&studies);
    let extract = tables.get(name).ok_or_else(|| missing(name, &tables, folders))?;
    let exported = Exported {
        extract,
        command: command(name, arguments, folders),
    };
    let format = TABLE_FORMATS.iter().find(|format| format.name == arguments.format);
    let text = format.map(|format| (format.text)(&exported)).unwrap_or_default();
    match &target {
        Output::Stdout => print(&text)?,
        Output::Path(path) => {
            target.write(text.as_bytes()).map_err(Failure::work)?;
            say(&format!("the table is {}", path.display()));
        }
    }
    Ok(lost)
}

/// The report has tables of what there is alone.
pub fn missing(name: &str, tables: &Tables<'_>, folders: &[ResultFolder]) -> Failure {
    let folders: Vec<String> = folders
        .iter()
        .map(|folder| folder.root().display().to_string())
        .collect();
    let there = match tables.names() {
        names if names.is_empty() => "it has no table yet".to_owned(),
        names => format!("it has {}", names.join(", ")),
    };
    Failure::Input(format!(
        "the report of {} has no table '{name}'; {there}",
        folders.join(" and ")
    ))
}

/// The command that writes the table, as a shell reads it.
fn command(name: &str, arguments: &Arguments, folders: &[ResultFolder]) -> String {
    let mut words = vec!["densenet-bench".to_owned(), "report".to_owned()];
    words.extend(
        folders
            .iter()
            .map(|folder| quoted(&folder.root().display().to_string())),
    );
    words.extend(["--table", name, "--format", &arguments.format].map(str::to_owned));
    words.join(" ")
}
