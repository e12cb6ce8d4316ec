//! Faults that a sweep of days meets: killed processes, a backend that throws, losses that are not a number,
//! odd environments. In each the other trials finish, nothing recorded before is lost, and the message says what to do.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

#[macro_use]
mod skipped;
mod workplace;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use densenet_bench::data;
use densenet_bench::formats::ablation::parse;
use densenet_bench::formats::checkpoint;
use densenet_bench::formats::tables::{Status, StepRow, TrialRow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use workplace::outcome::{assert_same, outcome};
use workplace::{SMALL, Workplace, await_while, checkpoints, children, said};

#[test]
fn a_killed_trial_fails_alone_and_resumes_at_the_next_run() {
    let place = Workplace::new();
    place.write("small.toml", &SMALL.replace("epochs = 2", "epochs = 12"));
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let mut command = place.command(&["run", "small.toml", "--threads", "1"]);
    let mut run = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (id, folder) = (run.id(), place.path("results/small"));
    let trial = await_while(&mut run, "a trial with a checkpoint", || {
        checkpoints(&folder).pop().and_then(|_| children(id).pop())
    });
    kill(Pid::from_raw(trial), Signal::SIGKILL).unwrap();
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
        return skipped!("the system allows no memory cgroups");
    };
    let script = format!(
        "echo $$ > {}/cgroup.procs && exec \"$0\" run small.toml --threads 1",
        group.0
    );
    let output = place.shell(&script);
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
fn a_trial_that_runs_out_of_time_resumes_from_its_checkpoint_when_it_has_more() {
    let place = Workplace::new();
    let long = SMALL
        .replace("epochs = 2", "epochs = 60")
        .replace("seeds = [0, 1]", "seeds = [0]");
    place.write("small.toml", &long);
    let start = Instant::now();
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    // Less than the whole takes, and more than it takes to get to the first checkpoint.
    let limit = format!("{}ms", (start.elapsed() / 2).as_millis());
    let mut timeouts = 0;
    loop {
        let output = place.run(&["run", "small.toml", "--threads", "1", "--timeout", &limit]);
        if output.status.success() {
            break;
        }
        let text = said(&output);
        assert!(
            text.contains("and was killed; give it more time with --timeout"),
            "{text}"
        );
        timeouts += 1;
        assert!(timeouts < 50, "it does not get on");
    }
    assert!(timeouts > 0, "nothing ran out of time");
    let (found, expected) = (
        outcome(&place.path("results/small")),
        outcome(&place.path("alone/small")),
    );
    assert_same(&found, &expected, "after timeouts");
}

#[test]
fn a_loss_that_is_not_a_number_names_its_step_keeps_the_last_good_checkpoint_and_lets_the_others_finish() {
    let place = Workplace::new();
    let text = SMALL
        .replace("seeds = [0, 1]", "seeds = [0]")
        .replace("epochs = 2", "epochs = 12");
    // Decay that is far too strong makes weights grow step by step, until they are not numbers any more.
    place.write(
        "small.toml",
        &(text + "[sweep]\n\"train.weight-decay\" = [100.0, 1e-4]\n"),
    );
    let output = place.run(&["run", "small.toml", "--threads", "1"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!((rows[0].status, rows[1].status), (Status::Failed, Status::Ok));
    let error = &rows[0].error;
    assert!(error.contains("take a smaller learning-rate"), "{error}");
    // The last row is that of the step that the message names, unless an evaluation found it first.
    let steps: Vec<StepRow> = place.rows("results/small");
    let last = steps.iter().rfind(|row| row.trial == rows[0].trial).unwrap();
    let by_step = format!("at step {} (epoch {})", last.step, last.epoch);
    let by_epoch = format!("after epoch {}", last.epoch);
    assert!(
        error.contains(&by_step) || error.contains(&by_epoch),
        "{error} {by_step}"
    );

    // Its checkpoints are from before, and hold numbers.
    let kept = checkpoints(&place.path("results/small"));
    assert!(!kept.is_empty(), "no checkpoint is left");
    let plan = {
        let settings = parse(
            &fs::read_to_string(place.path("small.toml")).unwrap(),
            Path::new("small.toml"),
        );
        let settings = settings.unwrap().variants.remove(0).settings;
        let data = data::load(&settings.data, 1, None).unwrap();
        settings.model.graph(data.shape, data.classes.len()).unwrap()
    };
    for path in &kept {
        let read = checkpoint::read(&fs::read(path).unwrap(), "kept", &rows[0].trial, &plan).unwrap();
        assert!(read.position.steps <= last.step, "{} steps", read.position.steps);
    }
    // From there it fails again in the same way, and no row is lost or doubled.
    let again = place.run(&["run", "small.toml", "--threads", "1"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("resuming after step"), "{}", said(&again));
    let repeated: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(&repeated[0].error, error);
    assert_eq!(place.rows::<StepRow>("results/small").len(), steps.len());
}

#[test]
fn a_libtorch_exception_in_a_step_is_a_row_with_the_step_and_the_remedy_and_the_others_finish() {
    let place = Workplace::new();
    // The first network's maps are larger than all memory that it is given; the second's are small.
    let text = SMALL
        .replace("execution = \"fused\"", "")
        .replace("dataset = \"digits\"", "dataset = \"synthetic\"\nimage-size = 256")
        .replace("train-limit = 256", "train-images = 128")
        .replace("test-limit = 64", "test-images = 2")
        .replace("seeds = [0, 1]", "seeds = [0]")
        .replace("epochs = 2", "steps = 1");
    place.write(
        "small.toml",
        &(text
            + "[[variant]]\nname = \"large\"\nset = { \"train.batch-size\" = 128, \"model.growth-rate\" = 64 }\n\
                  [[variant]]\nname = \"small\"\nset = { \"train.batch-size\" = 2, \"data.train-images\" = 2 }\n"),
    );
    let output = place.shell("ulimit -v 7000000 && exec \"$0\" run small.toml --threads 1");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(
        (rows[0].status, rows[1].status),
        (Status::Oom, Status::Ok),
        "{}",
        said(&output)
    );
    let error = &rows[0].error;
    assert!(
        error.starts_with("step 0 (epoch 0): ") && error.contains("memory"),
        "{error}"
    );
    assert!(
        error.ends_with("take a smaller batch; `run --find-max-batch` finds the largest"),
        "{error}"
    );
}

#[test]
fn messages_that_cannot_be_written_do_not_end_a_run() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = place.command(&["run", "small.toml", "--threads", "1"]);
    let status = command.stdout(Stdio::null()).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(
        place
            .rows::<TrialRow>("results/small")
            .iter()
            .all(|row| row.status == Status::Ok)
    );
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
fn an_empty_environment_and_a_path_of_spaces_and_foreign_letters_do_no_harm() {
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
