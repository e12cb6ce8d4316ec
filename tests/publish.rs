//! The logic of `scripts/publish`, and the published tables beside the results that they were computed from.

use std::{path::Path, process::Command};

#[test]
fn the_scripts_own_tests_pass_and_published_tables_are_what_their_results_give() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/publishing/tests.py");
    let output = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
