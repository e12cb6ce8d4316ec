//! `report` on result folders: whole and half-finished ones, several, hostile ones, and what it refuses.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::tables::{
    BatchRow, EpochRow, PeerRow, Row, SampleRow, Status, TrialRow, read_rows, write_rows,
};
use sha2::{Digest, Sha256};
use workplace::{Workplace, said};

const ABLATION: &str = r#"
name = "growth"
question = "What does a larger growth rate buy?"
[data]
dataset = "digits"
[model]
block-layers = [1]
[train]
epochs = 2
seeds = [0, 1, 2, 3, 4, 5, 6, 7]
[measure]
batch-sizes = [16]
[sweep]
"model.growth-rate" = [4, 8]
"#;

/// A row of a table with these cells; `1` in the others that are no text.
fn rows<T: Row>(cells: &[Vec<(&str, String)>]) -> Vec<T> {
    let header = T::header();
    let empty = [
        "error",
        "warning",
        "cpu",
        "revision",
        "measured_at",
        "run",
        "eager_unit",
        "compiled_unit",
    ];
    let lines = cells.iter().map(|cells| {
        let cell = |column: &&str| match cells.iter().find(|(name, _)| name == column) {
            Some((_, value)) => value.clone(),
            None if empty.contains(column) => String::new(),
            None => "1".to_owned(),
        };
        header.iter().map(cell).collect::<Vec<_>>().join(",")
    });
    let table = std::iter::once(header.join(","))
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    read_rows(table.as_bytes(), T::FILE).unwrap()
}

fn cells(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

const WHERE: [(&str, &str); 3] = [("device", "cpu"), ("execution", "plain"), ("precision", "f32")];

/// Two variants by eight seeds, of which the larger errs less, with their epochs.
fn trials(finished: usize) -> (Vec<TrialRow>, Vec<EpochRow>) {
    let (mut trials, mut epochs) = (Vec::new(), Vec::new());
    for (rate, better) in [(4_u64, 0.0), (8, 0.012)] {
        for seed in 0..8 {
            let (trial, variant) = (format!("t{rate}{seed}"), format!("growth-rate={rate}"));
            let seed_text = seed.to_string();
            let error = 0.05 + 0.001 * f64::from(seed) - better * (1.0 + 0.05 * f64::from(seed));
            let own = [
                ("trial", trial.as_str()),
                ("variant", variant.as_str()),
                ("seed", seed_text.as_str()),
            ];
            let is_finished = trials.len() < finished;
            let mut row = cells(&own);
            row.extend(cells(&WHERE));
            row.extend(cells(&[
                ("ablation", "growth"),
                ("status", if is_finished { "ok" } else { "pending" }),
                ("family", "densenet"),
                ("dataset", "digits"),
                ("block_layers", "[1]"),
                ("bottleneck", "false"),
                ("published_error", ""),
                ("final_validation_loss", ""),
                ("final_validation_error", ""),
                ("peak_memory_bytes", "250000000"),
            ]));
            row.push(("parameters", (1000 * rate).to_string()));
            row.push(("macs", (90_000 * rate).to_string()));
            row.push((
                "final_test_error",
                if is_finished { error.to_string() } else { String::new() },
            ));
            trials.push(row);
            for epoch in 0..if is_finished { 2 } else { 1 } {
                let mut row = cells(&own);
                row.extend([("epoch", epoch.to_string()), ("test_error", error.to_string())]);
                row.extend([("train_loss", (0.3 / f64::from(epoch + 1)).to_string())]);
                row.extend(cells(&[("validation_loss", ""), ("validation_error", "")]));
                row.push(("train_ns", (1_000_000_000 * rate).to_string()));
                epochs.push(row);
            }
        }
    }
    (rows(&trials), rows(&epochs))
}

/// A result folder with trials of which so many have finished.
fn folder(place: &Workplace, name: &str, finished: usize) {
    fs::create_dir_all(place.path(name)).unwrap();
    place.write(&format!("{name}/ablation.toml"), ABLATION);
    let (trials, epochs) = trials(finished);
    write(place, name, &trials);
    write(place, name, &epochs);
}

/// The same with measurements and PyTorch beside them.
fn whole_folder(place: &Workplace, name: &str) {
    folder(place, name, 16);
    let (mut batches, mut samples, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for (variant, step) in [("growth-rate=4", 2_000_000), ("growth-rate=8", 3_000_000)] {
        let mut of = cells(&[("variant", variant), ("mode", "train"), ("batch_size", "16")]);
        of.extend(cells(&WHERE));
        of.extend(cells(&[("repeat", "0"), ("status", "ok"), ("allocator", "keep-pages")]));
        let ratio = if step > 2_000_000 { "1.5" } else { "" };
        let mut row = of.clone();
        row.extend(["step_ratio", "step_ratio_low", "step_ratio_high"].map(|name| (name, ratio.to_owned())));
        row.extend(["step_ns_median", "step_ns_low", "step_ns_high"].map(|name| (name, step.to_string())));
        batches.push(row);
        for round in 0..3 {
            for sample in 0..4 {
                let mut row = of.clone();
                row.push(("step", (4 * round + sample).to_string()));
                row.push(("step_ns", (step + 10_000 * sample).to_string()));
                row.push(("round", round.to_string()));
                samples.push(row);
            }
        }
        for peer in ["densenet-bench plain", "PyTorch eager NCHW"] {
            let mut row = of.clone();
            row.push(("peer", peer.to_owned()));
            peers.push(row);
        }
    }
    write(place, name, &rows::<BatchRow>(&batches));
    write(place, name, &rows::<SampleRow>(&samples));
    write(place, name, &rows::<PeerRow>(&peers));
}

fn write<T: Row>(place: &Workplace, folder: &str, rows: &[T]) {
    fs::write(place.path(folder).join(T::FILE), write_rows(rows).unwrap()).unwrap();
}

fn page(place: &Workplace, file: &str) -> String {
    fs::read_to_string(place.path(file)).unwrap()
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    text.split(from)
        .skip(1)
        .filter_map(|rest| rest.split(to).next())
        .collect()
}

fn headings(html: &str) -> Vec<&str> {
    let headings = between(html, "<h2 ", "</h2>");
    headings
        .iter()
        .filter_map(|heading| heading.split('>').nth(1))
        .collect()
}

/// The elements of a page in the order of their start tags, by an XML parser where the page is XML, too: every element is
/// closed and every attribute quoted. HTML's own void elements and its document type are made XML before.
fn elements(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let body = html.strip_prefix("<!DOCTYPE html>").unwrap();
    let mut xml = String::new();
    let mut rest = body;
    while let Some(start) = rest.find("<meta") {
        let end = start + rest[start..].find('>').unwrap();
        xml += &rest[..end];
        xml += "/>";
        rest = &rest[end + 1..];
    }
    xml += rest;
    // What is text to HTML is data to XML.
    for element in ["style", "script"] {
        let mut kept = String::new();
        for (place, part) in xml.split(&format!("<{element}")).enumerate() {
            match (place, part.split_once('>')) {
                (0, _) => kept += part,
                (_, Some((attributes, rest))) => {
                    let end = rest.find(&format!("</{element}>")).unwrap();
                    kept += &format!("<{element}{attributes}>{}", &rest[end..]);
                }
                (_, None) => panic!("{part}"),
            }
        }
        xml = kept;
    }
    let document = roxmltree::Document::parse(&xml).unwrap();
    let elements = document.descendants().filter(roxmltree::Node::is_element);
    elements
        .map(|element| {
            let attributes = element.attributes();
            let attributes = attributes.map(|one| (one.name().to_owned(), one.value().to_owned()));
            (element.tag_name().name().to_owned(), attributes.collect())
        })
        .collect()
}

#[test]
fn a_whole_study_is_a_page_with_every_section_in_its_order() {
    let place = Workplace::new();
    whole_folder(&place, "results/growth");
    let output = place.run(&["report", "results/growth"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output), "the report is results/growth/report.html\n");
    let html = page(&place, "results/growth/report.html");
    assert_eq!(
        headings(&html),
        [
            "The answer",
            "Variants",
            "Error and cost",
            "Losses and errors by epoch",
            "Speed and memory by batch size",
            "Step times",
            "Beside PyTorch",
            "Environment",
            "How to run it again"
        ]
    );
    let lead = between(&html, "<p class=\"lead\">", "</p>");
    assert!(
        lead[0].starts_with("growth rate 8 against 4: test error 1.41 points lower, 95 % interval ")
            && lead[0].contains("n = 8 paired seeds; a training step at batch 16 takes 1.50 times as long"),
        "{lead:?}"
    );
    assert!(html.find("What does a larger growth rate buy?").unwrap() < html.find("The answer").unwrap());
    let all = elements(&html);
    let count = |name: &str| all.iter().filter(|(element, _)| element == name).count();
    assert_eq!(
        (
            count("h1"),
            count("main"),
            count("nav"),
            count("script"),
            count("style")
        ),
        (1, 1, 1, 4, 2),
        "the program's three scripts and the curves' data, and its two styles"
    );
    assert!(
        count("svg") >= 8 && count("table") >= 7,
        "{} {}",
        count("svg"),
        count("table")
    );
}

#[test]
fn the_page_loads_nothing_and_its_policy_has_the_hashes_of_what_it_carries() {
    let place = Workplace::new();
    whole_folder(&place, "results/growth");
    place.ok(&["report", "results/growth"]);
    let html = page(&place, "results/growth/report.html");
    for (_, attributes) in elements(&html) {
        for (name, value) in attributes {
            assert!(
                !name.starts_with("on") && name != "style" && name != "src",
                "{name}={value}"
            );
            assert!(name != "href" || value.starts_with('#'), "{value}");
        }
    }
    let policy = between(&html, "http-equiv=\"Content-Security-Policy\" content=\"", "\"")[0];
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    let allowed = |directive: &str| {
        let rule = policy
            .split("; ")
            .find_map(|rule| rule.strip_prefix(directive))
            .unwrap();
        rule.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    for (directive, element) in [("style-src", "style"), ("script-src", "script")] {
        let carried = between(&html, &format!("<{element}>"), &format!("</{element}>"));
        let hashes: Vec<String> = carried
            .iter()
            .map(|text| format!("'sha256-{}'", base64(&Sha256::digest(text))))
            .collect();
        assert_eq!(allowed(directive), hashes, "{element}");
    }
}

/// By a table of bits rather than as the program does it.
fn base64(bytes: &[u8]) -> String {
    let letters: Vec<char> = ('A'..='Z')
        .chain('a'..='z')
        .chain('0'..='9')
        .chain(['+', '/'])
        .collect();
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let sixes = bits
        .as_bytes()
        .chunks(6)
        .map(|six| format!("{:0<6}", String::from_utf8_lossy(six)));
    let mut text: String = sixes
        .map(|six| letters[usize::from_str_radix(&six, 2).unwrap()])
        .collect();
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    text
}

#[test]
fn a_study_that_is_half_done_is_shown_as_far_as_it_is() {
    let place = Workplace::new();
    folder(&place, "results/growth", 11);
    place.ok(&["report", "results/growth"]);
    let html = page(&place, "results/growth/report.html");
    assert!(html.contains("11 of 16 trials have finished; the others are in no number."));
    let lead = between(&html, "<p class=\"lead\">", "</p>");
    assert!(lead[0].contains("n = 3 paired seeds"), "{lead:?}");
    assert!(!headings(&html).contains(&"Speed and memory by batch size"));
    // Nothing at all has finished, and there is not even a table.
    fs::create_dir_all(place.path("results/new")).unwrap();
    place.write("results/new/ablation.toml", ABLATION);
    place.ok(&["report", "results/new"]);
    let html = page(&place, "results/new/report.html");
    assert!(html.contains("Not answered yet: nothing has finished."));
    elements(&html);
}

#[test]
fn several_folders_are_one_page_side_by_side() {
    let place = Workplace::new();
    whole_folder(&place, "results/growth");
    folder(&place, "results/again", 16);
    let output = place.run(&["report", "results/growth", "results/again"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(said(&output), "the report is report.html\n");
    let html = page(&place, "report.html");
    let variants = between(&html, "id=\"variants\"", "</section>")[0];
    assert_eq!(between(variants, "<h3>", "</h3>"), ["results/growth", "results/again"]);
    let speed = between(&html, "id=\"speed\"", "</section>")[0];
    assert_eq!(between(speed, "<h3>", "</h3>"), ["results/growth"]);
    elements(&html);
    place.ok(&["report", "results/growth", "results/again", "--out", "both.html"]);
    assert_eq!(page(&place, "both.html"), html);
    assert_eq!(
        place.ok(&["report", "results/growth", "results/again", "--out", "-"]),
        html
    );
}

#[test]
fn hostile_text_becomes_neither_markup_nor_script() {
    let place = Workplace::new();
    let hostile =
        "</title></script><script>alert(1)</script><img src=x onerror=alert(2)>\\\" onclick=\\\"alert(3) &lt; \\u202e";
    folder(&place, "results/growth", 16);
    let ablation = ABLATION.replace("What does a larger growth rate buy?", hostile);
    place.write("results/growth/ablation.toml", &ablation);
    let text = "</td><script>alert('e')</script><svg onload=alert(4)>\u{1b}[2J\u{202e}";
    let mut trials: Vec<TrialRow> = place.rows("results/growth");
    let mut epochs: Vec<EpochRow> = place.rows("results/growth");
    for (place, row) in trials.iter_mut().enumerate() {
        (row.dataset, row.warning, row.cpu) = (text.to_owned(), text.to_owned(), text.to_owned());
        // Its epochs are its own still: the curves' data carry the text, too.
        let renamed = format!("{place}{text}");
        for epoch in epochs.iter_mut().filter(|epoch| epoch.trial == row.trial) {
            epoch.trial.clone_from(&renamed);
        }
        row.trial = renamed;
        if place == 5 {
            row.variant = text.to_owned();
        }
        if place == 3 {
            row.status = Status::Failed;
            row.error = text.to_owned();
        }
    }
    write(&place, "results/growth", &trials);
    write(&place, "results/growth", &epochs);
    let environment = format!("{{\"cpu\": {}}}", serde_json::json!(text));
    // An environment that is not whole is an error, and this one is not read as another.
    place.write("results/growth/environment.json", &environment);
    assert!(
        place
            .refused(&["report", "results/growth"])
            .contains("environment.json")
    );
    fs::remove_file(place.path("results/growth/environment.json")).unwrap();
    let output = place.run(&["report", "results/growth"]);
    assert!(output.status.success(), "{}", said(&output));
    let html = page(&place, "results/growth/report.html");
    let all = elements(&html);
    let known = [
        "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "h2", "section", "p", "nav", "ol", "li",
        "ul", "main", "footer", "script", "div", "table", "thead", "tbody", "tr", "th", "td", "button", "details",
        "summary", "figure", "svg", "polygon", "polyline", "circle", "text", "pre", "code",
    ];
    for (element, attributes) in &all {
        assert!(known.contains(&element.as_str()), "<{element}>");
        assert!(
            attributes.iter().all(|(name, _)| !name.starts_with("on")),
            "<{element}> {attributes:?}"
        );
    }
    assert_eq!(all.iter().filter(|(element, _)| element == "script").count(), 4);
    assert!(
        html.contains("&lt;script&gt;alert('e')&lt;/script&gt;"),
        "the error is shown as text"
    );
    let acts = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(!html.contains(acts), "{:?}", html.chars().find(|c| acts(*c)));
}

#[test]
fn what_is_no_result_folder_or_cannot_be_written_is_refused() {
    let place = Workplace::new();
    folder(&place, "results/growth", 16);
    assert!(
        place
            .refused(&["report", "results/none"])
            .contains("results/none: there is no such folder")
    );
    assert!(
        place
            .refused(&["report", "results"])
            .contains("this is not a result folder")
    );
    let said = place.refused(&["report", "results/growth", "results/none"]);
    assert!(said.contains("results/none"), "{said}");
    assert!(!place.path("results/growth/report.html").exists() && !place.path("report.html").exists());
    let said = place.refused(&["report", "results/growth", "--out", "no/such/page.html"]);
    assert!(said.contains("there is no folder no/such"), "{said}");
    let said = place.refused(&["report", "results/growth", "--out", "results"]);
    assert!(said.contains("it is a folder"), "{said}");
    fs::create_dir_all(place.path("results/growth/trials")).unwrap();
    let said = place.refused(&["report", "results/growth", "--out", "results/growth/trials.csv"]);
    assert!(said.contains("it is part of what a run has recorded"), "{said}");
    // Its own page it writes again, by whatever name.
    place.ok(&["report", "results/growth"]);
    place.ok(&["report", "results/growth", "--out", "./results/growth/report.html"]);
}

#[test]
fn a_damaged_table_is_named_and_the_page_without_its_rows_is_a_failure() {
    let place = Workplace::new();
    folder(&place, "results/growth", 16);
    let path = place.path("results/growth/epochs.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("0.3,", "high,", 1)).unwrap();
    let output = place.run(&["report", "results/growth"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("epochs.csv: line 2, column 'train_loss': 'high' is wrong"),
        "{}",
        said(&output)
    );
    elements(&page(&place, "results/growth/report.html"));
}

#[test]
fn a_run_writes_its_page_at_its_end() {
    let place = Workplace::new();
    place.write("small.toml", workplace::SMALL);
    let output = place.run(&["run", "small.toml", "--threads", "1"]);
    assert!(output.status.success(), "{}", said(&output));
    let html = page(&place, "results/small/report.html");
    for words in [
        "Does a fault spoil what was recorded?",
        "n = 2 seeds. There is no second variant",
        "densenet-bench run small.toml --threads 1",
        "block-layers = [2, 2]",
    ] {
        assert!(html.contains(words), "{words}");
    }
    elements(&html);
    // The same tables give the same page, to the last bit.
    place.ok(&["report", "results/small"]);
    assert!(page(&place, "results/small/report.html") == html);
}
