//! `compare` from its command line, on result folders that the library's own writers make.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;
use std::path::Path;

use densenet_bench::formats::ablation::Precision;
use densenet_bench::formats::ablation::{Allocator, Execution, Mode, RunSettings, parse};
use densenet_bench::formats::tables::{BatchRow, Row, SampleRow, Status, write_rows};
use densenet_bench::host::Environment;
use densenet_bench::trials::{ResultFolder, TrialResult, prepare};
use serde_json::Value;
use workplace::Workplace;

/// A result to make: what decides it, and what it came to.
#[derive(Clone)]
struct Made {
    growth_rates: &'static str,
    train_limit: usize,
    seeds: Vec<u64>,
    cpu: &'static str,
    revision: &'static str,
    /// The test error of a variant's index and a seed; none for a trial that failed.
    error: fn(usize, u64) -> Option<f64>,
}

/// Two growth rates by six seeds; the wider network is better by a hundredth on each.
const USUAL: fn(usize, u64) -> Option<f64> = |variant, seed| Some(0.05 + 0.001 * seed as f64 - 0.01 * variant as f64);

impl Made {
    fn usual() -> Self {
        Self {
            growth_rates: "[4, 6]",
            train_limit: 192,
            seeds: (0..6).collect(),
            cpu: "Processor X",
            revision: "aaaa",
            error: USUAL,
        }
    }
}

/// A workplace with result folders in it.
struct Results(Workplace);

impl Results {
    fn new() -> Self {
        Self(Workplace::new())
    }

    /// Writes a result folder as a run leaves it.
    fn make(&self, name: &str, made: &Made) {
        let text = format!(
            "name = \"{name}\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\ntrain-limit = {}\ntest-limit = 96\n[model]\n\
             block-layers = [1, 2]\n[train]\nepochs = 2\nbatch-size = 32\nseeds = {:?}\n[sweep]\n\
             \"model.growth-rate\" = {}\n",
            made.train_limit, made.seeds, made.growth_rates
        );
        let ablation = parse(&text, Path::new("ablation.toml")).unwrap();
        let mut experiment = prepare(ablation, 1, None).unwrap();
        let mut environment = Environment::observe(
            densenet_bench::backends::CPU.device(0),
            None,
            &RunSettings::default(),
            2,
        );
        environment.cpu = made.cpu.to_owned();
        environment.revision = made.revision.to_owned();
        let folder = ResultFolder::new(&self.0.path(""), name);
        folder.create(&text).unwrap();
        folder.record_environment(&environment).unwrap();
        for trial in &mut experiment.trials {
            let record = &mut trial.record;
            (record.device, record.threads) = ("cpu".to_owned(), 2);
            folder.begin(record, &environment).unwrap();
            let failed = TrialResult::unfinished(Status::Failed, "the loss became NaN at step 7");
            let result = match (made.error)(trial.variant, record.seed) {
                None => failed,
                Some(error) => TrialResult {
                    status: Status::Ok,
                    error: String::new(),
                    final_test_error: Some(error),
                    final_test_loss: Some(3.0 * error),
                    train_images_per_second: Some(800.0 + record.seed as f64),
                    // The same trial in another folder ran at another time.
                    wall_ns: Some(2_000_000_000 + name.bytes().map(u64::from).sum::<u64>()),
                    ..failed
                },
            };
            folder.end(&record.trial, &result).unwrap();
        }
        folder.derive_tables(&experiment.trials).unwrap();
    }

    /// Adds a measurement of a variant at batch 16: twelve steps in three rounds.
    fn measure(&self, name: &str, variant: &str, step_ns: u64, threads: usize) {
        let row = BatchRow {
            variant: variant.to_owned(),
            device: "cpu".parse().unwrap(),
            execution: Execution::Plain,
            precision: Precision::F32,
            mode: Mode::Train,
            batch_size: 16,
            status: Status::Ok,
            error: String::new(),
            steps: 12,
            step_ns_median: Some(step_ns),
            step_ns_mad: None,
            forward_ns_median: None,
            backward_ns_median: None,
            optimizer_ns_median: None,
            images_per_second: None,
            allocated_peak_bytes: Some(step_ns),
            reserved_peak_bytes: None,
            process_peak_bytes: None,
            process_peak_source: String::new(),
            predicted_peak_bytes: None,
            threads,
            allocator: Allocator::KeepPages,
            rounds: 3,
            warning: String::new(),
            processor_share: None,
            cpu: String::new(),
            revision: String::new(),
            host: String::new(),
            measured_at: String::new(),
            step_ns_low: None,
            step_ns_high: None,
            repeat: 0,
            step_ratio: None,
            step_ratio_low: None,
            step_ratio_high: None,
            discarded_rounds: 0,
            images_per_second_window: None,
            startup_ns: None,
            first_step_ns: None,
            step_flops: None,
            step_bytes: None,
            flops_per_second: None,
            device_flops_per_second: None,
            device_bytes_per_second: None,
            roofline_share: None,
            step_joules: None,
            joules_per_image: None,
            energy_source: String::new(),
            layout: None,
            cuda_graph: None,
        };
        let samples: Vec<SampleRow> = (0..12)
            .map(|step| SampleRow {
                variant: variant.to_owned(),
                device: "cpu".parse().unwrap(),
                execution: Execution::Plain,
                precision: Precision::F32,
                mode: Mode::Train,
                batch_size: 16,
                step,
                step_ns: step_ns + 1000 * (step as u64 % 3),
                threads,
                round: step / 4,
                repeat: 0,
                run: String::new(),
            })
            .collect();
        fs::write(self.0.path(name).join(BatchRow::FILE), write_rows(&[row]).unwrap()).unwrap();
        fs::write(self.0.path(name).join(SampleRow::FILE), write_rows(&samples).unwrap()).unwrap();
    }

    fn ok(&self, arguments: &[&str]) -> String {
        self.0.ok(&[&["compare"], arguments].concat())
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["--json"]].concat())).unwrap()
    }

    fn refused(&self, arguments: &[&str]) -> String {
        self.0.refused(&[&["compare"], arguments].concat())
    }
}

#[test]
fn two_variants_of_one_folder_are_compared_on_their_seeds() {
    let place = Results::new();
    place.make("growth", &Made::usual());
    let sides = ["growth#growth-rate=4", "growth#growth-rate=6"];
    let found = place.json(&sides);
    let variant = &found["variants"][0];
    assert_eq!(variant["settings"][0]["key"], "model.growth-rate");
    assert_eq!(
        (&variant["settings"][0]["a"], &variant["settings"][0]["b"]),
        (&4.into(), &6.into())
    );
    let error = &variant["trained"][0];
    assert_eq!((&error["metric"], &error["n"]), (&"final_test_error".into(), &6.into()));
    assert!((error["difference"].as_f64().unwrap() + 0.01).abs() < 1e-12);
    assert_eq!((&error["p"], &error["verdict"]), (&0.03125.into(), &"differ".into()));
    let wall = variant["trained"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&wall["metric"], &wall["verdict"]),
        (&"wall_ns".into(), &"equal".into())
    );
    assert!(found["notes"].as_array().unwrap().is_empty(), "{found}");

    let table = place.ok(&sides);
    assert!(
        table.contains(
            "growth-rate=4 / growth-rate=6  test error (%)    5.25    4.25    -1.00      [-1.00, -1.00]  6  1.00  0.031          1.00  differ"
        ),
        "{table}"
    );
}

#[test]
fn folders_are_compared_variant_by_variant_and_what_is_left_out_is_named() {
    let place = Results::new();
    place.make("one", &Made::usual());
    let other = Made {
        growth_rates: "[6, 8]",
        seeds: vec![1, 2, 3, 9],
        revision: "bbbb",
        error: |_, seed| (seed != 2).then_some(0.06),
        ..Made::usual()
    };
    place.make("two", &other);
    let found = place.json(&["one", "two"]);
    assert_eq!(found["variants"].as_array().unwrap().len(), 1);
    let error = &found["variants"][0]["trained"][0];
    assert_eq!(
        (&error["seeds"], &error["verdict"]),
        (&serde_json::json!([1, 3]), &"other-survivors".into())
    );
    let notes: Vec<&str> = found["notes"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        notes,
        [
            "in A alone, and left out: growth-rate=4",
            "in B alone, and left out: growth-rate=8",
            "growth-rate=6: seeds 0, 4, 5 of A left out, which the other side does not have",
            "growth-rate=6: seed 9 of B left out, which the other side does not have",
            "growth-rate=6: seed 2 left out: failed in B: the loss became NaN at step 7",
            "growth-rate=6: no verdict, since other seeds failed in A than in B (3 of 3 seeds in A and 2 of 3 in B): those \
             that are left were not chosen alike",
            "revision is aaaa in A and bbbb in B"
        ]
    );
    assert!(place.ok(&["one", "two"]).contains("other seeds survived"));
}

#[test]
fn other_data_are_refused_without_anyway() {
    let place = Results::new();
    place.make("one", &Made::usual());
    let other = Made {
        train_limit: 160,
        ..Made::usual()
    };
    place.make("two", &other);
    let said = place.refused(&["one", "two"]);
    assert!(
        said.starts_with(
            "error: one and two must not be compared: errors and losses need the same data on both sides, but \
             train-limit is 192 in A and 160 in B, the data's fingerprint is "
        ),
        "{said}"
    );
    assert!(
        said.ends_with("compare speeds and memory alone with --metrics speeds, or compare nevertheless with --anyway")
    );
    let speeds = place.json(&["one", "two", "--metrics", "speeds"]);
    assert_eq!(speeds["variants"][0]["trained"][0]["metric"], "train_images_per_second");
    let anyway = place.ok(&["one", "two", "--anyway"]);
    assert!(
        anyway.contains("note: compared although train-limit is 192 in A and 160 in B"),
        "{anyway}"
    );
}

#[test]
fn another_machine_is_refused_for_speeds_and_not_for_errors() {
    let place = Results::new();
    place.make("one", &Made::usual());
    let other = Made {
        cpu: "Processor Y",
        ..Made::usual()
    };
    place.make("two", &other);
    assert_eq!(
        place.refused(&["one", "two"]),
        "error: one and two must not be compared: speeds and memory need the same machine, device, threads and images on \
         both sides, but cpu is Processor X in A and Processor Y in B; compare errors and losses alone with --metrics \
         results, or compare nevertheless with --anyway"
    );
    let results = place.json(&["one", "two", "--metrics", "results"]);
    assert_eq!(results["variants"][0]["trained"].as_array().unwrap().len(), 2);
    assert_eq!(results["variants"][0]["trained"][0]["verdict"], "equal");
    assert_eq!(results["notes"][0], "cpu is Processor X in A and Processor Y in B");
}

#[test]
fn step_times_are_compared_and_other_threads_refused() {
    let place = Results::new();
    for (name, step_ns, threads) in [("one", 10_000_000, 2), ("two", 12_000_000, 2), ("three", 6_000_000, 4)] {
        place.make(name, &Made::usual());
        place.measure(name, "growth-rate=4", step_ns, threads);
    }
    let found = place.json(&["one", "two"]);
    let measured = &found["variants"][0]["measured"][0];
    assert!((measured["ratio"].as_f64().unwrap() - 1.2).abs() < 0.001, "{measured}");
    assert_eq!(measured["a"]["allocated_peak_bytes"], 10_000_000);
    assert_eq!(measured["b"]["steps"], 12);
    assert_eq!(measured["ratio_interval_method"], "welch-on-rounds");
    assert!(place.ok(&["one", "two"]).contains("B / A"));
    // A measurement's own environment wins over the folder's.
    let own = place.0.path("two/measurements/0");
    fs::create_dir_all(&own).unwrap();
    let trial = fs::read_dir(place.0.path("two/trials"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    let trial = fs::read_to_string(trial.path().join("trial.json")).unwrap();
    let trial: Value = serde_json::from_str(&trial).unwrap();
    let record = serde_json::json!({
        "measurement": "0", "cell": "0", "rounds": 3, "predicted_peak_bytes": null, "revision": trial["revision"],
        "spec": {
            "variant": "growth-rate=4", "mode": "train", "batch_size": 16, "device": "cpu", "threads": 2, "seed": 0,
            "warmup_steps": 0, "warmup_seconds": 0.0, "steps": 12, "phase_steps": 12, "memory_limit": null,
            "settings": trial["settings"], "starting_weights_sha256": null, "input": trial["input"],
            "classes": trial["classes"], "data_fingerprint": trial["data_fingerprint"],
        },
    });
    fs::write(own.join("measurement.json"), record.to_string()).unwrap();
    let environment = fs::read_to_string(place.0.path("two/environment.json")).unwrap();
    fs::write(
        own.join("environment.json"),
        environment.replace("Processor X", "Processor Z"),
    )
    .unwrap();
    assert!(
        place
            .refused(&["one", "two"])
            .contains("but cpu is Processor X in A and Processor Z in B")
    );

    let said = place.refused(&["one", "three", "--metrics", "speeds"]);
    assert!(
        said.contains("but threads is 2 in A and 4 in B; name two results"),
        "{said}"
    );
}

#[test]
fn results_with_nothing_in_common_are_refused_with_what_each_has() {
    let place = Results::new();
    place.make("one", &Made::usual());
    let other = Made {
        growth_rates: "[8, 10]",
        seeds: vec![7],
        ..Made::usual()
    };
    place.make("two", &other);
    assert_eq!(
        place.refused(&["one", "two"]),
        "error: one and two have no variant in common: A has growth-rate=4, growth-rate=6; B has growth-rate=8, \
         growth-rate=10; name one on each side as DIR#VARIANT"
    );
    assert_eq!(
        place.refused(&["one#growth-rate=5", "two"]),
        "error: could not find variant 'growth-rate=5' in 'one'; it has growth-rate=4, growth-rate=6"
    );
    assert!(
        place
            .refused(&["one", "./one"])
            .contains("one and ./one are the same result; name two folders")
    );
    assert!(
        place
            .refused(&["one", "absent"])
            .contains("absent: this is not a result folder")
    );
    let said = place.refused(&["one#growth-rate=4", "two#growth-rate=8"]);
    assert!(
        said.contains("can be compared: growth-rate=4 / growth-rate=8: seeds 0, 1, 2, 3, 4, 5 of A left out"),
        "{said}"
    );
}

#[test]
fn a_machine_that_was_not_recorded_is_not_taken_for_the_same() {
    let place = Results::new();
    place.make("one", &Made::usual());
    place.make("two", &Made::usual());
    assert_eq!(place.json(&["one", "two"])["notes"], serde_json::json!([]));
    let trials = fs::read_dir(place.0.path("two/trials")).unwrap();
    for trial in trials {
        fs::remove_file(trial.unwrap().path().join("environment.json")).unwrap();
    }
    assert!(
        place
            .refused(&["one", "two"])
            .contains("cpu is Processor X in A and not recorded in B")
    );
}
