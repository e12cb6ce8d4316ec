//! Losses and errors by epoch: a thin line for every seed, and their mean.

use super::super::groups::{Curve, Group, Grouped};
use super::super::reduced::reduced;
use super::figure::{Entry, Figure, Sample, side_by_side};
use super::palette::{SeriesStyle, paler};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Picture, Rect};
use super::scale::{Notation, Scale, extent};
use super::style::Style;
use super::words;
use crate::formats::tables::EpochRow;

/// Stretches of a line of which the lowest and the highest point are drawn: about as many as a panel can show.
const STRETCHES: usize = 80;
/// With more seeds than these, of all variants together, every second, third, … is drawn.
const MOST_SEEDS: usize = 400;

/// A number by epoch that a panel shows.
struct Quantity {
    heading: &'static str,
    axis: &'static str,
    is_loss: bool,
    value: fn(&EpochRow) -> Option<f64>,
}

const QUANTITIES: [Quantity; 4] = [
    Quantity {
        heading: "Training loss",
        axis: "cross-entropy (nats)",
        is_loss: true,
        value: |row| Some(row.train_loss),
    },
    Quantity {
        heading: "Validation loss",
        axis: "cross-entropy (nats)",
        is_loss: true,
        value: |row| row.validation_loss,
    },
    Quantity {
        heading: "Test loss",
        axis: "cross-entropy (nats)",
        is_loss: true,
        value: |row| Some(row.test_loss),
    },
    Quantity {
        heading: "Test error",
        axis: "test error (%)",
        is_loss: false,
        value: |row| Some(100.0 * row.test_error),
    },
];

/// A variant's lines.
struct Lines {
    style: SeriesStyle,
    seeds: Vec<Vec<(f64, f64)>>,
    mean: Vec<(f64, f64)>,
}

impl Lines {
    /// Of every seed of a number.
    fn of(group: &Group<'_>, index: usize, every: usize, value: fn(&EpochRow) -> Option<f64>) -> Self {
        let Curve { points, .. } = group.curve(value);
        let mean: Vec<(f64, f64)> = (points.iter())
            .map(|point| (point.epoch as f64 + 1.0, point.summary.mean))
            .collect();
        let seeds = group.trials.iter().step_by(every).map(|trial| {
            let points = trial.epochs.iter().filter_map(|row| {
                let value = value(row).filter(|value| value.is_finite())?;
                Some((row.epoch as f64 + 1.0, value))
            });
            reduced(&points.collect::<Vec<_>>(), STRETCHES)
        });
        Self {
            style: SeriesStyle::of(index),
            seeds: seeds.filter(|seed| !seed.is_empty()).collect(),
            mean: reduced(&mean, STRETCHES),
        }
    }

    fn all(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.seeds.iter().flatten().chain(&self.mean)
    }
}

/// A panel for each quantity that has numbers, or why there is nothing to draw.
pub fn picture(study: &Grouped<'_>, style: Style) -> Result<Picture, String> {
    let every = study.trials().count().div_ceil(MOST_SEEDS).max(1);
    let of = |quantity: &Quantity| -> Vec<Lines> {
        let groups = study.variants.iter().enumerate();
        groups
            .map(|(index, group)| Lines::of(group, index, every, quantity.value))
            .collect()
    };
    let panels: Vec<(&Quantity, Vec<Lines>)> = QUANTITIES
        .iter()
        .map(|quantity| (quantity, of(quantity)))
        .filter(|(_, lines)| lines.iter().any(|lines| !lines.mean.is_empty()))
        .collect();
    if panels.is_empty() {
        return Err("no trial has finished an epoch with a finite loss or error".to_owned());
    }
    let drawn = || {
        let groups = study.variants.iter().enumerate();
        groups.filter(|(_, group)| group.trials.iter().any(|trial| !trial.epochs.is_empty()))
    };
    let figure = Figure {
        title: format!("{}: losses and errors of every seed", study.name()),
        question: study.question().to_owned(),
        legend: drawn()
            .map(|(index, group)| Entry {
                sample: Sample::Line(SeriesStyle::of(index)),
                label: group.name.to_owned(),
            })
            .collect(),
        caption: vec![
            words::seeds(drawn().map(|(_, group)| group.trials.len())),
            "Thin: single seeds; thick: their mean. Long lines are drawn through the lowest and the highest point of each \
             stretch."
                .to_owned(),
            words::setting(study),
            match every {
                1 => String::new(),
                every => format!("One seed of {every} is drawn; the means are of all."),
            },
        ],
    };
    let (mut picture, space) = figure.lay_out(style, style.height(260.0, panels.len()));
    for ((quantity, lines), space) in panels.iter().zip(style.panels(space, panels.len())) {
        draw_panel(&mut picture, (style, space), quantity, lines);
    }
    Ok(picture)
}

fn draw_panel(picture: &mut Picture, (style, space): (Style, Rect), quantity: &Quantity, lines: &[Lines]) {
    let all = || lines.iter().flat_map(Lines::all);
    let (first, last) = extent(all().map(|(epoch, _)| *epoch)).unwrap_or((1.0, 1.0));
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
    let range = extent(all().map(|(_, value)| *value)).unwrap_or((0.0, 1.0));
    let scale = match quantity.is_loss {
        true => Scale::fitting(range),
        false => Scale::linear(range),
    };
    let title = match scale.is_logarithmic() {
        true => format!("{}, logarithmic", quantity.axis),
        false => quantity.axis.to_owned(),
    };
    let values = Axis::new(title, scale, Notation::Plain);
    let panel = Panel::new(style, space, Some(quantity.heading), epochs, Vertical::Values(values));
    panel.draw(picture);
    if first == last {
        return draw_single_epoch(picture, &panel, lines);
    }
    let places = |points: &[(f64, f64)]| points.iter().map(|(x, y)| panel.place(*x, *y)).collect::<Vec<_>>();
    for lines in lines.iter().filter(|lines| lines.seeds.len() > 1) {
        for seed in &lines.seeds {
            picture.line(places(seed), paler(lines.style.color), 0.6);
        }
    }
    for lines in lines {
        lines.style.line(picture, &places(&lines.mean));
        if let Some((x, y)) = lines.mean.last() {
            lines.style.mark(picture, panel.place(*x, *y));
        }
    }
}

/// The variants side by side, each with its seeds.
fn draw_single_epoch(picture: &mut Picture, panel: &Panel, lines: &[Lines]) {
    let lines: Vec<(&Lines, (f64, f64))> = (lines.iter())
        .filter_map(|lines| Some((lines, *lines.mean.first()?)))
        .collect();
    let xs: Vec<f64> = lines.iter().map(|(_, (epoch, _))| panel.x(*epoch)).collect();
    for (x, (lines, (_, mean))) in side_by_side(&xs).into_iter().zip(lines) {
        for (_, value) in lines.seeds.iter().flatten() {
            picture.disc((x, panel.y(*value)), 1.6, paler(lines.style.color));
        }
        lines.style.mark(picture, (x, panel.y(mean)));
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{SampleVariant, empty, trained};
    use super::super::picture::Shape;
    use super::*;

    fn study(epochs: usize) -> crate::formats::study::Study {
        let variants = [("8", 0.04), ("24", 0.02)]
            .map(|(rate, error)| SampleVariant::swept(&[("model.growth-rate", rate)], 10_000, error));
        trained(&variants, 3, epochs)
    }

    #[test]
    fn every_seed_has_a_line_in_every_panel() {
        let study = study(12);
        let picture = picture(&Grouped::of(&study), Style::Screen).unwrap();
        let thin = picture
            .shapes
            .iter()
            .filter(|shape| matches!(shape, Shape::Line { width, .. } if *width == 0.6 ));
        // The grid's lines are as thin.
        let paler_ones = thin.filter(|shape| match shape {
            Shape::Line { color, .. } => [0, 1].map(|index| paler(SeriesStyle::of(index).color)).contains(color),
            _ => false,
        });
        assert_eq!(paler_ones.count(), 3 * 2 * 3, "panels, variants, seeds");
        picture.assert_labels_are_whole_and_apart();
    }

    #[test]
    fn one_epoch_and_very_many_are_drawn() {
        for epochs in [1, 2_000] {
            let study = study(epochs);
            let picture = picture(&Grouped::of(&study), Style::Screen).unwrap();
            picture.assert_labels_are_whole_and_apart();
            let places: usize = (picture.shapes.iter())
                .map(|shape| match shape {
                    Shape::Line { places, .. } => places.len(),
                    _ => 0,
                })
                .sum();
            assert!(places < 10_000, "{places}");
        }
    }

    #[test]
    fn without_epochs_there_is_a_reason_rather_than_a_plot() {
        assert!(picture(&Grouped::of(&empty()), Style::Screen).is_err());
    }
}
