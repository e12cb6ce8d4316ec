//! Several runs that share a result folder: they divide the work, and together they end as one alone.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Stdio};

use densenet_bench::formats::tables::{Status, TrialRow};
use serde_json::Value;
use workplace::outcome::{assert_same, outcome};
use workplace::{SMALL, Workplace, await_end, await_while, checkpoints, children, said};

/// A task's variables.
type Variables = Vec<(&'static str, &'static str)>;

/// Six trials and two measurements.
fn several() -> String {
    let trials = SMALL.replace("seeds = [0, 1]", "seeds = [0, 1, 2]");
    format!("{trials}[measure]\nbatch-sizes = [8]\nsteps = 2\nrounds = 2\n[sweep]\n\"model.growth-rate\" = [4, 6]\n")
}

/// As `several`, without measurements.
fn six_trials() -> String {
    several().split("[measure]").next().unwrap().to_owned() + "[sweep]\n\"model.growth-rate\" = [4, 6]\n"
}

/// Two trials of many steps, each of which leaves a checkpoint.
fn long() -> String {
    SMALL
        .replace("epochs = 2", "epochs = 20")
        .replace("every = 3", "every = 1")
}

fn place(text: &str) -> Workplace {
    let place = Workplace::new();
    place.write("small.toml", text);
    place
}

fn start(place: &Workplace, arguments: &[&str]) -> Child {
    let mut command = place.command(&["run", "small.toml", "--threads", "1"]);
    command.args(arguments).env("DENSENET_BENCH_HEARTBEAT_MS", "50");
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ids(place: &Workplace) -> Vec<String> {
    let listed = place.ok(&["plan", "small.toml", "--format", "jsonl"]);
    let line = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["trial"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    listed.lines().map(line).collect()
}

#[test]
fn shards_that_run_at_once_in_one_folder_end_as_one_run_alone() {
    let place = place(&six_trials());
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let parts = ["0/3", "1/3", "2/3"];
    let runs: Vec<Child> = parts
        .iter()
        .map(|part| start(&place, &["--shard", part, "--out", "shared"]))
        .collect();
    let mut begun = Vec::new();
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        begun.push(said.matches(": starting, ").count());
    }
    assert_eq!(begun.iter().sum::<usize>(), 6, "each trial is trained once: {begun:?}");
    assert_same(
        &outcome(&place.path("shared/small")),
        &outcome(&place.path("alone/small")),
        "three shards",
    );
    for file in ["report.html", "summary.md", "plots"] {
        assert!(place.path("shared/small").join(file).exists(), "{file}");
    }
    assert!(
        !place.path("shared/small/claims").exists(),
        "every claim was given back"
    );
    // Nothing is left to do.
    let again = place.run(&[
        "run",
        "small.toml",
        "--threads",
        "1",
        "--out",
        "shared",
        "--shard",
        "1/3",
    ]);
    assert!(
        again.status.success() && !said(&again).contains(": starting, "),
        "{}",
        said(&again)
    );
}

#[test]
fn the_plan_lists_every_unit_and_each_is_run_by_its_arguments() {
    let place = place(&several());
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let listed = place.ok(&["plan", "small.toml", "--format", "jsonl"]);
    let units: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(units.len(), 7, "{listed}");
    for (index, unit) in units.iter().enumerate() {
        assert_eq!(unit["index"], index);
        let words: Vec<&str> = unit["arguments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect();
        let mut words = words.clone();
        words.extend(["--threads", "1", "--out", "by-unit"]);
        place.ok(&words);
        let rows: Vec<TrialRow> = place.rows("by-unit/small");
        let ok = rows.iter().filter(|row| row.status == Status::Ok).count();
        assert_eq!(ok, (index + 1).min(6));
    }
    assert_eq!(units[6]["unit"], "measurements");
    assert_same(
        &outcome(&place.path("by-unit/small")),
        &outcome(&place.path("alone/small")),
        "by unit",
    );
    let measured = |out: &str| {
        place
            .rows::<densenet_bench::formats::tables::BatchRow>(&format!("{out}/small"))
            .len()
    };
    assert_eq!(measured("by-unit"), measured("alone"));
    let text = place.ok(&["plan", "small.toml"]);
    assert_eq!(text.lines().count(), 7, "{text}");
    assert!(text.contains("growth-rate=6  seed=2  parameters="), "{text}");
}

#[test]
fn a_part_that_is_not_there_is_refused_before_anything_starts() {
    let place = place(&six_trials());
    let refused = place.refused(&["run", "small.toml", "--trial", "0123456789abcdef"]);
    assert!(
        refused.contains("could not find trial '0123456789abcdef' in 'small.toml'; it has "),
        "{refused}"
    );
    let refused = place.refused(&["run", "small.toml", "--trial", "measurements"]);
    assert!(refused.contains("could not find trial 'measurements'"), "{refused}");
    let first = ids(&place).remove(0);
    let refused = place.refused(&["run", "small.toml", "--trial", &first, "--only", "growth-rate=6"]);
    assert!(refused.contains("which --only leaves out"), "{refused}");
    let refused = place.refused(&["run", "small.toml", "--shard", "3/3"]);
    assert!(refused.contains("of 3 they are 0/3 to 2/3"), "{refused}");
    let output = place
        .command(&["run", "small.toml"])
        .env("HQ_TASK_ID", "6")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("HQ_TASK_ID=6: 'small.toml' has 6 units of work, counted from 0"),
        "{}",
        said(&output)
    );
    let mut fresh = place.command(&["run", "small.toml", "--fresh"]);
    let output = fresh.env("JOB_COMPLETION_INDEX", "0").output().unwrap();
    assert!(
        said(&output).contains("--fresh: this run is one of several"),
        "{}",
        said(&output)
    );
    assert!(!place.path("results").exists());
}

#[test]
fn the_tasks_of_arrays_divide_the_work_among_them() {
    let place = place(&six_trials());
    let listed = |variables: &[(&str, &str)]| -> BTreeSet<String> {
        let mut command = place.command(&["run", "small.toml", "--list"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines()
            .map(|line| line.split("  ").next().unwrap().to_owned())
            .collect()
    };
    let all: BTreeSet<String> = ids(&place).into_iter().collect();
    let arrays: [(&str, Vec<Variables>); 3] = [
        (
            "slurm",
            vec![vec![("SLURM_ARRAY_TASK_ID", "1")], vec![("SLURM_ARRAY_TASK_ID", "3")]],
        ),
        (
            "kubernetes",
            vec![vec![("JOB_COMPLETION_INDEX", "0")], vec![("JOB_COMPLETION_INDEX", "1")]],
        ),
        ("hyperqueue", vec![vec![("HQ_TASK_ID", "0")], vec![("HQ_TASK_ID", "1")]]),
    ];
    for (engine, tasks) in arrays {
        let mut seen = BTreeSet::new();
        for mut task in tasks {
            match engine {
                "slurm" => task.extend([
                    ("SLURM_ARRAY_TASK_COUNT", "2"),
                    ("SLURM_ARRAY_TASK_MIN", "1"),
                    ("SLURM_ARRAY_TASK_MAX", "3"),
                    ("SLURM_ARRAY_TASK_STEP", "2"),
                ]),
                _ => task.push(("DENSENET_BENCH_SHARDS", "2")),
            }
            let part = listed(&task);
            assert!(part.is_disjoint(&seen), "{engine}");
            seen.extend(part);
        }
        assert_eq!(seen, all, "{engine}");
    }
    assert_eq!(
        listed(&[("HQ_TASK_ID", "4")]).into_iter().next(),
        ids(&place).get(4).cloned()
    );
}

/// A run of a shard that was killed in the middle of a trial; its name.
fn killed_in_the_middle(place: &Workplace, shared: &str) -> String {
    let first = ids(place).remove(0);
    let mut run = start(place, &["--trial", &first, "--out", shared]);
    let folder = place.path(shared).join("small");
    await_while(&mut run, "a checkpoint", || {
        (!checkpoints(&folder).is_empty()).then_some(())
    });
    let trials = children(run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    trials.into_iter().for_each(await_end);
    assert!(folder.join(format!("claims/{first}.1")).exists(), "it leaves its claim");
    first
}

/// A run of all takes up the killed trial behind its checkpoint, and ends as a run alone has ended.
#[track_caller]
fn takes_over(place: &Workplace, first: &str) {
    let output = start(place, &["--shard", "0/1", "--out", "shared"])
        .wait_with_output()
        .unwrap();
    assert!(
        output.status.success() && said(&output).contains("resuming after step"),
        "{}",
        said(&output)
    );
    assert_same(
        &outcome(&place.path("shared/small")),
        &outcome(&place.path("alone/small")),
        first,
    );
}

#[test]
fn what_a_killed_shard_was_at_is_taken_over_and_resumed_to_the_same_end() {
    let place = place(&long());
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let first = killed_in_the_middle(&place, "shared");
    let status = place.ok(&["status", "shared/small"]);
    assert!(
        status.contains("no run is in progress") && !status.contains("running"),
        "{status}"
    );
    takes_over(&place, &first);
}

#[test]
fn a_claim_of_another_machine_is_taken_over_when_its_heartbeat_stands_still() {
    let place = place(&long());
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let first = killed_in_the_middle(&place, "shared");
    // As if it had been on another machine, whose clock is years ahead.
    let claims = place.path("shared/small/claims");
    for entry in fs::read_dir(&claims).unwrap() {
        let path = entry.unwrap().path();
        let mut claim: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        claim["machine"] = "another".into();
        claim["host"] = "node7".into();
        claim["since"] = "2040-01-01T00:00:00Z".into();
        fs::write(&path, claim.to_string()).unwrap();
    }
    let status = place.ok(&["status", "shared/small"]);
    let holder = "on node7, since 2040-01-01T00:00:00Z";
    assert!(status.contains("running") && status.contains(holder), "{status}");
    let shown: Value = serde_json::from_str(&place.ok(&["status", "shared/small", "--json"])).unwrap();
    assert_eq!(shown["runs"][0]["host"], "node7");
    assert_eq!(shown["runs"][0]["doing"], format!("trial {first}"));
    takes_over(&place, &first);
}

#[test]
fn a_trial_that_another_run_is_at_is_left_to_it_and_a_run_alone_is_refused() {
    let place = place(&long());
    let first = ids(&place).remove(0);
    let mut run = start(&place, &["--trial", &first, "--out", "shared"]);
    let folder = place.path("shared/small");
    await_while(&mut run, "a checkpoint", || {
        (!checkpoints(&folder).is_empty()).then_some(())
    });
    let trial = await_while(&mut run, "a trial", || children(run_id(&folder)).first().copied());
    let stop = |signal| nix::sys::signal::kill(nix::unistd::Pid::from_raw(trial), signal).unwrap();
    stop(nix::sys::signal::Signal::SIGSTOP);
    let output = start(&place, &["--shard", "0/1", "--out", "shared"])
        .wait_with_output()
        .unwrap();
    let other = said(&output);
    assert!(output.status.success() && other.contains("1 of 2 trials"), "{other}");
    assert_eq!(other.matches(": starting, ").count(), 1, "{other}");
    let refused = place.refused(&["run", "small.toml", "--threads", "1", "--out", "shared"]);
    assert!(refused.contains(&format!("(process {} on ", run.id())), "{refused}");
    let status = place.ok(&["status", "shared/small"]);
    assert!(
        status.contains(&format!("a run is in progress: process {} on ", run.id())),
        "{status}"
    );
    assert!(status.contains(&format!(": trial {first}")), "{status}");
    stop(nix::sys::signal::Signal::SIGCONT);
    assert!(run.wait().unwrap().success());
    let rows: Vec<TrialRow> = place.rows("shared/small");
    assert!(rows.iter().all(|row| row.status == Status::Ok));
}

/// The process that has a claim in a folder.
fn run_id(folder: &std::path::Path) -> u32 {
    let claims = fs::read_dir(folder.join("claims")).into_iter().flatten().flatten();
    let holders = claims.filter_map(|entry| serde_json::from_slice::<Value>(&fs::read(entry.path()).ok()?).ok());
    holders
        .filter_map(|claim| claim["process"].as_u64())
        .map(|id| id as u32)
        .next()
        .unwrap_or(0)
}

#[test]
fn what_fails_by_itself_is_tried_again_by_its_own_part_and_by_no_other() {
    let text = SMALL.to_owned()
        + "[measure]\nbatch-sizes = [8]\nsteps = 2\nrounds = 1\n[sweep]\n\"train.learning-rate\" = [1e30, 0.05]\n";
    let place = place(&text);
    // No measurement fits.
    let run = |arguments: &[&str]| {
        let limited = [arguments, &["--memory-limit", "1KB", "--out", "shared"]].concat();
        let output = start(&place, &limited).wait_with_output().unwrap();
        (output.status.code(), said(&output))
    };
    let plan = place.ok(&["plan", "small.toml", "--format", "jsonl"]);
    let units = plan.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let fails = |unit: &Value| unit["unit"] == "measurements" || unit["variant"] == "learning-rate=1e30";
    let failing: Vec<Value> = units.filter(fails).collect();
    assert_eq!(failing.len(), 3);
    for unit in &failing {
        let (status, said) = run(&["--trial", unit["trial"].as_str().unwrap()]);
        assert_eq!(status, Some(1), "{said}");
    }
    // What a part has is what it would do.
    let parts = ["0/4", "1/4", "2/4", "3/4"];
    let owns = |part: &str| {
        let listed = place.run(&["run", "small.toml", "--list", "--shard", part]);
        assert!(listed.status.success());
        said(&listed).contains("measurement") || String::from_utf8_lossy(&listed.stdout).contains("learning-rate=1e30")
    };
    let (owners, others): (Vec<&str>, Vec<&str>) = parts.into_iter().partition(|part| owns(part));
    assert!(!owners.is_empty() && !others.is_empty(), "{owners:?}");
    let tries = |said: &str| {
        let trials = said
            .lines()
            .filter(|line| line.contains("learning-rate=1e30 seed") && line.contains(": starting, "))
            .count();
        trials + said.matches("train batch size 8  round 1 of 1: running").count()
    };
    for part in others {
        let (status, said) = run(&["--shard", part, "--steal"]);
        assert_eq!((status, tries(&said)), (Some(0), 0), "{part}: {said}");
    }
    let rows: Vec<TrialRow> = place.rows("shared/small");
    let of = |status: Status| rows.iter().filter(|row| row.status == status).count();
    assert_eq!((of(Status::Ok), of(Status::Failed)), (2, 2), "the others were taken up");
    let (status, said) = run(&["--shard", owners[0], "--steal"]);
    assert!(status == Some(1) && tries(&said) > 0, "{said}");
}
