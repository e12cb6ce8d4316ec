//! The final test error against what a variant costs: parameters, or multiply-accumulates.

use super::super::groups::{Group, Grouped};
use super::figure::{Entry, Figure, Sample, bar, side_by_side};
use super::palette::SeriesStyle;
use super::panel::{Axis, Panel, Vertical};
use super::picture::Picture;
use super::scale::{Notation, Scale, extent};
use super::test_error::{self, VariantError};

/// Costs whose ratio is less than this may be drawn in one place.
const NEARLY_THE_SAME: f64 = 1.01;
/// The axis spans at least this ratio: ticks between costs that differ by a thousandth would all read the same.
const SMALLEST_RATIO: f64 = 1.5;

/// A cost that a variant has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Learned values.
    Parameters,
    /// Multiply-accumulates for one image.
    Macs,
}

impl Cost {
    fn title(self) -> &'static str {
        match self {
            Cost::Parameters => "parameters",
            Cost::Macs => "multiply-accumulates (MACs) for one image",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Cost::Parameters => "parameters",
            Cost::Macs => "MACs",
        }
    }

    fn of(self, group: &Group<'_>) -> Option<f64> {
        match self {
            Cost::Parameters => group.parameters().map(|count| count as f64),
            Cost::Macs => group.macs().map(|count| count as f64),
        }
        .filter(|count| *count > 0.0)
    }
}

fn widened((low, high): (f64, f64)) -> (f64, f64) {
    let missing = (SMALLEST_RATIO / (high / low)).max(1.0).sqrt();
    (low / missing, high * missing)
}

/// A point with its interval for each variant that has finished trials, or why there is none.
pub fn picture(study: &Grouped<'_>, cost: Cost) -> Result<Picture, String> {
    let measured = test_error::errors_of(study)?;
    let points: Vec<(f64, &VariantError<'_>)> = measured.iter().filter_map(|m| Some((cost.of(m.group)?, m))).collect();
    let Some(range) = extent(points.iter().map(|(count, _)| *count)) else {
        return Err(format!("no finished trial has recorded its {}", cost.title()));
    };
    let several = points.iter().any(|(_, m)| m.summary.interval.is_some());
    let legend = points.iter().map(|(_, m)| {
        let style = SeriesStyle::of(m.index);
        Entry {
            sample: match several {
                true => Sample::Interval(style.marker, style.color),
                false => Sample::Marker(style.marker, 3.2, style.color),
            },
            label: m.group.name.to_owned(),
        }
    });
    let errors = test_error::error_axis(&measured, false);
    let mut caption = test_error::caption(study, &measured, &errors);
    caption.insert(
        1,
        if several {
            "Marker: mean over seeds."
        } else {
            "Marker: the only seed."
        }
        .to_owned(),
    );
    let mut costs: Vec<f64> = points.iter().map(|(count, _)| *count).collect();
    costs.sort_by(f64::total_cmp);
    if costs.windows(2).any(|pair| pair[1] / pair[0] < NEARLY_THE_SAME) {
        let sentence = format!(
            "Variants with the same or nearly the same {} stand side by side.",
            cost.noun()
        );
        caption.insert(2, sentence);
    }
    let figure = Figure {
        title: format!("{}: final test error by {}", study.name(), cost.title()),
        question: study.question().to_owned(),
        legend: legend.collect(),
        caption,
    };
    let (mut picture, space) = figure.lay_out(320.0);
    let title = format!("{}, logarithmic", cost.title());
    let costs = Axis::new(title, Scale::logarithmic(widened(range)), Notation::Thousands);
    let scale = errors.scale;
    let panel = Panel::new(space, None, costs, Vertical::Values(errors));
    panel.draw(&mut picture);
    // Variants of the same cost, as those that differ in their training, would hide each other.
    let xs: Vec<f64> = points.iter().map(|(count, _)| panel.x(*count)).collect();
    let xs = side_by_side(&xs);
    for (x, (_, m)) in xs.iter().zip(&points) {
        if let Some((low, high)) = m.summary.interval {
            let goes_on = [low, high].map(|end| scale.is_beyond(end));
            let ends = [panel.y(low), panel.y(high)].map(|y| (*x, y));
            bar(&mut picture, ends[0], ends[1], goes_on, SeriesStyle::of(m.index).color);
        }
    }
    for (x, (_, m)) in xs.iter().zip(&points) {
        SeriesStyle::of(m.index).mark(&mut picture, (*x, panel.y(m.summary.mean)));
    }
    Ok(picture)
}
