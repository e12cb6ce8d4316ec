//! The final test error against what a variant costs, with the Pareto front.

use super::super::costs::{Cost, pareto_front};
use super::super::groups::Grouped;
use super::figure::{Entry, Figure, Sample, bar, side_by_side};
use super::palette::{GRAY, SeriesStyle};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Picture, Place};
use super::scale::{Notation, Scale, extent};
use super::style::Style;
use super::test_error::{self, VariantError};

/// Costs whose ratio is less than this may be drawn in one place.
const NEARLY_THE_SAME: f64 = 1.01;
/// The axis spans at least this ratio: ticks between costs that differ by a thousandth would all read the same.
const SMALLEST_RATIO: f64 = 1.5;

fn widened((low, high): (f64, f64)) -> (f64, f64) {
    let missing = (SMALLEST_RATIO / (high / low)).max(1.0).sqrt();
    (low / missing, high * missing)
}

/// The means on the Pareto front, by rising cost.
fn front(points: &[(f64, &VariantError<'_>)]) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> = points.iter().map(|(cost, m)| (*cost, m.summary.mean)).collect();
    let is_on_it = pareto_front(&points);
    let mut front: Vec<(f64, f64)> = (points.into_iter().zip(is_on_it))
        .filter_map(|(point, is_on_it)| is_on_it.then_some(point))
        .collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    front.dedup();
    front
}

/// From each point level to the next one's cost, and down to it: up to there nothing better is to be had.
fn stairs(front: &[(f64, f64)], place: impl Fn((f64, f64)) -> Place) -> Vec<Place> {
    let mut places: Vec<Place> = front.first().map(|&first| place(first)).into_iter().collect();
    for pair in front.windows(2) {
        places.extend([place((pair[1].0, pair[0].1)), place(pair[1])]);
    }
    places
}

/// A point with its interval for each variant that has finished trials, or why there is none.
pub fn picture(study: &Grouped<'_>, cost: Cost, style: Style) -> Result<Picture, String> {
    let measured = test_error::errors_of(study)?;
    let points: Vec<(f64, &VariantError<'_>)> = measured.iter().filter_map(|m| Some((cost.of(m.group)?, m))).collect();
    let Some(range) = extent(points.iter().map(|(count, _)| *count)) else {
        return Err(format!("no finished trial has recorded its {}", cost.title()));
    };
    let several = points.iter().any(|(_, m)| m.summary.interval.is_some());
    let mut legend: Vec<Entry> = Vec::new();
    legend.extend(points.iter().map(|(_, m)| {
        let style = SeriesStyle::of(m.index);
        Entry {
            sample: match several {
                true => Sample::Interval(style.marker, style.color),
                false => Sample::Marker(style.marker, 3.2, style.color),
            },
            label: m.group.name.to_owned(),
        }
    }));
    let front = front(&points);
    if front.len() > 1 {
        legend.push(Entry {
            sample: Sample::Path(GRAY),
            label: "Pareto front of the means".to_owned(),
        });
    }
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
        legend,
        caption,
    };
    let (mut picture, space) = figure.lay_out(style, style.height(320.0, 1));
    let title = match style {
        Style::Screen => cost.title(),
        Style::SingleColumn | Style::DoubleColumn => cost.short_title(),
    };
    let title = format!("{title}, logarithmic");
    let notation = match cost.is_of_the_network() {
        true => Notation::Thousands,
        false => Notation::Plain,
    };
    let costs = Axis::new(title, Scale::logarithmic(widened(range)), notation);
    let scale = errors.scale;
    let panel = Panel::new(style, space, None, costs, Vertical::Values(errors));
    panel.draw(&mut picture);
    picture.line(stairs(&front, |(cost, error)| panel.place(cost, error)), GRAY, 0.9);
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
