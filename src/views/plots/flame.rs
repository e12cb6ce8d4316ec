//! Where a training step's time goes, layer by layer: passes above segments above layers above operations, each as wide as the
//! time that it takes, in the order of a step.

use super::super::groups::Grouped;
use super::super::profiles::{Profile, profiles};
use super::super::text::milliseconds;
use super::batches::setting;
use super::figure::{Entry, Figure, Sample};
use super::flame_boxes::{FlameBox, LEVELS, Work, boxes};
use super::font;
use super::palette::{BLACK, GRAY, LIGHT_GRAY, Marker, SeriesStyle, WHITE, paler};
use super::panel::{Axis, Panel, Vertical};
use super::picture::{Align, Color, Label, Picture};
use super::scale::{Notation, Scale};
use super::style::Style;

/// More flames than these do not fit on a page that is looked at.
const MOST: usize = 8;
/// Size of the words in boxes.
const SIZE: f64 = 8.0;
/// Size of the words above a flame.
const HEADING_SIZE: f64 = 10.0;
/// Below a flame.
const GAP: f64 = 12.0;
/// Below the last flame: the axis.
const AXIS: f64 = 40.0;
/// Words on bright colours, which stay bright where a page is dark.
const ON_BRIGHT: Color = (16, 16, 16);
/// Boxes that are narrower, in points, cannot be seen.
const NARROWEST: f64 = 0.15;

/// A picture of a study's profiles at one batch size.
pub struct Flames<'a> {
    /// The file's name without its ending, `profile-batch-64`.
    pub file_stem: String,
    profiles: Vec<Profile<'a>>,
    common: String,
}

/// The pictures of a study, one for each batch size that was taken apart.
pub fn flames<'a>(study: &Grouped<'a>) -> Vec<Flames<'a>> {
    let (all, settings) = profiles(study);
    let mut pictures: Vec<(usize, Flames<'a>)> = Vec::new();
    for profile in all {
        let size = profile.step.batch_size;
        let place = pictures.iter().position(|(known, _)| *known == size);
        let place = place.unwrap_or_else(|| {
            let flames = Flames {
                file_stem: format!("profile-batch-{size}"),
                profiles: Vec::new(),
                common: settings.common(),
            };
            pictures.push((size, flames));
            pictures.len() - 1
        });
        pictures[place].1.profiles.push(profile);
    }
    pictures.sort_by_key(|(size, _)| *size);
    pictures.into_iter().map(|(_, flames)| flames).collect()
}

/// A flame for each profile, all to one scale of time, or why there is nothing to draw.
pub fn picture(study: &Grouped<'_>, flames: &Flames<'_>, style: Style) -> Result<Picture, String> {
    let mut drawn: Vec<(&Profile<'_>, Vec<FlameBox<'_>>)> = (flames.profiles.iter())
        .filter(|profile| !profile.parts.is_empty())
        .map(|profile| (profile, boxes(profile)))
        .collect();
    if drawn.is_empty() {
        return Err("no training step was taken apart".to_owned());
    }
    let left_out = drawn.len().saturating_sub(MOST);
    drawn.truncate(MOST);
    let size = drawn[0].0.step.batch_size;
    let works: Vec<Work> = Work::ALL
        .into_iter()
        .filter(|work| {
            drawn
                .iter()
                .any(|(_, boxes)| boxes.iter().any(|one| one.work == Some(*work)))
        })
        .collect();
    let mut legend: Vec<Entry> = works
        .iter()
        .map(|work| Entry {
            sample: Sample::Marker(Marker::Square, 4.5, color(*work)),
            label: work.words().to_owned(),
        })
        .collect();
    legend.push(Entry {
        sample: Sample::Upright(BLACK),
        label: "step timed as a whole".to_owned(),
    });
    let mut caption = vec![
        "From left to right as a step goes: forward (pale), the loss, backward (full colours, from the last layer to the first), \
         the optimizer. From top to bottom: the pass, the segment, the layer, its operations. Medians; each node is timed by \
         itself, so that together they may take longer than the step as a whole."
            .to_owned(),
    ];
    if left_out > 0 {
        caption.push(format!("{left_out} more are in profile.csv."));
    }
    caption.push(setting(&flames.common));
    let figure = Figure {
        title: format!(
            "{}: where a training step's time goes, layer by layer, batch {size}",
            study.name()
        ),
        question: study.question().to_owned(),
        legend,
        caption,
    };
    Ok(draw(&figure, &drawn, style))
}

fn color(work: Work) -> Color {
    match work {
        Work::Convolution => SeriesStyle::of(0).color,
        Work::Normalization => SeriesStyle::of(1).color,
        Work::Activation => SeriesStyle::of(2).color,
        Work::Joining => SeriesStyle::of(3).color,
        Work::Pooling => SeriesStyle::of(4).color,
        Work::Part => SeriesStyle::of(5).color,
        Work::Other => GRAY,
    }
}

fn draw(figure: &Figure, profiles: &[(&Profile<'_>, Vec<FlameBox<'_>>)], style: Style) -> Picture {
    let level = style.text(SIZE) + 6.0;
    let heading = style.text(HEADING_SIZE) + 6.0;
    let flame = heading + LEVELS as f64 * level + GAP;
    let (mut picture, space) = figure.lay_out(style, profiles.len() as f64 * flame + AXIS);
    let whole = |profile: &Profile<'_>| profile.step.time_ns_median.unwrap_or(0) as f64 / 1e6;
    let ends = profiles.iter().map(|(profile, boxes)| {
        let end = boxes.iter().map(|one| one.to).fold(0.0, f64::max);
        end.max(whole(profile))
    });
    let most = ends.fold(0.0, f64::max).max(1e-6);
    let axis = Axis::new("milliseconds", Scale::linear((0.0, most)), Notation::Plain);
    let rows = Vertical::Rows {
        title: String::new(),
        names: vec![Vec::new(); profiles.len()],
    };
    let panel = Panel::new(style, space, None, axis, rows);
    panel.draw(&mut picture);
    for (place, (profile, boxes)) in profiles.iter().enumerate() {
        let top = panel.area.top + place as f64 * flame;
        let words = match profile.step.time_ns_median {
            Some(step) => format!("{}: {} ms a step", profile.name, milliseconds(step.unsigned_abs())),
            None => profile.name.clone(),
        };
        let size = style.text(HEADING_SIZE);
        let words = font::shortened(&words, size, true, panel.area.width());
        let mut label = Label::new(words, (panel.area.left, top + 0.9 * size), size);
        label.bold = true;
        picture.label(label);
        let top = top + heading;
        for one in boxes {
            draw_box(&mut picture, &panel, one, (top, level), style);
        }
        let bottom = top + LEVELS as f64 * level;
        let x = panel.x(whole(profile));
        picture.line(vec![(x, top - 2.0), (x, bottom + 3.0)], BLACK, 1.6);
    }
    picture
}

fn draw_box(picture: &mut Picture, panel: &Panel, one: &FlameBox<'_>, (top, level): (f64, f64), style: Style) {
    let (left, right) = (panel.x(one.from), panel.x(one.to));
    let width = right - left;
    if width < NARROWEST {
        return;
    }
    // A thin gap tells neighbours apart, where there is room for one.
    let right = if width > 1.5 { right - 0.5 } else { right };
    let (top, bottom) = (top + one.level as f64 * level, top + one.until as f64 * level - 0.6);
    let filling = match (one.work, one.is_backward) {
        (Some(work), true) => color(work),
        (Some(work), false) => paler(color(work)),
        (None, true) => paler(GRAY),
        (None, false) => LIGHT_GRAY,
    };
    picture.area(
        vec![(left, top), (right, top), (right, bottom), (left, bottom)],
        filling,
        1.0,
    );
    let size = style.text(SIZE);
    if font::width(one.label, size, false) + 4.0 > right - left {
        return;
    }
    let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
    let mut label = Label::new(one.label, middle, size).aligned(Align::Middle).centered();
    label.color = match (one.work, one.is_backward) {
        (Some(_), true) if is_dark(filling) => WHITE,
        (Some(_), true) => ON_BRIGHT,
        _ => BLACK,
    };
    picture.label(label);
}

fn is_dark((red, green, blue): Color) -> bool {
    0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue) < 140.0
}

#[cfg(test)]
mod tests {
    use super::super::super::samples::{measured, with_profile};
    use super::super::picture::Shape;
    use super::*;

    fn drawn(names: &[&str], style: Style) -> Picture {
        let study = with_profile(measured(names, &[16]));
        let grouped = Grouped::of(&study);
        let flames = flames(&grouped);
        assert_eq!(flames.len(), 1);
        assert_eq!(flames[0].file_stem, "profile-batch-16");
        picture(&grouped, &flames[0], style).unwrap()
    }

    fn words(picture: &Picture) -> Vec<&str> {
        picture.labels().map(|label| label.text.as_str()).collect()
    }

    #[test]
    fn words_are_whole_and_apart_in_every_style() {
        for style in [Style::Screen, Style::SingleColumn, Style::DoubleColumn] {
            drawn(&["base", "growth-rate=24,execution=fused"], style).assert_labels_are_whole_and_apart();
        }
    }

    #[test]
    fn passes_segments_and_operations_are_named_where_there_is_room() {
        let picture = drawn(&["base"], Style::Screen);
        let words = words(&picture);
        for word in ["forward", "backward", "denseblock1", "convolution, linear"] {
            assert!(
                words.contains(&word) || words.iter().any(|there| there.starts_with(word)),
                "{word}: {words:?}"
            );
        }
    }

    #[test]
    fn areas_are_as_wide_as_their_times() {
        let picture = drawn(&["base"], Style::Screen);
        let width = |color: Color| -> f64 {
            let areas = picture.shapes.iter().filter_map(|shape| match shape {
                Shape::Area { places, color: of, .. } if *of == color => Some(places[1].0 - places[0].0),
                _ => None,
            });
            areas.fold(0.0, f64::max)
        };
        // The sample's convolution takes twice as long backward as forward.
        let blue = color(Work::Convolution);
        let ratio = width(blue) / width(paler(blue));
        assert!((ratio - 2.0).abs() < 0.1, "{ratio}");
    }

    #[test]
    fn hostile_names_are_text_in_the_drawing() {
        let mut study = with_profile(measured(&["base"], &[16]));
        let hostile = "</text><script>alert(1)</script>\u{1b}[2J\u{202e}";
        for row in &mut study.profile {
            row.variant = hostile.to_owned();
            row.name = format!("{}.{hostile}", row.name);
            row.segment = hostile.to_owned();
        }
        let grouped = Grouped::of(&study);
        let picture = picture(&grouped, &flames(&grouped)[0], Style::Screen).unwrap();
        let svg = super::super::render::svg("profile", &picture, Style::Screen).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let elements = document.descendants().filter(roxmltree::Node::is_element);
        assert!(elements.clone().all(|element| element.tag_name().name() != "script"));
        let words: String = elements.filter_map(|element| element.text()).collect();
        assert!(words.contains("<script>"), "{words}");
        assert!(!words.contains(['\u{1b}', '\u{202e}']), "{words:?}");
    }

    #[test]
    fn more_flames_than_a_page_holds_are_counted() {
        let names: Vec<String> = (0..10).map(|index| format!("growth-rate={index}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let picture = drawn(&names, Style::Screen);
        let words = words(&picture).join(" ");
        assert!(words.contains("2 more are in profile.csv."), "{words}");
    }

    #[test]
    fn steps_that_were_not_taken_apart_leave_a_reason() {
        let mut study = with_profile(measured(&["base"], &[16]));
        study.profile.truncate(1);
        let grouped = Grouped::of(&study);
        assert!(picture(&grouped, &flames(&grouped)[0], Style::Screen).is_err());
    }
}
