//! What can be known of a run beforehand, and followed while it goes on: `--list`, `--estimate`, `status --watch`, `--tensorboard`.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;
use std::time::{Duration, Instant};

use densenet_bench::formats::tables::{StepRow, TrialRow};
use serde_json::Value;
use workplace::{SMALL, Workplace, said};

const MEASURED: &str =
    "[measure]\nbatch-sizes = [8, 16]\nsteps = 2\nrounds = 2\nwarmup-steps = 1\nwarmup-seconds = 0.0\n";

#[test]
fn the_list_sums_up_steps_and_images() {
    let place = Workplace::new();
    place.write("small.toml", &format!("{SMALL}{MEASURED}"));
    let output = place.run(&["run", "small.toml", "--list"]);
    // 256 images in batches of 32, by 2 epochs and 2 seeds.
    let sum = "2 trials of 32 steps and 1,024 images in all, and 2 measurements";
    assert!(said(&output).contains(sum), "{}", said(&output));
}

#[test]
fn an_estimate_has_times_with_intervals_and_memory_and_leaves_nothing_behind() {
    let place = Workplace::new();
    place.write("small.toml", &format!("{SMALL}{MEASURED}"));
    let printed = place.ok(&["run", "small.toml", "--estimate"]);
    for words in [
        "variant",
        "2 trials: ",
        " (95 % interval ",
        "from 3 pairs of probes",
        "measurements: ",
    ] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    assert!(!place.path("results").exists());
    let json: Value = serde_json::from_str(&place.ok(&["run", "small.toml", "--estimate", "--json"])).unwrap();
    let variant = &json["variants"][0];
    assert_eq!((&variant["trials"], &variant["steps"]), (&2.into(), &16.into()));
    let seconds = |of: &Value| of["seconds"].as_f64().unwrap();
    assert!(
        seconds(&variant["each"]) > 0.0 && seconds(&json["measurements"]) > 0.0,
        "{json}"
    );
    assert!((seconds(&json["trials"]) - 2.0 * seconds(&variant["each"])).abs() < 1e-6);
    assert!(json["trials"]["seconds_low"].as_f64().unwrap() <= seconds(&json["trials"]));
    assert!(variant["peak_memory_bytes"].as_u64().unwrap() > 1 << 20);
}

#[test]
fn what_would_fail_is_found_by_the_estimate() {
    let place = Workplace::new();
    place.write(
        "small.toml",
        &SMALL.replace("batch-size = 32", "batch-size = 32\nlearning-rate = 1e30"),
    );
    let output = place.run(&["run", "small.toml", "--estimate"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("base seed 0: "), "{}", said(&output));
    for other in ["--list", "--fresh", "--find-max-batch", "--tensorboard"] {
        assert!(
            place
                .refused(&["run", "small.toml", "--estimate", other])
                .contains(other)
        );
    }
}

#[test]
fn every_trial_has_its_event_file_also_one_that_had_finished() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml"]);
    assert!(!place.path("results/small/tensorboard").exists());
    place.ok(&["run", "small.toml", "--tensorboard"]);
    let trials: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(trials.len(), 2);
    for trial in trials {
        let file = format!(
            "results/small/tensorboard/base/seed-{}/events.out.tfevents.{}",
            trial.seed, trial.trial
        );
        let bytes = fs::read(place.path(&file)).unwrap();
        let steps: Vec<StepRow> = place.rows("results/small");
        let own = steps.iter().filter(|step| step.trial == trial.trial).count();
        let tags = bytes.windows(15).filter(|window| window == b"step/train_loss").count();
        assert_eq!((tags, own), (16, 16));
    }
}

#[test]
fn watching_follows_a_run_to_its_end_and_ends_at_once_without_one() {
    let place = Workplace::new();
    let slow = SMALL
        .replace("epochs = 2", "epochs = 40")
        .replace("seeds = [0, 1]", "seeds = [0]");
    place.write("small.toml", &slow);
    let mut run = place.command(&["run", "small.toml"]).spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while !place.path("results/small/trials.csv").exists() {
        assert!(Instant::now() < patience, "the run does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    let watched = place.ok(&["status", "results/small", "--watch"]);
    assert!(run.wait().unwrap().success());
    assert!(watched.contains("a run is in progress: "), "{watched}");
    assert!(watched.trim_end().ends_with("1 trial: 1 ok"), "{watched}");
    assert_eq!(
        place.ok(&["status", "results/small", "--watch"]),
        place.ok(&["status", "results/small"])
    );
    assert!(
        place
            .refused(&["status", "results/small", "--watch", "--json"])
            .contains("--json")
    );
}

#[test]
fn the_roofline_is_measured_on_request() {
    let place = Workplace::new();
    assert!(!place.ok(&["doctor"]).contains("GFLOP/s"));
    let printed = place.ok(&["doctor", "--roofline"]);
    assert!(printed.contains(" GFLOP/s in a matrix product and "), "{printed}");
}
