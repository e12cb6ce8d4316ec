//! `plot`: draw a result folder's tables, also those of a run that has not finished, for a screen or for a paper; and the feature
//! reuse of weights.

mod heatmap;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use densenet_bench::files::write_whole;
use densenet_bench::formats::study::{LongTable, LongTables, Study};
use densenet_bench::trials::ResultFolder;
use densenet_bench::views::plots::NamedPicture;
use densenet_bench::views::report::{self, Reported};
use densenet_bench::views::report_formats::REPORT_FORMATS;
use densenet_bench::views::section::Document;
use densenet_bench::views::{plots, summary, terminal};

use super::shared::{fonts_for, study};
use super::{Failure, Outcome, print, say};
use heatmap::Heatmap;

/// Draw the plots of result folders again, also of a run that has not finished
#[derive(Args)]
#[command(after_help = "\
Examples:
  densenet-bench plot results/growth
  densenet-bench plot results/growth --style paper
  densenet-bench plot --heatmap results/growth/trials/0123456789abcdef
  densenet-bench plot --heatmap densenet121.safetensors --out heatmap.svg

Writes DIR/plots/*.svg, *.png and *.pdf, and DIR/summary.md. With --style paper it writes DIR/plots/paper/ instead: each plot
as NAME-single-column (88 mm) and NAME-double-column (180 mm), with text of 8 points and without title and caption.

The heat map is Figure 5 of the DenseNet paper: the mean absolute weight with which each layer of a dense block reads the
feature maps of each layer before it. It goes into the plots/ of the trial's result folder, that of a weights file here, with
a table of its values (.csv) beside it.")]
pub struct Arguments {
    /// Result folders, such as results/growth
    #[arg(required_unless_present = "heatmap")]
    folders: Vec<PathBuf>,
    /// Where the plots are looked at: on a screen, or in the columns of a paper
    #[arg(long, value_enum, default_value_t = Place::Screen)]
    style: Place,
    /// Draw the feature reuse of a trial, by its folder, or of a DenseNet's weights: safetensors with torchvision's names
    #[arg(long, value_name = "TRIAL_DIR|WEIGHTS")]
    heatmap: Option<PathBuf>,
    /// The heat map's file; its PNG, PDF and table are written beside it, with .png, .pdf and .csv
    #[arg(long, value_name = "FILE.svg", requires = "heatmap")]
    out: Option<PathBuf>,
}

/// Where plots are looked at.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Place {
    Screen,
    Paper,
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
    let heatmap = arguments.heatmap.as_deref();
    let heatmap = heatmap
        .map(|what| Heatmap::of(what, arguments.out.as_deref()))
        .transpose()?;
    let mut lost = false;
    for folder in folders() {
        let study = study::read(&folder, LONG_TABLES)?;
        lost |= study.damage.iter().any(|damage| damage.loses_rows);
        let summary = match arguments.style {
            Place::Screen => draw(&folder, study)?,
            Place::Paper => draw_for_paper(&folder, &study)?,
        };
        print(&summary.table)?;
    }
    if let Some(heatmap) = heatmap {
        heatmap.write()?;
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

impl Summary {
    fn of(study: &Study, document: &Document) -> Self {
        Self {
            ablation: study.ablation.name.clone(),
            table: terminal::text(&document.sections, !speaks_utf8()),
        }
    }
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
    let pictures: Vec<&NamedPicture> = document.figures().collect();
    write_plots(&folder.root().join("plots"), &pictures)?;
    write_reports(folder, &reported)?;
    Ok(Summary::of(&reported.study, &document))
}

/// Draws a study's plots for a paper; those of a screen, and the summary, stay as they are.
fn draw_for_paper(folder: &ResultFolder, study: &Study) -> Result<Summary, Failure> {
    let pictures = plots::on_paper(study);
    let pictures: Vec<&NamedPicture> = pictures.iter().collect();
    write_plots(&folder.root().join("plots").join("paper"), &pictures)?;
    Ok(Summary::of(study, &summary::document(study)))
}

/// Writes pictures in every format into a folder, and says which are empty and which letters are missing.
fn write_plots(target: &Path, pictures: &[&NamedPicture]) -> Result<(), Failure> {
    let pictures = || pictures.iter().copied();
    let extra = fonts_for(&plots::foreign_letters(pictures()));
    let drawn = plots::draw(pictures(), &extra).map_err(Failure::work)?;
    std::fs::create_dir_all(target).map_err(|error| Failure::Work(format!("{}: {error}", target.display())))?;
    for plot in &drawn.plots {
        let svg = target.join(format!("{}.svg", plot.file_stem));
        write_whole(&svg, plot.svg.as_bytes()).map_err(Failure::work)?;
        write_whole(&svg.with_extension("png"), &plot.png).map_err(Failure::work)?;
        write_whole(&svg.with_extension("pdf"), &plot.pdf).map_err(Failure::work)?;
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
