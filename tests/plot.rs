//! `plot` on result folders whose tables are not as they were written.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::correctness::{OfTrial, row};
use densenet_bench::formats::tables::{EpochRow, Row, StepRow, TrialRow, read_rows, write_rows};
use workplace::Workplace;

const ABLATION: &str = "name = \"small\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\n[model]\nblock-layers = [1]\n\
                        growth-rate = 4\n[train]\nsteps = 3\n";

/// A folder with one finished trial of three steps.
fn place() -> Workplace {
    let place = Workplace::new();
    fs::create_dir_all(place.path("results/small")).unwrap();
    place.write("results/small/ablation.toml", ABLATION);
    let header = TrialRow::header().join(",");
    let row = "small,t,base,0,ok,,cpu,plain,f32,densenet,digits,1,4,false,1.0,8,0.0,1000,2000,1,64,3,2.1,0.5,,,2.2,0.25,,800.0,\
               1,2,00ff,,,,,,,,,";
    let trials: Vec<TrialRow> = read_rows(format!("{header}\n{row}\n").as_bytes(), TrialRow::FILE).unwrap();
    write(&place, &trials);
    let epoch = "t,base,0,0,2.1,0.5,,,2.2,0.25,1000,800,200\n";
    let table = format!("{}\n{epoch}", EpochRow::header().join(","));
    write::<EpochRow>(&place, &read_rows(table.as_bytes(), EpochRow::FILE).unwrap());
    let step = |step| StepRow {
        trial: "t".to_owned(),
        variant: "base".to_owned(),
        seed: 0,
        epoch: 0,
        step,
        loss: 2.5,
        learning_rate: 0.1,
    };
    write(&place, &[0, 1, 2].map(step));
    place
}

fn write<T: Row>(place: &Workplace, rows: &[T]) {
    fs::write(place.path("results/small").join(T::FILE), write_rows(rows).unwrap()).unwrap();
}

fn damage<T: Row>(place: &Workplace, from: &str, to: &str) {
    let path = place.path("results/small").join(T::FILE);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// The exit status, stdout and stderr of `plot`.
fn plot(place: &Workplace) -> (Option<i32>, String, String) {
    let output = place.run(&["plot", "results/small"]);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// The same with the outcome of four test images, of which the trial got one wrong.
fn place_with_images() -> Workplace {
    let place = place();
    let of = OfTrial {
        trial: "t",
        variant: "base",
        seed: 0,
        data_fingerprint: "00ff",
    };
    write(&place, &[row(of, &[true, true, false, true])]);
    place
}

#[test]
fn an_error_that_the_images_contradict_is_named_and_left_out() {
    let place = place_with_images();
    let (status, _, said) = plot(&place);
    assert_eq!((status, said.contains("warning")), (Some(0), false), "{said}");
    damage::<TrialRow>(&place, ",0.25,", ",0.001,");
    let (status, printed, said) = plot(&place);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("its final_test_error is 0.001, and correctness.csv has 0.25 of it"),
        "{said}"
    );
    assert!(!printed.contains("0.10"), "{printed}");
}

#[test]
fn a_trial_whose_row_was_cut_off_is_named() {
    let place = place_with_images();
    write::<TrialRow>(&place, &[]);
    let (status, _, said) = plot(&place);
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.contains("base, seed 0: it has no row, and one in correctness.csv"),
        "{said}"
    );
    fs::remove_file(place.path("results/small").join(TrialRow::FILE)).unwrap();
    assert_eq!(plot(&place).0, Some(1));
}

#[test]
fn a_damaged_step_row_is_named_and_stops_no_plot() {
    let place = place();
    let (status, whole, said) = plot(&place);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let files = ["summary.md", "plots/loss-curves.svg", "plots/test-error.png"];
    let read = || files.map(|file| fs::read(place.path("results/small").join(file)).unwrap());
    let before = read();
    damage::<StepRow>(&place, ",1,2.5", ",one,2.5");
    let (status, stdout, said) = plot(&place);
    assert_eq!((status, stdout), (Some(0), whole));
    assert_eq!(
        said,
        "warning: results/small/steps.csv: line 3, column 'step': 'one' is wrong: invalid digit found in string; no plot and \
         no summary needs it; run the ablation again to rewrite the table\n"
    );
    assert_eq!(read(), before);
}

#[test]
fn a_damaged_row_that_is_drawn_is_named_and_the_plots_without_it_are_a_failure() {
    let place = place();
    damage::<EpochRow>(&place, "t,base,0,0,2.1", "t,base,0,0,high");
    let (status, stdout, said) = plot(&place);
    assert_eq!(status, Some(1));
    assert!(stdout.contains("25.00"), "{stdout}");
    assert!(
        said.contains("epochs.csv: line 2, column 'train_loss': 'high' is wrong") && said.contains("are left out"),
        "{said}"
    );
}

#[test]
fn tables_of_an_earlier_program_are_still_drawn() {
    let place = place();
    let path = place.path("results/small/trials.csv");
    let text = fs::read_to_string(&path).unwrap();
    let earlier = text.replace("precision,family,", "").replace("f32,densenet,", "");
    assert_ne!(earlier, text);
    let (_, whole, _) = plot(&place);
    fs::write(path, earlier).unwrap();
    assert_eq!(plot(&place), (Some(0), whole, String::new()));
}

/// The width and the height in points of the only page of a PDF.
fn page(pdf: &[u8]) -> [f64; 2] {
    assert!(pdf.starts_with(b"%PDF-1."));
    let text = String::from_utf8_lossy(pdf);
    assert_eq!(text.matches("/Type /Page\n").count(), 1, "{text}");
    let (_, sides) = text.split_once("/MediaBox [0 0 ").unwrap();
    let sides: Vec<f64> = (sides.split(']').next().unwrap().split(' '))
        .map(|side| side.parse().unwrap())
        .collect();
    [sides[0], sides[1]]
}

#[test]
fn a_papers_figures_stand_beside_those_of_the_screen_in_the_sizes_of_its_columns() {
    let place = place();
    plot(&place);
    let read = |file: &str| fs::read(place.path("results/small").join(file)).unwrap();
    let (before, summary) = (read("plots/loss-curves.svg"), read("summary.md"));
    let output = place.run(&["plot", "results/small", "--style", "paper"]);
    assert!(output.status.success());
    assert_eq!((read("plots/loss-curves.svg"), read("summary.md")), (before, summary));
    for (column, millimetres) in [("single", 88.0), ("double", 180.0)] {
        for name in ["loss-curves", "test-error", "error-by-parameters", "error-by-macs"] {
            let file = format!("plots/paper/{name}-{column}-column");
            let [width, height] = page(&read(&format!("{file}.pdf")));
            assert!((width * 25.4 / 72.0 - millimetres).abs() < 0.01, "{file}: {width}");
            // 300 pixels to an inch, the last of them perhaps in part.
            let png = image::load_from_memory(&read(&format!("{file}.png"))).unwrap();
            assert_eq!(f64::from(png.width()), (millimetres / 25.4 * 300.0).ceil(), "{file}");
            assert!((f64::from(png.height()) - height / 72.0 * 300.0).abs() < 1.0, "{file}");
            let svg = String::from_utf8(read(&format!("{file}.svg"))).unwrap();
            assert!(
                svg.starts_with(&format!("<svg width=\"{millimetres}mm\"")),
                "{file}: {svg}"
            );
            let sizes = svg
                .split("font-size=\"")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap());
            // Sixteen drawn pixels to a point.
            let points: Vec<f64> = sizes.map(|size| size.parse::<f64>().unwrap() / 16.0).collect();
            assert!(
                points.iter().all(|size| (size - 8.0).abs() < 1e-6),
                "{file}: {points:?}"
            );
            assert!(points.len() > 4, "{file}");
        }
    }
}

#[test]
fn plots_are_the_same_bytes_each_time() {
    let place = place();
    let read = |folder: &str| {
        let mut files: Vec<_> = fs::read_dir(place.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (fs::read(&path).unwrap(), path))
            .collect();
        files.sort_by(|a, b| a.1.cmp(&b.1));
        files
    };
    let draw = || {
        plot(&place);
        place.run(&["plot", "results/small", "--style", "paper"]);
        [read("results/small/plots"), read("results/small/plots/paper")]
    };
    let first = draw();
    assert!(first.iter().all(|files| files.len() >= 12));
    assert!(first == draw(), "a file differs");
}

#[test]
fn a_style_that_there_is_not_is_an_error_that_names_those_there_are() {
    let place = place();
    let output = place.run(&["plot", "results/small", "--style", "print"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("screen, paper"), "{said}");
    assert!(!place.path("results/small/plots").exists());
}
