//! Several trials at once on one machine end as one after the other.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::fs;
use std::process::Stdio;

use densenet_bench::formats::tables::{BatchRow, Status, TrialRow};
use workplace::outcome::{assert_same, outcome};
use workplace::{PATIENCE, SMALL, Workplace, said};

fn place(epochs: usize) -> Workplace {
    let place = Workplace::new();
    let text = SMALL.replace("seeds = [0, 1]", "seeds = [0, 1, 2, 3]");
    place.write("small.toml", &text.replace("epochs = 2", &format!("epochs = {epochs}")));
    place
}

#[test]
fn two_trials_at_once_have_the_bits_of_one_after_the_other_and_their_speed_a_warning() {
    let place = place(2);
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    place.ok(&["run", "small.toml", "--threads", "1", "--jobs", "2", "--out", "two"]);
    assert_same(
        &outcome(&place.path("two/small")),
        &outcome(&place.path("alone/small")),
        "two at once",
    );
    let rows: Vec<TrialRow> = place.rows("two/small");
    let warning = "its speed is that of 2 trials at once, which share the machine";
    assert!(rows.iter().all(|row| row.warning.contains(warning)), "{rows:?}");
    let alone: Vec<TrialRow> = place.rows("alone/small");
    assert!(alone.iter().all(|row| !row.warning.contains("at once")));
}

#[test]
fn trials_at_once_run_at_once_each_with_its_share_of_the_threads() {
    let place = place(40);
    let mut command = place.command(&["run", "small.toml", "--jobs", "2"]);
    command.env_remove("OMP_NUM_THREADS").env_remove("MKL_NUM_THREADS");
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let end = std::time::Instant::now() + PATIENCE;
    let tasks = format!("/proc/{}/task", run.id());
    // The processes of all threads of the run.
    let children = || -> usize {
        let tasks = fs::read_dir(&tasks).into_iter().flatten().flatten();
        let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        lists.map(|list| list.split_whitespace().count()).sum()
    };
    while children() < 2 {
        assert!(
            run.try_wait().unwrap().is_none() && std::time::Instant::now() < end,
            "no two trials at once"
        );
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(run.id() as i32),
        nix::sys::signal::Signal::SIGINT,
    )
    .unwrap();
    let output = run.wait_with_output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert_eq!(said.matches("stopping after the current step").count(), 1, "{said}");
    let available = std::thread::available_parallelism().unwrap().get();
    let rows: Vec<TrialRow> = place.rows("results/small");
    let begun = rows.iter().filter(|row| row.status == Status::Interrupted);
    for row in begun.clone() {
        let record = place.json(&format!("results/small/trials/{}/trial.json", row.trial));
        assert_eq!(record["threads"], (available / 2).max(1));
        assert_eq!(record["at_once"], 2);
        let environment = place.json(&format!("results/small/trials/{}/environment.json", row.trial));
        let source = environment["threads_source"].as_str().unwrap();
        assert!(source.ends_with(", shared by 2 trials"), "{source}");
    }
    assert_eq!(begun.count(), 2, "{said}");
}

#[test]
fn auto_probes_and_goes_on_with_what_it_has_chosen() {
    let place = place(2);
    let output = place.run(&["run", "small.toml", "--jobs", "auto"]);
    let said = said(&output);
    assert!(output.status.success() && said.contains("--jobs auto: "), "{said}");
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert!(rows.iter().all(|row| row.status == Status::Ok));
    // No probe is left among the trials.
    let trials = fs::read_dir(place.path("results/small/trials")).unwrap().count();
    assert_eq!(trials, rows.len());
}

#[test]
fn measurements_are_made_alone_unless_the_user_says_otherwise_and_then_they_say_so() {
    let place = Workplace::new();
    let text = SMALL.split("[train]").next().unwrap().to_owned()
        + "[measure]\nbatch-sizes = [8, 16]\nsteps = 2\nrounds = 2\nwarmup-seconds = 0.0\n";
    place.write("small.toml", &text);
    let measured = |arguments: &[&str]| -> Vec<BatchRow> {
        place.ok(&[&["run", "small.toml", "--threads", "1"], arguments].concat());
        place.rows("results/small")
    };
    let warning = "its times are those of 2 measurements at once, which share the machine";
    let alone = measured(&["--jobs", "2"]);
    assert!(
        alone
            .iter()
            .all(|row| row.status == Status::Ok && !row.warning.contains("at once"))
    );
    let beside = measured(&["--jobs", "2", "--measure-at-once"]);
    assert_eq!(
        beside.len(),
        2,
        "those that were measured alone do not stand beside them"
    );
    for row in &beside {
        assert!(row.status == Status::Ok && row.warning.contains(warning), "{row:?}");
        assert_eq!((row.steps, row.rounds), (2, 2));
    }
    // They are kept apart: neither is measured again.
    let output = place.run(&["run", "small.toml", "--threads", "1"]);
    assert!(
        output.status.success() && !said(&output).contains(": running"),
        "{}",
        said(&output)
    );
    assert_eq!(place.rows::<BatchRow>("results/small"), alone);
    let refused = place.refused(&["run", "small.toml", "--measure-at-once"]);
    assert!(
        refused.contains("say how many at once with --jobs K or --gpus"),
        "{refused}"
    );
}

#[test]
fn what_cannot_run_at_once_is_refused_by_name() {
    let place = place(2);
    let refused = place.refused(&["run", "small.toml", "--jobs", "0"]);
    assert!(refused.contains("write a number from 1 to 4096, or auto"), "{refused}");
    let refused = place.refused(&["run", "small.toml", "--jobs", "2", "--gpus", "all"]);
    assert!(refused.contains("cannot be used with"), "{refused}");
    let refused = place.refused(&["run", "small.toml", "--gpus", "0,0"]);
    assert!(refused.contains("a GPU is named twice"), "{refused}");
    let refused = place.refused(&["run", "small.toml", "--gpus", "0", "--device", "cpu"]);
    assert!(
        refused.contains("--gpus: the trials run on cpu; leave --gpus out"),
        "{refused}"
    );
}
