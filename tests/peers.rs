//! The comparison with PyTorch as far as it needs no PyTorch: what the program hands to the other side, what it
//! computes from it itself, and the tables.

#![cfg(feature = "burn")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use burn::tensor::{Tensor, TensorData};
use densenet_bench::backends::CPU;
use densenet_bench::formats::ablation::TrainSettings;
use densenet_bench::formats::tables::{PeerRow, Row, Status, StepRow, read_rows};
use densenet_bench::formats::{batches, weights};
use densenet_bench::measurement::{RoundResult, RoundSpec};
use densenet_bench::training;
use serde_json::Value;

/// Trained for as many steps as losses are compared, at one learning rate and at the measured batch size.
const SMALL: &str = r#"
name = "small"
question = "Do both sides compute the same?"
[data]
dataset = "digits"
train-limit = 100
[model]
block-layers = [1, 1]
growth-rate = 4
[train]
steps = 50
batch-size = 10
schedule = "constant"
learning-rate = 0.01
seeds = [3]
[measure]
batch-sizes = [20, 10]
mode = ["train", "evaluate"]
warmup-steps = 1
warmup-seconds = 0.0
steps = 3
rounds = 2
"#;

fn program(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_densenet-bench"))
        .args(arguments)
        .current_dir(folder)
        .env("OMP_WAIT_POLICY", "passive")
        .output()
        .unwrap()
}

fn ok(folder: &Path, arguments: &[&str]) -> String {
    let output = program(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder with `small.toml` and, in `inputs/`, what another program needs to measure it.
fn inputs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("small.toml"), SMALL).unwrap();
    fs::create_dir(folder.path().join("inputs")).unwrap();
    ok(
        folder.path(),
        &["inputs", "small.toml", "--out", "inputs", "--threads", "2"],
    );
    folder
}

#[test]
fn the_losses_on_the_files_are_those_of_a_run() {
    let folder = inputs();
    let base = "inputs/base";
    let losses = ok(
        folder.path(),
        &[
            "losses",
            &format!("{base}/losses.json"),
            "--weights",
            &format!("{base}/weights.safetensors"),
            "--batches",
            &format!("{base}/losses.safetensors"),
        ],
    );
    let said: Value = serde_json::from_str(&losses).unwrap();
    let losses: Vec<f64> = serde_json::from_value(said["losses"].clone()).unwrap();

    let only_training = SMALL.split("[measure]").next().unwrap();
    fs::write(folder.path().join("trained.toml"), only_training).unwrap();
    ok(
        folder.path(),
        &["run", "trained.toml", "--device", "cpu", "--threads", "2"],
    );
    let steps = fs::read(folder.path().join("results/small").join(StepRow::FILE)).unwrap();
    let trained: Vec<f64> = read_rows::<StepRow>(&steps, StepRow::FILE)
        .unwrap()
        .iter()
        .map(|row| row.loss)
        .collect();
    assert_eq!(losses, trained);
    assert_eq!(losses.len(), 50);
}

/// What the program answers for the first variant's batch of 10 images in a mode.
fn answers(folder: &Path, mode: &str, weights: &str) -> Value {
    let said = ok(
        folder,
        &[
            "answers",
            &format!("inputs/base/{mode}-10-0.json"),
            "--weights",
            weights,
            "--batches",
            "inputs/base/batch-10.safetensors",
        ],
    );
    serde_json::from_str(&said).unwrap()
}

#[test]
fn the_answers_are_those_of_the_network_that_is_timed() {
    let folder = inputs();
    let weights_at = "inputs/base/weights.safetensors";
    let evaluated = answers(folder.path(), "evaluate", weights_at);
    let trained = answers(folder.path(), "train", weights_at);
    assert_eq!(
        (&evaluated["loss"], &evaluated["gradient_norm"]),
        (&Value::Null, &Value::Null)
    );
    let logits = |said: &Value| -> Vec<f64> { serde_json::from_value(said["logits"].clone()).unwrap() };
    assert_eq!(logits(&evaluated).len(), 100);
    assert_eq!(logits(&trained).len(), 100);
    assert_ne!(
        logits(&evaluated),
        logits(&trained),
        "batch statistics are not running ones"
    );
    // The mean cross-entropy of those logits, by its formula.
    let batch = fs::read(folder.path().join("inputs/base/batch-10.safetensors")).unwrap();
    let labels = batches::read(&batch, "batch").unwrap().labels;
    let of_image = |(logits, &label): (&[f64], &i64)| {
        logits.iter().map(|logit| logit.exp()).sum::<f64>().ln() - logits[label as usize]
    };
    let expected = logits(&trained).chunks(10).zip(&labels).map(of_image).sum::<f64>() / 10.0;
    let loss = trained["loss"].as_f64().unwrap();
    assert!((loss - expected).abs() < 1e-5, "{loss}, not {expected}");

    // A step of plain descent moves the weights by the rate times the gradients.
    let spec = fs::read(folder.path().join("inputs/base/train-10-0.json")).unwrap();
    let spec: RoundSpec = serde_json::from_slice(&spec).unwrap();
    let graph = spec.settings.model.graph(spec.input, spec.classes).unwrap();
    let initial = weights::read(&fs::read(folder.path().join(weights_at)).unwrap(), weights_at).unwrap();
    let device = CPU.device(0);
    let opened = device.open().unwrap().autodiff();
    let model = training::build(&graph, &initial, &spec.settings.run, device, &opened).unwrap();
    let train = TrainSettings {
        momentum: 0.0,
        weight_decay: 0.0,
        nesterov: false,
        ..TrainSettings::default()
    };
    let mut learner = training::Learner::new(model, &train);
    let batch = batches::read(&batch, "batch").unwrap();
    let images = Tensor::from_data(TensorData::new(batch.images, batch.shape), &opened);
    learner.step(images, Tensor::from_data(TensorData::new(labels, [10]), &opened), 1.0);
    let moved = learner.model.weights();
    let learned = initial.iter().filter(|(name, _)| !name.contains("running"));
    let squares = learned.flat_map(|(name, tensor)| {
        let pairs = tensor.values.iter().zip(&moved[name].values);
        pairs.map(|(&before, &after)| f64::from(before - after).powi(2))
    });
    let expected = squares.sum::<f64>().sqrt();
    let norm = trained["gradient_norm"].as_f64().unwrap();
    assert!((norm / expected - 1.0).abs() < 1e-4, "{norm}, not {expected}");

    // The same gradients as a file.
    let file = "inputs/gradients.safetensors";
    let spec = "inputs/base/train-10-0.json";
    let batch = "inputs/base/batch-10.safetensors";
    let words = [
        "answers",
        spec,
        "--weights",
        weights_at,
        "--batches",
        batch,
        "--gradients",
        file,
    ];
    ok(folder.path(), &words);
    let gradients = weights::read(&fs::read(folder.path().join(file)).unwrap(), file).unwrap();
    let learned: Vec<&String> = initial.keys().filter(|name| !name.contains("running")).collect();
    assert_eq!(gradients.keys().collect::<Vec<_>>(), learned);
    let squares = gradients
        .values()
        .flat_map(|tensor| &tensor.values)
        .map(|&value| f64::from(value).powi(2));
    assert!((squares.sum::<f64>().sqrt() / norm - 1.0).abs() < 1e-12);
}

#[test]
fn every_round_of_the_index_can_be_measured_and_they_share_the_steps() {
    let folder = inputs();
    let index: Value = serde_json::from_slice(&fs::read(folder.path().join("inputs/index.json")).unwrap()).unwrap();
    assert_eq!((&index["ablation"], &index["rounds"]), (&"small".into(), &2.into()));
    let variant = &index["variants"][0];
    assert_eq!(variant["losses"]["batch_size"], 10);
    assert_eq!(variant["variables"]["OMP_NUM_THREADS"], "2");
    assert_eq!(variant["variables"]["MIMALLOC_PURGE_DELAY"], "-1");
    let measurements = variant["measurements"].as_array().unwrap();
    assert_eq!(measurements.len(), 4);
    for measurement in measurements {
        let size = measurement["batch_size"].as_u64().unwrap() as usize;
        let batch = fs::read(
            folder
                .path()
                .join("inputs")
                .join(measurement["batch"].as_str().unwrap()),
        )
        .unwrap();
        assert_eq!(batches::read(&batch, "batch").unwrap().shape, [size, 1, 8, 8]);
        for (round, steps) in [2, 1].into_iter().enumerate() {
            let path = PathBuf::from("inputs").join(measurement["rounds"][round].as_str().unwrap());
            let spec: RoundSpec = serde_json::from_slice(&fs::read(folder.path().join(&path)).unwrap()).unwrap();
            assert_eq!((spec.steps, spec.batch_size, spec.seed), (steps, size, 3));
            if round == 1 {
                let line = ok(folder.path(), &["measurement", path.to_str().unwrap()]);
                let result: RoundResult = serde_json::from_str(&line).unwrap();
                assert_eq!((result.status, result.step_ns.len()), (Status::Ok, steps));
            }
        }
    }
}

#[test]
fn a_file_that_measures_nothing_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = SMALL.split("[measure]").next().unwrap().to_owned() + "[run]\nexecution = \"plain\"\n";
    fs::write(folder.path().join("x.toml"), text).unwrap();
    let output = program(folder.path(), &["inputs", "x.toml", "--out", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr).trim_end(),
        "error: x.toml: the variants have no [measure], so there is nothing to compare; add one"
    );
}

/// Python from a checkout; the set-up needs it as well.
fn python(arguments: &[&str]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/peers/tests.py");
    Command::new("python3")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg(script)
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_scripts_own_tests_pass() {
    let output = python(&[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_scripts_table_is_the_one_that_is_plotted() {
    let table = python(&["--table"]).stdout;
    assert_eq!(
        String::from_utf8_lossy(&table).lines().next().unwrap(),
        PeerRow::header().join(",")
    );
    let rows = read_rows::<PeerRow>(&table, PeerRow::FILE).unwrap();
    assert_eq!(rows.len(), 4);
    let near = |ratio: Option<f64>, expected: f64| (ratio.unwrap() - expected).abs() < 1e-12;
    // Within the round that both have, in which its median step took 19 ms.
    assert!(near(rows[0].speed_ratio, 30.0 / 19.0) && near(rows[0].compiled_speed_ratio, 25.0 / 19.0));
    assert_eq!((rows[0].process_peak_bytes, rows[0].peak_share), (None, Some(0.25)));
    assert_eq!(rows[0].images_per_second, Some(500.0));
}
