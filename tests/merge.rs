//! Result folders that are joined are those of one machine.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::fs;
use std::path::Path;

use densenet_bench::formats::tables::{BatchRow, Status, TrialRow};
use serde_json::Value;
use workplace::outcome::{assert_same, outcome};
use workplace::{SMALL, Workplace};

fn ablation() -> String {
    format!("{SMALL}[measure]\nbatch-sizes = [8]\nsteps = 2\nrounds = 2\n[sweep]\n\"model.growth-rate\" = [4, 6]\n")
}

/// Three shards in folders of their own, `a`, `b` and `c`, and one run alone.
fn shards() -> Workplace {
    let place = Workplace::new();
    place.write("small.toml", &ablation());
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    for (part, out) in ["0/3", "1/3", "2/3"].into_iter().zip(["a", "b", "c"]) {
        place.ok(&["run", "small.toml", "--threads", "1", "--out", out, "--shard", part]);
    }
    place
}

fn set(path: &Path, key: &str, value: impl Into<Value>) {
    let mut json: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    json[key] = value.into();
    fs::write(path, json.to_string()).unwrap();
}

#[test]
fn folders_of_shards_are_joined_into_what_one_machine_has() {
    let place = shards();
    let shown: Value =
        serde_json::from_str(&place.ok(&["merge", "a/small", "b/small", "c/small", "--into", "all", "--json"]))
            .unwrap();
    assert_eq!(
        (&shown["trials"], &shown["finished"], &shown["measurements"]),
        (&4.into(), &4.into(), &2.into())
    );
    assert_same(
        &outcome(&place.path("all")),
        &outcome(&place.path("alone/small")),
        "joined",
    );
    let measured = |folder: &str| -> Vec<(String, usize, Status)> {
        let rows: Vec<BatchRow> = place.rows(folder);
        rows.into_iter()
            .map(|row| (row.variant, row.batch_size, row.status))
            .collect()
    };
    assert_eq!(measured("all"), measured("alone/small"));
    for file in ["report.html", "summary.md", "environment.json", "plots"] {
        assert!(place.path("all").join(file).exists(), "{file}");
    }
    let rows: Vec<TrialRow> = place.rows("all");
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert!(
        rows.iter()
            .all(|row| row.host == host.trim() && !row.revision.is_empty()),
        "{rows:?}"
    );
    // Joined again, also without what it was joined from, it stays as it is.
    let before = outcome(&place.path("all"));
    place.ok(&["merge", "a/small", "--into", "all"]);
    place.ok(&["merge", "--into", "all"]);
    assert_same(&outcome(&place.path("all")), &before, "again");
    // A run takes it for its own.
    let again = place.run(&["run", "small.toml", "--threads", "1", "--only", "*=4"]);
    assert!(again.status.success());
    fs::rename(place.path("all"), place.path("small")).unwrap();
    let again = place.ok(&["status", "small"]);
    assert!(again.contains("4 trials: 4 ok"), "{again}");
}

#[test]
fn profiles_and_measurements_at_once_are_joined_as_they_are() {
    let place = Workplace::new();
    place.write("small.toml", &ablation());
    let run = ["run", "small.toml", "--threads", "1", "--out"];
    place.ok(&[&run[..], &["a", "--profile"]].concat());
    let at_once = ["b", "--trial", "measurements", "--jobs", "2", "--measure-at-once"];
    place.ok(&[&run[..], &at_once].concat());
    place.ok(&["merge", "a/small", "b/small", "--into", "all"]);
    let table = |folder: &str, name: &str| fs::read_to_string(place.path(folder).join(name)).unwrap();
    assert_eq!(table("all", "profile.csv"), table("a/small", "profile.csv"));
    assert!(table("all", "profile.csv").lines().count() > 10);
    assert_eq!(table("all", "batches.csv"), table("b/small", "batches.csv"));
    assert_eq!(place.rows::<BatchRow>("all").len(), 2);
}

#[test]
fn two_different_results_of_one_trial_are_refused_before_anything_is_copied() {
    let place = shards();
    let rows: Vec<TrialRow> = place.rows("alone/small");
    let trial = &rows[0].trial;
    let own = place.path(&format!("alone/small/trials/{trial}"));
    set(&own.join("result.json"), "weights_sha256", "0".repeat(64));
    let refused = place.refused(&["merge", "a/small", "b/small", "c/small", "alone/small", "--into", "all"]);
    assert!(
        refused.contains("growth-rate=4 seed 0 has another result than in "),
        "{refused}"
    );
    assert!(
        refused.contains("its weights differ") && refused.contains(trial),
        "{refused}"
    );
    assert!(!place.path("all").exists());
    set(&own.join("trial.json"), "data_fingerprint", "other");
    let refused = place.refused(&["merge", "a/small", "b/small", "c/small", "alone/small", "--into", "all"]);
    assert!(refused.contains("was trained on other data than in "), "{refused}");
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    let place = shards();
    place.write("other.toml", &ablation().replace("epochs = 2", "epochs = 1"));
    place.ok(&[
        "run",
        "other.toml",
        "--threads",
        "1",
        "--out",
        "other",
        "--shard",
        "0/3",
    ]);
    let refused = place.refused(&["merge", "a/small", "other/small", "--into", "all"]);
    assert!(
        refused.contains("other/small/ablation.toml:14: it differs here from a/small/ablation.toml"),
        "{refused}"
    );
    let refused = place.refused(&["merge", "a/small", "--into", "a/small"]);
    assert!(
        refused.contains("it is also what the folders are joined into"),
        "{refused}"
    );
    let refused = place.refused(&["merge", "no-such", "--into", "all"]);
    assert!(
        refused.contains("no-such") && refused.contains("there is no such folder"),
        "{refused}"
    );
    let refused = place.refused(&["merge", "--into", "all"]);
    assert!(refused.contains("no folder is named"), "{refused}");
    fs::create_dir(place.path("mine")).unwrap();
    place.write("mine/steps.csv", "mine");
    let refused = place.refused(&["merge", "a/small", "--into", "mine"]);
    assert!(
        refused.contains("mine/steps.csv: this file would be replaced"),
        "{refused}"
    );
    assert!(!place.path("all").exists());
}

#[test]
fn of_a_trial_that_two_folders_have_the_finished_one_is_taken() {
    let place = shards();
    let rows: Vec<TrialRow> = place.rows("alone/small");
    for (index, out) in ["a", "b"].into_iter().enumerate() {
        // Each has the record of every trial, and no result of some.
        fs::remove_dir_all(place.path(out)).unwrap();
        fs::create_dir_all(place.path(out)).unwrap();
        let copied = place.shell(&format!("cp -r alone/small {out}/small"));
        assert!(copied.status.success());
        for row in rows.iter().skip(index).step_by(2) {
            let own = place.path(&format!("{out}/small/trials/{}", row.trial));
            fs::remove_file(own.join("result.json")).unwrap();
            fs::remove_file(own.join("weights.safetensors")).unwrap();
        }
    }
    place.ok(&["merge", "a/small", "b/small", "--into", "all"]);
    assert_same(
        &outcome(&place.path("all")),
        &outcome(&place.path("alone/small")),
        "joined",
    );
    // A half of it has rows for all trials, as a run that was interrupted.
    place.ok(&["merge", "a/small", "--into", "half"]);
    let half: Vec<TrialRow> = place.rows("half");
    let statuses: Vec<Status> = half.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [Status::Pending, Status::Ok, Status::Pending, Status::Ok]);
}
