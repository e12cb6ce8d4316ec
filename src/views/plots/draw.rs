//! Pictures with their files' names, and all of them rendered.

use std::collections::BTreeSet;

use super::extra_fonts::ExtraFonts;
use super::missing_letters::{self, MissingLetters};
use super::picture::{Picture, Shape};
use super::render::{Plot, PlotError, svg};
use super::style::Style;

/// What was drawn, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// The plots.
    pub plots: Vec<Plot>,
    /// Plots that would have been empty.
    pub not_drawn: Vec<NotDrawn>,
    /// Letters that no font had.
    pub missing: MissingLetters,
}

/// A plot that would have been empty, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotDrawn {
    /// The plot's file name without its ending.
    pub file_stem: String,
    /// What there is nothing of.
    pub reason: String,
}

impl std::fmt::Display for NotDrawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is not drawn: {}", self.file_stem, self.reason)
    }
}

/// A picture before it is rendered, and its file's name.
#[derive(Clone, Debug)]
pub struct NamedPicture {
    /// The file's name without its ending.
    pub file_stem: String,
    /// How it is laid out.
    pub style: Style,
    /// The picture, or why it would be empty.
    pub picture: Result<Picture, String>,
}

impl NamedPicture {
    /// A screen's picture.
    pub(super) fn new(file_stem: impl Into<String>, picture: Result<Picture, String>) -> Self {
        Self {
            file_stem: file_stem.into(),
            style: Style::Screen,
            picture,
        }
    }

    /// A plot's picture that was laid out in a style, in the size that it then has.
    pub(super) fn in_style(style: Style, plot: &str, picture: Result<Picture, String>) -> Self {
        Self {
            file_stem: style.file_stem(plot),
            style,
            picture: match style {
                Style::Screen => picture,
                Style::SingleColumn | Style::DoubleColumn => picture.map(|picture| picture.scaled(style.scale())),
            },
        }
    }

    /// Its title, the first words on it; empty where there is nothing to draw.
    pub fn title(&self) -> &str {
        let shapes = self.picture.iter().flat_map(|picture| &picture.shapes);
        let mut words = shapes.filter_map(|shape| match shape {
            Shape::Label(label) => Some(label.text.as_str()),
            _ => None,
        });
        words.next().unwrap_or_default()
    }

    /// The SVG document alone, or why there is nothing to draw.
    ///
    /// # Errors
    /// A plotting backend's error.
    pub fn svg(&self) -> Result<Result<String, String>, PlotError> {
        let drawn = self
            .picture
            .as_ref()
            .map(|picture| svg(&self.file_stem, picture, self.style));
        match drawn {
            Ok(drawn) => drawn.map(Ok),
            Err(reason) => Ok(Err(reason.clone())),
        }
    }
}

/// Letters of pictures that the built-in font lacks.
pub fn foreign_letters<'a>(pictures: impl IntoIterator<Item = &'a NamedPicture>) -> BTreeSet<char> {
    let drawn = pictures.into_iter().filter_map(|named| named.picture.as_ref().ok());
    drawn.flat_map(missing_letters::foreign).collect()
}

/// Renders pictures. PNGs and PDFs take letters that the built-in font lacks from `extra`.
///
/// # Errors
/// A plotting backend's error.
pub fn draw<'a>(pictures: impl IntoIterator<Item = &'a NamedPicture>, extra: &ExtraFonts) -> Result<Drawn, PlotError> {
    let mut drawn = Drawn::default();
    for named in pictures {
        let NamedPicture { file_stem, style, .. } = named;
        match &named.picture {
            Ok(picture) => {
                let plot = Plot::of(file_stem, picture, *style, extra)?;
                drawn.missing.add(&plot.missing);
                drawn.plots.push(plot);
            }
            Err(reason) => drawn.not_drawn.push(NotDrawn {
                file_stem: file_stem.clone(),
                reason: reason.clone(),
            }),
        }
    }
    Ok(drawn)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::groups::Grouped;
    use super::super::super::samples::{SampleVariant, empty, trained};
    use super::super::super::summary::document;
    use super::super::loss_curves;
    use super::*;
    use crate::formats::study::Study;
    use crate::formats::tables::Status;

    /// Every picture of a study's report.
    pub fn pictures(study: &Study) -> Vec<NamedPicture> {
        document(study).figures().cloned().collect()
    }

    const GROWTH: [(&str, usize, f64); 4] = [
        ("8", 78_000, 0.041),
        ("12", 176_122, 0.031),
        ("16", 300_500, 0.027),
        ("24", 690_000, 0.024),
    ];

    fn growth(seeds: u64, epochs: usize) -> Study {
        let variants = GROWTH.map(|(k, count, error)| SampleVariant::swept(&[("model.growth-rate", k)], count, error));
        trained(&variants, seeds, epochs)
    }

    /// Sixteen variants of names too long for a line of a legend with columns.
    fn long_names() -> Study {
        let variants: Vec<SampleVariant> = (0..16)
            .map(|i| {
                let (k, b, c) = (
                    ["8", "12", "16", "24"][i % 4],
                    ["false", "true"][i / 4 % 2],
                    ["0.5", "1.0"][i / 8],
                );
                let values = [
                    ("model.growth-rate", k),
                    ("model.bottleneck", b),
                    ("model.compression", c),
                    ("train.learning-rate", "0.1"),
                    ("model.dropout-after", "every-convolution"),
                ];
                SampleVariant::swept(&values, 60_000 * (i + 1), 0.03 + 0.002 * (i % 5) as f64)
            })
            .collect();
        trained(&variants, 3, 40)
    }

    /// Studies of trials of many kinds.
    pub fn cases() -> Vec<(&'static str, Study)> {
        let mut cases = vec![("1x1", {
            let mut sample = trained(&[SampleVariant::new("base")], 1, 1);
            sample.ablation.question = "Does it run?".to_owned();
            sample
        })];
        cases.push(("4x3", growth(3, 10)));
        cases.push(("4x2", growth(2, 2)));
        let mut apart = growth(2, 2);
        for (trial, error) in apart
            .trials
            .iter_mut()
            .zip([0.021, 0.049, 0.022, 0.0221, 0.02, 0.0201, 0.02, 0.0202])
        {
            trial.final_test_error = Some(error);
        }
        cases.push(("two-seeds-far-apart", apart));
        cases.push(("4x1", growth(1, 5)));
        cases.push(("4x3-one-epoch", growth(3, 1)));
        cases.push(("16-long-names", long_names()));
        let two_keys: Vec<SampleVariant> = (0..6)
            .map(|i| {
                let values = [
                    ("model.growth-rate", ["8", "12", "24"][i / 2]),
                    ("model.bottleneck", ["false", "true"][i % 2]),
                ];
                SampleVariant::swept(&values, 90_000 + 50_000 * i, 0.05 - 0.005 * i as f64)
            })
            .collect();
        cases.push(("two-keys", trained(&two_keys, 3, 300)));
        let orders = [
            ("pre-activation", 0.0462, Some(0.0451)),
            ("post-activation", 0.0521, None),
        ];
        let orders = orders.map(|(order, error, published)| SampleVariant {
            published,
            ..SampleVariant::swept(&[("model.order", order)], 769_162, error)
        });
        let mut sample = trained(&orders, 3, 300);
        sample.ablation.name = "order".to_owned();
        sample.ablation.question =
            "Is \"pre-activation\" < post-activation for DenseNet-BC-100-12 on C10+ & is the difference \
                           larger than the spread over seeds, as the memory report of 2017 says (4.51 against 5.18 %)?"
                .to_owned();
        cases.push(("pre-post", sample));
        let mut hostile = growth(2, 2);
        hostile.ablation.question =
            "</text></svg><script>alert('1')</script> & \u{1b}[2J\0 \u{fffe}\n\u{202e}?".to_owned();
        for trial in &mut hostile.trials {
            trial.dataset = "<![CDATA[\u{7}--> <?cpu?> ]]>\r".to_owned();
        }
        cases.push(("hostile-words", hostile));
        let rates = ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3"].map(|rate| SampleVariant {
            published: Some(0.0524),
            ..SampleVariant::swept(&[("train.learning-rate", rate)], 1_019_722, 0.06)
        });
        cases.push(("learning-rates", trained(&rates, 5, 60)));
        let many: Vec<SampleVariant> = (0..24)
            .map(|i| SampleVariant::swept(&[("model.depth", &(10 + 6 * i).to_string())], 20_000 * (i + 1), 0.02))
            .collect();
        cases.push(("24-depths", trained(&many, 3, 30)));
        let limits: Vec<SampleVariant> = (0..20)
            .map(|i| {
                let limit = (100_000 + 60_000 * i).to_string();
                SampleVariant::swept(&[("data.train-limit", &limit)], 1_000_000 + 3 * i, 0.1)
            })
            .collect();
        cases.push(("20-wide-values", trained(&limits, 2, 400)));
        let mut half = growth(3, 10);
        half.trials[4].status = Status::Interrupted;
        half.trials[11].status = Status::Failed;
        let (cut, diverged) = (half.trials[4].trial.clone(), half.trials[11].trial.clone());
        half.epochs.retain(|row| row.trial != cut || row.epoch < 4);
        for row in half
            .epochs
            .iter_mut()
            .filter(|row| row.trial == diverged && row.epoch > 5)
        {
            (row.train_loss, row.test_loss) = (f64::NAN, f64::INFINITY);
        }
        for row in &mut half.epochs {
            (row.validation_loss, row.validation_error) = (Some(row.test_loss * 1.1), Some(row.test_error));
        }
        cases.push(("half-done-with-validation", half));
        cases
    }

    #[test]
    fn no_label_is_cut_off_or_laid_over_another() {
        for (case, sample) in cases() {
            for figure in pictures(&sample) {
                println!("{case}: {}", figure.file_stem);
                figure.picture.unwrap().assert_labels_are_whole_and_apart();
            }
        }
    }

    #[test]
    fn every_variant_is_named_in_full_where_there_is_room() {
        let sample = growth(3, 10);
        let study = Grouped::of(&sample);
        let picture = loss_curves::picture(&study, Style::Screen).unwrap();
        for group in &study.variants {
            assert!(picture.labels().any(|label| label.text == group.name), "{}", group.name);
        }
    }

    #[test]
    fn the_caption_names_losses_that_were_left_out_and_trials_that_are_not_finished() {
        let (_, sample) = cases().pop().unwrap();
        let picture = loss_curves::picture(&Grouped::of(&sample), Style::Screen).unwrap();
        let text: Vec<&str> = picture.labels().map(|label| label.text.as_str()).collect();
        let text = text.join(" ");
        assert!(text.contains("2 of 12 trials are not finished"), "{text}");
        assert!(text.contains("growth-rate=24 (training, 4)"), "{text}");
        assert!(text.contains("n = 3 seeds a variant."), "{text}");
    }

    #[test]
    fn without_a_finished_trial_only_the_curves_are_drawn_and_the_rest_is_explained() {
        let mut sample = growth(2, 3);
        for trial in &mut sample.trials {
            trial.status = Status::Pending;
        }
        let drawn = draw(&pictures(&sample), &ExtraFonts::default()).unwrap();
        assert_eq!(
            drawn
                .plots
                .iter()
                .map(|plot| plot.file_stem.as_str())
                .collect::<Vec<_>>(),
            ["loss-curves", "loss-and-error"]
        );
        assert_eq!(
            drawn.not_drawn[0].to_string(),
            "test-error is not drawn: no trial has finished with a test error"
        );
    }

    #[test]
    fn a_study_without_rows_draws_nothing_and_says_why() {
        let drawn = draw(&pictures(&empty()), &ExtraFonts::default()).unwrap();
        assert!(drawn.plots.is_empty());
        assert_eq!(drawn.not_drawn.len(), 5);
    }

    #[test]
    fn losses_of_which_none_is_finite_do_not_break_the_plot() {
        let mut sample = growth(2, 3);
        for row in &mut sample.epochs {
            (row.train_loss, row.test_loss) = (f64::NAN, f64::NEG_INFINITY);
        }
        let drawn = draw(&pictures(&sample), &ExtraFonts::default()).unwrap();
        assert_eq!(drawn.not_drawn[0].file_stem, "loss-curves");
    }

    #[test]
    fn extreme_losses_are_drawn_without_a_panic() {
        for (low, high) in [
            (0.0, 0.0),
            (1e-300, 1e300),
            (-1.0, f64::MAX),
            (5e-324, 5e-324),
            (f64::MIN, f64::MAX),
        ] {
            let mut sample = growth(2, 3);
            for (index, row) in sample.epochs.iter_mut().enumerate() {
                row.train_loss = if index % 2 == 0 { low } else { high };
            }
            draw(&pictures(&sample), &ExtraFonts::default()).unwrap();
        }
    }

    /// With `SAMPLE_PLOTS=FOLDER` the pictures are left there to be looked at.
    #[test]
    fn every_sample_is_written_in_every_format() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("SAMPLE_PLOTS").map_or(temporary.path().to_owned(), Into::into);
        for (case, sample) in cases() {
            let folder = folder.join(case);
            std::fs::create_dir_all(&folder).unwrap();
            for plot in draw(&pictures(&sample), &ExtraFonts::default()).unwrap().plots {
                roxmltree::Document::parse(&plot.svg).unwrap();
                std::fs::write(folder.join(format!("{}.svg", plot.file_stem)), plot.svg).unwrap();
                std::fs::write(folder.join(format!("{}.png", plot.file_stem)), plot.png).unwrap();
                std::fs::write(folder.join(format!("{}.pdf", plot.file_stem)), plot.pdf).unwrap();
            }
        }
    }
}
