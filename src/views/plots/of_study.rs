//! Every plot of a study, for a screen or for a paper.

use super::super::costs::Cost;
use super::super::groups::Grouped;
use super::draw::NamedPicture;
use super::style::Style;
use super::{batches, cost, flame, loss_curves, peers, phases, seed_curves, step_times, test_error};
use crate::formats::ablation::Mode;
use crate::formats::study::Study;

/// Loss curves, the final error by swept value, and the error against what the variants cost, as far as the study has come.
/// A cost that no trial has recorded has no picture.
pub fn of_trials(study: &Grouped<'_>) -> Vec<NamedPicture> {
    trials(study, Style::Screen)
}

/// The final error against what the variants cost.
pub fn errors_by_cost(study: &Grouped<'_>) -> Vec<NamedPicture> {
    errors(study, Style::Screen)
}

/// Losses and errors by epoch of every seed with their means.
pub fn of_seeds(study: &Grouped<'_>) -> NamedPicture {
    NamedPicture::new("seed-curves", seed_curves::picture(study, Style::Screen))
}

/// The timed steps round by round in each mode, of a study that was read with its samples.
pub fn of_steps(study: &Grouped<'_>) -> Vec<NamedPicture> {
    let of = |mode: Mode| NamedPicture::new(format!("steps-{mode}"), step_times::picture(study, mode));
    batches::modes(study).into_iter().map(of).collect()
}

/// Speed and memory by batch size in each mode, and the parts of a training step.
pub fn of_batches(study: &Grouped<'_>) -> Vec<NamedPicture> {
    measurements(study, Style::Screen)
}

/// Training steps layer by layer.
pub fn of_profiles(study: &Grouped<'_>) -> Vec<NamedPicture> {
    profiled(study, Style::Screen)
}

/// The comparisons with PyTorch.
pub fn of_peers(study: &Grouped<'_>) -> Vec<NamedPicture> {
    comparisons(study, Style::Screen)
}

/// Every plot that `plot` draws, in the two sizes of a paper.
pub fn on_paper(study: &Study) -> Vec<NamedPicture> {
    let study = Grouped::of(study);
    let in_style = |style: Style| {
        let of_trials = match study.is_about_trials() {
            true => trials(&study, style),
            false => Vec::new(),
        };
        let of_measurements = measurements(&study, style);
        (of_trials.into_iter())
            .chain(of_measurements)
            .chain(profiled(&study, style))
            .chain(comparisons(&study, style))
    };
    Style::PAPER.into_iter().flat_map(in_style).collect()
}

fn trials(study: &Grouped<'_>, style: Style) -> Vec<NamedPicture> {
    let mut pictures = vec![
        NamedPicture::in_style(style, "loss-curves", loss_curves::picture(study, style)),
        NamedPicture::in_style(style, "loss-and-error", loss_curves::loss_and_error(study, style)),
        NamedPicture::in_style(style, "test-error", test_error::picture(study, style)),
    ];
    pictures.extend(errors(study, style));
    pictures
}

fn errors(study: &Grouped<'_>, style: Style) -> Vec<NamedPicture> {
    let is_shown = |cost: &Cost| {
        let is_recorded = || study.variants.iter().any(|group| cost.of(group).is_some());
        cost.is_of_the_network() || is_recorded()
    };
    let of = |cost: Cost| {
        let plot = format!("error-by-{}", cost.file_word());
        NamedPicture::in_style(style, &plot, cost::picture(study, cost, style))
    };
    Cost::ALL.into_iter().filter(is_shown).map(of).collect()
}

fn measurements(study: &Grouped<'_>, style: Style) -> Vec<NamedPicture> {
    let mut pictures = Vec::new();
    for mode in batches::modes(study) {
        let picture = batches::picture(study, mode, style);
        pictures.push(NamedPicture::in_style(style, &format!("batches-{mode}"), picture));
        if mode == Mode::Train {
            let picture = phases::picture(study, style);
            pictures.push(NamedPicture::in_style(style, "phases-train", picture));
        }
    }
    pictures
}

fn profiled(study: &Grouped<'_>, style: Style) -> Vec<NamedPicture> {
    let flames = flame::flames(study);
    let of = |flames: &flame::Flames<'_>| {
        let picture = flame::picture(study, flames, style);
        NamedPicture::in_style(style, &flames.file_stem, picture)
    };
    flames.iter().map(of).collect()
}

fn comparisons(study: &Grouped<'_>, style: Style) -> Vec<NamedPicture> {
    let figures = peers::figures(study);
    let of = |figure: &peers::PeersFigure<'_>| {
        let picture = peers::picture(study, figure, style);
        NamedPicture::in_style(style, &figure.file_stem, picture)
    };
    figures.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::picture::{Picture, Shape};
    use super::super::style::PAPER_TEXT;
    use super::super::{batches, draw};
    use super::*;

    fn cases() -> impl Iterator<Item = (&'static str, Study)> {
        draw::tests::cases().into_iter().chain(batches::tests::cases())
    }

    fn drawn(study: &Study) -> Vec<(String, Style, Picture)> {
        let named = on_paper(study).into_iter();
        named
            .filter_map(|named| Some((named.file_stem, named.style, named.picture.ok()?)))
            .collect()
    }

    #[test]
    fn a_papers_figures_fit_their_columns_and_have_text_of_eight_points_alone() {
        for (case, study) in cases() {
            for (plot, style, picture) in drawn(&study) {
                let what = format!("{case}: {plot}");
                println!("{what}");
                let millimetres = picture.width * 25.4 / 72.0;
                assert!((millimetres - style.millimetres().unwrap()).abs() < 1e-6, "{what}");
                for label in picture.labels() {
                    assert!((label.size - PAPER_TEXT).abs() < 1e-9, "{what}: '{}'", label.text);
                }
                picture.assert_labels_are_whole_and_apart();
            }
        }
    }

    #[test]
    fn a_papers_figure_leaves_title_question_and_caption_to_the_paper() {
        let (_, study) = cases().nth(1).unwrap();
        for (plot, _, picture) in drawn(&study) {
            let words: Vec<&str> = picture.labels().map(|label| label.text.as_str()).collect();
            let words = words.join(" ");
            for left_out in ["growth:", "What does", "seeds a variant", "Data: digits"] {
                assert!(!words.contains(left_out), "{plot}: {words}");
            }
        }
    }

    #[test]
    fn lines_of_a_paper_are_thinner_than_those_of_a_screen() {
        let (_, study) = cases().nth(1).unwrap();
        let widest = |picture: &Picture| {
            let widths = picture.shapes.iter().filter_map(|shape| match shape {
                Shape::Line { width, .. } => Some(*width),
                _ => None,
            });
            widths.fold(0.0, f64::max)
        };
        for (plot, _, picture) in drawn(&study) {
            assert!(widest(&picture) < 1.2, "{plot}");
        }
    }

    #[test]
    fn every_plot_has_a_file_for_each_column_of_a_paper() {
        let (_, study) = cases().nth(1).unwrap();
        let stems: Vec<String> = drawn(&study).into_iter().map(|(plot, ..)| plot).collect();
        for stem in ["loss-curves-single-column", "error-by-macs-double-column"] {
            assert!(stems.iter().any(|other| other == stem), "{stems:?}");
        }
        let mut different = stems.clone();
        different.sort();
        different.dedup();
        assert_eq!(different.len(), stems.len());
    }

    /// With `SAMPLE_PLOTS=FOLDER` the pictures of all cases are left there to be looked at.
    #[test]
    fn a_papers_figure_is_written_in_every_format() {
        let temporary = tempfile::tempdir().unwrap();
        let asked = std::env::var_os("SAMPLE_PLOTS");
        let most = if asked.is_some() { usize::MAX } else { 2 };
        let folder = asked.map_or(temporary.path().to_owned(), Into::into);
        for (case, study) in cases().take(most) {
            let folder = folder.join(case).join("paper");
            std::fs::create_dir_all(&folder).unwrap();
            for plot in draw::draw(&on_paper(&study), &Default::default()).unwrap().plots {
                let path = |ending: &str| folder.join(format!("{}.{ending}", plot.file_stem));
                roxmltree::Document::parse(&plot.svg).unwrap();
                std::fs::write(path("svg"), &plot.svg).unwrap();
                std::fs::write(path("png"), &plot.png).unwrap();
                std::fs::write(path("pdf"), &plot.pdf).unwrap();
            }
        }
    }
}
