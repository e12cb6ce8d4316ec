//! Every plot of a study.

use super::super::groups::Study;
use super::cost::{self, Cost};
use super::picture::Picture;
use super::render::{Plot, PlotError};
use super::{batches, loss_curves, peers, phases, test_error};

/// What was drawn, and what was not.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// The plots.
    pub plots: Vec<Plot>,
    /// Plots that would have been empty.
    pub not_drawn: Vec<NotDrawn>,
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

/// Draws loss curves, the final error by swept value, and the error against parameters and multiply-accumulates, as far
/// as the study has come; and of what was measured apart from training, speed and memory by batch size, the parts of a
/// step, and the comparison with PyTorch.
///
/// # Errors
/// A plotting backend's error.
pub fn draw(study: &Study<'_>) -> Result<Drawn, PlotError> {
    let mut drawn = Drawn::default();
    for (file_stem, picture) in pictures(study) {
        match picture {
            Ok(picture) => drawn.plots.push(Plot::of(&file_stem, &picture)?),
            Err(reason) => drawn.not_drawn.push(NotDrawn { file_stem, reason }),
        }
    }
    Ok(drawn)
}

/// Each plot that the study asks for with its file's stem, or why it would be empty.
pub fn pictures(study: &Study<'_>) -> Vec<(String, Result<Picture, String>)> {
    let mut pictures = Vec::new();
    let measured = &study.measurements;
    // That a study which only measures has no loss curves is no news.
    if study.trials().next().is_some() || measured.is_empty() {
        pictures.push(("loss-curves".to_owned(), loss_curves::picture(study)));
        pictures.push(("test-error".to_owned(), test_error::picture(study)));
        pictures.push(("error-by-parameters".to_owned(), cost::picture(study, Cost::Parameters)));
        pictures.push(("error-by-macs".to_owned(), cost::picture(study, Cost::Macs)));
    }
    for mode in batches::modes(study) {
        pictures.push((format!("batches-{mode}"), batches::picture(study, mode)));
        if mode == "train" {
            pictures.push(("phases-train".to_owned(), phases::picture(study)));
        }
    }
    for figure in peers::figures(study) {
        let picture = peers::picture(study, &figure);
        pictures.push((figure.file_stem, picture));
    }
    pictures
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{Sample, SampleVariant};
    use super::*;
    use crate::formats::tables::Status;

    const GROWTH: [(&str, usize, f64); 4] = [
        ("8", 78_000, 0.041),
        ("12", 176_122, 0.031),
        ("16", 300_500, 0.027),
        ("24", 690_000, 0.024),
    ];

    fn growth(seeds: u64, epochs: usize) -> Sample {
        let variants = GROWTH.map(|(k, count, error)| SampleVariant::swept(&[("model.growth-rate", k)], count, error));
        Sample::new(&variants, seeds, epochs)
    }

    /// Sixteen variants of names too long for a line of a legend with columns.
    fn long_names() -> Sample {
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
        Sample::new(&variants, 3, 40)
    }

    fn cases() -> Vec<(&'static str, Sample)> {
        let mut cases = vec![("1x1", {
            let mut sample = Sample::new(&[SampleVariant::new("base")], 1, 1);
            sample.question = "Does it run?".to_owned();
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
        cases.push(("two-keys", Sample::new(&two_keys, 3, 300)));
        let orders = [
            ("pre-activation", 0.0462, Some(0.0451)),
            ("post-activation", 0.0521, None),
        ];
        let orders = orders.map(|(order, error, published)| SampleVariant {
            published,
            ..SampleVariant::swept(&[("model.order", order)], 769_162, error)
        });
        let mut sample = Sample::new(&orders, 3, 300);
        sample.name = "order".to_owned();
        sample.question = "Is \"pre-activation\" < post-activation for DenseNet-BC-100-12 on C10+ & is the difference \
                           larger than the spread over seeds, as the memory report of 2017 says (4.51 against 5.18 %)?"
            .to_owned();
        cases.push(("pre-post", sample));
        let mut hostile = growth(2, 2);
        hostile.question = "</text></svg><script>alert('1')</script> & \u{1b}[2J\0 \u{fffe}\n\u{202e}?".to_owned();
        for trial in &mut hostile.trials {
            trial.dataset = "<![CDATA[\u{7}".to_owned();
            trial.device = "--> <?cpu?> ]]>\r".to_owned();
        }
        cases.push(("hostile-words", hostile));
        let rates = ["0.001", "0.003", "0.01", "0.03", "0.1", "0.3"].map(|rate| SampleVariant {
            published: Some(0.0524),
            ..SampleVariant::swept(&[("train.learning-rate", rate)], 1_019_722, 0.06)
        });
        cases.push(("learning-rates", Sample::new(&rates, 5, 60)));
        let many: Vec<SampleVariant> = (0..24)
            .map(|i| SampleVariant::swept(&[("model.depth", &(10 + 6 * i).to_string())], 20_000 * (i + 1), 0.02))
            .collect();
        cases.push(("24-depths", Sample::new(&many, 3, 30)));
        let limits: Vec<SampleVariant> = (0..20)
            .map(|i| {
                let limit = (100_000 + 60_000 * i).to_string();
                SampleVariant::swept(&[("data.train-limit", &limit)], 1_000_000 + 3 * i, 0.1)
            })
            .collect();
        cases.push(("20-wide-values", Sample::new(&limits, 2, 400)));
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
            for (file_stem, picture) in pictures(&sample.study()) {
                println!("{case}: {file_stem}");
                picture.unwrap().assert_labels_are_whole_and_apart();
            }
        }
    }

    #[test]
    fn every_variant_is_named_in_full_where_there_is_room() {
        let sample = growth(3, 10);
        let study = sample.study();
        let picture = loss_curves::picture(&study).unwrap();
        for group in &study.variants {
            assert!(picture.labels().any(|label| label.text == group.name), "{}", group.name);
        }
    }

    #[test]
    fn the_caption_names_losses_that_were_left_out_and_trials_that_are_not_finished() {
        let (_, sample) = cases().pop().unwrap();
        let picture = loss_curves::picture(&sample.study()).unwrap();
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
        let drawn = draw(&sample.study()).unwrap();
        assert_eq!(
            drawn
                .plots
                .iter()
                .map(|plot| plot.file_stem.as_str())
                .collect::<Vec<_>>(),
            ["loss-curves"]
        );
        assert_eq!(
            drawn.not_drawn[0].to_string(),
            "test-error is not drawn: no trial has finished with a test error"
        );
    }

    #[test]
    fn a_study_without_rows_draws_nothing_and_says_why() {
        let drawn = draw(&Sample::new(&[], 1, 1).study()).unwrap();
        assert!(drawn.plots.is_empty());
        assert_eq!(drawn.not_drawn.len(), 4);
    }

    #[test]
    fn losses_of_which_none_is_finite_do_not_break_the_plot() {
        let mut sample = growth(2, 3);
        for row in &mut sample.epochs {
            (row.train_loss, row.test_loss) = (f64::NAN, f64::NEG_INFINITY);
        }
        let drawn = draw(&sample.study()).unwrap();
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
            draw(&sample.study()).unwrap();
        }
    }

    /// With `SAMPLE_PLOTS=FOLDER` the pictures are left there to be looked at.
    #[test]
    fn every_sample_is_written_in_both_formats() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("SAMPLE_PLOTS").map_or(temporary.path().to_owned(), Into::into);
        for (case, sample) in cases() {
            let folder = folder.join(case);
            std::fs::create_dir_all(&folder).unwrap();
            for plot in draw(&sample.study()).unwrap().plots {
                roxmltree::Document::parse(&plot.svg).unwrap();
                std::fs::write(folder.join(format!("{}.svg", plot.file_stem)), plot.svg).unwrap();
                std::fs::write(folder.join(format!("{}.png", plot.file_stem)), plot.png).unwrap();
            }
        }
    }
}
