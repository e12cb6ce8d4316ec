//! The logic of the scripts that have tests of their own, in Python.

use std::{path::Path, process::Command};

/// Runs the tests of a folder of `scripts/`.
fn passes(folder: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(folder)
        .join("tests.py");
    let output = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn parity_of_training_goes_on_and_tells_equivalent_from_different() {
    passes("parity");
}

#[test]
fn weights_are_converted_from_what_holds_tensors_alone() {
    passes("weights");
}

#[test]
fn publishing_refuses_what_it_should_and_published_tables_are_what_their_results_give() {
    passes("publishing");
}

#[test]
fn the_loaders_are_compared_round_by_round() {
    passes("loading");
}
