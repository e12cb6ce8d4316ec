//! How many threads a run takes, and what it says of them.

#![cfg(feature = "libtorch")]

#[macro_use]
mod skipped;
mod workplace;

use densenet_bench::host::available_threads;
use serde_json::Value;
use workplace::{Workplace, said};

const TINY: &str = r#"
name = "tiny"
question = "How many threads?"
[data]
dataset = "synthetic"
classes = 3
channels = 1
image-size = 8
train-images = 16
test-images = 16
[model]
block-layers = [1, 1]
growth-rate = 4
initial-channels = 4
[train]
epochs = 1
batch-size = 8
"#;

/// Runs the ablation with that value of `OMP_NUM_THREADS`; what was said, and `environment.json` at the top.
fn run(place: &Workplace, value: &str, arguments: &[&str]) -> (String, Value) {
    let arguments: Vec<&str> = ["run", "tiny.toml", "--fresh"]
        .iter()
        .chain(arguments)
        .copied()
        .collect();
    let output = place
        .command(&arguments)
        .env("OMP_NUM_THREADS", value)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    (said(&output), place.json("results/tiny/environment.json"))
}

#[test]
fn omp_num_threads_is_the_default_is_recorded_and_yields_to_the_option() {
    let place = Workplace::new();
    place.write("tiny.toml", TINY);
    let (text, environment) = run(&place, "1", &[]);
    assert_eq!(environment["threads"], 1, "{text}");
    assert_eq!(environment["threads_source"], "OMP_NUM_THREADS=1");
    assert!(text.contains("with 1 thread (OMP_NUM_THREADS=1)"), "{text}");
    let (text, environment) = run(&place, "1", &["--threads", "2"]);
    assert_eq!(environment["threads"], 2, "{text}");
    assert_eq!(environment["threads_source"], "--threads");
    let (text, environment) = run(&place, "none", &[]);
    assert_eq!(environment["threads"], available_threads(), "{text}");
    assert!(
        text.contains("warning: OMP_NUM_THREADS is 'none' and is ignored"),
        "{text}"
    );
}

#[test]
fn more_threads_than_the_machine_has_are_warned_of_and_far_too_many_refused_with_who_asked() {
    let place = Workplace::new();
    place.write("tiny.toml", TINY);
    let more = available_threads() + 1;
    let (text, environment) = run(&place, &more.to_string(), &[]);
    assert_eq!(environment["threads"], more);
    assert!(
        text.contains(&format!("warning: {more} threads (OMP_NUM_THREADS={more})")),
        "{text}"
    );
    let mut command = place.command(&["run", "tiny.toml"]);
    let output = command.env("OMP_NUM_THREADS", "60000").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).starts_with("error: 60000 threads (OMP_NUM_THREADS=60000): this machine runs "),
        "{}",
        said(&output)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_may_run_on_one_processor_takes_one_thread() {
    let place = Workplace::new();
    place.write("tiny.toml", TINY);
    if !place.shell("exec taskset -c 0 true").status.success() {
        return skipped!("there is no taskset, or processor 0 is not this process's");
    }
    // `taskset` sets what the shell may run on, and with it what it starts.
    let output = place.shell("unset OMP_NUM_THREADS MKL_NUM_THREADS; exec taskset -c 0 \"$0\" run tiny.toml");
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(place.json("results/tiny/environment.json")["threads"], 1);
    if available_threads() > 1 {
        assert!(
            said(&output).contains("with 1 thread (the processors that it may run on, 1 of "),
            "{}",
            said(&output)
        );
    }
}
