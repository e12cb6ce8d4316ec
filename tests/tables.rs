//! The tables as other programs read them: pandas, Polars, DuckDB, R and LibreOffice Calc.

#[macro_use]
mod skipped;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use densenet_bench::formats::misread::{Misreading, misreading};
use densenet_bench::formats::tables::{EpochRow, Row, Status, StepRow, TrialRow, read_rows, write_rows};
use densenet_bench::formats::tensorboard::event_file;
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Words that no program asked takes for anything but text, and a spreadsheet whose user has another language, or
/// Excel, takes for a number or a date.
const OTHER_SPREADSHEETS: [&str; 18] = [
    "1-2",
    "1-mar",
    "1-mar-2024",
    "1,2,3",
    "1,5",
    "1/2",
    "2024-001",
    "2024-01",
    "2024-13-01",
    "31-1",
    "5may",
    "MAR1",
    "dec10",
    "jan-2024",
    "jan2024",
    "mar-1",
    "mar1",
    "sept1",
];

#[test]
fn every_word_that_a_program_takes_for_no_text_is_known() {
    let text = fs::read_to_string(root().join("tests/fixtures/misread.json")).unwrap();
    let fixture: Value = serde_json::from_str(&text).unwrap();
    let words = fixture["words"].as_object().unwrap();
    assert!(words.len() > 100, "{}", words.len());
    for (word, programs) in words {
        let programs = programs.as_object().unwrap();
        let found = misreading(word);
        let is_missing = programs.values().any(|taken_for| taken_for == "missing");
        if is_missing {
            assert_eq!(found, Some(Misreading::Missing), "{word}: {programs:?}");
        } else if !programs.is_empty() {
            assert!(found.is_some(), "{word}: {programs:?}");
        } else if found.is_some() {
            assert!(OTHER_SPREADSHEETS.contains(&word.as_str()), "{word} is a text to all");
        }
    }
}

fn trial(index: usize, id: &str, variant: &str) -> TrialRow {
    let third = 1.0 / (3.0 + index as f64);
    TrialRow {
        ablation: "2024-01-02".into(),
        trial: id.into(),
        variant: variant.into(),
        seed: 1 << (index * 7),
        status: [Status::Ok, Status::Failed][index % 2],
        error: [
            "",
            "the loss became NaN at step 3, \"epoch\" 0;\ntake a smaller learning-rate",
            "=1+1",
            "NA",
        ][index % 4]
            .into(),
        device: "cuda:0".parse().unwrap(),
        execution: densenet_bench::formats::ablation::Execution::Fused,
        precision: densenet_bench::formats::ablation::Precision::F32,
        family: "densenet".into(),
        dataset: "digits".into(),
        block_layers: [Some(vec![6, 12, 24]), Some(vec![12]), Some(vec![1, 2]), None][index % 4].clone(),
        growth_rate: Some(12).filter(|_| index != 2),
        bottleneck: [Some(true), None][index % 2],
        compression: Some(0.5),
        initial_channels: Some(16),
        dropout: Some(0.1 + 0.2),
        parameters: 7_978_856,
        macs: 2_834_161_664,
        epochs: 300,
        batch_size: 64,
        steps: 234_600,
        final_train_loss: Some([third, f64::NAN, 1e-7 * third, f64::INFINITY][index % 4]),
        final_train_error: Some(0.0),
        final_validation_loss: None,
        final_validation_error: None,
        final_test_loss: Some(third * 1e22),
        final_test_error: Some(f64::from_bits(third.to_bits() + 1)),
        published_error: Some(0.0374),
        train_images_per_second: Some(third * 1e4),
        processor_share: Some(third),
        peak_memory_bytes: Some(68_719_476_737),
        wall_ns: Some(604_800_123_456_789),
        warning: String::new(),
        test_images: Some(10_000),
        layout: None,
        skipped_steps: None,
        cuda_graph: None,
        cpu: "AMD EPYC (family 25, model 17, stepping 1) with AVX-512".to_owned(),
        revision: "4".repeat(40),
        host: "node7".to_owned(),
        weights_sha256: "9".repeat(64),
    }
}

/// Tables whose texts look like anything else, and whose numbers have all their digits.
fn write_tables(folder: &Path) {
    let variants = ["growth-rate=12,bottleneck=true", "block-layers=6-12-24", "None", "1e5"];
    let ids = [
        "1234567890123456",
        "12345678901e4567",
        "0012345678901234",
        "e1979bc3da6c8a93",
    ];
    let trials: Vec<TrialRow> = (0..4).map(|index| trial(index, ids[index], variants[index])).collect();
    let step = |step: usize| StepRow {
        // The first hundred rows, from which types are guessed, are of one trial.
        trial: ids[usize::from(step >= 150)].into(),
        variant: variants[2 + usize::from(step >= 150)].into(),
        seed: 0,
        epoch: step / 10,
        step,
        loss: f64::from_bits(0x4002_3456_789a_bcde + 0x0000_1357_9bdf_0246 * step as u64),
        learning_rate: 0.1 / (1.0 + step as f64),
    };
    let steps: Vec<StepRow> = (0..300).map(step).collect();
    fs::write(folder.join(TrialRow::FILE), write_rows(&trials).unwrap()).unwrap();
    fs::write(folder.join(StepRow::FILE), write_rows(&steps).unwrap()).unwrap();
    fs::write(folder.join(EpochRow::FILE), write_rows::<EpochRow>(&[]).unwrap()).unwrap();
    let read: Vec<TrialRow> = read_rows(&fs::read(folder.join(TrialRow::FILE)).unwrap(), "trials.csv").unwrap();
    assert_eq!(read[2].variant, "None");
    assert_eq!(read[0].trial, ids[0]);
    let own: Vec<StepRow> = steps.iter().filter(|step| step.trial == ids[0]).cloned().collect();
    let curves = folder.join("tensorboard/v/seed-0");
    fs::create_dir_all(&curves).unwrap();
    let events = curves.join(format!("events.out.tfevents.{}", ids[0]));
    fs::write(events, event_file(1.5e9, &own, &[])).unwrap();
}

#[test]
fn the_queries_of_the_documentation_run_on_tables_as_they_are() {
    let python: PathBuf = root().join(".tools/tables/bin/python");
    if !python.exists() {
        return skipped!("scripts/check-tables has not set up pandas, Polars and DuckDB");
    }
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results/growth");
    fs::create_dir_all(&results).unwrap();
    for table in [TrialRow::FILE, EpochRow::FILE] {
        fs::copy(root().join("results/published/growth").join(table), results.join(table)).unwrap();
    }
    let mut queries = Command::new(python);
    queries.arg(root().join("scripts/tables/queries.py"));
    let output = queries
        .arg(root().join("docs/results.md"))
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{problems}");
    assert_eq!(said.matches(": as expected").count(), 3, "{said}");
}

#[test]
fn programs_that_are_installed_read_every_cell_as_it_was_written() {
    let python: PathBuf = root().join(".tools/tables/bin/python");
    if !python.exists() {
        return skipped!("scripts/check-tables has not set up pandas, Polars and DuckDB");
    }
    let folder = tempfile::tempdir().unwrap();
    write_tables(folder.path());
    let mut check = Command::new(python);
    check.arg(root().join("scripts/tables/check.py")).arg(folder.path());
    let output = check.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in said.lines().filter(|line| line.contains("not installed")) {
        skipped!(line);
    }
}
