//! `scripts/gpu-report` rehearsed: by the same code, on the CPU with small shapes, in little time.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

#[macro_use]
mod skipped;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Python with PyTorch where `scripts/compare-pytorch` has set it up, else without.
fn python() -> (PathBuf, bool) {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    let has_pytorch = own.exists();
    (if has_pytorch { own } else { PathBuf::from("python3") }, has_pytorch)
}

fn report(words: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/gpu/report.py");
    Command::new(python().0)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .args(["--program", env!("CARGO_BIN_EXE_densenet-bench")])
        .args(words)
        .output()
        .unwrap()
}

#[test]
fn a_rehearsal_writes_what_it_has_time_for_and_nothing_of_it_fails() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report");
    let started = std::time::Instant::now();
    let output = report(&["--rehearse", "--minutes", "1.2", "--out", out.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(started.elapsed().as_secs() < 90, "its time is bounded: {said}");
    let found: Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let parts = found["parts"].as_array().unwrap();
    let status = |name: &str| {
        let part = parts.iter().find(|part| part["part"] == name);
        part.unwrap_or_else(|| panic!("{name}: {said}"))["status"]
            .as_str()
            .unwrap()
    };
    // The first parts have the time on any machine; what has none says so.
    assert_eq!([status("doctor"), status("fixtures")], ["ok", "ok"], "{said}");
    for part in parts {
        assert!(["ok", "left out"].contains(&part["status"].as_str().unwrap()), "{part}");
    }
    let fixtures = parts.iter().find(|part| part["part"] == "fixtures").unwrap();
    let apart = fixtures["gradients"].as_f64().unwrap();
    assert!(apart > 0.0 && apart < 1e-4, "they are compared: {fixtures}");
    let page = fs::read_to_string(out.join("report.md")).unwrap();
    assert!(page.contains("This is a rehearsal on the CPU"), "{page}");
    assert!(out.join("doctor.txt").exists());
    if !python().1 {
        skipped!("PyTorch is not set up: scripts/compare-pytorch sets it up; gpu-report was rehearsed without it");
    }
}

#[test]
fn a_report_that_is_none_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    fs::write(&taken, "").unwrap();
    for (words, rule) in [
        (
            &["--device", "cpu"][..],
            "a report is of a GPU, and a rehearsal of one asks for --rehearse",
        ),
        (&["--device", "gpu"][..], "it must be cuda:N"),
        (&["--rehearse", "--minutes", "0"][..], "it must be from 0.05 to 60"),
        (
            &["--rehearse", "--out", taken.to_str().unwrap()][..],
            "is there already; name another folder with --out",
        ),
    ] {
        let output = report(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(rule), "{said}");
    }
    if densenet_bench::libtorch::cuda_devices() == 0 {
        let out = folder.path().join("none");
        let output = report(&["--out", out.to_str().unwrap()]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.starts_with("error: ") && said.contains("libtorch sees 0 CUDA devices"),
            "{said}"
        );
        assert!(!out.exists());
    }
}
