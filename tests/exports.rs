//! Single tables of a report: as CSV, Markdown, LaTeX and JSON, and between the markers of a file.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::tables::TrialRow;
use serde_json::Value;
use workplace::study::{folder, whole_folder, write};
use workplace::{Workplace, said};

const GROWTH: &str = "results/growth";

fn table(place: &Workplace, name: &str, format: &str) -> String {
    place.ok(&["report", GROWTH, "--table", name, "--format", format])
}

fn json(place: &Workplace, name: &str) -> Value {
    serde_json::from_str(&table(place, name, "json")).unwrap()
}

#[test]
fn every_table_of_a_whole_study_is_written_in_every_format() {
    let place = Workplace::new();
    whole_folder(&place, GROWTH);
    for name in ["variants", "trials", "costs", "curves", "speed", "steps", "pytorch"] {
        let rows = json(&place, name);
        let rows = rows.as_array().unwrap();
        assert!(!rows.is_empty(), "{name}");
        let text = table(&place, name, "csv");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        assert_eq!(lines.len(), rows.len(), "{name}");
        for (row, line) in rows.iter().zip(&lines) {
            let row = row.as_object().unwrap();
            assert_eq!(row.len(), header.len(), "{name}: {header:?}");
            for (column, cell) in header.iter().zip(line) {
                assert_eq!(row[column].is_null(), cell.is_empty(), "{name}, {column}: {cell}");
            }
        }
        let latex = table(&place, name, "latex");
        let command = format!("% densenet-bench report {GROWTH} --table {name} --format latex\n");
        assert!(latex.starts_with(&command), "{latex}");
        assert_eq!(latex.matches(" \\\\\n").count(), rows.len() + 1, "{latex}");
        let markdown = table(&place, name, "md");
        assert_eq!(
            markdown.lines().filter(|line| line.starts_with('|')).count(),
            rows.len() + 2
        );
        assert_eq!(place.ok(&["report", GROWTH, "--table", name]), markdown);
    }
    assert!(!place.path("results/growth/report.html").exists());
}

#[test]
fn json_has_numbers_under_names_that_say_their_unit() {
    let place = Workplace::new();
    whole_folder(&place, GROWTH);
    let variants = json(&place, "variants");
    let row = &variants[1];
    assert_eq!(row["variant"], "growth-rate=8");
    assert_eq!((&row["n"], &row["parameters"]), (&Value::from(8), &Value::from(8000)));
    assert_eq!(row["difference_test_error_percent_to_the_baseline"], -1.41);
    assert!(
        row["difference_test_error_percent_to_the_baseline_low"]
            .as_f64()
            .unwrap()
            < -1.41
    );
    assert!(row["test_error_percent_low"].as_f64().unwrap() < row["test_error_percent"].as_f64().unwrap());
    assert_eq!(row["peak_memory_bytes"], 250_000_000);
    assert_eq!(row["verdict"], "shown");
    assert!(variants[0]["pairs"].is_null());
    assert!(json(&place, "costs")[0]["parameters_on_the_front"].is_boolean());
    assert_eq!(json(&place, "speed")[1]["step_over_first"], 1.5);
}

#[test]
fn a_table_goes_into_a_file_and_several_folders_into_one_table() {
    let place = Workplace::new();
    whole_folder(&place, GROWTH);
    folder(&place, "results/again", 16);
    let tables = [
        "report",
        GROWTH,
        "results/again",
        "--table",
        "variants",
        "--format",
        "csv",
    ];
    let text = place.ok(&tables);
    let folders: Vec<&str> = text.lines().filter_map(|line| line.split(',').next()).collect();
    assert_eq!(folders, ["folder", GROWTH, GROWTH, "results/again", "results/again"]);
    let output = place.run(&[&tables[..], &["--out", "variants.csv"]].concat());
    assert!(output.status.success());
    assert_eq!(said(&output), "the table is variants.csv\n");
    assert!(output.stdout.is_empty());
    assert_eq!(fs::read_to_string(place.path("variants.csv")).unwrap(), text);
}

#[test]
fn text_from_files_stays_text_in_every_format() {
    let place = Workplace::new();
    folder(&place, GROWTH, 16);
    let hostile = "=1+1 \\input{x} & % $ # _ ~ ^ | <script>\n\u{1b}[2J\u{202e}\"";
    let mut trials: Vec<TrialRow> = place.rows(GROWTH);
    for row in trials.iter_mut().take(8) {
        row.variant = hostile.to_owned();
    }
    write(&place, GROWTH, &trials);
    for format in ["csv", "md", "latex", "json"] {
        let text = table(&place, "trials", format);
        let acts = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!text.contains(acts), "{format}: {text:?}");
    }
    assert!(table(&place, "trials", "csv").contains("\"'=1+1 "));
    assert!(!table(&place, "trials", "md").contains("<script"));
    let latex = table(&place, "trials", "latex");
    assert!(
        latex.contains("=1+1 \\textbackslash{}input\\{x\\} \\& \\% \\$ \\# \\_ \\textasciitilde{}"),
        "{latex}"
    );
    assert_eq!(json(&place, "trials").as_array().unwrap().len(), 16);
    assert!(
        json(&place, "trials")
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["variant"] == hostile)
    );
}

#[test]
fn what_is_no_table_is_refused_with_the_names_that_there_are() {
    let place = Workplace::new();
    folder(&place, GROWTH, 16);
    let said = place.refused(&["report", GROWTH, "--table", "variant"]);
    assert!(said.contains("variants") && said.contains("largest-batch"), "{said}");
    let said = place.refused(&["report", GROWTH, "--table", "speed"]);
    assert!(
        said.contains("the report of results/growth has no table 'speed'; it has variants, "),
        "{said}"
    );
    let said = place.refused(&["report", GROWTH, "--table", "variants", "--format", "xlsx"]);
    assert!(said.contains("latex"), "{said}");
    assert!(
        place
            .refused(&["report", GROWTH, "--format", "csv"])
            .contains("--table")
    );
    let said = place.refused(&["report", GROWTH, "--table", "variants", "--out", "no/such.csv"]);
    assert!(said.contains("there is no folder no"), "{said}");
    fs::create_dir_all(place.path("results/growth/trials")).unwrap();
    let said = place.refused(&[
        "report",
        GROWTH,
        "--table",
        "trials",
        "--out",
        "results/growth/trials.csv",
    ]);
    assert!(said.contains("it is part of what a run has recorded"), "{said}");
    assert!(
        place
            .refused(&["report", GROWTH, "--splice", "a.md", "--out", "b"])
            .contains("--splice")
    );
}

const PAGE: &str = "# A study\r\n\r\n<!-- goals -->\r\nkept\r\n<!-- /goals -->\r\n\
                    <!-- densenet-bench:answer -->\r\nold\r\n<!-- /densenet-bench:answer -->\r\n\
                    ```\n<!-- densenet-bench:example -->\n```\n\
                    - item\n  <!-- densenet-bench:variants -->\n  <!-- /densenet-bench:variants -->\nno end of line";

#[test]
fn what_stands_between_markers_is_replaced_and_the_rest_stays() {
    let place = Workplace::new();
    folder(&place, GROWTH, 16);
    place.write("page.md", PAGE);
    let output = place.run(&["report", GROWTH, "--splice", "page.md"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output), "2 blocks between markers of page.md replaced\n");
    let text = fs::read_to_string(place.path("page.md")).unwrap();
    let rest = |text: &str| {
        let mut kept = String::new();
        let mut is_inside = false;
        for line in text.split_inclusive('\n') {
            is_inside &= !line.contains("<!-- /densenet-bench:");
            if !is_inside {
                kept += line;
            }
            is_inside |= line.contains("<!-- densenet-bench:") && !line.contains(":example");
        }
        kept
    };
    assert_eq!(rest(&text), rest(PAGE));
    assert!(
        text.contains("\r\ngrowth rate 8 against 4: test error 1.41 points lower, "),
        "{text}"
    );
    assert!(
        text.contains("\n  | growth-rate=8 | ") && !text.contains("old"),
        "{text}"
    );
    // Once more gives the same bytes, and leaves the file alone.
    let written = fs::metadata(place.path("page.md")).unwrap().modified().unwrap();
    let output = place.run(&["report", GROWTH, "--splice", "page.md"]);
    assert_eq!(said(&output), "page.md is up to date\n");
    assert_eq!(fs::read_to_string(place.path("page.md")).unwrap(), text);
    assert_eq!(
        fs::metadata(place.path("page.md")).unwrap().modified().unwrap(),
        written
    );
    assert!(!place.path("results/growth/report.html").exists());
}

#[test]
fn markers_that_are_wrong_leave_the_file_as_it_is() {
    let place = Workplace::new();
    folder(&place, GROWTH, 16);
    let (begin, end) = (
        "<!-- densenet-bench:variants -->\n",
        "<!-- /densenet-bench:variants -->\n",
    );
    let pair = format!("{begin}{end}");
    for (text, expected) in [
        (
            "no marker\n".to_owned(),
            "page.md: there is no marker; write <!-- densenet-bench:variants -->",
        ),
        (begin.to_owned(), "page.md:1: nothing ends 'variants'"),
        (format!("{pair}{end}"), "page.md:3: 'variants' ends without a beginning"),
        (
            format!("{begin}{pair}"),
            "page.md:2: 'variants' begins within 'variants' of line 1",
        ),
        (
            format!("{pair}a <!-- densenet-bench:costs --> b\n"),
            "page.md:3: a marker stands beside other text; put it on a line of its own",
        ),
        (
            pair.replace("variants", "variant"),
            "page.md:1: no report has 'variant'; there are answer, variants, ",
        ),
        (
            format!("{pair}{}", pair.replace("variants", "speed")),
            "the report of results/growth has no table 'speed'",
        ),
    ] {
        place.write("page.md", &text);
        let said = place.refused(&["report", GROWTH, "--splice", "page.md"]);
        assert!(said.contains(expected), "{said}");
        assert_eq!(fs::read_to_string(place.path("page.md")).unwrap(), text);
    }
    let said = place.refused(&["report", GROWTH, "--splice", "none.md"]);
    assert!(
        said.contains("none.md: ") && said.contains("name a Markdown file"),
        "{said}"
    );
    assert!(!place.path("none.md").exists());
    assert!(place.refused(&["report", GROWTH, "--splice", "-"]).contains("name one"));
    fs::create_dir_all(place.path("results/growth/trials")).unwrap();
    place.write("results/growth/summary.md", &pair);
    let said = place.refused(&["report", GROWTH, "--splice", "results/growth/summary.md"]);
    assert!(said.contains("it is part of what a run has recorded"), "{said}");
    fs::write(place.path("page.md"), b"\xff\n").unwrap();
    assert!(
        place
            .refused(&["report", GROWTH, "--splice", "page.md"])
            .contains("page.md: ")
    );
}
