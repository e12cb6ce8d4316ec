//! `report` on result folders: whole and half-finished ones, several, hostile ones, and what it refuses.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::tables::{EpochRow, Status, TrialRow};
use sha2::{Digest, Sha256};
use workplace::study::{ABLATION, folder, whole_folder, write};
use workplace::{Workplace, said};

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
