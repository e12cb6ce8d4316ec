//! What two runs must have in common to the last bit.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Tables without their wall-clock and memory columns, each trial's own rows, and weights, by their names.
pub type Outcome = BTreeMap<String, Vec<u8>>;

/// The outcome in a result folder whose trials have all ended well.
pub fn outcome(folder: &Path) -> Outcome {
    let mut outcome = Outcome::new();
    for (table, left_out) in [
        (
            "trials.csv",
            &[
                "wall_ns",
                "train_images_per_second",
                "peak_memory_bytes",
                "processor_share",
                "warning",
            ][..],
        ),
        ("steps.csv", &[]),
        ("epochs.csv", &["wall_ns", "train_ns", "test_ns"]),
        ("correctness.csv", &[]),
    ] {
        outcome.insert(table.to_owned(), without_columns(&folder.join(table), left_out));
    }
    for entry in fs::read_dir(folder.join("trials")).unwrap() {
        let trial = entry.unwrap().path();
        let name = trial.file_name().unwrap().to_string_lossy().into_owned();
        for file in ["weights.safetensors", "steps.csv"] {
            let bytes = fs::read(trial.join(file)).unwrap_or_default();
            outcome.insert(format!("{name} {file}"), bytes);
        }
    }
    outcome
}

/// Asserts that two outcomes are the same, and names what is not.
pub fn assert_same(found: &Outcome, expected: &Outcome, which: &str) {
    let names = |outcome: &Outcome| outcome.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{which}");
    for (what, bytes) in expected {
        assert!(found[what] == *bytes, "{which}: {what} is not the same");
    }
}

fn without_columns(path: &Path, left_out: &[&str]) -> Vec<u8> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let kept: Vec<usize> = (0..header.len())
        .filter(|&index| !left_out.contains(&&header[index]))
        .collect();
    let mut text = String::new();
    for record in std::iter::once(header).chain(reader.records().map(Result::unwrap)) {
        let fields: Vec<&str> = kept.iter().map(|&index| &record[index]).collect();
        text += &(fields.join(",") + "\n");
    }
    text.into_bytes()
}
