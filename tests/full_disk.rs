//! A disk that is full, in the middle of a row, of a checkpoint or of a plot, and a folder that cannot be written: on a
//! small file system in memory.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

#[macro_use]
mod skipped;
mod workplace;

use std::fs;
use std::process::{Command, Output};

use densenet_bench::formats::tables::{StepRow, read_rows};
use workplace::outcome::{assert_same, outcome};
use workplace::{SMALL, Workplace, said};

const NO_MOUNTS: &str = "the system allows no mount namespaces";

/// Runs a script in a mount namespace of its own, where it may mount; `$0` is the program. None where the system does
/// not allow such namespaces, as in some containers.
fn with_mounts(place: &Workplace, script: &str) -> Option<Output> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .arg(env!("CARGO_BIN_EXE_densenet-bench"))
            .current_dir(place.path("."))
            .env("OMP_WAIT_POLICY", "passive")
            .env("LC_ALL", "C.UTF-8");
        command.output()
    };
    let probe = unshare("mkdir -p probe && mount -t tmpfs -o size=1m none probe");
    if !probe.is_ok_and(|output| output.status.success()) {
        return None;
    }
    Some(unshare(script).unwrap())
}

#[test]
fn a_disk_that_is_full_at_any_point_loses_nothing_and_the_next_run_ends_as_one_that_never_met_it() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let expected = outcome(&place.path("alone/small"));

    // Sizes in KiB at which the disk is full early in the first trial, in its checkpoints, in the second trial, and in
    // the plots; each is emptied of nothing and grown before the run is started again.
    let mut faults = Vec::new();
    for size in [16, 56, 72, 96, 128, 176, 256, 400] {
        let script = format!(
            r#"
mkdir -p disk && mount -t tmpfs -o size={size}k none disk
"$0" run small.toml --threads 1 --out disk > /dev/null 2> first.txt
echo $? > status.txt
cp -r disk/small before
mount -o remount,size=64m disk
"$0" run small.toml --threads 1 --out disk > /dev/null 2> second.txt || exit 9
cp -r disk/small after
"#
        );
        let Some(output) = with_mounts(&place, &script) else {
            return skipped!(NO_MOUNTS);
        };
        let text = |name: &str| fs::read_to_string(place.path(name)).unwrap_or_default();
        assert!(
            output.status.success(),
            "{size} KiB: {}{}",
            said(&output),
            text("second.txt")
        );
        let (first, status) = (text("first.txt"), text("status.txt"));
        if status.trim() != "0" {
            // What happened and what to do.
            assert!(first.contains("No space left on device"), "{size} KiB: {first}");
            assert!(first.contains("free some space"), "{size} KiB: {first}");
            assert!(
                !first.contains("panic") && !first.contains("internal error"),
                "{size} KiB: {first}"
            );
        }
        assert_same(&outcome(&place.path("after")), &expected, &format!("{size} KiB"));
        // Rows that were whole before are still there.
        for trial in fs::read_dir(place.path("before/trials"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let before = fs::read(trial.path().join("steps.csv")).unwrap_or_default();
            let whole = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            let after = fs::read(place.path("after/trials").join(trial.file_name()).join("steps.csv")).unwrap();
            assert!(after.starts_with(&before[..whole]), "{size} KiB: rows were lost");
        }
        faults.push(format!("{size} KiB, status {}: {first}", status.trim()));
        for folder in ["before", "after"] {
            fs::remove_dir_all(place.path(folder)).unwrap_or_default();
        }
    }
    let all = faults.join("\n");
    for place in [".checkpoint", "plots/"] {
        assert!(all.contains(place), "no disk was full at {place}:\n{all}");
    }
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_a_row_leaves_the_rows_before_it() {
    let place = Workplace::new();
    // One epoch of many steps: rows are what is written.
    let text = SMALL
        .replace("train-limit = 256", "train-limit = 1437")
        .replace("batch-size = 32", "batch-size = 2")
        .replace("checkpoint-every = 3", "")
        .replace("epochs = 2", "epochs = 1")
        .replace("seeds = [0, 1]", "seeds = [0]");
    place.write("small.toml", &text);
    let mut met = 0;
    for size in [52, 60, 68, 76] {
        let script = format!(
            r#"
mkdir -p disk && mount -t tmpfs -o size={size}k none disk
"$0" run small.toml --threads 1 --out disk > /dev/null 2> first.txt
echo $? > status.txt
cp disk/small/trials/*/steps.csv . 2> /dev/null
cp disk/small/trials/*/result.json . 2> /dev/null || true
"#
        );
        let Some(output) = with_mounts(&place, &script) else {
            return skipped!(NO_MOUNTS);
        };
        assert!(output.status.success(), "{}", said(&output));
        let first = fs::read_to_string(place.path("first.txt")).unwrap();
        assert_eq!(
            fs::read_to_string(place.path("status.txt")).unwrap().trim(),
            "1",
            "{size} KiB: {first}"
        );
        if first.contains("/steps.csv: No space left on device") && first.contains("seed 0: ") {
            met += 1;
            // What did not fit whole was taken back.
            let rows = fs::read(place.path("steps.csv")).unwrap();
            assert_eq!(rows.last(), Some(&b'\n'), "{size} KiB: a torn row was left");
            let rows = read_rows::<StepRow>(&rows, "steps.csv").unwrap();
            assert!(rows.iter().enumerate().all(|(index, row)| row.step == index));
        }
    }
    assert!(met > 0, "no disk was full in the middle of a row");
}

#[test]
fn a_results_folder_that_is_read_only_is_refused_before_anything_starts() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    let script = r#"
mkdir -p disk && mount -t tmpfs -o size=1m none disk && mount -o remount,ro disk
"$0" run small.toml --threads 1 --out disk
"#;
    let Some(output) = with_mounts(&place, script) else {
        return skipped!(NO_MOUNTS);
    };
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let text = said(&output);
    assert!(
        text.contains("Read-only file system") && text.contains("--out"),
        "{text}"
    );
    assert!(output.stdout.is_empty());
}
