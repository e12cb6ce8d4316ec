//! Text that comes from files and does its worst: on the terminal, in tables, in plots and in the summary.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::tables::{Row, TrialRow, read_rows, write_rows};
use workplace::Workplace;

const ABLATION: &str = r##"
name = "hostile"
question = "# Is </text><script>alert(1)</script> \u001b[2J\u0000 `x` ![a](http://b) \u202e\ufffe?\n- no"
[data]
dataset = "digits"
[model]
block-layers = [1]
growth-rate = 4
[train]
epochs = 1
seeds = [0, 1]
"##;

/// What a library might say, with a line that is none of ours.
const ERROR: &str = "=1+1 \u{1b}]0;title\u{7}\u{9b}31m | <b>\nerror: \u{202e}all is well\r";

/// A row of the file's trial with that seed.
fn trial(seed: u64, status: &str) -> TrialRow {
    let value = |column: &str| match column {
        "ablation" => "hostile".to_owned(),
        "trial" => format!("t{seed}"),
        "variant" => "base".to_owned(),
        "seed" => seed.to_string(),
        "status" => status.to_owned(),
        "error" | "dataset" | "layout" | "cuda_graph" => String::new(),
        "device" => "cpu".to_owned(),
        "execution" => "plain".to_owned(),
        "block_layers" => "1".to_owned(),
        "bottleneck" => "false".to_owned(),
        "precision" => "f32".to_owned(),
        "weights_sha256" => String::new(),
        _ => "1".to_owned(),
    };
    let cells: Vec<String> = TrialRow::header().into_iter().map(value).collect();
    let table = format!("{}\n{}\n", TrialRow::header().join(","), cells.join(","));
    let mut rows = read_rows::<TrialRow>(table.as_bytes(), "a table").unwrap();
    let mut row = rows.remove(0);
    row.dataset = "<![CDATA[\u{1b}[1m".to_owned();
    row.family = "dense\u{7}&".to_owned();
    if status != "ok" {
        row.error = ERROR.to_owned();
    }
    row
}

/// Whether text holds nothing that acts on a terminal but the ends of its lines.
fn is_tame(text: &str) -> bool {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.chars().any(|c| c != '\n' && (c.is_control() || turns(c)))
}

#[test]
fn hostile_text_in_results_is_escaped_in_terminals_and_files() {
    let place = Workplace::new();
    fs::create_dir_all(place.path("results/hostile")).unwrap();
    place.write("results/hostile/ablation.toml", ABLATION);
    let table = write_rows(&[trial(0, "failed"), trial(1, "ok")]).unwrap();
    assert!(
        String::from_utf8_lossy(&table).contains("\"'=1+1"),
        "no formula for a spreadsheet"
    );
    fs::write(place.path("results/hostile/trials.csv"), table).unwrap();

    let output = place.run(&["plot", "results/hostile"]);
    assert!(output.status.success());
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(is_tame(&stdout) && is_tame(&stderr), "{stdout:?} {stderr:?}");
    assert!(
        stdout.contains("=1+1 \\u{1b}]0;title\\u{7}\\u{9b}31m | <b> error: \\u{202e}all is well\n"),
        "{stdout}"
    );

    let summary = fs::read_to_string(place.path("results/hostile/summary.md")).unwrap();
    assert!(is_tame(&summary), "{summary:?}");
    assert!(!summary.contains("<script") && !summary.contains("\n- no"), "{summary}");
    assert!(summary.contains("![a\\](http://b)"), "{summary}");
    assert!(summary.contains("\n\\# Is &lt;/text>&lt;script>"), "{summary}");
    let mut drawn = 0;
    for entry in fs::read_dir(place.path("results/hostile/plots")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "svg") {
            let svg = fs::read_to_string(&path).unwrap();
            let document = roxmltree::Document::parse(&svg).unwrap();
            let elements = document.descendants().filter(roxmltree::Node::is_element);
            assert!(elements.clone().all(|element| element.tag_name().name() != "script"));
            let words: String = elements.filter_map(|element| element.text()).collect();
            assert!(words.contains("<script>"), "the question is shown as text: {words}");
            drawn += 1;
        }
    }
    assert!(drawn > 0, "{stderr}");
}

#[test]
fn an_error_about_a_file_stays_on_its_line_whatever_the_file_is_called() {
    let place = Workplace::new();
    let name = "a\u{1b}[2J\nerror: b\u{202e}.toml";
    place.write(name, "nothing = 1");
    let said = place.refused(&["describe", name]);
    assert!(
        said.starts_with("error: a\\u{1b}[2J\\nerror: b\\u{202e}.toml:1: "),
        "{said:?}"
    );
    // Below it the place in the file is shown, on lines that are no messages.
    assert!(is_tame(&said), "{said:?}");
    assert!(said.lines().skip(1).all(|line| line.starts_with("  ")), "{said:?}");
    let said = place.refused(&["plot", name]);
    assert!(is_tame(&said) && said.lines().count() == 1, "{said:?}");
}
