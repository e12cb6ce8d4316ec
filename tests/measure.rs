//! `[measure]` from the command line: what a row stands for, and what becomes of processes that end badly.

#![cfg(feature = "libtorch")]

#[macro_use]
mod skipped;
mod workplace;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use densenet_bench::formats::tables::{BatchRow, PhaseRow, SampleRow, Status, TrialRow};
use workplace::{Workplace, children, said};

const SMALL: &str = r#"
name = "small"
question = "What does a step cost?"
[data]
dataset = "digits"
[model]
block-layers = [1, 2]
[measure]
batch-sizes = [8, 16]
mode = ["train", "evaluate"]
warmup-steps = 1
warmup-seconds = 0
steps = 5
rounds = 2
[sweep]
"model.growth-rate" = [4, 6]
"#;

#[cfg(target_os = "linux")]
#[test]
fn threads_that_share_a_processor_leave_a_share_and_a_warning_in_the_row() {
    if densenet_bench::host::ProcessorWatch::start().is_none() {
        return skipped!("this kernel keeps no scheduling statistics");
    }
    let place = Workplace::new();
    if !place.shell("exec taskset -c 0 true").status.success() {
        return skipped!("there is no taskset, or processor 0 is not this process's");
    }
    let (common, _) = SMALL.split_once("[sweep]").unwrap();
    place.write(
        "small.toml",
        &common.replace("[8, 16]", "[16]").replace("steps = 5", "steps = 40"),
    );
    // Four that each need a processor, on one.
    let output = place.shell("exec taskset -c 0 \"$0\" run small.toml --threads 4 --device cpu");
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("warning: 4 threads (--threads), and the system lets 1 run at once"),
        "{text}"
    );
    for row in place.rows::<BatchRow>("results/small") {
        let share = row.processor_share.unwrap();
        assert!(share > 0.0 && share < 0.9, "{row:?}");
        let expected = format!("its threads got {:.0} % of the processor time", 100.0 * share);
        assert!(row.warning.starts_with(&expected), "{}", row.warning);
    }
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("doubtful: its threads got "), "{printed}");
}

#[test]
fn every_variant_mode_and_batch_size_is_a_row_whose_samples_come_from_every_round() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "2", "--device", "cpu"]);
    let rows: Vec<BatchRow> = place.rows("results/small");
    let keys: Vec<(&str, &str, usize)> = (rows.iter())
        .map(|row| (row.variant.as_str(), row.mode.name(), row.batch_size))
        .collect();
    let expected = ["growth-rate=4", "growth-rate=6"]
        .map(|variant| ["train", "evaluate"].map(|mode| [8, 16].map(|batch_size| (variant, mode, batch_size))));
    assert_eq!(keys, expected.as_flattened().as_flattened());
    for row in &rows {
        assert_eq!((row.status, row.steps, row.rounds, row.threads), (Status::Ok, 5, 2, 2));
        let median = row.step_ns_median.unwrap() as f64;
        assert_eq!(row.images_per_second, Some(row.batch_size as f64 / (median / 1e9)));
        assert_eq!(row.backward_ns_median.is_some(), row.mode.name() == "train");
        assert!(row.allocated_peak_bytes < row.process_peak_bytes);
        // Ten milliseconds is what the system counts in.
        assert!((1..60_000_000_000).contains(&row.startup_ns.unwrap()), "{row:?}");
        assert!((1..60_000_000_000).contains(&row.first_step_ns.unwrap()), "{row:?}");
        let flops = row.step_flops.unwrap() as f64;
        assert_eq!(row.flops_per_second, Some(flops / (median / 1e9)), "{row:?}");
        let least = (flops / row.device_flops_per_second.unwrap())
            .max(row.step_bytes.unwrap() as f64 / row.device_bytes_per_second.unwrap());
        assert!(
            (row.roofline_share.unwrap() / (least / (median / 1e9)) - 1.0).abs() < 1e-9,
            "{row:?}"
        );
        assert_eq!(
            (row.reserved_peak_bytes, row.process_peak_source.as_str()),
            (None, "resident-set")
        );
    }
    // More images need more memory, and training needs more than evaluation.
    let peak = |index: usize| rows[index].allocated_peak_bytes.unwrap();
    assert!(peak(0) < peak(1) && peak(2) < peak(3) && peak(2) < peak(0));

    let samples: Vec<SampleRow> = place.rows("results/small");
    assert_eq!(samples.len(), 8 * 5);
    let first: Vec<(usize, usize)> = samples[..5].iter().map(|row| (row.round, row.step)).collect();
    assert_eq!(first, [(0, 0), (0, 1), (0, 2), (1, 3), (1, 4)]);
    assert_eq!(place.rows::<PhaseRow>("results/small").len(), 8 * 5);

    // What has been measured is not measured again; with other threads it is another measurement, beside the first.
    place.ok(&["run", "small.toml", "--threads", "2", "--device", "cpu"]);
    assert_eq!(place.rows::<SampleRow>("results/small"), samples);
    place.ok(&[
        "run",
        "small.toml",
        "--threads",
        "1",
        "--device",
        "cpu",
        "--only",
        "*=4",
    ]);
    let both: Vec<BatchRow> = place.rows("results/small");
    let threads: Vec<usize> = both.iter().map(|row| row.threads).collect();
    assert_eq!(threads, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2][..both.len()]);
    assert_eq!(both.iter().filter(|row| row.status == Status::Ok).count(), 12);
}

#[test]
fn variants_share_what_they_do_not_differ_in_and_each_has_its_own_rows() {
    let place = Workplace::new();
    let head = SMALL.split("[sweep]").next().unwrap().replace("[8, 16]", "[8]");
    place.write(
        "small.toml",
        &format!("{head}[sweep]\n\"run.threads\" = [1, 2]\n\"model.dropout-after\" = [\"3x3\"]\n"),
    );
    place.ok(&["run", "small.toml", "--device", "cpu"]);
    let rows: Vec<BatchRow> = place.rows("results/small");
    let keys: Vec<(&str, &str, usize)> = rows
        .iter()
        .map(|row| (&row.variant[..9], row.mode.name(), row.threads))
        .collect();
    assert_eq!(
        keys,
        [
            ("threads=1", "train", 1),
            ("threads=1", "evaluate", 1),
            ("threads=2", "train", 2),
            ("threads=2", "evaluate", 2)
        ]
    );

    // A schedule changes no step: both variants have the rows of one measurement.
    let train = "[train]\nbatch-size = 8\n[sweep]\n\"train.schedule\" = [\"cosine\", \"constant\"]\n";
    place.write(
        "shared.toml",
        &format!("{head}{train}")
            .replace("\"small\"", "\"shared\"")
            .replace("[train]", "[train]\nsteps = 1"),
    );
    place.ok(&["run", "shared.toml", "--device", "cpu"]);
    let rows: Vec<SampleRow> = place.rows("results/shared");
    let (cosine, constant): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.variant == "schedule=cosine");
    let times = |rows: &[&SampleRow]| rows.iter().map(|row| row.step_ns).collect::<Vec<_>>();
    assert_eq!((cosine.len(), times(&cosine)), (10, times(&constant)));
    assert_eq!(
        fs::read_dir(place.path("results/shared/measurements")).unwrap().count(),
        2
    );

    // The one measurement is not compared with itself.
    let sides = ["results/shared#schedule=cosine", "results/shared#schedule=constant"];
    let found = place.ok(&["compare", sides[0], sides[1], "--metrics", "speeds", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(found["variants"][0]["measured"], serde_json::json!([]));
    let notes = found["notes"].to_string();
    assert!(
        notes.contains("both sides are one measurement") && notes.contains("repeats = 2"),
        "{notes}"
    );
    for table in ["trials.csv", "correctness.csv"] {
        fs::remove_file(place.path("results/shared").join(table)).unwrap();
    }
    let said = place.refused(&["compare", sides[0], sides[1], "--metrics", "speeds"]);
    assert!(said.contains("nothing of") && said.contains("repeats = 2"), "{said}");
}

#[test]
fn the_same_work_measured_twice_gives_the_noise_floor_and_variants_of_one_run_are_paired() {
    let place = Workplace::new();
    let twice = SMALL
        .replace("[8, 16]", "[8]")
        .replace("mode = [\"train\", \"evaluate\"]", "repeats = 2")
        .replace("rounds = 2", "rounds = 5");
    place.write("small.toml", &twice);
    let printed = place.ok(&["run", "small.toml", "--threads", "1", "--device", "cpu"]);
    let rows: Vec<BatchRow> = place.rows("results/small");
    let keys: Vec<(&str, usize)> = rows.iter().map(|row| (row.variant.as_str(), row.repeat)).collect();
    let (four, six) = ("growth-rate=4", "growth-rate=6");
    assert_eq!(keys, [(four, 0), (six, 0), (four, 1), (six, 1)]);
    assert_eq!(rows[0].step_ratio, None);
    for row in &rows {
        assert_eq!((row.status, row.rounds), (Status::Ok, 5));
        let median = row.step_ns_median;
        assert!(row.step_ns_low <= median && median <= row.step_ns_high, "{row:?}");
    }
    for row in &rows[1..] {
        assert!(
            row.step_ratio_low < row.step_ratio && row.step_ratio < row.step_ratio_high,
            "{row:?}"
        );
    }
    // The work measured again is another measurement.
    let samples: Vec<SampleRow> = place.rows("results/small");
    let times = |variant: &str, repeat: usize| -> Vec<u64> {
        let of = samples
            .iter()
            .filter(|row| row.variant == variant && row.repeat == repeat);
        of.map(|row| row.step_ns).collect()
    };
    assert_eq!(times(four, 1).len(), 5);
    assert_ne!(times(four, 0), times(four, 1));
    assert!(
        samples
            .iter()
            .all(|row| row.run == samples[0].run && !row.run.is_empty())
    );
    assert!(
        printed
            .contains("Speed and memory\nA/A, the same work measured again, step time over the first's: growth-rate=4"),
        "{printed}"
    );

    let sides = ["results/small#growth-rate=4", "results/small#growth-rate=6"];
    let found = place.ok(&["compare", sides[0], sides[1], "--json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let variant = &found["variants"][0];
    assert_eq!(variant["measured"][0]["ratio_interval_method"], "paired-rounds");
    assert_eq!(variant["measured"][0]["ratio_rounds"], 5);
    assert!(variant["measured"][0]["within_noise_floor"].is_boolean());
    assert_eq!(variant["noise_floor"]["ratios"].as_array().unwrap().len(), 2);
    let ratio = variant["measured"][0]["ratio"].as_f64().unwrap();
    assert!((ratio - rows[1].step_ratio.unwrap()).abs() < 1e-12);
    let text = place.ok(&["compare", sides[0], sides[1]]);
    assert!(
        text.find("A/A, the same work").unwrap() < text.find("B / A").unwrap(),
        "{text}"
    );
}

#[test]
fn what_another_processor_or_program_measured_is_kept_and_takes_no_part() {
    let place = Workplace::new();
    let (common, _) = SMALL.split_once("[sweep]").unwrap();
    place.write(
        "small.toml",
        &common.replace("[\"train\", \"evaluate\"]", "\"evaluate\""),
    );
    let run = ["run", "small.toml", "--threads", "2", "--device", "cpu"];
    place.ok(&run);
    let rows: Vec<BatchRow> = place.rows("results/small");
    assert_eq!(rows.len(), 2);
    let environment = place.json("results/small/environment.json");
    for row in &rows {
        assert!(
            row.cpu.starts_with(environment["cpu"].as_str().unwrap()) && row.cpu.contains(" with "),
            "{}",
            row.cpu
        );
        assert!(!row.revision.is_empty() && row.measured_at.ends_with('Z'), "{row:?}");
    }

    // As if one of them came from elsewhere: its identity is another one there.
    let all = place.path("results/small/measurements");
    let one = fs::read_dir(&all).unwrap().next().unwrap().unwrap().path();
    let elsewhere = all.join("0123456789abcdef");
    fs::rename(&one, &elsewhere).unwrap();
    let edit = |name: &str, key: &str, value: serde_json::Value| {
        let path = elsewhere.join(name);
        let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        json[key] = value;
        fs::write(&path, json.to_string()).unwrap();
    };
    edit("measurement.json", "measurement", "0123456789abcdef".into());
    edit(
        "measurement.json",
        "cpu",
        "Another (family 1, model 1, stepping 1) with AVX2".into(),
    );
    edit("round-0.json", "step_ns", vec![7; 3].into());

    let output = place.run(&run);
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(
            "note: 1 measurement of another processor or program, or with another number at once (Another (family 1, model 1, stepping 1) with AVX2, revision "
        ),
        "{said}"
    );
    assert!(said.contains("2 measurements (1 of them finished before)"), "{said}");
    assert!(elsewhere.join("round-0.json").is_file());
    let anew: Vec<BatchRow> = place.rows("results/small");
    assert_eq!(anew.len(), 2);
    assert!(
        anew.iter()
            .all(|row| row.status == Status::Ok && row.cpu == rows[0].cpu)
    );
    let samples: Vec<SampleRow> = place.rows("results/small");
    assert!(samples.iter().all(|row| row.step_ns > 7));
}

#[test]
fn every_round_is_a_process_of_its_own_and_one_that_is_killed_is_a_row() {
    let place = Workplace::new();
    let slow = SMALL
        .replace("warmup-seconds = 0", "warmup-seconds = 0.4")
        .replace("rounds = 2", "rounds = 1");
    place.write("small.toml", &slow);
    let mut run = Command::new(env!("CARGO_BIN_EXE_densenet-bench"))
        .args(["run", "small.toml", "--device", "cpu"])
        .current_dir(place.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut seen = BTreeSet::new();
    let status = loop {
        if let Some(status) = run.try_wait().unwrap() {
            break status;
        }
        for child in children(run.id()) {
            if seen.insert(child) && seen.len() == 1 {
                Command::new("kill").args(["-9", &child.to_string()]).status().unwrap();
            }
        }
        sleep(Duration::from_millis(5));
    };
    assert_eq!(status.code(), Some(1));
    let rows: Vec<BatchRow> = place.rows("results/small");
    let again: usize = rows.iter().map(|row| row.discarded_rounds).sum();
    assert_eq!(seen.len(), 8 + again, "a process for each variant, mode and batch size");
    assert_eq!(rows[0].status, Status::Failed);
    assert!(
        rows[0].error.starts_with("its process was killed (signal 9"),
        "{}",
        rows[0].error
    );
    assert!(rows[1..].iter().all(|row| row.status == Status::Ok));

    // What failed is tried again, and nothing else.
    let before: Vec<SampleRow> = place.rows("results/small");
    place.ok(&["run", "small.toml", "--device", "cpu"]);
    let after: Vec<SampleRow> = place.rows("results/small");
    assert_eq!(after.len(), 8 * 5);
    assert_eq!(after[5..], before);
}

#[test]
fn a_measurement_that_runs_too_long_is_a_row_with_the_status_timeout() {
    let place = Workplace::new();
    place.write(
        "small.toml",
        &format!("{SMALL}\n[train]\nepochs = 1\nseeds = [0]\n").replace("mode = [\"train\", \"evaluate\"]", ""),
    );
    let output = place.run(&["run", "small.toml", "--device", "cpu", "--timeout", "1ms"]);
    assert_eq!(output.status.code(), Some(1));
    let rows: Vec<BatchRow> = place.rows("results/small");
    assert_eq!(rows.len(), 4, "two variants at two batch sizes");
    for row in rows {
        assert_eq!(row.status, Status::Timeout);
        assert_eq!(
            row.error,
            "it ran longer than 1ms and was killed; give it more time with --timeout"
        );
    }
    let trials: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(trials.len(), 2);
    assert!(trials.iter().all(|row| row.status == Status::Timeout));
}

#[test]
fn settings_that_a_device_cannot_honour_are_refused_before_anything_is_written() {
    let place = Workplace::new();
    place.write("small.toml", &format!("{SMALL}\n[run]\nprecision = \"tf32\"\n"));
    for device in ["cpu", "flex"] {
        assert_eq!(
            place.refused(&["run", "small.toml", "--device", device]),
            format!(
                "error: small.toml:19: run.precision: precision is \"tf32\", which the device {device} does not have; \
                 write precision = \"f32\", or take a CUDA device of compute capability 8.0 or later"
            )
        );
    }
    place.write("small.toml", SMALL);
    assert_eq!(
        place.refused(&["run", "small.toml", "--device", "flex", "--memory-limit", "1GB"]),
        "error: --memory-limit: the memory of flex cannot be limited; leave it out, or take --device cpu"
    );
    let said = place.refused(&["run", "small.toml", "--device", "cpu", "--threads", "60000"]);
    assert!(
        said.starts_with("error: 60000 threads (--threads): this machine runs "),
        "{said}"
    );
    assert!(!place.path("results").exists());
}

#[test]
fn the_loss_is_printed_in_the_articles_form_behind_a_flag() {
    let place = Workplace::new();
    let train =
        "[train]\nepochs = 2\nbatch-size = 32\n[data]\ndataset = \"digits\"\ntrain-limit = 160\ntest-limit = 32\n";
    place.write(
        "small.toml",
        &format!("name = \"small\"\nquestion = \"?\"\n[model]\nblock-layers = [1]\n{train}"),
    );
    let output = place.run(&["run", "small.toml", "--print-loss-every", "2"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with('[')).collect();
    let places: Vec<&str> = lines.iter().map(|line| line.split_once(']').unwrap().0).collect();
    assert_eq!(
        places,
        [
            "[Epoch 1, Batch 2",
            "[Epoch 1, Batch 4",
            "[Epoch 2, Batch 2",
            "[Epoch 2, Batch 4"
        ]
    );
    let losses: Vec<f64> = lines
        .iter()
        .map(|line| line.split_once("] loss: ").unwrap().1.parse().unwrap())
        .collect();
    let steps: Vec<densenet_bench::formats::tables::StepRow> = place.rows("results/small");
    assert!((losses[0] - (steps[0].loss + steps[1].loss) / 2.0).abs() <= 0.0005);
}
