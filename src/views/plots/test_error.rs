//! The final test error of each variant, with its interval, its seeds and the published error.

use std::collections::BTreeMap;

use super::super::groups::{Group, Grouped};
use super::figure::{Entry, Figure, Sample, bar};
use super::palette::{GRAY, Marker, SeriesStyle};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Color, Picture};
use super::scale::{Notation, Scale, Tick, extent};
use super::style::Style;
use super::words;
use crate::statistics::Summary;

/// Intervals may stretch the axis by this many times the errors' own range; what reaches farther is cut.
const STRETCH: f64 = 1.5;
/// Points between a mean and its seeds beside it.
const ASIDE: f64 = 9.0;
/// The published errors' colour: vermilion, which no mean has here.
const PUBLISHED: Color = (213, 94, 0);

/// A variant with at least one finished trial.
pub struct VariantError<'a> {
    /// Its rows.
    pub group: &'a Group<'a>,
    /// Its index among the study's variants.
    pub index: usize,
    /// The seeds' errors in percent.
    pub seeds: Vec<f64>,
    /// Their mean and interval in percent.
    pub summary: Summary,
    /// The published error in percent.
    pub published: Option<f64>,
}

/// The variants with at least one finished trial, or why there is none.
pub fn errors_of<'a>(study: &'a Grouped<'a>) -> Result<Vec<VariantError<'a>>, String> {
    let groups = study.variants.iter().enumerate();
    let measured: Vec<VariantError<'a>> = groups
        .filter_map(|(index, group)| {
            let seeds: Vec<f64> = group
                .samples(|row| row.final_test_error)
                .iter()
                .map(|error| 100.0 * error)
                .collect();
            Some(VariantError {
                group,
                index,
                summary: group.test_error()?.times(100.0),
                seeds,
                published: group.published_error().map(|error| 100.0 * error),
            })
        })
        .collect();
    if measured.is_empty() {
        return Err("no trial has finished with a test error".to_owned());
    }
    Ok(measured)
}

/// An axis of errors in percent: every seed and, as asked, every published error is on it, and the intervals unless
/// they dwarf them.
pub fn error_axis(measured: &[VariantError<'_>], with_published: bool) -> Axis {
    let published = measured.iter().filter_map(|m| m.published).filter(|_| with_published);
    let (low, high) = extent(measured.iter().flat_map(|m| m.seeds.clone()).chain(published)).unwrap_or((0.0, 1.0));
    let room = STRETCH * (high - low).max(0.2 * high).max(0.1);
    let ends = measured
        .iter()
        .filter_map(|m| m.summary.interval)
        .flat_map(|(low, high)| [low, high]);
    let ends = ends.map(|end| end.clamp((low - room).max(0.0), (high + room).min(100.0).max(high)));
    let range = extent(ends.chain([low, high])).unwrap_or((low, high));
    Axis::new("test error (%)", Scale::linear(range), Notation::Plain)
}

/// Final errors by the swept value where it is one number, or a row for each variant.
pub fn picture(study: &Grouped<'_>, style: Style) -> Result<Picture, String> {
    let measured = errors_of(study)?;
    let groups: Vec<&Group<'_>> = measured.iter().map(|m| m.group).collect();
    let key = words::single_key(&groups);
    let numbers = key.as_ref().and_then(|(_, values)| distinct_numbers(values));
    let by = key
        .as_ref()
        .map_or("variant", |(key, _)| key.rsplit('.').next().unwrap_or(key));
    let errors = error_axis(&measured, true);
    let figure = Figure {
        title: format!("{}: final test error by {}", study.name(), by.replace('-', " ")),
        question: study.question().to_owned(),
        legend: legend(&measured),
        caption: caption(study, &measured, &errors),
    };
    Ok(match (key, numbers) {
        (Some((key, values)), Some(numbers)) => by_number((&figure, style), &measured, errors, key, &values, &numbers),
        (Some((key, values)), None) => by_row((&figure, style), &measured, errors, &words::key_title(key), &values),
        (None, _) => {
            let names: Vec<&str> = groups.iter().map(|group| group.name).collect();
            by_row((&figure, style), &measured, errors, "variant", &names)
        }
    })
}

/// The values as numbers, if all are, no two are the same, and there are at least two.
fn distinct_numbers(values: &[&str]) -> Option<Vec<f64>> {
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.replace('_', "").parse().ok()).collect();
    let mut numbers = numbers.filter(|numbers| numbers.iter().all(|n: &f64| n.is_finite()))?;
    let found = numbers.clone();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    (numbers.len() == found.len() && found.len() > 1).then_some(found)
}

fn by_number(
    (figure, style): (&Figure, Style),
    measured: &[VariantError<'_>],
    errors: Axis,
    key: &str,
    values: &[&str],
    numbers: &[f64],
) -> Picture {
    let (mut picture, space) = figure.lay_out(style, style.height(300.0, 1));
    let error_scale = errors.scale;
    let range = extent(numbers.iter().copied()).unwrap_or((0.0, 1.0));
    let scale = match Scale::fitting(range) {
        Scale::Linear { .. } => {
            let margin = 0.06 * (range.1 - range.0);
            Scale::Linear {
                low: range.0 - margin,
                high: range.1 + margin,
            }
        }
        logarithmic => logarithmic,
    };
    let mut axis = Axis::new(words::key_title(key), scale, Notation::Plain);
    if scale.is_logarithmic() {
        axis.title.push_str(", logarithmic");
    }
    axis.named = numbers
        .iter()
        .zip(values)
        .map(|(number, value)| Tick {
            value: *number,
            label: (*value).to_owned(),
        })
        .collect();
    axis.named.sort_by(|a, b| a.value.total_cmp(&b.value));
    let panel = Panel::new(style, space, None, axis, Vertical::Values(errors));
    panel.draw(&mut picture);
    let mut points: Vec<(f64, &VariantError<'_>)> = numbers.iter().copied().zip(measured).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let xs: Vec<f64> = points.iter().map(|(x, _)| panel.x(*x)).collect();
    let nearest = xs
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .fold(f64::INFINITY, f64::min);
    let aside = ASIDE.min(0.36 * nearest);
    let means = points.iter().map(|(x, m)| panel.place(*x, m.summary.mean));
    picture.line(means.collect(), GRAY, 0.8);
    for (x, m) in points {
        let x = panel.x(x);
        let mean = panel.y(m.summary.mean);
        if let Some((low, high)) = m.summary.interval {
            let goes_on = [low, high].map(|end| error_scale.is_beyond(end));
            let ends = [panel.y(low), panel.y(high)].map(|y| (x, y));
            bar(&mut picture, ends[0], ends[1], goes_on, mean_style().color);
        }
        if m.seeds.len() > 1 {
            let ys: Vec<f64> = m.seeds.iter().map(|seed| panel.y(*seed)).collect();
            for (y, lane) in ys.iter().zip(lanes(&ys)) {
                Marker::Ring.draw(&mut picture, (x + aside + LANE * lane as f64, *y), RING, GRAY);
            }
        }
        mean_style().mark(&mut picture, (x, mean));
        if let Some(published) = m.published {
            Marker::Diamond.draw(&mut picture, (x - aside, panel.y(published)), 3.2, PUBLISHED);
        }
    }
    picture
}

fn by_row(
    (figure, style): (&Figure, Style),
    measured: &[VariantError<'_>],
    errors: Axis,
    title: &str,
    names: &[&str],
) -> Picture {
    let scale = errors.scale;
    let (rows, height) = Vertical::rows(style, title, names);
    let (mut picture, space) = figure.lay_out(style, height);
    let panel = Panel::new(style, space, None, errors, rows);
    panel.draw(&mut picture);
    for (row, m) in measured.iter().enumerate() {
        let y = panel.y(row as f64);
        if let Some((low, high)) = m.summary.interval {
            let goes_on = [low, high].map(|end| scale.is_beyond(end));
            let ends = [panel.x(low), panel.x(high)].map(|x| (x, y));
            bar(&mut picture, ends[0], ends[1], goes_on, mean_style().color);
        }
        if m.seeds.len() > 1 {
            let xs: Vec<f64> = m.seeds.iter().map(|seed| panel.x(*seed)).collect();
            for (x, lane) in xs.iter().zip(lanes(&xs)) {
                Marker::Ring.draw(&mut picture, (*x, y + 0.7 * ASIDE + LANE * lane as f64), RING, GRAY);
            }
        }
        mean_style().mark(&mut picture, (panel.x(m.summary.mean), y));
        if let Some(published) = m.published {
            Marker::Diamond.draw(&mut picture, (panel.x(published), y - 0.7 * ASIDE), 3.0, PUBLISHED);
        }
    }
    picture
}

/// Half the width of a seed's ring, in points, and the distance of two that would hide one another.
const RING: f64 = 2.3;
const LANE: f64 = 5.4;

/// Seeds whose rings would cover one another stand side by side: each takes the first lane that is free at its place.
fn lanes(places: &[f64]) -> Vec<usize> {
    let mut lanes: Vec<Vec<f64>> = Vec::new();
    // Where a place's search stopped: a lane that was busy there stays so. Thousands of seeds have few errors.
    let mut next: BTreeMap<u64, usize> = BTreeMap::new();
    let lane_of = |&place: &f64| {
        let lane = next.entry(place.to_bits()).or_default();
        let is_busy = |taken: &Vec<f64>| taken.iter().any(|other| (other - place).abs() < 2.0 * RING);
        while lanes.get(*lane).is_some_and(is_busy) {
            *lane += 1;
        }
        if *lane == lanes.len() {
            lanes.push(Vec::new());
        }
        lanes[*lane].push(place);
        *lane
    };
    places.iter().map(lane_of).collect()
}

fn mean_style() -> SeriesStyle {
    SeriesStyle::of(0)
}

fn legend(measured: &[VariantError<'_>]) -> Vec<Entry> {
    let style = mean_style();
    let several = measured.iter().any(|m| m.seeds.len() > 1);
    let mut legend = vec![if several {
        Entry {
            sample: Sample::Interval(style.marker, style.color),
            label: "mean over seeds, 95 % interval".to_owned(),
        }
    } else {
        Entry {
            sample: Sample::Marker(style.marker, 3.2, style.color),
            label: "the only seed".to_owned(),
        }
    }];
    if several {
        legend.push(Entry {
            sample: Sample::Marker(Marker::Ring, 2.4, GRAY),
            label: "single seed".to_owned(),
        });
    }
    if measured.iter().any(|m| m.published.is_some()) {
        legend.push(Entry {
            sample: Sample::Marker(Marker::Diamond, 3.2, PUBLISHED),
            label: "published by the paper".to_owned(),
        });
    }
    legend
}

/// The sentences that the plots of errors have in common.
pub fn caption(study: &Grouped<'_>, measured: &[VariantError<'_>], errors: &Axis) -> Vec<String> {
    let mut caption = vec![words::seeds(measured.iter().map(|m| m.seeds.len()))];
    let intervals: Vec<(f64, f64)> = measured.iter().filter_map(|m| m.summary.interval).collect();
    if intervals.is_empty() {
        caption.push("No interval: it takes two seeds.".to_owned());
    } else {
        let words = study.error_intervals_in_words();
        caption.push(words.replacen("interval", "Interval", 1));
    }
    let is_beyond = |end: f64| errors.scale.is_beyond(end);
    if intervals.iter().any(|(low, high)| is_beyond(*low) || is_beyond(*high)) {
        caption.push("One with an arrow extends beyond the frame.".to_owned());
    }
    let unfinished = study.unfinished();
    if unfinished > 0 {
        let all = study.trials().count();
        let are = if unfinished == 1 { "is" } else { "are" };
        caption.push(format!(
            "{unfinished} of {all} trials {are} not finished and not counted."
        ));
    }
    caption.push(words::setting(study));
    caption
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_errors_of_two_seeds_are_two_rings() {
        assert_eq!(lanes(&[10.0, 30.0, 10.0, 10.5]), [0, 0, 1, 2]);
        assert_eq!(lanes(&[10.0, 10.0 + 2.1 * RING]), [0, 0]);
    }
}
