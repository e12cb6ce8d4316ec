//! `report`: one page that shows result folders whole, also those of a run that has not finished; or one of its tables, alone
//! or in a Markdown file.

mod splice;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::PossibleValuesParser;
use densenet_bench::files::{Output, write_whole};
use densenet_bench::formats::study::{LongTable, LongTables};
use densenet_bench::trials::{REPORT, ResultFolder};
use densenet_bench::views::report::{Reported, page};

use super::shared::study;
use super::{Failure, Outcome, output_at, print, say};

/// Write one HTML page that shows result folders whole, also those of a run that has not finished
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench report results/growth                         writes results/growth/report.html
  densenet-bench report results/a results/b --out both.html    two studies side by side
  densenet-bench report results/growth --table variants        one table, as Markdown
  densenet-bench report results/growth --table costs --format latex --out costs.tex
  densenet-bench report results/growth --splice README.md      the tables between its markers

The page needs no network and opens from disk. It has the question, the answer with its uncertainty, the table of variants, \
error against cost, curves, speed and memory, what failed, the environment, and the command that runs it again.

--splice replaces what stands between <!-- densenet-bench:NAME --> and <!-- /densenet-bench:NAME -->, each on a line of its \
own, by the table of that name, or by the answer in words for NAME answer; nothing else of the file changes.")]
pub struct Arguments {
    /// Result folders, such as results/growth
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// The page's file, or - for stdout; report.html, in the folder of one, here for several, unless given. With --table the
    /// table's file; stdout unless given
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Write one table in place of the page
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(table::names()))]
    table: Option<String>,
    /// The table's format
    #[arg(long, requires = "table", default_value = "md", value_parser = PossibleValuesParser::new(table::formats()))]
    format: String,
    /// Replace what stands between markers in a Markdown file, and write no page
    #[arg(long, value_name = "FILE.md", conflicts_with_all = ["table", "out"])]
    splice: Option<PathBuf>,
}

/// Every step is shown: those of training by its loss, the timed ones by their round.
const LONG_TABLES: LongTables = LongTables {
    steps: LongTable::Read,
    samples: LongTable::Read,
};

pub fn run(arguments: &Arguments) -> Outcome {
    let folders: Vec<ResultFolder> = arguments
        .folders
        .iter()
        .map(|folder| ResultFolder::at(folder))
        .collect();
    for folder in &folders {
        // Check that all exist before reading the first.
        folder.check_is_there().map_err(Failure::input)?;
    }
    let lost = match (&arguments.splice, &arguments.table) {
        (Some(file), _) => splice::run(file, &folders)?,
        (None, Some(name)) => table::run(name, arguments, &folders)?,
        (None, None) => whole(arguments, &folders)?,
    };
    Ok(ExitCode::from(u8::from(lost)))
}

/// Writes the page; whether rows of damaged tables are lost.
fn whole(arguments: &Arguments, folders: &[ResultFolder]) -> Result<bool, Failure> {
    let target = target(arguments, folders)?;
    let (studies, lost) = read(folders)?;
    let html = page(&studies).map_err(Failure::work)?;
    target.write(html.as_bytes()).map_err(Failure::work)?;
    if let Output::Path(path) = &target {
        say(&format!("the report is {}", path.display()));
    }
    Ok(lost)
}

/// Reads the folders; whether rows of damaged tables are lost.
fn read(folders: &[ResultFolder]) -> Result<(Vec<Reported>, bool), Failure> {
    let mut lost = false;
    let mut studies = Vec::new();
    for folder in folders {
        let study = study::read(folder, LONG_TABLES)?;
        lost |= study.damage.iter().any(|damage| damage.loses_rows);
        studies.push(study::reported(folder, study)?);
    }
    Ok((studies, lost))
}

/// Where the page goes, checked before the work.
fn target(arguments: &Arguments, folders: &[ResultFolder]) -> Result<Output, Failure> {
    let own = |folder: &ResultFolder| folder.root().join(REPORT);
    let given = match (&arguments.out, folders) {
        (Some(path), _) => path.clone(),
        (None, [only]) => own(only),
        (None, _) => PathBuf::from(REPORT),
    };
    let output = Output::at(&given).map_err(Failure::input)?;
    // A run has recorded its page too, but that may be written anew as often as one likes.
    match folders.iter().any(|folder| output.is_file(&own(folder))) {
        true => Ok(output),
        false => output_at(&given, &[]),
    }
}

/// Writes a folder's page from the tables at its top, as a run does that has just derived them.
pub fn write_beside(folder: &Path) -> Result<(), Failure> {
    let folder = ResultFolder::at(folder);
    // What is damaged in the tables was said when the plots were drawn.
    let study = folder.study(LONG_TABLES).map_err(Failure::input)?;
    let html = page(&[study::reported(&folder, study)?]).map_err(Failure::work)?;
    write_whole(&folder.root().join(REPORT), html.as_bytes()).map_err(Failure::work)
}
