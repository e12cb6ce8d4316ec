//! Panels side by side over the batch size: throughput, allocated peak with its prediction, process peak.

use super::super::text::{byte_unit, grouped};
use super::figure::{Entry, Figure, Sample, bar, level};
use super::palette::{DARK_GRAY, Marker, SeriesStyle, paler};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Color, Picture, Place, Rect};
use super::scale::{Notation, Scale, Tick, extent};
use crate::formats::tables::Status;

/// Between the marks of series that did not run at the same batch size.
const CROSS_ROOM: f64 = 8.5;
/// Half the width of such a mark.
const CROSS: f64 = 2.8;
/// Between series where there is one batch size alone, at most.
const ROOM: f64 = 16.0;
/// With more batch sizes than these only the powers of two among them are named.
const MOST_NAMED: usize = 7;

/// Images a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Of the median step.
    pub median: f64,
    /// Of the median step plus and less the steps' median absolute deviation; the latter is infinite where the
    /// deviation is no less than the median.
    pub spread: Option<(f64, f64)>,
}

/// A series at a batch size.
#[derive(Clone, Debug)]
pub struct Point {
    /// Images in a step.
    pub batch_size: usize,
    /// How the measurement stands.
    pub status: Status,
    /// Timed steps.
    pub steps: usize,
    /// Processes that contributed.
    pub rounds: usize,
    /// The throughput.
    pub rate: Option<Rate>,
    /// The allocated peak in bytes.
    pub allocated: Option<u64>,
    /// Its closed form.
    pub predicted: Option<u64>,
    /// The caching allocator's peak in bytes.
    pub reserved: Option<u64>,
    /// The process's peak in bytes.
    pub process: Option<u64>,
}

/// What is drawn as one line.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its looks.
    pub style: SeriesStyle,
    /// Its points by rising batch size.
    pub points: Vec<Point>,
}

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

impl Rate {
    /// From the median step and the steps' deviation from it, in nanoseconds.
    pub fn of(batch_size: usize, median_ns: Option<u64>, deviation_ns: Option<u64>) -> Option<Self> {
        let median_ns = median_ns.filter(|median| *median > 0)?;
        let images_in = |nanoseconds: u64| match nanoseconds {
            0 => f64::INFINITY,
            ns => 1e9 * batch_size as f64 / ns as f64,
        };
        Some(Self {
            median: images_in(median_ns),
            spread: deviation_ns.map(|deviation| {
                let slowest = images_in(median_ns.saturating_add(deviation));
                (slowest, images_in(median_ns.saturating_sub(deviation)))
            }),
        })
    }
}

impl Point {
    /// Whether it ended otherwise than well. What has not begun has not ended.
    fn failed(&self) -> bool {
        !matches!(self.status, Status::Ok | Status::Pending)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Throughput,
    Allocated,
    Process,
}

impl Content {
    const ALL: [Self; 3] = [Content::Throughput, Content::Allocated, Content::Process];

    /// The values that a panel of this content shows of a point.
    fn values(self, point: &Point) -> Vec<f64> {
        let bytes = |values: [Option<u64>; 2]| values.into_iter().flatten().map(|n| n as f64).collect();
        match self {
            Content::Throughput => {
                let ends = point.rate.and_then(|rate| rate.spread).map(|(low, high)| [low, high]);
                let median = point.rate.map(|rate| rate.median);
                median.into_iter().chain(ends.into_iter().flatten()).collect()
            }
            Content::Allocated => bytes([point.allocated, point.predicted]),
            Content::Process => bytes([point.process, point.reserved]),
        }
    }

    /// The values that the series' line goes through.
    fn line(self, point: &Point) -> Option<f64> {
        match self {
            Content::Throughput => point.rate.map(|rate| rate.median),
            Content::Allocated => point.allocated.map(|n| n as f64),
            Content::Process => point.process.map(|n| n as f64),
        }
    }

    /// The values that stand beside the line.
    fn beside(self, point: &Point) -> Option<f64> {
        match self {
            Content::Throughput => None,
            Content::Allocated => point.predicted.map(|n| n as f64),
            Content::Process => point.reserved.map(|n| n as f64),
        }
    }
}

fn points(series: &[Series]) -> impl Iterator<Item = &Point> {
    series.iter().flat_map(|series| &series.points)
}

/// The panels that have something to show, or why there is none.
pub fn picture(words: Words, series: &[Series]) -> Result<Picture, String> {
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
    let (mut picture, space) = figure.lay_out(300.0);
    let most_bytes = most_bytes(series);
    let width = space.width() / contents.len() as f64;
    for (index, content) in contents.iter().enumerate() {
        let left = space.left + index as f64 * width;
        let gap = if contents.len() > 1 { 4.0 } else { 0.0 };
        let space = Rect {
            left,
            right: left + width - gap,
            ..space
        };
        let drawing = Drawing::new(space, *content, series, most_bytes);
        drawing.draw(&mut picture, series);
        if index == 0 {
            drawing.draw_failures(&mut picture, series);
        }
    }
    Ok(picture)
}

/// The most memory of any kind in a figure, 0 where there is none.
fn most_bytes(series: &[Series]) -> f64 {
    let memory = [Content::Allocated, Content::Process];
    let values = memory.map(|content| points(series).flat_map(move |point| content.values(point)));
    extent(values.into_iter().flatten()).map_or(0.0, |(_, high)| high)
}

/// A panel with the unit of its vertical axis.
struct Drawing {
    panel: Panel,
    content: Content,
    scale: Scale,
    /// The distance of neighbouring series, where all stand at the only batch size.
    step: f64,
    unit: f64,
    /// Marks of what did not run that have room beside each other.
    crosses_a_row: usize,
}

impl Drawing {
    fn new(space: Rect, content: Content, series: &[Series], most_bytes: f64) -> Self {
        let mut sizes: Vec<usize> = points(series).map(|point| point.batch_size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let range = extent(sizes.iter().map(|size| (*size).max(1) as f64)).unwrap_or((1.0, 1.0));
        let title = if sizes.len() > 1 {
            "batch size (images), log₂"
        } else {
            "batch size (images)"
        };
        let mut axis = Axis::new(title, Scale::logarithmic(range), Notation::Plain);
        axis.named = named(&sizes);
        let (unit, unit_name) = byte_unit(most_bytes);
        let (heading, title, unit, most) = match content {
            Content::Throughput => {
                let values = points(series).flat_map(|point| content.values(point));
                let most = extent(values).map_or(0.0, |(_, high)| high);
                ("Throughput", "images a second".to_owned(), 1.0, most)
            }
            Content::Allocated => ("Allocated peak", unit_name.to_owned(), unit, most_bytes),
            Content::Process => {
                let reserved = points(series).any(|point| point.reserved.is_some());
                let heading = if reserved {
                    "Process and reserved peak"
                } else {
                    "Process peak"
                };
                (heading, unit_name.to_owned(), unit, most_bytes)
            }
        };
        // Speed and memory are ratios: they begin at 0, and both memory panels end at the same value.
        let scale = Scale::linear((0.0, most / unit));
        let vertical = Axis::new(title, scale, Notation::Plain);
        let panel = Panel::new(space, Some(heading), axis, Vertical::Values(vertical));
        let step = match sizes.len() {
            1 => ROOM.min(0.9 * panel.area.width() / series.len().max(1) as f64),
            _ => 0.0,
        };
        let xs: Vec<f64> = sizes.iter().map(|size| panel.x((*size).max(1) as f64)).collect();
        let margin = xs.first().map_or(0.0, |x| x - panel.area.left);
        let nearest = xs
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .fold(f64::INFINITY, f64::min);
        let crosses = ((nearest.min(2.0 * margin) + 2.0 * CROSS) / CROSS_ROOM) as usize;
        Self {
            panel,
            content,
            scale,
            step,
            unit,
            // An odd number has a middle, which stands above the tick.
            crosses_a_row: (crosses.max(1) - 1) / 2 * 2 + 1,
        }
    }

    /// The place of a point; `index` of `count` series.
    fn place(&self, batch_size: usize, value: f64, (index, count): (usize, usize)) -> Place {
        let aside = self.step * (index as f64 - (count as f64 - 1.0) / 2.0);
        let (x, y) = self.panel.place(batch_size.max(1) as f64, value / self.unit);
        (x + aside, y)
    }

    fn draw(&self, picture: &mut Picture, series: &[Series]) {
        self.panel.draw(picture);
        let count = series.len();
        for (index, series) in series.iter().enumerate() {
            let beside = series
                .points
                .iter()
                .filter_map(|point| Some(self.place(point.batch_size, self.content.beside(point)?, (index, count))));
            self.draw_beside(picture, &beside.collect::<Vec<_>>(), series.style.color);
        }
        for (index, series) in series.iter().enumerate() {
            if self.content == Content::Throughput {
                self.draw_spreads(picture, series, (index, count));
            }
            // A gap in what was measured is a gap in the line.
            for run in series
                .points
                .chunk_by(|before, after| self.content.line(before).is_some() == self.content.line(after).is_some())
            {
                let places = run
                    .iter()
                    .filter_map(|point| Some(self.place(point.batch_size, self.content.line(point)?, (index, count))));
                let places: Vec<Place> = places.collect();
                series.style.line(picture, &places);
                for place in places {
                    series.style.mark(picture, place);
                }
            }
        }
    }

    fn draw_beside(&self, picture: &mut Picture, places: &[Place], color: Color) {
        match self.content {
            Content::Throughput => {}
            Content::Allocated => {
                picture.line(places.to_vec(), paler(color), 1.0);
                for place in places {
                    level(picture, *place, color);
                }
            }
            Content::Process => {
                picture.line(places.to_vec(), paler(color), 1.0);
                for place in places {
                    Marker::Ring.draw(picture, *place, RING, color);
                }
            }
        }
    }

    fn draw_spreads(&self, picture: &mut Picture, series: &Series, place: (usize, usize)) {
        for point in &series.points {
            if let Some((low, high)) = point.rate.and_then(|rate| rate.spread) {
                let goes_on = [low, high].map(|end| self.scale.is_beyond(end));
                let ends = [low, high].map(|end| self.place(point.batch_size, end, place));
                bar(picture, ends[0], ends[1], goes_on, series.style.color);
            }
        }
    }

    /// A cross above the axis for each series that did not run at a batch size.
    fn draw_failures(&self, picture: &mut Picture, series: &[Series]) {
        let count = series.len();
        let mut seen: Vec<(usize, usize)> = Vec::new();
        for (index, series) in series.iter().enumerate() {
            for point in series.points.iter().filter(|point| point.failed()) {
                let nth = match seen.iter_mut().find(|(size, _)| *size == point.batch_size) {
                    Some((_, seen)) => {
                        *seen += 1;
                        *seen - 1
                    }
                    None => {
                        seen.push((point.batch_size, 1));
                        0
                    }
                };
                let (x, y) = self.place(point.batch_size, 0.0, (index, count));
                let (column, row) = match self.step > 0.0 {
                    true => (0, 0),
                    false => (nth % self.crosses_a_row, nth / self.crosses_a_row),
                };
                // The first in the middle, the next ones to its left and right in turns.
                let side = if column % 2 == 1 { -CROSS_ROOM } else { CROSS_ROOM };
                let aside = side * column.div_ceil(2) as f64;
                let place = (x + aside, y - 6.0 - row as f64 * CROSS_ROOM);
                Marker::Cross.draw(picture, place, CROSS, series.style.color);
            }
        }
    }
}

/// Half the width of the ring that stands for a reserved peak.
const RING: f64 = 2.8;

/// The batch sizes that the axis names.
fn named(sizes: &[usize]) -> Vec<Tick> {
    let powers = sizes.iter().filter(|size| size.is_power_of_two()).count();
    let all = sizes.len() <= MOST_NAMED || powers < 2;
    let named = sizes.iter().filter(|size| all || size.is_power_of_two());
    let tick = |size: &usize| Tick {
        value: (*size).max(1) as f64,
        label: size.to_string(),
    };
    named.map(tick).collect()
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

fn counted(counts: impl Iterator<Item = usize>, one: &str, more: &str) -> String {
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
            counted(measured().map(|point| point.steps), "timed step", "timed steps"),
            counted(measured().map(|point| point.rounds), "round", "rounds"),
        ));
        let spreads = || measured().filter_map(|point| point.rate?.spread);
        caption.push(match spreads().next() {
            Some(_) => {
                "Throughput: of the median step; bar: of the median step ± the steps' median absolute deviation (MAD)."
                    .to_owned()
            }
            None => "Throughput: of the median step.".to_owned(),
        });
        if spreads().any(|(_, high)| !high.is_finite()) {
            caption.push("One with an arrow goes on beyond the frame.".to_owned());
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
    fn a_rates_spread_is_that_of_the_slower_and_the_faster_step() {
        let rate = Rate::of(60, Some(1_000_000_000), Some(250_000_000)).unwrap();
        assert_eq!((rate.median, rate.spread), (60.0, Some((48.0, 80.0))));
        assert_eq!(Rate::of(60, None, Some(1)), None);
        let wide = Rate::of(60, Some(1_000), Some(1_000)).unwrap();
        assert_eq!(wide.spread.unwrap().1, f64::INFINITY);
    }

    #[test]
    fn counts_that_differ_are_a_range() {
        assert_eq!(counted([10, 10].into_iter(), "step", "steps"), "10 steps");
        assert_eq!(counted([1].into_iter(), "step", "steps"), "1 step");
        assert_eq!(counted([5, 10].into_iter(), "step", "steps"), "5 to 10 steps");
    }
}
