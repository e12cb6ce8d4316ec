//! Throughput and memory of every variant by batch size, a figure for each mode.

use super::super::groups::Grouped;
use super::super::measurements::{MeasuredRow, SharedSettings, ordered};
use super::batch_figure::{self, Words};
use super::palette::SeriesStyle;
use super::picture::Picture;
use super::series::{Point, Rate, Series};
use super::style::Style;
use crate::formats::ablation::Mode;
use crate::formats::tables::BatchRow;

/// The modes that were measured, in the order of their first rows.
pub fn modes(study: &Grouped<'_>) -> Vec<Mode> {
    let mut modes: Vec<Mode> = Vec::new();
    for row in &study.study.batches {
        if !modes.contains(&row.mode) {
            modes.push(row.mode);
        }
    }
    modes
}

/// The rows of one variant in one setting, by rising batch size, with their name and looks.
pub struct Line<'a> {
    /// The variant, with what distinguishes its setting from others.
    pub name: String,
    /// The same in every figure of measurements, and that of the variant's curves where it has one setting.
    pub style: SeriesStyle,
    /// The rows of all modes.
    pub rows: Vec<&'a BatchRow>,
}

/// The lines of a study and the words that all their settings share.
pub fn lines<'a>(study: &Grouped<'a>) -> (Vec<Line<'a>>, String) {
    let mut rows = ordered(study, &study.study.batches);
    // The same work measured again is no line of its own.
    rows.retain(|row| row.repeat == 0);
    let settings = SharedSettings::of(&study.study.batches);
    let mut lines: Vec<Line<'a>> = Vec::new();
    for row in rows {
        let name = settings.named(&row.variant, &row.setting());
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.rows.push(row),
            None => {
                let index = match settings.differ() {
                    true => lines.len(),
                    false => study.index_of(&row.variant),
                };
                lines.push(Line {
                    name,
                    style: SeriesStyle::of(index),
                    rows: vec![row],
                });
            }
        }
    }
    (lines, settings.common())
}

/// Throughput and memory in a mode, or why there is nothing to draw.
pub fn picture(study: &Grouped<'_>, mode: Mode, style: Style) -> Result<Picture, String> {
    let (lines, common) = lines(study);
    let mut rows: Vec<&BatchRow> = Vec::new();
    let mut series = Vec::new();
    for line in lines {
        let of_mode: Vec<&BatchRow> = line.rows.into_iter().filter(|row| row.mode == mode).collect();
        if of_mode.is_empty() {
            continue;
        }
        series.push(Series {
            name: line.name,
            style: line.style,
            points: of_mode.iter().map(|row| point(row)).collect(),
        });
        rows.extend(of_mode);
    }
    let words = Words {
        title: format!("{}: speed and memory in {} by batch size", study.name(), in_words(mode)),
        question: study.question().to_owned(),
        sentences: vec![process_peak(&rows), warnings(&rows), setting(&common)],
    };
    batch_figure::picture(words, &series, style)
}

fn point(row: &BatchRow) -> Point {
    Point {
        batch_size: row.batch_size,
        status: row.status,
        steps: row.steps,
        rounds: row.rounds,
        rate: Rate::of(
            row.batch_size,
            row.step_ns_median,
            row.step_ns_low.zip(row.step_ns_high),
        ),
        allocated: row.allocated_peak_bytes,
        predicted: row.predicted_peak_bytes,
        reserved: row.reserved_peak_bytes,
        process: row.process_peak_bytes,
    }
}

/// What a mode is, as a noun.
pub fn in_words(mode: Mode) -> &'static str {
    match mode {
        Mode::Train => "training",
        Mode::Evaluate => "evaluation",
    }
}

/// What all series were measured with.
pub fn setting(common: &str) -> String {
    match common {
        "" => String::new(),
        words => format!("Setting: {words}."),
    }
}

fn process_peak(rows: &[&BatchRow]) -> String {
    let mut sources: Vec<&str> = Vec::new();
    for row in rows.iter().filter(|row| row.process_peak_bytes.is_some()) {
        let words = source_in_words(&row.process_peak_source);
        if !words.is_empty() && !sources.contains(&words) {
            sources.push(words);
        }
    }
    match sources.is_empty() {
        true => String::new(),
        false => format!("Process peak: {}.", sources.join("; or ")),
    }
}

/// Where a process's peak comes from.
pub fn source_in_words(source: &str) -> &str {
    match source {
        "resident-set" => "the resident set",
        "nvml-process" => "NVML's figure for the process",
        "nvml-device-difference" => "NVML's figure for the device less that before the start",
        other => other,
    }
}

fn warnings(rows: &[&BatchRow]) -> String {
    match rows.iter().filter(|row| !row.warning.is_empty()).count() {
        0 => String::new(),
        1 => "1 point is doubtful: summary.md says why.".to_owned(),
        count => format!("{count} points are doubtful: summary.md says why."),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::super::samples::measured;
    use super::super::draw::draw;
    use super::super::draw::tests::pictures;
    use super::super::picture::Shape;
    use super::*;
    use crate::formats::study::Study;
    use crate::formats::tables::Status;

    const GROWTH: [&str; 4] = ["growth-rate=8", "growth-rate=12", "growth-rate=16", "growth-rate=24"];
    const SIZES: [usize; 4] = [16, 32, 64, 128];

    fn twelve() -> Vec<String> {
        let names = (0..12).map(|i| {
            let (k, bottleneck) = ([8, 12, 16, 24, 32, 40][i % 6], i / 6 == 1);
            format!("growth-rate={k},bottleneck={bottleneck},compression=0.5")
        });
        names.collect()
    }

    fn without_numbers(row: &mut BatchRow, status: Status) {
        row.status = status;
        row.error = "out of memory: 16.0 GB were asked for".to_owned();
        (row.steps, row.rounds) = (0, 0);
        (row.step_ns_median, row.step_ns_mad, row.images_per_second) = (None, None, None);
        (row.step_ns_low, row.step_ns_high) = (None, None);
        (row.forward_ns_median, row.backward_ns_median, row.optimizer_ns_median) = (None, None, None);
        (row.allocated_peak_bytes, row.process_peak_bytes) = (None, None);
    }

    /// Studies of measurements of many kinds.
    pub fn cases() -> Vec<(&'static str, Study)> {
        let twelve = twelve();
        let twelve: Vec<&str> = twelve.iter().map(String::as_str).collect();
        let mut cases = vec![
            ("one-variant", measured(&["densenet-bc-100-12"], &SIZES)),
            ("four-variants", measured(&GROWTH, &SIZES)),
            ("twelve-variants", measured(&twelve, &[8, 16, 32, 64, 128])),
            ("one-batch-size", measured(&GROWTH, &[64])),
            ("twelve-at-one-batch-size", measured(&twelve, &[64])),
            (
                "many-sizes",
                measured(&GROWTH[..2], &[1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128]),
            ),
        ];
        let mut failing = measured(&GROWTH, &SIZES);
        for row in &mut failing.batches {
            match (row.variant.as_str(), row.batch_size) {
                ("growth-rate=24", 64 | 128) | ("growth-rate=16", 128) => without_numbers(row, Status::Oom),
                ("growth-rate=12", 128) => without_numbers(row, Status::Timeout),
                ("growth-rate=8", 32) => without_numbers(row, Status::Failed),
                ("growth-rate=8", 128) => without_numbers(row, Status::Pending),
                _ => {}
            }
        }
        failing.batches[0].warning = "the first and the second half of the steps disagree by 9 %".to_owned();
        cases.push(("some-fail", failing));
        let mut all = measured(&GROWTH, &SIZES);
        for row in &mut all.batches {
            without_numbers(row, Status::Oom);
        }
        cases.push(("all-oom", all));
        let mut twelve_fail = measured(&twelve, &SIZES);
        for row in twelve_fail.batches.iter_mut().filter(|row| row.batch_size > 32) {
            without_numbers(row, Status::Oom);
        }
        cases.push(("twelve-fail", twelve_fail));
        let mut cuda = measured(&GROWTH[..1], &SIZES);
        for row in cuda.batches.clone() {
            cuda.batches.push(BatchRow {
                device: "cuda:0".parse().unwrap(),
                threads: 4,
                step_ns_median: row.step_ns_median.map(|ns| ns / 3),
                reserved_peak_bytes: row.allocated_peak_bytes.map(|bytes| bytes + bytes / 10),
                process_peak_source: "nvml-process".to_owned(),
                ..row
            });
        }
        cases.push(("two-devices", cuda));
        let mut bare = measured(&GROWTH, &SIZES);
        for row in &mut bare.batches {
            row.predicted_peak_bytes = None;
            row.allocated_peak_bytes = None;
            (row.step_ns_low, row.step_ns_high) = (None, None);
        }
        cases.push(("no-predictions", bare));
        // One figure of peers is like another.
        for (_, measured) in &mut cases[1..] {
            measured.peers.clear();
        }
        cases
    }

    fn text(picture: &Picture) -> String {
        picture
            .labels()
            .map(|label| label.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn no_label_is_cut_off_or_laid_over_another() {
        let mut not_drawn = Vec::new();
        for (case, measured) in cases() {
            for figure in pictures(&measured) {
                println!("{case}: {}", figure.file_stem);
                match figure.picture {
                    Ok(picture) => picture.assert_labels_are_whole_and_apart(),
                    Err(_) => not_drawn.push(format!("{case}: {}", figure.file_stem)),
                }
            }
        }
        // Where nothing ran there is nothing to draw but a prediction; all else is a picture.
        assert_eq!(not_drawn, ["all-oom: phases-train", "all-oom: batches-evaluate"]);
    }

    /// With `SAMPLE_PLOTS=FOLDER` the pictures are left there to be looked at.
    #[test]
    fn every_sample_is_written_in_every_format() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = std::env::var_os("SAMPLE_PLOTS").map_or(temporary.path().to_owned(), Into::into);
        for (case, measured) in cases() {
            let folder = folder.join(case);
            std::fs::create_dir_all(&folder).unwrap();
            let drawn = draw(&pictures(&measured), &Default::default()).unwrap();
            assert!(!drawn.plots.is_empty(), "{case}");
            for plot in drawn.plots {
                let what = format!("{case}: {}", plot.file_stem);
                let document = roxmltree::Document::parse(&plot.svg).unwrap();
                let mut texts = document.descendants().filter_map(|node| node.text());
                assert!(texts.any(|text| text.contains(&measured.ablation.name)), "{what}");
                // Two pixels to a point, and something on them.
                let image = image::load_from_memory(&plot.png).unwrap().to_rgb8();
                let side = |name| document.root_element().attribute(name).unwrap().parse::<u32>().unwrap();
                assert_eq!(image.dimensions(), (2 * side("width"), 2 * side("height")), "{what}");
                assert!(image.pixels().any(|pixel| pixel.0 != [255; 3]), "{what}");
                std::fs::write(folder.join(format!("{}.svg", plot.file_stem)), plot.svg).unwrap();
                std::fs::write(folder.join(format!("{}.png", plot.file_stem)), plot.png).unwrap();
            }
        }
    }

    fn drawn(case: &str, mode: Mode) -> Picture {
        let (_, measured) = cases().into_iter().find(|(name, _)| *name == case).unwrap();
        picture(&Grouped::of(&measured), mode, Style::Screen).unwrap()
    }

    #[test]
    fn every_measured_batch_size_is_a_tick_of_every_panel() {
        let picture = drawn("four-variants", Mode::Train);
        for size in SIZES {
            let ticks = picture.labels().filter(|label| label.text == size.to_string());
            assert_eq!(ticks.count(), 3, "{size}");
        }
    }

    #[test]
    fn many_batch_sizes_are_named_at_the_powers_of_two() {
        let picture = drawn("many-sizes", Mode::Train);
        let is_named = |text: &str| picture.labels().filter(|label| label.text == text).count() >= 3;
        // Every other power has room.
        for size in ["1", "4", "16", "64"] {
            assert!(is_named(size), "{size}");
        }
        assert!(!is_named("48") && !is_named("96"));
    }

    #[test]
    fn what_did_not_run_is_marked_and_named_with_its_status() {
        let picture = drawn("some-fail", Mode::Train);
        let text = text(&picture);
        for words in [
            "growth-rate=8 at 32 (failed)",
            "growth-rate=12 at 128 (timeout)",
            "growth-rate=16 at 128 (oom)",
            "growth-rate=24 at 64 (oom), 128 (oom)",
            "Not measured yet: growth-rate=8 at 128.",
            "1 point is doubtful: summary.md says why.",
            "did not run",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let whole = drawn("four-variants", Mode::Train);
        assert!(!self::text(&whole).contains("did not run"));
        // A cross is two strokes, and the legend has one too.
        assert_eq!(crosses(&picture), 5 + 1);
    }

    /// Diagonal crosses in a picture whose series have other markers.
    fn crosses(picture: &Picture) -> usize {
        let strokes = picture.shapes.iter().filter(|shape| match shape {
            Shape::Line { places, .. } => {
                let (across, down) = (places[1].0 - places[0].0, places[1].1 - places[0].1);
                places.len() == 2 && (across - down).abs() < 1e-9 && across > 0.0
            }
            _ => false,
        });
        strokes.count()
    }

    #[test]
    fn where_nothing_ran_the_prediction_is_drawn_and_without_one_the_reason_names_every_size() {
        let picture = drawn("all-oom", Mode::Train);
        let text = text(&picture);
        assert!(
            text.contains("Allocated peak") && !text.contains("Throughput"),
            "{text}"
        );
        assert!(
            text.contains("Did not run: all at 16 (oom), 32 (oom), 64 (oom), 128 (oom)."),
            "{text}"
        );
        let (_, measured) = cases().into_iter().find(|(name, _)| *name == "all-oom").unwrap();
        let drawn = draw(&pictures(&measured), &Default::default()).unwrap();
        let reason = drawn.not_drawn.iter().find(|plot| plot.file_stem == "batches-evaluate");
        assert_eq!(
            reason.unwrap().to_string(),
            "batches-evaluate is not drawn: no batch size ran: all at 16 (oom), 32 (oom), 64 (oom), 128 (oom)"
        );
    }

    #[test]
    fn a_prediction_is_explained_only_where_there_is_one() {
        assert!(text(&drawn("four-variants", Mode::Train)).contains("predicted in closed form"));
        assert!(!text(&drawn("four-variants", Mode::Evaluate)).contains("predicted in closed form"));
    }

    #[test]
    fn series_of_two_devices_are_distinguished_by_name() {
        let text = text(&drawn("two-devices", Mode::Train));
        for words in [
            "growth-rate=8, cpu, 2 threads",
            "growth-rate=8, cuda:0, 4 threads",
            "reserved peak",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(text.contains("Setting: plain execution."), "{text}");
    }

    #[test]
    fn a_study_of_measurements_alone_draws_no_curves_and_misses_none() {
        let measured = measured(&GROWTH[..1], &[16]);
        let drawn = draw(&pictures(&measured), &Default::default()).unwrap();
        let stems: Vec<&str> = drawn.plots.iter().map(|plot| plot.file_stem.as_str()).collect();
        assert_eq!(
            stems,
            [
                "batches-train",
                "phases-train",
                "batches-evaluate",
                "peers-growth-rate-8-train",
                "peers-growth-rate-8-evaluate"
            ]
        );
        assert_eq!(drawn.not_drawn, []);
    }
}
