//! `plot`: draw a result folder's tables, whether the run is whole or half done.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use densenet_bench::formats::ablation::{Ablation, parse};
use densenet_bench::formats::tables::{
    BatchRow, BoundaryRow, EpochRow, PeerRow, Row, StepRow, SweptValue, TrialRow, whole_rows,
};
use densenet_bench::trials::write_whole;
use densenet_bench::views::groups::Study;
use densenet_bench::views::measurements::Measurements;
use densenet_bench::views::{plots, summary};

use super::{Failure, Outcome, print, say};

/// Draw the plots of result folders again, also of a run that is half done
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

pub fn run(arguments: &Arguments) -> Outcome {
    for folder in &arguments.folders {
        // All are there before the first is drawn.
        check_is_result_folder(folder)?;
    }
    for folder in &arguments.folders {
        let summary = draw_folder(folder)?;
        print(&summary.table)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses a path that is no result folder.
pub fn check_is_result_folder(folder: &Path) -> Result<(), Failure> {
    let rule = match (folder.join("ablation.toml").is_file(), folder.exists()) {
        (true, _) => return Ok(()),
        (false, true) => "this is no result folder (it has no ablation.toml)",
        (false, false) => "there is no such folder",
    };
    let folder = folder.display();
    Err(Failure::Input(format!(
        "{folder}: {rule}; name a result folder, such as results/growth"
    )))
}

/// What a folder's tables come to.
pub struct Summary {
    /// The ablation's name.
    pub ablation: String,
    /// The table of variants, for a terminal.
    pub table: String,
}

/// Draws a folder's plots and writes its summary.
pub fn draw_folder(folder: &Path) -> Result<Summary, Failure> {
    let ablation = read_ablation(&folder.join("ablation.toml"))?;
    let variants: Vec<(String, Vec<SweptValue>)> = (ablation.variants.iter())
        .map(|variant| (variant.name.clone(), variant.swept.clone()))
        .collect();
    let trials = read_table::<TrialRow>(folder)?;
    let epochs = read_table::<EpochRow>(folder)?;
    let steps = read_table::<StepRow>(folder)?;
    let batches = read_table::<BatchRow>(folder)?;
    let boundaries = read_table::<BoundaryRow>(folder)?;
    let peers = read_table::<PeerRow>(folder)?;
    let study = Study::new(&ablation.name, &ablation.question, &variants, &trials, &epochs, &steps);
    let study = study.with_measurements(Measurements {
        batches: &batches,
        boundaries: &boundaries,
        peers: &peers,
    });

    let drawn = plots::draw(&study).map_err(Failure::work)?;
    let target = folder.join("plots");
    std::fs::create_dir_all(&target).map_err(|error| Failure::Work(format!("{}: {error}", target.display())))?;
    for plot in &drawn.plots {
        let svg = target.join(format!("{}.svg", plot.file_stem));
        write_whole(&svg, plot.svg.as_bytes()).map_err(Failure::work)?;
        write_whole(&svg.with_extension("png"), &plot.png).map_err(Failure::work)?;
    }
    for plot in &drawn.not_drawn {
        say(&format!("note: {plot}"));
    }
    write_whole(&folder.join("summary.md"), summary::markdown(&study).as_bytes()).map_err(Failure::work)?;
    Ok(Summary {
        ablation: ablation.name.clone(),
        table: summary::console(&study, !speaks_utf8()),
    })
}

/// The ablation that a folder keeps.
pub fn read_ablation(path: &Path) -> Result<Ablation, Failure> {
    let text = super::experiment::text_of(path)?;
    parse(&text, path).map_err(Failure::input)
}

/// A folder's table, as far as its rows are whole; no rows where it is not there.
pub fn read_table<T: Row>(folder: &Path) -> Result<Vec<T>, Failure> {
    let path = folder.join(T::FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(whole_rows(&bytes, &path.display().to_string())
            .map_err(Failure::input)?
            .0),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Failure::Input(format!("{}: {error}", path.display()))),
    }
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
