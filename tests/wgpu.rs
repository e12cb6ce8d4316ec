//! wgpu against flex, in the whole program, on whatever adapter there is; Mesa's software driver will do.
//!
//! `cargo test --release --locked --features wgpu --test wgpu`

#![cfg(feature = "wgpu")]

mod workplace;

use densenet_bench::formats::tables::{BatchRow, EpochRow, Status, StepRow, TrialRow};
use workplace::Workplace;

/// Two executions of a network with every kind of layer, few steps of each.
const NETWORK: &str = r#"
name = "small"
question = "Do two backends compute the same?"
[data]
dataset = "digits"
train-limit = 96
test-limit = 32
[model]
block-layers = [2, 2]
growth-rate = 4
bottleneck = true
compression = 0.5
[train]
epochs = 1
batch-size = 16
[sweep]
"run.execution" = ["plain", "recompute"]
"#;

/// The largest difference that six steps of f32 sums in another order may come to, as a share.
const TOLERANCE: f64 = 1e-3;

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= TOLERANCE * theirs.abs()
}

#[test]
fn a_run_gives_the_losses_of_flex_in_every_execution() {
    let place = Workplace::new();
    place.write("small.toml", NETWORK);
    for device in ["flex", "wgpu"] {
        place.ok(&["run", "small.toml", "--device", device, "--out", device]);
    }
    let trials: Vec<TrialRow> = place.rows("wgpu/small");
    assert_eq!(trials.len(), 2);
    for trial in &trials {
        assert_eq!((trial.status, trial.device.as_str()), (Status::Ok, "wgpu"));
    }
    let (ours, theirs): (Vec<StepRow>, Vec<StepRow>) = (place.rows("wgpu/small"), place.rows("flex/small"));
    assert_eq!((ours.len(), theirs.len()), (12, 12));
    for (a, b) in ours.iter().zip(&theirs) {
        assert_eq!((&a.variant, a.step), (&b.variant, b.step));
        assert!(
            close(a.loss, b.loss),
            "{} step {}: {} and {}",
            a.variant,
            a.step,
            a.loss,
            b.loss
        );
    }
    assert!(ours[5].loss < ours[0].loss, "it learns");
    let (ours, theirs): (Vec<EpochRow>, Vec<EpochRow>) = (place.rows("wgpu/small"), place.rows("flex/small"));
    for (a, b) in ours.iter().zip(&theirs) {
        assert!(close(a.test_loss, b.test_loss), "{} and {}", a.test_loss, b.test_loss);
    }
    let record = place.json("wgpu/small/environment.json");
    for library in ["wgpu", "cubecl"] {
        let version = record["versions"][library].as_str().unwrap();
        assert!(
            version.starts_with(|c: char| c.is_ascii_digit()),
            "{library}: {version}"
        );
    }
    assert!(record["gpu"].is_string(), "the adapter is recorded: {record}");
    assert!(record["libtorch"].is_null());
}

#[test]
fn speed_is_measured_and_memory_left_empty() {
    let place = Workplace::new();
    let (head, _) = NETWORK.split_once("[train]").unwrap();
    place.write(
        "small.toml",
        &format!("{head}[measure]\nbatch-sizes = [4]\nmode = [\"train\", \"evaluate\"]\nsteps = 2\nrounds = 1\n"),
    );
    place.ok(&["run", "small.toml", "--device", "wgpu"]);
    let rows: Vec<BatchRow> = place.rows("results/small");
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!((row.status, row.device.as_str()), (Status::Ok, "wgpu"));
        assert!(row.images_per_second.is_some_and(|speed| speed > 0.0));
        let memory = [
            row.allocated_peak_bytes,
            row.process_peak_bytes,
            row.predicted_peak_bytes,
        ];
        assert_eq!(memory, [None; 3]);
    }
}

#[test]
fn what_wgpu_does_not_have_is_refused() {
    let place = Workplace::new();
    let refused = |run: &str, more: &[&str]| {
        let (head, _) = NETWORK.split_once("[sweep]").unwrap();
        place.write("small.toml", &format!("{head}[run]\n{run}\n"));
        place.refused(&[&["run", "small.toml", "--device", "wgpu"], more].concat())
    };
    for (run, more, rule) in [
        (
            "execution = \"aten\"",
            &[][..],
            "which needs libtorch, and the device is wgpu",
        ),
        (
            "execution = \"fused\"",
            &[],
            "which runs on the processor alone, and the device is wgpu",
        ),
        (
            "precision = \"tf32\"",
            &[],
            "precision is \"tf32\", which the device wgpu does not have",
        ),
        (
            "",
            &["--memory-limit", "1GB"],
            "the memory of wgpu cannot be limited; leave it out, or take --device cpu",
        ),
    ] {
        let error = refused(run, more);
        assert!(error.contains(rule), "{error}");
    }
    assert!(!place.path("results").exists());
}

#[test]
fn the_doctor_runs_a_network_on_it() {
    let printed = Workplace::new().ok(&["doctor"]);
    let line = printed.lines().find(|line| line.contains(" wgpu ")).unwrap();
    assert!(line.starts_with("ok ") && line.contains("a network ran"), "{line}");
    assert!(line.contains("execution plain, recompute"), "{line}");
}
