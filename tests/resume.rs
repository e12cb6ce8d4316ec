//! Runs that are stopped, edited, held or refused: what is resumed, kept and reported.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use densenet_bench::formats::tables::{BatchRow, Status, StepRow, TrialRow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use workplace::outcome::{assert_same, outcome};
use workplace::{Workplace, await_end, await_while, checkpoints, children, said};

/// Long enough to be stopped in its middle.
const LONG: &str = r#"
name = "long"
question = "Does it stop where it should?"
[data]
dataset = "digits"
train-limit = 400
test-limit = 96
augment = "shift-flip"
[model]
block-layers = [2, 2]
growth-rate = 6
dropout = 0.1
[train]
epochs = 12
batch-size = 32
checkpoint-every = 4
seeds = [0, 1]
[run]
execution = "fused"
"#;

/// The same, for tests that let it end.
fn short() -> String {
    LONG.replace("epochs = 12", "epochs = 2")
}

/// Starts a run in the background.
fn start(place: &Workplace, arguments: &[&str]) -> Child {
    let mut command = place.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the first trial of a run has a checkpoint; fails where the run ends before it.
fn await_checkpoint(place: &Workplace, run: &mut Child) {
    let folder = place.path("results/long");
    await_while(run, "a checkpoint", || checkpoints(&folder).pop());
}

/// Waits until a run has started a trial; its process.
fn await_trial(run: &mut Child) -> i32 {
    let id = run.id();
    await_while(run, "a trial", || children(id).pop())
}

/// Stops the trial of a run, but not the run; its process.
fn hold_still(run: &mut Child) -> i32 {
    loop {
        let trial = await_trial(run);
        // It may have ended by now, and then the next one is held.
        if kill(Pid::from_raw(trial), Signal::SIGSTOP).is_ok() {
            return trial;
        }
    }
}

fn send(run: &Child, signal: Signal) {
    kill(Pid::from_raw(run.id() as i32), signal).unwrap();
}

#[test]
fn a_run_that_is_asked_to_stop_saves_its_step_says_so_and_resumes_to_the_same_end() {
    let place = Workplace::new();
    place.write("long.toml", LONG);
    place.ok(&["run", "long.toml", "--threads", "1", "--out", "alone"]);
    let arguments = ["run", "long.toml", "--threads", "1"];
    for (signal, name, status) in [
        (Signal::SIGINT, "SIGINT", 130),
        (Signal::SIGTERM, "SIGTERM", 143),
        (Signal::SIGHUP, "SIGHUP", 129),
    ] {
        let mut run = start(&place, &arguments);
        await_checkpoint(&place, &mut run);
        // A run that has started a trial hears signals; before that there is nothing to save.
        await_trial(&mut run);
        send(&run, signal);
        let output = run.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        assert!(
            said(&output).contains(&format!("stopped by {name}: 0 of 2 trials finished")),
            "{}",
            said(&output)
        );

        let rows: Vec<TrialRow> = place.rows("results/long");
        assert_eq!(rows[0].status, Status::Interrupted);
        assert!(
            rows[0].error.contains("run the same command again"),
            "{}",
            rows[0].error
        );
        // The rows so far are in the table, and the checkpoint stands behind the last of them.
        let steps: Vec<StepRow> = place.rows("results/long");
        let shown = place.ok(&["status", "results/long"]);
        assert!(
            !steps.is_empty() && shown.contains(&format!("{} of ", steps.len())),
            "{shown}"
        );
        assert!(shown.contains("interrupted") && shown.contains("2 trials"), "{shown}");
    }
    let output = place.run(&arguments);
    assert!(
        output.status.success() && said(&output).contains("resuming after step"),
        "{}",
        said(&output)
    );
    assert_same(
        &outcome(&place.path("results/long")),
        &outcome(&place.path("alone/long")),
        "after three signals",
    );
    let leftover = fs::read_dir(place.path("results/long/trials")).unwrap().flatten();
    for trial in leftover {
        assert!(
            !trial.path().join("checkpoints").exists(),
            "a finished trial needs no checkpoints"
        );
    }
}

#[test]
fn a_second_interrupt_stops_at_once_and_no_trial_outlives_its_run() {
    let place = Workplace::new();
    place.write("long.toml", LONG);
    let mut run = start(&place, &["run", "long.toml", "--threads", "1"]);
    await_checkpoint(&place, &mut run);
    // A trial that is held still does not finish its step: the run waits for it until it is asked again.
    let trial = hold_still(&mut run);
    send(&run, Signal::SIGINT);
    // A second signal at once is the first one twice, as `timeout` sends it.
    send(&run, Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(1000));
    assert!(run.try_wait().unwrap().is_none(), "it did not wait for its trial");
    send(&run, Signal::SIGINT);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    await_end(trial);
    place.ok(&["run", "long.toml", "--threads", "1"]);
}

#[test]
fn a_measurement_that_is_asked_to_stop_is_a_row_and_keeps_the_rounds_before_it() {
    let place = Workplace::new();
    let train = LONG.find("[train]").unwrap();
    let measure = "[measure]\nbatch-sizes = [8]\nsteps = 6\nrounds = 3\nwarmup-seconds = 1.0\n";
    place.write("long.toml", &(LONG[..train].to_owned() + measure));
    let mut run = start(&place, &["run", "long.toml", "--threads", "1"]);
    let measurements = place.path("results/long/measurements");
    await_while(&mut run, "a round", || {
        let own = fs::read_dir(&measurements).ok()?.flatten().next()?.path();
        own.join("round-0.json").exists().then_some(())
    });
    send(&run, Signal::SIGINT);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let row = &place.rows::<BatchRow>("results/long")[0];
    assert!(
        matches!(row.status, Status::Interrupted | Status::Pending),
        "{:?}",
        row.status
    );
    place.ok(&["run", "long.toml", "--threads", "1"]);
    let row = &place.rows::<BatchRow>("results/long")[0];
    assert_eq!((row.status, row.steps), (Status::Ok, 6));
}

#[test]
fn two_runs_on_one_folder_the_second_says_who_holds_it() {
    let place = Workplace::new();
    place.write("long.toml", LONG);
    let mut run = start(&place, &["run", "long.toml", "--threads", "1"]);
    await_checkpoint(&place, &mut run);
    // Held still, so that it is running for as long as this looks at it.
    hold_still(&mut run);
    let refusal = place.refused(&["run", "long.toml", "--threads", "1"]);
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let holder = format!("process {} on {}, since 20", run.id(), host.trim());
    assert!(refusal.contains(&holder) && refusal.contains("--out"), "{refusal}");
    let shown = place.ok(&["status", "results/long"]);
    assert!(
        shown.contains("running") && shown.contains(&format!("a run is in progress: {holder}")),
        "{shown}"
    );
    // Killed, it leaves a lock that is nobody's.
    run.kill().unwrap();
    run.wait().unwrap();
    place.ok(&["run", "long.toml", "--threads", "1"]);
}

#[test]
fn an_edited_ablation_makes_new_trials_and_keeps_the_old_ones_as_stale() {
    let place = Workplace::new();
    place.write("long.toml", &short());
    place.ok(&["run", "long.toml", "--threads", "1"]);
    let before: Vec<TrialRow> = place.rows("results/long");
    let weights = |row: &TrialRow| place.path(&format!("results/long/trials/{}/weights.safetensors", row.trial));
    let written = |row: &TrialRow| fs::metadata(weights(row)).unwrap().modified().unwrap();
    let (first, second) = (written(&before[0]), written(&before[1]));

    // Seed 1 goes, seed 2 comes; how often a checkpoint is written changes no number.
    place.write(
        "long.toml",
        &short()
            .replace("seeds = [0, 1]", "seeds = [0, 2]")
            .replace("every = 4", "every = 7"),
    );
    let output = place.run(&["run", "long.toml", "--threads", "1"]);
    assert!(
        output.status.success() && said(&output).contains("2 trials (1 of them finished before)"),
        "{}",
        said(&output)
    );
    let after: Vec<TrialRow> = place.rows("results/long");
    assert_eq!(after.iter().map(|row| row.seed).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(after[0], before[0]);
    assert_eq!((written(&before[0]), written(&before[1])), (first, second));

    let shown = place.ok(&["status", "results/long"]);
    let line = shown.lines().find(|line| line.starts_with(&before[1].trial)).unwrap();
    assert!(
        line.contains("ok, stale") && shown.contains("2 trials: 2 ok; 1 stale"),
        "{shown}"
    );
    let json: serde_json::Value = serde_json::from_str(&place.ok(&["status", "results/long", "--json"])).unwrap();
    assert_eq!(
        json["trials"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|trial| trial["stale"] == true)
            .count(),
        1
    );
    assert!(
        place
            .refused(&["status", "results"])
            .contains("this is not a result folder")
    );
}

#[test]
fn resuming_is_refused_where_it_would_change_a_started_trials_numbers() {
    let place = Workplace::new();
    place.write("long.toml", LONG);
    let mut run = start(&place, &["run", "long.toml", "--threads", "1"]);
    await_checkpoint(&place, &mut run);
    send(&run, Signal::SIGTERM);
    run.wait().unwrap();
    let refusal = place.refused(&["run", "long.toml", "--threads", "2"]);
    assert!(
        refusal.contains("was started with 1 thread (now 2)")
            && refusal.contains("resume it with --threads 1,")
            && refusal.contains("--fresh"),
        "{refusal}"
    );
    let trial = fs::read_dir(place.path("results/long/trials"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let record = trial.path().join("trial.json");
    let text = fs::read_to_string(&record).unwrap();
    let revision = serde_json::from_str::<serde_json::Value>(&text).unwrap()["revision"]
        .as_str()
        .unwrap()
        .to_owned();
    fs::write(&record, text.replace(&revision, "another")).unwrap();
    let refusal = place.refused(&["run", "long.toml", "--threads", "1"]);
    assert!(
        refusal.contains("was started with program revision another")
            && refusal.contains("resume it with program revision another,"),
        "{refusal}"
    );
    // With --fresh it starts over, and what was there is aside.
    place.write("long.toml", &short());
    place.ok(&["run", "long.toml", "--threads", "2", "--fresh"]);
    assert!(place.path("results/long.1/trials").exists());
}

#[test]
fn a_trial_that_other_threads_started_goes_on_with_the_option_that_the_refusal_names_to_the_same_bits() {
    let place = Workplace::new();
    // Plain execution, which flex has too.
    place.write("long.toml", &LONG.replace("\"fused\"", "\"plain\""));
    place.ok(&["run", "long.toml", "--threads", "2", "--out", "alone"]);
    let run_under = |threads: &str, arguments: &[&str]| {
        let mut command = place.command(arguments);
        command.env("OMP_NUM_THREADS", threads).output().unwrap()
    };
    let mut run = place
        .command(&["run", "long.toml"])
        .env("OMP_NUM_THREADS", "2")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    await_checkpoint(&place, &mut run);
    await_trial(&mut run);
    send(&run, Signal::SIGTERM);
    run.wait().unwrap();
    let refused = run_under("1", &["run", "long.toml", "--device", "flex"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said(&refused).contains("was started on cpu (now flex) and with 2 threads (now 1)")
            && said(&refused).contains("resume it with --device cpu --threads 2,"),
        "{}",
        said(&refused)
    );
    let resumed = run_under("1", &["run", "long.toml", "--device", "cpu", "--threads", "2"]);
    assert!(resumed.status.success(), "{}", said(&resumed));
    assert!(said(&resumed).contains("resuming after step"), "{}", said(&resumed));
    assert_same(
        &outcome(&place.path("results/long")),
        &outcome(&place.path("alone/long")),
        "after going on with the named options",
    );
}

#[test]
fn a_damaged_checkpoint_is_reported_and_the_previous_one_leads_to_the_same_end() {
    let place = Workplace::new();
    place.write("long.toml", LONG);
    place.ok(&["run", "long.toml", "--threads", "1", "--out", "alone"]);
    let mut run = start(&place, &["run", "long.toml", "--threads", "1"]);
    let folder = place.path("results/long");
    await_while(&mut run, "a second checkpoint", || {
        (checkpoints(&folder).len() > 1).then_some(())
    });
    let trials = children(run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    trials.into_iter().for_each(await_end);
    // Whichever is the newest by now is spoiled in its middle.
    let steps = |path: &Path| -> usize {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        stem.split("-step-").nth(1).unwrap().parse().unwrap()
    };
    let mut found = checkpoints(&folder);
    found.sort_by_key(|path| steps(path));
    let newest = found.last().unwrap();
    let mut bytes = fs::read(newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(newest, bytes).unwrap();
    let output = place.run(&["run", "long.toml", "--threads", "1"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("damaged checkpoint") && text.contains("its checksum is wrong"),
        "{text}"
    );
    assert_same(
        &outcome(&place.path("results/long")),
        &outcome(&place.path("alone/long")),
        "after damage",
    );
}
