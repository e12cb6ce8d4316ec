//! Training, validation and test loss by epoch; training loss and test error, as in Figure 4 of the article.

use super::super::groups::{Curve, CurvePoint, Group, Grouped};
use super::figure::{Entry, Figure, Sample, interval, side_by_side};
use super::palette::SeriesStyle;
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Picture, Place, Rect};
use super::scale::{Notation, Scale, extent};
use super::style::Style;
use super::words;
use crate::formats::tables::EpochRow;

/// Markers on a curve, about.
const MARKERS: usize = 8;
/// Above this many variants bands would hide each other, and are faint.
const FEW: usize = 6;

/// A number by epoch.
struct Quantity {
    heading: &'static str,
    axis: &'static str,
    is_loss: bool,
    column: fn(&EpochRow) -> Option<f64>,
}

/// What a figure shows.
struct Content {
    title: &'static str,
    quantities: &'static [Quantity],
    /// When the numbers are taken, for the caption.
    taken: &'static str,
}

const LOSS_AXIS: &str = "cross-entropy (nats)";

const LOSSES: Content = Content {
    title: "loss by epoch",
    quantities: &[
        Quantity {
            heading: "Training",
            axis: LOSS_AXIS,
            is_loss: true,
            column: |row| Some(row.train_loss),
        },
        Quantity {
            heading: "Validation",
            axis: LOSS_AXIS,
            is_loss: true,
            column: |row| row.validation_loss,
        },
        Quantity {
            heading: "Test",
            axis: LOSS_AXIS,
            is_loss: true,
            column: |row| Some(row.test_loss),
        },
    ],
    taken: "Training loss is taken while training, the others after each epoch.",
};

const LOSS_AND_ERROR: Content = Content {
    title: "training loss and test error by epoch",
    quantities: &[
        Quantity {
            heading: "Training loss",
            axis: LOSS_AXIS,
            is_loss: true,
            column: |row| Some(row.train_loss),
        },
        Quantity {
            heading: "Test error",
            axis: "test error (%)",
            is_loss: false,
            column: |row| Some(100.0 * row.test_error),
        },
    ],
    taken: "Training loss is taken while training, test error after each epoch.",
};

struct LossCurve<'a> {
    group: &'a Group<'a>,
    style: SeriesStyle,
    curve: Curve,
}

/// A quantity's panel, with a curve for each variant.
struct CurvePanel<'a> {
    quantity: &'static Quantity,
    series: Vec<LossCurve<'a>>,
}

/// A panel for each split that has losses, a curve for each variant; or why there is nothing to draw.
pub fn picture(study: &Grouped<'_>, style: Style) -> Result<Picture, String> {
    curves(study, &LOSSES, style)
}

/// A panel for the training loss and one for the test error, likewise.
pub fn loss_and_error(study: &Grouped<'_>, style: Style) -> Result<Picture, String> {
    curves(study, &LOSS_AND_ERROR, style)
}

fn curves(study: &Grouped<'_>, content: &'static Content, style: Style) -> Result<Picture, String> {
    let panels: Vec<CurvePanel<'_>> = (content.quantities.iter())
        .map(|quantity| CurvePanel {
            quantity,
            series: series(study, quantity.column),
        })
        .filter(|panel| panel.series.iter().any(|s| !s.curve.points.is_empty()))
        .collect();
    if panels.is_empty() {
        return Err("no trial has finished an epoch with a loss that is a finite number".to_owned());
    }
    let has_epochs = |group: &Group<'_>| group.trials.iter().any(|trial| !trial.epochs.is_empty());
    let (legend, drawn): (Vec<Entry>, Vec<&Group<'_>>) = (study.variants.iter().enumerate())
        .filter(|(_, group)| has_epochs(group))
        .map(|(index, group)| {
            let entry = Entry {
                sample: Sample::Line(SeriesStyle::of(index)),
                label: group.name.to_owned(),
            };
            (entry, group)
        })
        .unzip();
    let figure = Figure {
        title: format!("{}: {}", study.name(), content.title),
        question: study.question().to_owned(),
        legend,
        caption: caption(study, content, &drawn, &panels),
    };
    let (mut picture, space) = figure.lay_out(style, style.height(300.0, panels.len()));
    for (panel, space) in panels.iter().zip(style.panels(space, panels.len())) {
        draw_panel(&mut picture, (style, space), panel, is_logarithmic(&panels, panel));
    }
    Ok(picture)
}

/// Whether a panel has a logarithmic axis. Losses beside each other are read by the same kind of scale, and the panel that
/// spans most decides for all.
fn is_logarithmic(panels: &[CurvePanel<'_>], panel: &CurvePanel<'_>) -> bool {
    let is_loss = panel.quantity.is_loss;
    let mut ranges = (panels.iter())
        .filter(|other| other.quantity.is_loss == is_loss)
        .map(|other| means(&other.series));
    ranges.clone().all(|(low, _)| low > 0.0) && ranges.any(|range| Scale::fitting(range).is_logarithmic())
}

fn series<'a>(study: &'a Grouped<'a>, column: fn(&EpochRow) -> Option<f64>) -> Vec<LossCurve<'a>> {
    let groups = study.variants.iter().enumerate();
    groups
        .map(|(index, group)| LossCurve {
            group,
            style: SeriesStyle::of(index),
            curve: group.curve(column),
        })
        .collect()
}

fn points<'a>(series: &'a [LossCurve<'_>]) -> impl Iterator<Item = &'a CurvePoint> {
    series.iter().flat_map(|series| &series.curve.points)
}

/// The smallest and the largest mean of a panel.
fn means(series: &[LossCurve<'_>]) -> (f64, f64) {
    extent(points(series).map(|point| point.summary.mean)).unwrap_or((0.0, 1.0))
}

/// A scale for all means and, as far as it can show them, their bands.
fn loss_scale(series: &[LossCurve<'_>], logarithmic: bool) -> Scale {
    let (low, high) = means(series);
    let ends = points(series)
        .filter_map(band)
        .flat_map(|(below, above)| [below, above]);
    if logarithmic {
        // A band that reaches down to 0 has no end on this axis: it is cut at the frame.
        let (_, above) = extent(ends.chain([high])).unwrap_or((low, high));
        Scale::logarithmic((low, above))
    } else {
        // No loss is below 0, though a mean less its deviation may be.
        let ends = ends.map(|end| end.max(low.min(0.0)));
        Scale::linear(extent(ends.chain([low, high])).unwrap_or((low, high)))
    }
}

fn draw_panel(picture: &mut Picture, (style, space): (Style, Rect), panel: &CurvePanel<'_>, logarithmic: bool) {
    let CurvePanel { quantity, series } = panel;
    let (first, last) = extent(points(series).map(|p| p.epoch as f64 + 1.0)).unwrap_or((1.0, 1.0));
    let margin = if last > first { 0.02 * (last - first) } else { 0.5 };
    let mut epochs = Axis::new(
        "epochs trained",
        Scale::Linear {
            low: first - margin,
            high: last + margin,
        },
        Notation::Plain,
    );
    epochs.whole = true;
    let title = match logarithmic {
        true => format!("{}, logarithmic", quantity.axis),
        false => quantity.axis.to_owned(),
    };
    let loss = Axis::new(title, loss_scale(series, logarithmic), Notation::Plain);
    let panel = Panel::new(style, space, Some(quantity.heading), epochs, Vertical::Values(loss));
    panel.draw(picture);
    if first == last {
        return draw_single_epoch(picture, &panel, series);
    }
    let opacity = if series.len() > FEW { 0.08 } else { 0.17 };
    for series in series {
        for run in runs(&series.curve.points) {
            draw_band(picture, &panel, run, series.style, opacity);
        }
    }
    for (index, one) in series.iter().enumerate() {
        draw_curve(picture, &panel, one, (index, series.len()));
    }
}

/// One standard deviation below and above the mean.
fn band(point: &CurvePoint) -> Option<(f64, f64)> {
    let deviation = point.summary.standard_deviation?;
    Some((point.summary.mean - deviation, point.summary.mean + deviation))
}

/// The points without a gap between their epochs.
fn runs(points: &[CurvePoint]) -> impl Iterator<Item = &[CurvePoint]> {
    points.chunk_by(|before, after| before.epoch + 1 == after.epoch)
}

fn place(panel: &Panel, point: &CurvePoint, loss: f64) -> Place {
    panel.place(point.epoch as f64 + 1.0, loss)
}

fn draw_band(picture: &mut Picture, panel: &Panel, run: &[CurvePoint], style: SeriesStyle, opacity: f64) {
    for run in run.chunk_by(|before, after| band(before).is_some() == band(after).is_some()) {
        let ends: Vec<(&CurvePoint, (f64, f64))> = run.iter().filter_map(|p| Some((p, band(p)?))).collect();
        if let [(point, (low, high))] = ends[..] {
            // One epoch has no width to shade.
            let (x, from) = place(panel, point, low);
            interval(picture, x, (from, place(panel, point, high).1), style.color);
        }
        let above = ends.iter().map(|(point, (_, high))| place(panel, point, *high));
        let below = ends.iter().rev().map(|(point, (low, _))| place(panel, point, *low));
        picture.area(above.chain(below).collect(), style.color, opacity);
    }
}

/// The variants side by side with their deviations as intervals.
fn draw_single_epoch(picture: &mut Picture, panel: &Panel, series: &[LossCurve<'_>]) {
    let points: Vec<(SeriesStyle, &CurvePoint)> = series
        .iter()
        .flat_map(|s| s.curve.points.iter().map(|point| (s.style, point)))
        .collect();
    let xs: Vec<f64> = points.iter().map(|(_, point)| place(panel, point, 0.0).0).collect();
    for (x, (style, point)) in side_by_side(&xs).into_iter().zip(points) {
        if let Some((low, high)) = band(point) {
            interval(picture, x, (panel.y(low), panel.y(high)), style.color);
        }
        style.mark(picture, (x, panel.y(point.summary.mean)));
    }
}

fn draw_curve(picture: &mut Picture, panel: &Panel, series: &LossCurve<'_>, (index, of): (usize, usize)) {
    let points = &series.curve.points;
    for run in runs(points) {
        let places: Vec<Place> = run.iter().map(|p| place(panel, p, p.summary.mean)).collect();
        series.style.line(picture, &places);
    }
    // Markers of different series stand at different epochs, so that curves which coincide can be distinguished.
    let every = points.len().div_ceil(MARKERS).max(1);
    for point in points
        .iter()
        .filter(|p| (p.epoch + every * index / of).is_multiple_of(every))
    {
        series.style.mark(picture, place(panel, point, point.summary.mean));
    }
}

fn caption(study: &Grouped<'_>, content: &Content, drawn: &[&Group<'_>], panels: &[CurvePanel<'_>]) -> Vec<String> {
    let counts = drawn.iter().map(|group| {
        let started = group.trials.iter().filter(|trial| !trial.epochs.is_empty());
        started.count()
    });
    let counts: Vec<usize> = counts.collect();
    let several = counts.iter().any(|count| *count > 1);
    let mut caption = vec![words::seeds(counts)];
    let one_epoch = |series: &LossCurve<'_>| series.curve.points.iter().all(|point| point.epoch == 0);
    let single = panels.iter().all(|panel| panel.series.iter().all(one_epoch));
    let spread = match (several, single) {
        (false, _) => "No spread: one seed each.",
        (true, true) => "Marker: mean over seeds; interval: mean ± s, the sample standard deviation.",
        (true, false) => {
            "Line: mean over seeds; shaded: mean ± s, the sample standard deviation, where an epoch has two seeds or \
             more."
        }
    };
    caption.push(spread.to_owned());
    caption.push(content.taken.to_owned());
    let unfinished = study.unfinished();
    if unfinished > 0 {
        let all = study.trials().count();
        let are = if unfinished == 1 {
            "is not finished: its curve goes"
        } else {
            "are not finished: their curves go"
        };
        caption.push(format!(
            "{unfinished} of {all} trials {are} as far as there are epochs."
        ));
    }
    let not_finite = |panel: &CurvePanel<'_>| {
        let heading = panel.quantity.heading.to_lowercase();
        let series = panel.series.iter().filter(|series| series.curve.not_finite > 0);
        let words = series.map(|s| format!("{} ({heading}, {})", s.group.name, s.curve.not_finite));
        words.collect::<Vec<_>>()
    };
    let left_out: Vec<String> = panels.iter().flat_map(not_finite).collect();
    if !left_out.is_empty() {
        caption.push(format!(
            "Left out, since they are not finite: losses of {}.",
            left_out.join("; ")
        ));
    }
    caption.push(words::setting(study));
    caption
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{SampleVariant, trained};
    use super::*;

    #[test]
    fn training_loss_and_test_error_have_a_panel_each_with_an_axis_of_its_own() {
        let variants = [("resnet", 0.04), ("densenet", 0.02)]
            .map(|(family, error)| SampleVariant::swept(&[("model.family", family)], 10_000, error));
        let study = trained(&variants, 3, 40);
        for style in [Style::Screen, Style::SingleColumn, Style::DoubleColumn] {
            let picture = loss_and_error(&Grouped::of(&study), style).unwrap();
            picture.assert_labels_are_whole_and_apart();
            let labels: Vec<&str> = picture.labels().map(|label| label.text.as_str()).collect();
            for words in ["Training loss", "Test error", "family=resnet", "family=densenet"] {
                assert!(labels.contains(&words), "{style:?}, {words}: {labels:?}");
            }
            for axis in ["cross-entropy (nats)", "test error (%)"] {
                assert!(
                    labels.iter().any(|label| label.starts_with(axis)),
                    "{style:?}, {axis}: {labels:?}"
                );
            }
            assert!(!labels.contains(&"Validation"), "{labels:?}");
        }
    }
}
