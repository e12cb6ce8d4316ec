//! The final test error against what a variant costs, with the Pareto front. Where a study has several families of networks,
//! these are the series, as in Figure 3 of the article.

use super::super::costs::{Cost, pareto_front};
use super::super::groups::{Group, Grouped};
use super::figure::{Entry, Figure, Sample, bar, side_by_side};
use super::palette::{DARK_GRAY, GRAY, Marker, SeriesStyle};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Picture, Place, Rect};
use super::point_names::{self, NamedPoint};
use super::scale::{Notation, Scale, extent};
use super::style::Style;
use super::test_error::{self, VariantError};
use super::words;

/// Costs whose ratio is less than this may be drawn in one place.
const NEARLY_THE_SAME: f64 = 1.01;
/// The axis spans at least this ratio: ticks between costs that differ by a thousandth would all read the same.
const SMALLEST_RATIO: f64 = 1.5;
/// Half the space that a marker takes, in points.
const MARKER: f64 = 4.5;

/// A variant and its cost.
struct Point<'a> {
    cost: f64,
    error: &'a VariantError<'a>,
    series: SeriesStyle,
}

fn family<'a>(group: &Group<'a>) -> Option<&'a str> {
    group.trials.first().map(|trial| trial.row.family.as_str())
}

/// The families of networks in the ablation's order; none where there is one alone.
fn families<'a>(measured: &[VariantError<'a>]) -> Vec<&'a str> {
    let mut families: Vec<&str> = Vec::new();
    for family in measured.iter().filter_map(|m| family(m.group)) {
        if !families.contains(&family) {
            families.push(family);
        }
    }
    if families.len() < 2 {
        families.clear();
    }
    families
}

/// The variants whose cost is known; their looks are their family's, where there are several.
fn points<'a>(measured: &'a [VariantError<'a>], cost: Cost, families: &[&str]) -> Vec<Point<'a>> {
    let of = |error: &'a VariantError<'a>| {
        let place = families.iter().position(|name| Some(*name) == family(error.group));
        Some(Point {
            cost: cost.of(error.group)?,
            error,
            series: SeriesStyle::of(place.unwrap_or(error.index)),
        })
    };
    measured.iter().filter_map(of).collect()
}

fn widened((low, high): (f64, f64)) -> (f64, f64) {
    let missing = (SMALLEST_RATIO / (high / low)).max(1.0).sqrt();
    (low / missing, high * missing)
}

/// The means on the Pareto front, by rising cost.
fn front(points: &[Point<'_>]) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> = points.iter().map(|p| (p.cost, p.error.summary.mean)).collect();
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
    let families = families(&measured);
    let points = points(&measured, cost, &families);
    let Some(range) = extent(points.iter().map(|point| point.cost)) else {
        return Err(format!("no finished trial has recorded its {}", cost.title()));
    };
    // What was published is an error of a network, whatever it took to train it here.
    let has_published = cost.is_of_the_network() && points.iter().any(|point| point.error.published.is_some());
    let errors = test_error::error_axis(&measured, has_published);
    let front = front(&points);
    let figure = Figure {
        title: format!("{}: final test error by {}", study.name(), cost.title()),
        question: study.question().to_owned(),
        legend: legend(&points, &families, front.len() > 1, has_published),
        caption: caption(study, cost, &measured, &points, &errors),
    };
    let (mut picture, space) = figure.lay_out(style, style.height(320.0, 1));
    let error_scale = errors.scale;
    let costs = cost_axis(cost, range, style);
    let panel = Panel::new(style, space, None, costs, Vertical::Values(errors));
    panel.draw(&mut picture);
    picture.line(stairs(&front, |(cost, error)| panel.place(cost, error)), GRAY, 0.9);
    let xs: Vec<f64> = points.iter().map(|point| panel.x(point.cost)).collect();
    let drawing = Drawing {
        // Variants of the same cost, as those that differ in their training, would hide each other.
        xs: side_by_side(&xs),
        panel,
        error_scale,
        points: &points,
    };
    drawing.draw_lines(&mut picture, &families);
    drawing.draw_points(&mut picture, has_published);
    if !families.is_empty() {
        drawing.draw_names(&mut picture, style, has_published);
    }
    Ok(picture)
}

fn cost_axis(cost: Cost, range: (f64, f64), style: Style) -> Axis {
    let title = match style {
        Style::Screen => cost.title(),
        Style::SingleColumn | Style::DoubleColumn => cost.short_title(),
    };
    let notation = match cost.is_of_the_network() {
        true => Notation::Thousands,
        false => Notation::Plain,
    };
    Axis::new(
        format!("{title}, logarithmic"),
        Scale::logarithmic(widened(range)),
        notation,
    )
}

fn legend(points: &[Point<'_>], families: &[&str], has_front: bool, has_published: bool) -> Vec<Entry> {
    let several = points.iter().any(|point| point.error.summary.interval.is_some());
    let of_variant = |point: &Point<'_>| Entry {
        sample: match several {
            true => Sample::Interval(point.series.marker, point.series.color),
            false => Sample::Marker(point.series.marker, 3.2, point.series.color),
        },
        label: point.error.group.name.to_owned(),
    };
    let of_family = |(index, family): (usize, &&str)| Entry {
        sample: Sample::Line(SeriesStyle::of(index)),
        label: (*family).to_owned(),
    };
    let mut legend: Vec<Entry> = match families {
        [] => points.iter().map(of_variant).collect(),
        families => families.iter().enumerate().map(of_family).collect(),
    };
    if has_front {
        legend.push(Entry {
            sample: Sample::Path(GRAY),
            label: "Pareto front of the means".to_owned(),
        });
    }
    if has_published {
        legend.push(Entry {
            sample: Sample::Marker(Marker::HollowDiamond, 3.2, DARK_GRAY),
            label: "published by the paper".to_owned(),
        });
    }
    legend
}

fn caption(
    study: &Grouped<'_>,
    cost: Cost,
    measured: &[VariantError<'_>],
    points: &[Point<'_>],
    errors: &Axis,
) -> Vec<String> {
    let mut own = Vec::new();
    let several = points.iter().any(|point| point.error.summary.interval.is_some());
    own.push(match several {
        true => "Marker: mean over seeds.".to_owned(),
        false => "Marker: the only seed.".to_owned(),
    });
    if !families(measured).is_empty() {
        own.push(format!(
            "Line: the variants of a family by {}; a name without room beside its point is left out.",
            cost.noun()
        ));
    }
    let mut costs: Vec<f64> = points.iter().map(|point| point.cost).collect();
    costs.sort_by(f64::total_cmp);
    if costs.windows(2).any(|pair| pair[1] / pair[0] < NEARLY_THE_SAME) {
        own.push(format!(
            "Variants with the same or nearly the same {} stand side by side.",
            cost.noun()
        ));
    }
    let mut caption = test_error::caption(study, measured, errors);
    caption.splice(1..1, own);
    caption
}

/// The points in their panel.
struct Drawing<'a> {
    panel: Panel,
    error_scale: Scale,
    points: &'a [Point<'a>],
    /// The points' places along the horizontal.
    xs: Vec<f64>,
}

impl Drawing<'_> {
    fn placed(&self) -> impl Iterator<Item = (Place, &Point<'_>)> {
        let places = self.xs.iter().zip(self.points);
        places.map(|(x, point)| ((*x, self.panel.y(point.error.summary.mean)), point))
    }

    /// A line through the points of each family by rising cost.
    fn draw_lines(&self, picture: &mut Picture, families: &[&str]) {
        for (index, name) in families.iter().enumerate() {
            let of_family = self
                .placed()
                .filter(|(_, point)| family(point.error.group) == Some(*name));
            let mut places: Vec<Place> = of_family.map(|(place, _)| place).collect();
            places.sort_by(|a, b| a.0.total_cmp(&b.0));
            SeriesStyle::of(index).line(picture, &places);
        }
    }

    fn draw_points(&self, picture: &mut Picture, has_published: bool) {
        for ((x, _), point) in self.placed() {
            if let Some((low, high)) = point.error.summary.interval {
                let goes_on = [low, high].map(|end| self.error_scale.is_beyond(end));
                let ends = [low, high].map(|end| (x, self.panel.y(end)));
                bar(picture, ends[0], ends[1], goes_on, point.series.color);
            }
        }
        for (place, point) in self.placed() {
            if has_published && let Some(y) = self.published(point) {
                Marker::HollowDiamond.draw(picture, (place.0, y), 3.2, point.series.color);
            }
            point.series.mark(picture, place);
        }
    }

    /// The height of the error that was published of a variant.
    fn published(&self, point: &Point<'_>) -> Option<f64> {
        point.error.published.map(|error| self.panel.y(error))
    }

    fn draw_names(&self, picture: &mut Picture, style: Style, has_published: bool) {
        let groups: Vec<&Group<'_>> = self.points.iter().map(|point| point.error.group).collect();
        let names: Vec<&str> = match words::single_key(&groups) {
            Some((_, values)) => values,
            None => groups.iter().map(|group| group.name).collect(),
        };
        let around = |(x, y): Place| Rect {
            left: x - MARKER,
            top: y - MARKER,
            right: x + MARKER,
            bottom: y + MARKER,
        };
        let named = |((place, point), name)| {
            let (low, high) = point_interval(point);
            let marker = around(place);
            NamedPoint {
                name,
                place,
                covered: Rect {
                    top: marker.top.min(self.panel.y(high)),
                    bottom: marker.bottom.max(self.panel.y(low)),
                    ..marker
                },
            }
        };
        let points: Vec<NamedPoint<'_>> = self.placed().zip(names).map(named).collect();
        let diamond = |(place, point): (Place, &Point<'_>)| Some(around((place.0, self.published(point)?)));
        let published: Vec<Rect> = match has_published {
            true => self.placed().filter_map(diamond).collect(),
            false => Vec::new(),
        };
        point_names::draw(picture, style, self.panel.area, &points, &published);
    }
}

/// A point's interval, its mean twice where it has none.
fn point_interval(point: &Point<'_>) -> (f64, f64) {
    let summary = &point.error.summary;
    summary.interval.unwrap_or((summary.mean, summary.mean))
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{SampleVariant, trained};
    use super::*;
    use crate::formats::study::Study;

    const PRESETS: [(&str, &str, usize, f64); 5] = [
        ("resnet", "resnet-20", 270_000, 0.08),
        ("resnet", "resnet-56", 850_000, 0.07),
        ("resnet", "resnet-110", 1_700_000, 0.064),
        ("densenet", "densenet-bc-100-12", 769_162, 0.0451),
        ("densenet", "densenet-bc-250-24", 15_324_406, 0.0362),
    ];

    /// Networks of two families; the DenseNets' errors were published.
    fn two_families(seeds: u64) -> Study {
        let variants = PRESETS.map(|(family, preset, parameters, error)| SampleVariant {
            published: (family == "densenet").then_some(error),
            ..SampleVariant::swept(&[("model.preset", preset)], parameters, error)
        });
        let mut study = trained(&variants, seeds, 4);
        for trial in &mut study.trials {
            let (family, ..) = PRESETS.iter().find(|preset| trial.variant.ends_with(preset.1)).unwrap();
            trial.family = (*family).to_owned();
        }
        study
    }

    fn labels(picture: &Picture) -> Vec<&str> {
        picture.labels().map(|label| label.text.as_str()).collect()
    }

    #[test]
    fn several_families_are_the_series_and_variants_are_named_at_their_points() {
        for style in [Style::Screen, Style::SingleColumn, Style::DoubleColumn] {
            let study = two_families(3);
            let picture = picture(&Grouped::of(&study), Cost::Parameters, style).unwrap();
            picture.assert_labels_are_whole_and_apart();
            let labels = labels(&picture);
            assert!(labels.contains(&"resnet") && labels.contains(&"densenet"), "{labels:?}");
            assert!(labels.contains(&"resnet-20"), "{labels:?}");
            assert!(!labels.contains(&"preset=resnet-20"), "{labels:?}");
        }
    }

    #[test]
    fn one_family_has_a_series_for_each_variant_and_no_names_at_points() {
        let mut study = two_families(3);
        study.trials.retain(|trial| trial.family == "resnet");
        let picture = picture(&Grouped::of(&study), Cost::Macs, Style::Screen).unwrap();
        let labels = labels(&picture);
        assert!(
            labels.contains(&"preset=resnet-20") && !labels.contains(&"resnet-20"),
            "{labels:?}"
        );
    }

    #[test]
    fn what_was_published_stands_at_the_networks_cost_and_not_at_that_of_training() {
        let study = two_families(2);
        let shows = |cost: Cost| {
            let picture = picture(&Grouped::of(&study), cost, Style::Screen).unwrap();
            labels(&picture).contains(&"published by the paper")
        };
        assert!(shows(Cost::Parameters) && shows(Cost::Macs));
        assert!(!shows(Cost::TrainingTime));
        let mut other = two_families(2);
        for trial in &mut other.trials {
            trial.published_error = None;
        }
        let picture = picture(&Grouped::of(&other), Cost::Parameters, Style::Screen).unwrap();
        assert!(!labels(&picture).contains(&"published by the paper"));
    }

    #[test]
    fn a_familys_line_goes_through_its_points_by_rising_cost() {
        let study = two_families(1);
        let grouped = Grouped::of(&study);
        let measured = test_error::errors_of(&grouped).unwrap();
        let families = families(&measured);
        assert_eq!(families, ["resnet", "densenet"]);
        let points = points(&measured, Cost::Parameters, &families);
        let markers: Vec<Marker> = points.iter().map(|point| point.series.marker).collect();
        let (first, second) = (SeriesStyle::of(0).marker, SeriesStyle::of(1).marker);
        assert_eq!(markers, [first, first, first, second, second]);
    }
}
