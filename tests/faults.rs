//! Faults that a sweep of days meets: full disks, killed processes, a backend that throws, losses that are no number,
//! odd surroundings. In each the other trials finish, nothing recorded before is lost, and the message says what to do.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use densenet_bench::formats::tables::{EpochRow, Status, StepRow, TrialRow, read_rows};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use workplace::Workplace;
use workplace::outcome::{assert_same, outcome};

/// Two trials that last a moment.
const SMALL: &str = r#"
name = "small"
question = "Does a fault spoil what was recorded?"
[data]
dataset = "digits"
train-limit = 256
test-limit = 64
augment = "shift-flip"
[model]
block-layers = [2, 2]
growth-rate = 6
dropout = 0.1
[train]
epochs = 2
batch-size = 32
checkpoint-every = 3
seeds = [0, 1]
[run]
execution = "fused"
"#;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

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
        eprintln!("not tested here: the system allows no mount namespaces");
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
            return;
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
            return;
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
        return;
    };
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let text = said(&output);
    assert!(
        text.contains("Read-only file system") && text.contains("--out"),
        "{text}"
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn a_killed_trial_fails_alone_and_goes_on_at_the_next_run() {
    let place = Workplace::new();
    place.write("small.toml", &SMALL.replace("epochs = 2", "epochs = 12"));
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let mut command = place.command(&["run", "small.toml", "--threads", "1"]);
    let run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let trial = await_first_trial(&place, run.id());
    kill(trial, Signal::SIGKILL).unwrap();
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!((rows[0].status, rows[1].status), (Status::Failed, Status::Ok));
    assert!(rows[0].error.contains("killed (signal 9"), "{}", rows[0].error);
    place.ok(&["run", "small.toml", "--threads", "1"]);
    assert_same(
        &outcome(&place.path("results/small")),
        &outcome(&place.path("alone/small")),
        "after a kill",
    );
}

/// Waits until the first trial has a checkpoint; its process.
fn await_first_trial(place: &Workplace, run: u32) -> Pid {
    let patience = Instant::now() + Duration::from_secs(120);
    loop {
        let trials = fs::read_dir(place.path("results/small/trials"))
            .into_iter()
            .flatten()
            .flatten();
        let has_checkpoint = trials
            .into_iter()
            .any(|trial| trial.path().join("checkpoints").exists());
        let list = fs::read_to_string(format!("/proc/{run}/task/{run}/children")).unwrap_or_default();
        if let (true, Some(trial)) = (has_checkpoint, list.split_whitespace().next()) {
            return Pid::from_raw(trial.parse().unwrap());
        }
        assert!(Instant::now() < patience, "no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_trial_that_the_kernel_kills_for_want_of_memory_is_out_of_memory_and_the_others_finish() {
    let place = Workplace::new();
    // The first variant needs some gigabytes, the second next to nothing.
    let text = SMALL
        .replace("execution = \"fused\"", "")
        .replace("seeds = [0, 1]", "seeds = [0]")
        .replace("batch-size = 32", "batch-size = 256")
        .replace("growth-rate = 6", "growth-rate = 4")
        .replace("block-layers = [2, 2]", "block-layers = [12, 12]");
    place.write("small.toml", &(text + "[sweep]\n\"model.growth-rate\" = [200, 2]\n"));
    let Some(group) = MemoryGroup::new(700 << 20) else {
        eprintln!("not tested here: the system allows no memory cgroups");
        return;
    };
    let script = format!(
        "echo $$ > {}/cgroup.procs && exec \"$0\" run small.toml --threads 1",
        group.0
    );
    let output = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_densenet-bench")])
        .current_dir(place.path("."))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(
        (rows[0].status, rows[1].status),
        (Status::Oom, Status::Ok),
        "{}",
        said(&output)
    );
    assert!(rows[0].error.contains("take a smaller batch"), "{}", rows[0].error);
}

/// A control group with a limit of memory; removed when it is dropped.
struct MemoryGroup(String);

impl MemoryGroup {
    fn new(bytes: u64) -> Option<Self> {
        let name = format!("densenet-bench-test-{}", std::process::id());
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = |prefix: &str| own.lines().find_map(|line| Some(line.split_once(prefix)?.1.to_owned()));
        let (folder, file) = match path(":memory:") {
            Some(path) => (format!("/sys/fs/cgroup/memory{path}/{name}"), "memory.limit_in_bytes"),
            None => (format!("/sys/fs/cgroup{}/{name}", path("0::")?), "memory.max"),
        };
        fs::create_dir(&folder).ok()?;
        let group = Self(folder);
        fs::write(format!("{}/{file}", group.0), bytes.to_string()).ok()?;
        // Without this what does not fit is swapped out rather than killed.
        let _ = fs::write(format!("{}/memory.swap.max", group.0), "0");
        Some(group)
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_trial_that_runs_out_of_time_goes_on_from_its_checkpoint_when_it_has_more() {
    let place = Workplace::new();
    place.write(
        "small.toml",
        &SMALL
            .replace("epochs = 2", "epochs = 40")
            .replace("seeds = [0, 1]", "seeds = [0]"),
    );
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let mut timeouts = 0;
    loop {
        let output = place.run(&["run", "small.toml", "--threads", "1", "--timeout", "1500ms"]);
        if output.status.success() {
            break;
        }
        assert!(
            said(&output).contains("it ran longer than 1s 500ms and was killed"),
            "{}",
            said(&output)
        );
        timeouts += 1;
        assert!(timeouts < 200, "it does not get on");
    }
    assert_same(
        &outcome(&place.path("results/small")),
        &outcome(&place.path("alone/small")),
        "after timeouts",
    );
}

#[test]
fn a_loss_that_is_no_number_names_its_step_keeps_the_last_good_checkpoint_and_lets_the_others_finish() {
    let place = Workplace::new();
    let text = SMALL
        .replace("seeds = [0, 1]", "seeds = [0]")
        .replace("epochs = 2", "epochs = 4");
    place.write(
        "small.toml",
        &(text + "[sweep]\n\"train.learning-rate\" = [1e18, 0.1]\n"),
    );
    let output = place.run(&["run", "small.toml", "--threads", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!((rows[0].status, rows[1].status), (Status::Failed, Status::Ok));
    let steps: Vec<StepRow> = place.rows("results/small");
    let of_first: Vec<&StepRow> = steps.iter().filter(|row| row.trial == rows[0].trial).collect();
    let epochs: Vec<EpochRow> = place.rows("results/small");
    // Either the loss of a step, or the one that an evaluation finds first.
    let last = of_first.last().unwrap();
    let by_step = format!("at step {} (epoch {})", last.step, last.epoch);
    let by_epoch = epochs
        .iter()
        .rfind(|row| row.trial == rows[0].trial)
        .map(|row| format!("after epoch {}", row.epoch));
    assert!(
        rows[0].error.contains(&by_step) || by_epoch.is_some_and(|text| rows[0].error.contains(&text)),
        "{} {by_step}",
        rows[0].error
    );
    assert!(
        rows[0].error.contains("take a smaller learning-rate"),
        "{}",
        rows[0].error
    );
    // Running it again fails the same way, from the checkpoint or from the start, and loses no row.
    let again = place.run(&["run", "small.toml", "--threads", "1"]);
    assert_eq!(again.status.code(), Some(1));
    let repeated: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(repeated[0].error, rows[0].error);
    assert_eq!(place.rows::<StepRow>("results/small").len(), steps.len());
}

#[test]
fn a_clock_that_goes_backwards_changes_no_number() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let library = place.path("clock.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand-ins/clock.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .status();
    assert!(built.unwrap().success());
    let mut command = place.command(&["run", "small.toml", "--threads", "1"]);
    let output = command.env("LD_PRELOAD", &library).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_same(
        &outcome(&place.path("results/small")),
        &outcome(&place.path("alone/small")),
        "with the clock set back",
    );
    // The clock was in use: the run was recorded in 2014.
    let environment = place.json("results/small/environment.json");
    assert!(
        environment["started"].as_str().unwrap().starts_with("2014-"),
        "{environment}"
    );
}

#[test]
fn an_empty_environment_and_a_path_of_spaces_and_foreign_letters_are_no_hindrance() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let out = "mes résultats/Größe 大きさ";
    let output = place
        .command(&["run", "small.toml", "--threads", "1", "--out", out])
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let folder = format!("{out}/small");
    assert_same(
        &outcome(&place.path(&folder)),
        &outcome(&place.path("alone/small")),
        "without an environment",
    );
    for arguments in [
        vec!["status", folder.as_str()],
        vec!["plot", folder.as_str()],
        vec!["compare", "alone/small", folder.as_str()],
    ] {
        let output = place.command(&arguments).env_clear().output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn ten_thousand_finished_trials_in_one_folder_are_tables_a_status_and_plots() {
    const TRIALS: usize = 10_000;
    let place = Workplace::new();
    let seeds: Vec<String> = (0..TRIALS).map(|seed| seed.to_string()).collect();
    let text = SMALL
        .replace("seeds = [0, 1]", &format!("seeds = [{}]", seeds.join(", ")))
        .replace("epochs = 2", "steps = 1");
    place.write("small.toml", &text);
    // One trial is run; the others are finished by its example.
    place.write(
        "one.toml",
        &text.replace(&format!("seeds = [{}]", seeds.join(", ")), "seeds = [0]"),
    );
    place.ok(&["run", "one.toml", "--threads", "1"]);
    let listed = place.ok(&["run", "small.toml", "--list"]);
    let ids: Vec<&str> = listed.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(ids.len(), TRIALS);
    let example = place.path(&format!("results/small/trials/{}", ids[0]));
    for (seed, id) in ids.iter().enumerate().skip(1) {
        let folder = place.path(&format!("results/small/trials/{id}"));
        fs::create_dir(&folder).unwrap();
        for file in [
            "trial.json",
            "result.json",
            "steps.csv",
            "epochs.csv",
            "environment.json",
        ] {
            let text = fs::read_to_string(example.join(file)).unwrap();
            let text = text
                .replace(ids[0], id)
                .replace("\"seed\": 0,", &format!("\"seed\": {seed},"))
                .replace(",base,0,", &format!(",base,{seed},"));
            fs::write(folder.join(file), text).unwrap();
        }
    }
    let output = place.run(&["run", "small.toml", "--threads", "1"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("10000 trials (10000 of them finished before)"),
        "{}",
        said(&output)
    );
    assert_eq!(place.rows::<TrialRow>("results/small").len(), TRIALS);
    assert_eq!(place.rows::<StepRow>("results/small").len(), TRIALS);
    assert!(
        place
            .ok(&["status", "results/small"])
            .contains("10000 trials: 10000 ok")
    );
    assert!(place.path("results/small/plots/loss-curves.svg").exists());
}
