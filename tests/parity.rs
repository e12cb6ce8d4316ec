//! The logic of `scripts/parity-of-training`.

use std::{path::Path, process::Command};

#[test]
fn the_scripts_own_tests_pass() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/parity/tests.py");
    let output = Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
