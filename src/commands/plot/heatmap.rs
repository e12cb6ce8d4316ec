//! `plot --heatmap`: how strongly the layers of dense blocks use each other's feature maps, by a trial's weights or a file's.

use std::fs::create_dir_all;
use std::path::{Path, PathBuf};

use densenet_bench::files::Output;
use densenet_bench::formats::network_weights::Head;
use densenet_bench::formats::tables::{FeatureReuseRow, write_rows};
use densenet_bench::formats::weights;
use densenet_bench::trials::{read_weights, recognized_weights};
use densenet_bench::views::feature_reuse::feature_reuse;
use densenet_bench::views::plots;

use crate::commands::shared::{NamedTrial, fonts_for};
use crate::commands::{Failure, output_at, say};

/// A heat map that is yet to be drawn.
pub struct Heatmap {
    /// Of which weights, for its title.
    name: String,
    rows: Vec<FeatureReuseRow>,
    target: Target,
}

/// Where a heat map goes.
struct Target {
    /// The path of the SVG.
    svg: PathBuf,
    /// A folder that may have to be created.
    folder: Option<PathBuf>,
    /// Where SVG, PNG and table go.
    outputs: [Output; 4],
}

impl Heatmap {
    /// The heat map of a trial, by its folder, or of a weights file; checked as far as it can be before anything is written.
    pub fn of(what: &Path, out: Option<&Path>) -> Result<Self, Failure> {
        match what.is_dir() {
            true => Self::of_trial(what, out),
            false => Self::of_file(what, out),
        }
    }

    fn of_trial(path: &Path, out: Option<&Path>) -> Result<Self, Failure> {
        let trial = NamedTrial::at(path)?;
        let record = &trial.record;
        let target = match out {
            Some(out) => Target::named(out, path)?,
            None => Target::among_plots(trial.folder.root(), &trial.id),
        };
        let graph = (record.settings.model)
            .graph(record.input, record.classes)
            .map_err(Failure::input)?;
        let file = trial.folder.weights(&trial.id).display().to_string();
        let bytes = trial.final_weights("let the run finish first, or name another trial")?;
        let weights = weights::read(&bytes, &file).map_err(Failure::input)?;
        weights::check(&weights, &graph, &file).map_err(Failure::input)?;
        Ok(Self {
            name: format!("{}: {}, seed {}", record.ablation, record.variant, record.seed),
            rows: feature_reuse(&graph, &weights).map_err(|error| refused(path, error))?,
            target,
        })
    }

    fn of_file(path: &Path, out: Option<&Path>) -> Result<Self, Failure> {
        let found = recognized_weights(path).map_err(Failure::input)?.ok_or_else(|| {
            refused(
                path,
                "its tensors are not a DenseNet's: features.conv0.weight, features.denseblock1.denselayer1.conv1.weight and \
                 a classifier are there in none of the forms that are recognised; give weights of a DenseNet under \
                 torchvision's names, or name a trial's folder",
            )
        })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let usual = PathBuf::from(format!("feature-reuse-{stem}.svg"));
        let target = Target::named(out.unwrap_or(&usual), path)?;
        let graph = found.network.graph(found.input, found.classes);
        let graph = graph.map_err(|error| refused(path, error))?;
        let read = read_weights(path, &*found.network, &graph, Head::OfFile).map_err(Failure::input)?;
        for note in &read.notes {
            say(&format!("note: {note}"));
        }
        Ok(Self {
            name: name.into_owned(),
            rows: feature_reuse(&graph, &read.weights).map_err(|error| refused(path, error))?,
            target,
        })
    }

    /// Draws it, and writes it with its table.
    pub fn write(self) -> Result<(), Failure> {
        let Target { svg, folder, outputs } = &self.target;
        if let Some(folder) = folder {
            create_dir_all(folder).map_err(|error| Failure::Work(format!("{}: {error}", folder.display())))?;
        }
        let stem = svg.file_stem().unwrap_or_default().to_string_lossy();
        let figures = [plots::of_feature_reuse(&stem, &self.name, &self.rows)];
        let extra = fonts_for(&plots::foreign_letters(&figures));
        let drawn = plots::draw(&figures, &extra).map_err(Failure::work)?;
        let [svg_output, png_output, pdf_output, table_output] = outputs;
        let table = write_rows(&self.rows).map_err(Failure::work)?;
        table_output.write(&table).map_err(Failure::work)?;
        for plot in &drawn.plots {
            svg_output.write(plot.svg.as_bytes()).map_err(Failure::work)?;
            png_output.write(&plot.png).map_err(Failure::work)?;
            pdf_output.write(&plot.pdf).map_err(Failure::work)?;
            say(&format!(
                "the heat map is {}, with .png, .pdf and .csv beside it",
                svg.display()
            ));
        }
        for plot in &drawn.not_drawn {
            say(&format!("note: {plot}"));
        }
        if let Some(note) = drawn.missing.note() {
            say(&format!("note: {note}"));
        }
        Ok(())
    }
}

impl Target {
    /// An SVG that the user named, or here, with PNG and table beside it; `read` is what the weights are read from.
    fn named(svg: &Path, read: &Path) -> Result<Self, Failure> {
        if svg.extension().is_none_or(|end| end != "svg") {
            return Err(Failure::Input(format!(
                "{}: the heat map is an SVG, with its PNG, its PDF and its table beside it; name a file that ends in .svg, such as \
                 heatmap.svg",
                svg.display()
            )));
        }
        let output = |path: &Path| output_at(path, &[read]);
        Ok(Self {
            outputs: [
                output(svg)?,
                output(&svg.with_extension("png"))?,
                output(&svg.with_extension("pdf"))?,
                output(&svg.with_extension("csv"))?,
            ],
            svg: svg.to_owned(),
            folder: None,
        })
    }

    /// Among a result folder's plots.
    fn among_plots(root: &Path, trial: &str) -> Self {
        let folder = root.join("plots");
        let svg = folder.join(format!("feature-reuse-{trial}.svg"));
        Self {
            outputs: ["svg", "png", "pdf", "csv"].map(|end| Output::Path(svg.with_extension(end))),
            svg,
            folder: Some(folder),
        }
    }
}

fn refused(path: &Path, rule: impl std::fmt::Display) -> Failure {
    Failure::Input(format!("{}: {rule}", path.display()))
}
