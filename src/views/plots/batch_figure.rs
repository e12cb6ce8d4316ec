//! Panels side by side over the batch size: throughput, allocated peak with its prediction, process peak.

use super::super::text::{byte_unit, grouped};
use super::batch_panel::{CROSS, Content, Drawing, RING};
use super::figure::{Entry, Figure, Sample};
use super::palette::{DARK_GRAY, Marker};
use super::picture::Picture;
use super::scale::extent;
use super::series::{Point, Series, points};
use super::style::Style;
use crate::formats::tables::Status;

/// The words of a figure that are not about its series.
#[derive(Clone, Debug)]
pub struct Words {
    /// The first line.
    pub title: String,
    /// The question below it.
    pub question: String,
    /// Sentences at the caption's end.
    pub sentences: Vec<String>,
}

/// The panels that have something to show, or why there is none.
pub fn picture(words: Words, series: &[Series], style: Style) -> Result<Picture, String> {
    let has = |content: Content| points(series).any(|point| !content.values(point).is_empty());
    let contents: Vec<Content> = Content::ALL.into_iter().filter(|content| has(*content)).collect();
    if contents.is_empty() {
        let failed = failures(series);
        return Err(match failed.is_empty() {
            true => "nothing has been measured yet".to_owned(),
            false => format!("no batch size ran: {failed}"),
        });
    }
    let figure = Figure {
        title: words.title,
        question: words.question,
        legend: legend(series, &contents),
        caption: caption(series, words.sentences),
    };
    let (mut picture, space) = figure.lay_out(style, style.height(300.0, contents.len()));
    let most_bytes = most_bytes(series);
    let spaces = style.panels(space, contents.len());
    for (index, (content, space)) in contents.iter().zip(spaces).enumerate() {
        let drawing = Drawing::new((style, space), *content, series, most_bytes);
        drawing.draw(&mut picture, series);
        if index == 0 {
            drawing.draw_failures(&mut picture, series);
        }
    }
    Ok(picture)
}

/// The most memory of any kind in a figure, 0 where there is none.
pub fn most_bytes(series: &[Series]) -> f64 {
    let memory = [Content::Allocated, Content::Process];
    let values = memory.map(|content| points(series).flat_map(move |point| content.values(point)));
    extent(values.into_iter().flatten()).map_or(0.0, |(_, high)| high)
}

fn legend(series: &[Series], contents: &[Content]) -> Vec<Entry> {
    let mut legend: Vec<Entry> = series
        .iter()
        .map(|series| Entry {
            sample: Sample::Line(series.style),
            label: series.name.clone(),
        })
        .collect();
    let mut entry = |wanted: bool, sample: Sample, label: &str| {
        if wanted {
            let label = label.to_owned();
            legend.push(Entry { sample, label });
        }
    };
    let any = |is: fn(&Point) -> bool| points(series).any(is);
    let predicted = contents.contains(&Content::Allocated) && any(|point| point.predicted.is_some());
    entry(predicted, Sample::Level(DARK_GRAY), "predicted in closed form");
    let reserved = any(|point| point.reserved.is_some());
    entry(reserved, Sample::Marker(Marker::Ring, RING, DARK_GRAY), "reserved peak");
    let failed = Sample::Marker(Marker::Cross, CROSS, DARK_GRAY);
    entry(any(Point::failed), failed, "did not run");
    legend
}

/// `growth-rate=24 at 64 (oom), 128 (oom)`, of all series; empty where all ran.
fn failures(series: &[Series]) -> String {
    sizes_of(series, |point| {
        point
            .failed()
            .then(|| format!("{} ({})", point.batch_size, point.status))
    })
}

/// The batch sizes that `of` names, with the series that they are of: `growth-rate=24 at 64 (oom)`, those with the same
/// sizes together.
fn sizes_of(series: &[Series], of: impl Fn(&Point) -> Option<String>) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for one in series {
        let sizes: Vec<String> = one.points.iter().filter_map(&of).collect();
        if sizes.is_empty() {
            continue;
        }
        let sizes = sizes.join(", ");
        match groups.iter_mut().find(|(known, _)| *known == sizes) {
            Some((_, names)) => names.push(&one.name),
            None => groups.push((sizes, vec![&one.name])),
        }
    }
    let words = groups.iter().map(|(sizes, names)| {
        if names.len() > 1 && names.len() == series.len() {
            return format!("all at {sizes}");
        }
        format!("{} at {sizes}", names.join(" and "))
    });
    words.collect::<Vec<_>>().join("; ")
}

fn range_of(counts: impl Iterator<Item = usize>, one: &str, more: &str) -> String {
    match extent(counts.map(|count| count as f64)) {
        None => format!("no {more}"),
        Some((1.0, 1.0)) => format!("1 {one}"),
        Some((low, high)) if low == high => format!("{low} {more}"),
        Some((low, high)) => format!("{low} to {high} {more}"),
    }
}

fn caption(series: &[Series], sentences: Vec<String>) -> Vec<String> {
    let measured = || points(series).filter(|point| point.rate.is_some());
    let mut caption = Vec::new();
    if measured().next().is_some() {
        caption.push(format!(
            "n = {} in {} (each a process of its own) for a point.",
            range_of(measured().map(|point| point.steps), "timed step", "timed steps"),
            range_of(measured().map(|point| point.rounds), "round", "rounds"),
        ));
        let spreads = || measured().filter_map(|point| point.rate?.spread);
        caption.push(match spreads().next() {
            Some(_) => {
                "Throughput: of the median step; bar: of its 95 % interval, from the rounds' medians (Student's t)."
                    .to_owned()
            }
            None => "Throughput: of the median step.".to_owned(),
        });
        if spreads().any(|(_, high)| !high.is_finite()) {
            caption.push("One with an arrow extends beyond the frame.".to_owned());
        }
    }
    let (unit, name) = byte_unit(most_bytes(series));
    if unit > 1.0 {
        caption.push(format!("1 {name} is {} bytes.", grouped(unit as u64)));
    }
    let failed = failures(series);
    if !failed.is_empty() {
        caption.push(format!("Did not run: {failed}."));
    }
    let pending = sizes_of(series, |point| {
        (point.status == Status::Pending).then(|| point.batch_size.to_string())
    });
    if !pending.is_empty() {
        caption.push(format!("Not measured yet: {pending}."));
    }
    caption.extend(sentences.into_iter().filter(|sentence| !sentence.is_empty()));
    caption
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_that_differ_are_a_range() {
        assert_eq!(range_of([10, 10].into_iter(), "step", "steps"), "10 steps");
        assert_eq!(range_of([1].into_iter(), "step", "steps"), "1 step");
        assert_eq!(range_of([5, 10].into_iter(), "step", "steps"), "5 to 10 steps");
    }
}
