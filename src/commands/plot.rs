//! `plot`: draw a result folder's tables, also those of a run that has not finished.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use densenet_bench::files::write_whole;
use densenet_bench::formats::study::{LongTable, LongTables, Study};
use densenet_bench::host::{font_files, read_font};
use densenet_bench::trials::ResultFolder;
use densenet_bench::views::plots::ExtraFonts;
use densenet_bench::views::report::{self, Reported};
use densenet_bench::views::report_formats::REPORT_FORMATS;
use densenet_bench::views::section::Document;
use densenet_bench::views::{plots, summary, terminal};

use super::shared::study;
use super::{Failure, Outcome, print, say};

/// Draw the plots of result folders again, also of a run that has not finished
#[derive(Args)]
#[command(after_help = "\
Example:
  densenet-bench plot results/growth

Writes DIR/plots/*.svg, DIR/plots/*.png and DIR/summary.md.")]
pub struct Arguments {
    /// Result folders, such as results/growth
    #[arg(required = true)]
    folders: Vec<PathBuf>,
}

/// The rows of steps are in no plot; a damaged one is still reported.
const LONG_TABLES: LongTables = LongTables {
    steps: LongTable::Check,
    samples: LongTable::Check,
};

pub fn run(arguments: &Arguments) -> Outcome {
    let folders = || arguments.folders.iter().map(|folder| ResultFolder::at(folder));
    for folder in folders() {
        // Check that all exist before drawing the first.
        folder.check_is_there().map_err(Failure::input)?;
    }
    let mut lost = false;
    for folder in folders() {
        let study = study::read(&folder, LONG_TABLES)?;
        lost |= study.damage.iter().any(|damage| damage.loses_rows);
        print(&draw(&folder, study)?.table)?;
    }
    Ok(ExitCode::from(u8::from(lost)))
}

/// The summary of a folder's tables.
pub struct Summary {
    /// The ablation's name.
    pub ablation: String,
    /// The table of variants, for a terminal.
    pub table: String,
}

/// Draws a folder's plots and writes its summary from the tables at its top, as a run does that has just derived them.
pub fn draw_folder(folder: &Path) -> Result<Summary, Failure> {
    let folder = ResultFolder::at(folder);
    let study = study::read(&folder, LongTables::default())?;
    draw(&folder, study)
}

/// Draws a study's plots and writes its summary.
fn draw(folder: &ResultFolder, study: Study) -> Result<Summary, Failure> {
    let mut reported = study::reported_as_it_is(folder, study);
    // From wherever the folder is named, its summary is the same.
    if let Some(name) = folder.root().file_name() {
        reported.folder = name.to_string_lossy().into_owned();
    }
    let document = summary::document(&reported.study);
    draw_plots(folder, &document)?;
    write_reports(folder, &reported)?;
    Ok(Summary {
        ablation: reported.study.ablation.name.clone(),
        table: terminal::text(&document.sections, !speaks_utf8()),
    })
}

fn draw_plots(folder: &ResultFolder, document: &Document) -> Result<(), Failure> {
    let extra = fonts_for(&plots::foreign_letters(document.figures()));
    let drawn = plots::draw(document.figures(), &extra).map_err(Failure::work)?;
    let target = folder.root().join("plots");
    std::fs::create_dir_all(&target).map_err(|error| Failure::Work(format!("{}: {error}", target.display())))?;
    for plot in &drawn.plots {
        let svg = target.join(format!("{}.svg", plot.file_stem));
        write_whole(&svg, plot.svg.as_bytes()).map_err(Failure::work)?;
        write_whole(&svg.with_extension("png"), &plot.png).map_err(Failure::work)?;
    }
    for plot in &drawn.not_drawn {
        say(&format!("note: {plot}"));
    }
    if let Some(note) = drawn.missing.note() {
        say(&format!("note: {note}"));
    }
    Ok(())
}

/// Writes the report in every format.
fn write_reports(folder: &ResultFolder, reported: &Reported) -> Result<(), Failure> {
    let document = report::document(reported);
    for format in REPORT_FORMATS {
        let path = folder.root().join(format.file);
        write_whole(&path, (format.text)(&document).as_bytes()).map_err(Failure::work)?;
    }
    Ok(())
}

/// Fonts of the machine for letters that the built-in one lacks; without such letters no file is looked at, so that the
/// plots are the same on every machine.
fn fonts_for(letters: &BTreeSet<char>) -> ExtraFonts {
    if letters.is_empty() {
        return ExtraFonts::default();
    }
    let files = font_files();
    ExtraFonts::choose(letters, files.len(), |index| read_font(&files[index]))
}

/// Whether the locale's character set is UTF-8, by the variables that decide it, in their order.
pub fn speaks_utf8() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(set)
        .unwrap_or_default();
    let locale = locale.to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
