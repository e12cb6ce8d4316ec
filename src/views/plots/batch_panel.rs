//! A panel over the batch size: throughput, allocated peak with its prediction, or process peak with the reserved one.

use super::super::text::byte_unit;
use super::figure::{bar, level};
use super::palette::{Marker, paler};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Color, Picture, Place, Rect};
use super::scale::{Notation, Scale, Tick, extent};
use super::series::{Point, Series, points};
use super::style::Style;

/// Between the marks of series that did not run at the same batch size.
const CROSS_ROOM: f64 = 8.5;
/// Half the width of such a mark.
pub const CROSS: f64 = 2.8;
/// Between series where there is one batch size alone, at most.
const ROOM: f64 = 16.0;
/// With more batch sizes than these only the powers of two among them are named.
const MOST_NAMED: usize = 7;
/// A memory panel whose highest value is a smaller part of the other's than this has a scale of its own.
const SHARED_SCALE: f64 = 4.0;
/// Half the width of the ring that stands for a reserved peak.
pub const RING: f64 = 2.8;

/// What a panel shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Images a second.
    Throughput,
    /// The allocated peak and its prediction.
    Allocated,
    /// The process's peak and the reserved one.
    Process,
}

impl Content {
    /// From left to right.
    pub const ALL: [Self; 3] = [Content::Throughput, Content::Allocated, Content::Process];

    /// The values that a panel of this content shows of a point.
    pub fn values(self, point: &Point) -> Vec<f64> {
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

/// A panel with the unit of its vertical axis.
pub struct Drawing {
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
    /// Lays the panel out in `space`.
    pub fn new((style, space): (Style, Rect), content: Content, series: &[Series], most_bytes: f64) -> Self {
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
        let own = extent(points(series).flat_map(|point| content.values(point))).map_or(0.0, |(_, high)| high);
        // Both memory panels end at the same value, unless the values of this one would then lie at its bottom: small
        // networks need a few megabytes in a process of a few hundred.
        let most_bytes = if own > 0.0 && SHARED_SCALE * own < most_bytes {
            own
        } else {
            most_bytes
        };
        let (unit, unit_name) = byte_unit(most_bytes);
        let (heading, title, unit, most) = match content {
            Content::Throughput => ("Throughput", "images a second".to_owned(), 1.0, own),
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
        // Speed and memory are ratios: they begin at 0.
        let scale = Scale::linear((0.0, most / unit));
        let vertical = Axis::new(title, scale, Notation::Plain);
        let panel = Panel::new(style, space, Some(heading), axis, Vertical::Values(vertical));
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

    /// Draws the axes and every series.
    pub fn draw(&self, picture: &mut Picture, series: &[Series]) {
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
    pub fn draw_failures(&self, picture: &mut Picture, series: &[Series]) {
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
