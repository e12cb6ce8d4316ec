//! The program from its command line: runs, records, exports, evaluates, refuses.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::correctness::correct_images;
use densenet_bench::formats::tables::{CorrectnessRow, EpochRow, Status, StepRow, TrialRow};
use serde_json::Value;
use workplace::Workplace;

/// Two growth rates by two seeds, seconds of training.
const SMALL: &str = r#"
name = "small"
question = "Does the whole job work?"
[data]
dataset = "digits"
train-limit = 192
test-limit = 96
validation-share = 0.1
augment = "shift-flip"
[model]
block-layers = [1, 2]
growth-rate = 4
dropout = 0.1
[train]
epochs = 2
batch-size = 32
seeds = [0, 1]
[sweep]
"model.growth-rate" = [4, 6]
"#;

fn losses(rows: &[StepRow]) -> Vec<(u64, usize, u64)> {
    rows.iter()
        .map(|row| (row.seed, row.step, row.loss.to_bits()))
        .collect()
}

#[test]
fn a_run_leaves_tables_plots_and_weights_that_a_rerun_repeats_to_the_last_bit() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    let printed = place.ok(&["run", "small.toml", "--threads", "2"]);
    place.ok(&["run", "small.toml", "--threads", "2", "--out", "again"]);

    let trials: Vec<TrialRow> = place.rows("results/small");
    let again: Vec<TrialRow> = place.rows("again/small");
    assert_eq!(trials.len(), 4);
    let names: Vec<(&str, u64)> = trials.iter().map(|row| (row.variant.as_str(), row.seed)).collect();
    assert_eq!(
        names,
        [
            ("growth-rate=4", 0),
            ("growth-rate=4", 1),
            ("growth-rate=6", 0),
            ("growth-rate=6", 1)
        ]
    );
    for (row, other) in trials.iter().zip(&again) {
        assert_eq!(row.status, Status::Ok, "{}", row.error);
        assert_eq!(row.trial, other.trial);
        assert_eq!(row.weights_sha256, other.weights_sha256);
        assert_eq!(row.weights_sha256.len(), 64);
        assert_eq!(row.final_test_loss, other.final_test_loss);
        assert_eq!(row.final_validation_error, other.final_validation_error);
        assert!(row.final_validation_loss.is_some() && row.peak_memory_bytes > Some(1 << 20));
        assert!(row.train_images_per_second > Some(0.0));
        // 192 images less 19 held out are 6 batches of 32, the last of 13.
        assert_eq!((row.steps, row.epochs, row.published_error), (12, 2, None));
    }
    assert_ne!(trials[0].weights_sha256, trials[1].weights_sha256);

    let (steps, other): (Vec<StepRow>, Vec<StepRow>) = (place.rows("results/small"), place.rows("again/small"));
    assert_eq!(steps.len(), 4 * 12);
    assert_eq!(losses(&steps), losses(&other));
    let rates: Vec<f64> = steps[..12].iter().map(|row| row.learning_rate).collect();
    assert_eq!(rates, [vec![0.1; 6], vec![0.1 * 0.1; 6]].concat());
    let epochs: Vec<EpochRow> = place.rows("results/small");
    assert_eq!(epochs.len(), 4 * 2);
    for row in &epochs {
        let (train, test) = (row.train_ns.unwrap(), row.test_ns.unwrap());
        assert!(train > 0 && test > 0 && train + test <= row.wall_ns, "{row:?}");
    }
    for (row, last) in trials.iter().zip(epochs.iter().skip(1).step_by(2)) {
        assert_eq!(row.final_test_error, Some(last.test_error));
        assert_eq!(row.final_train_loss, Some(last.train_loss));
    }
    let correctness: Vec<CorrectnessRow> = place.rows("results/small");
    assert_eq!(correctness, place.rows::<CorrectnessRow>("again/small"));
    assert_eq!(correctness.len(), trials.len());
    for (row, of) in trials.iter().zip(&correctness) {
        let correct = correct_images(of).unwrap();
        let wrong = correct.iter().filter(|is_right| !**is_right).count();
        assert_eq!((&of.trial, Some(of.images)), (&row.trial, row.test_images));
        assert_eq!(row.final_test_error, Some(wrong as f64 / correct.len() as f64));
    }

    let environment = place.json("results/small/environment.json");
    assert_eq!(environment["threads"], 2);
    assert_eq!(environment["burn"], "0.22.1");
    assert!(environment["ended"].is_string());
    assert!(
        environment["command_line"]
            .as_array()
            .unwrap()
            .iter()
            .any(|argument| argument == "small.toml")
    );
    assert_eq!(
        fs::read_to_string(place.path("results/small/ablation.toml")).unwrap(),
        SMALL
    );
    for stem in [
        "loss-curves",
        "loss-and-error",
        "test-error",
        "error-by-parameters",
        "error-by-macs",
    ] {
        let svg = fs::read_to_string(place.path(&format!("results/small/plots/{stem}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("growth"), "{stem}");
        let png = fs::read(place.path(&format!("results/small/plots/{stem}.png"))).unwrap();
        assert_eq!(&png[1..4], b"PNG");
        let pdf = fs::read(place.path(&format!("results/small/plots/{stem}.pdf"))).unwrap();
        assert!(pdf.starts_with(b"%PDF-1."), "{stem}");
    }
    assert!(printed.contains("growth-rate=4") && printed.contains('±'), "{printed}");
}

#[test]
fn a_class_without_test_images_is_said_and_recorded() {
    let place = Workplace::new();
    place.write(
        "few.toml",
        "name = \"few\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\ntrain-limit = 32\ntest-limit = 16\n\
         [model]\nblock-layers = [1]\ngrowth-rate = 2\n[train]\nsteps = 1\nbatch-size = 8\n",
    );
    let output = place.run(&["run", "few.toml", "--device", "cpu", "--threads", "1"]);
    let untested = "1 of 10 classes without test images (1): the test error tells nothing of them";
    let said = workplace::said(&output);
    assert!(
        output.status.success() && said.contains(&format!("note: digits: {untested}")),
        "{said}"
    );
    let rows: Vec<TrialRow> = place.rows("results/few");
    assert!(rows[0].warning.contains(untested), "{}", rows[0].warning);
}

#[test]
fn a_finished_trial_is_not_run_again_and_fresh_keeps_the_old_results() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "2", "--only", "growth-rate=4"]);
    let half: Vec<TrialRow> = place.rows("results/small");
    let statuses: Vec<Status> = half.iter().map(|row| row.status).collect();
    assert_eq!(statuses, [Status::Ok, Status::Ok, Status::Pending, Status::Pending]);

    // A run that is half done can be drawn.
    assert!(place.ok(&["plot", "results/small"]).contains("growth-rate=4"));

    place.ok(&["run", "small.toml", "--threads", "2"]);
    let whole: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(half[..2], whole[..2], "wall times too: they were not run again");
    assert!(whole.iter().all(|row| row.status == Status::Ok));

    let said = place.run(&[
        "run",
        "small.toml",
        "--threads",
        "2",
        "--fresh",
        "--only",
        "growth-rate=4",
    ]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("the old results are kept in results/small.1"));
    let kept: Vec<TrialRow> = place.rows("results/small.1");
    assert_eq!(kept, whole);
}

#[test]
fn a_trial_that_diverges_is_a_row_and_the_others_finish() {
    let place = Workplace::new();
    let text = SMALL.replace(
        "\"model.growth-rate\" = [4, 6]",
        "\"train.learning-rate\" = [1e30, 0.05]",
    );
    place.write("small.toml", &text);
    let output = place.run(&["run", "small.toml", "--threads", "2"]);
    assert_eq!(output.status.code(), Some(1));
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(rows[0].status, Status::Failed);
    assert!(rows[0].error.starts_with("the loss became "), "{}", rows[0].error);
    assert!(
        rows[0].error.ends_with("(epoch 0); take a smaller learning-rate"),
        "{}",
        rows[0].error
    );
    assert!(rows[0].weights_sha256.is_empty() && rows[0].final_test_error.is_none());
    assert_eq!((rows[2].status, rows[3].status), (Status::Ok, Status::Ok));
    // Failed trials are tried again; what was finished stays.
    let before = rows[2].clone();
    assert_eq!(
        place.run(&["run", "small.toml", "--threads", "2"]).status.code(),
        Some(1)
    );
    assert_eq!(place.rows::<TrialRow>("results/small")[2], before);
}

#[test]
fn a_network_spoiled_by_its_last_step_is_not_an_ok_trial() {
    let place = Workplace::new();
    let text = SMALL
        .replace("epochs = 2", "steps = 1\nlearning-rate = 1e30")
        .replace("seeds = [0, 1]", "seeds = [0]");
    place.write("small.toml", &text);
    assert_eq!(
        place.run(&["run", "small.toml", "--threads", "2"]).status.code(),
        Some(1)
    );
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(rows[0].status, Status::Failed);
    assert_eq!(
        rows[0].error,
        "the test loss is NaN after epoch 0; take a smaller learning-rate"
    );
    assert_eq!(rows[0].final_test_error, None);
}

#[test]
fn a_run_that_trains_nothing_leaves_the_record_of_the_one_that_did() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "2", "--only", "growth-rate=4"]);
    let before = place.json("results/small/environment.json");
    place.ok(&["run", "small.toml", "--threads", "1", "--only", "growth-rate=4"]);
    assert_eq!(place.json("results/small/environment.json"), before);
    let rows: Vec<TrialRow> = place.rows("results/small");
    let own = place.json(&format!("results/small/trials/{}/environment.json", rows[0].trial));
    assert_eq!(own["threads"], 2);
}

#[test]
fn exported_weights_evaluate_to_the_recorded_error() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "2", "--only", "growth-rate=6"]);
    let rows: Vec<TrialRow> = place.rows("results/small");
    // The second seed: what is held out differs, what is evaluated does not.
    let row = &rows[3];
    let trial = format!("results/small/trials/{}", row.trial);
    place.ok(&["export", &trial, "--weights", "final.safetensors"]);
    let evaluate = |more: &[&str]| -> Value {
        let first = ["evaluate", "small.toml", "--variant", "growth-rate=6", "--threads", "2"];
        serde_json::from_str(&place.ok(&[&first, more].concat())).unwrap()
    };
    let test = evaluate(&["--weights", "final.safetensors", "--logits", "logits.csv"]);
    assert_eq!(test["error"].as_f64(), row.final_test_error);
    assert_eq!(test["loss"].as_f64(), row.final_test_loss);
    assert_eq!(test["images"], 96);
    assert_eq!(
        evaluate(&["--weights", "final.safetensors", "--split", "train"])["images"],
        192
    );

    let logits = fs::read_to_string(place.path("logits.csv")).unwrap();
    let mut lines = logits.lines();
    let columns: String = (0..10).map(|class| format!(",logit_{class}")).collect();
    assert_eq!(lines.next().unwrap(), format!("index,label{columns}"));
    let wrong = lines.clone().filter(|line| {
        let fields: Vec<f64> = line.split(',').map(|field| field.parse().unwrap()).collect();
        let largest = fields[2..].iter().cloned().fold(f64::MIN, f64::max);
        fields[2 + fields[1] as usize] != largest
    });
    assert_eq!(wrong.count() as f64 / 96.0, row.final_test_error.unwrap());
    assert_eq!(lines.count(), 96);

    // `--weights` wins over `model.weights`, and a run can start from them.
    let from = SMALL.replace(
        "growth-rate = 4\n",
        "growth-rate = 6\nweights = \"final.safetensors\"\n",
    );
    let from = from
        .split("[sweep]")
        .next()
        .unwrap()
        .replace("name = \"small\"", "name = \"from\"");
    place.write("from.toml", &from);
    let other: Value = serde_json::from_str(&place.ok(&["evaluate", "from.toml", "--threads", "2"])).unwrap();
    assert_eq!(other, test);
    place.ok(&["run", "from.toml", "--threads", "2"]);
    let started: Vec<TrialRow> = place.rows("results/from");
    place.ok(&[
        "export",
        "--initial",
        &format!("results/from/trials/{}", started[0].trial),
        "--weights",
        "start.safetensors",
    ]);
    assert_eq!(
        fs::read(place.path("start.safetensors")).unwrap(),
        fs::read(place.path("final.safetensors")).unwrap()
    );
}

#[test]
fn one_seed_gives_one_set_of_initial_weights_on_every_backend() {
    let place = Workplace::new();
    // Each backend draws its own dropout.
    let text = SMALL.replace("epochs = 2", "steps = 1").replace("dropout = 0.1", "");
    place.write("small.toml", &text);
    for device in ["auto", "flex"] {
        place.ok(&[
            "run",
            "small.toml",
            "--threads",
            "2",
            "--device",
            device,
            "--out",
            device,
        ]);
        let rows: Vec<TrialRow> = place.rows(&format!("{device}/small"));
        let trial = format!("{device}/small/trials/{}", rows[1].trial);
        place.ok(&[
            "export",
            "--initial",
            &trial,
            "--weights",
            &format!("{device}.safetensors"),
        ]);
    }
    assert_eq!(
        fs::read(place.path("auto.safetensors")).unwrap(),
        fs::read(place.path("flex.safetensors")).unwrap()
    );
    // The identity does not follow from the device, and the first loss is the same but for rounding.
    let (ours, flex): (Vec<StepRow>, Vec<StepRow>) = (place.rows("auto/small"), place.rows("flex/small"));
    assert_eq!((ours.len(), flex.len()), (4, 4));
    for (a, b) in ours.iter().zip(&flex) {
        assert_eq!((&a.trial, a.step), (&b.trial, b.step));
        assert!((a.loss / b.loss - 1.0).abs() < 1e-5, "{} and {}", a.loss, b.loss);
    }
    let different: Vec<u64> = ours.iter().map(|row| row.loss.to_bits()).collect();
    assert!(different[1..].iter().all(|loss| *loss != different[0]), "{different:?}");
}

#[test]
fn list_prints_a_line_a_trial_and_writes_nothing() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    let printed = place.ok(&["run", "small.toml", "--list"]);
    assert_eq!(printed.lines().count(), 4);
    assert!(printed.lines().nth(2).unwrap().contains("growth-rate=6  seed=0"));
    assert!(!place.path("results").exists());
}

#[test]
fn planning_needs_the_files_of_a_data_set_and_not_their_images() {
    let place = Workplace::new();
    for name in ["train/ant/a.png", "train/bee/b.png", "test/ant/a.png", "test/bee/b.png"] {
        let file = place.path("images").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "this is not an image").unwrap();
    }
    let data = "dataset = \"folder\"\npath = \"images\"\nimage-size = 8";
    let ablation = SMALL
        .replace("dataset = \"digits\"", data)
        .replace("train-limit = 192\ntest-limit = 96\nvalidation-share = 0.1\n", "")
        .replace("batch-size = 32", "batch-size = 2");
    place.write("small.toml", &ablation);
    assert_eq!(place.ok(&["run", "small.toml", "--list"]).lines().count(), 4);
    let described: Value = serde_json::from_str(&place.ok(&["describe", "small.toml", "--json"])).unwrap();
    assert_eq!(described["trials"], 4);
    let refusal = place.refused(&["run", "small.toml", "--device", "cpu"]);
    assert!(
        refusal.contains(
            "images: 4 files cannot be used: train/ant/a.png (not a readable PNG or JPEG file: unknown signature)"
        ),
        "{refusal}"
    );
    assert!(!place.path("results").exists());
}

#[test]
fn bad_input_is_refused_with_status_2_before_anything_is_written() {
    let place = Workplace::new();
    let with = |from: &str, to: &str| {
        place.write("bad.toml", &SMALL.replace(from, to));
        let said = place.refused(&["run", "bad.toml", "--threads", "2"]);
        assert!(!place.path("results").exists());
        said
    };
    // Those that the data or the closed forms show; the format's own are in tests/bad_ablations.
    assert_eq!(
        with("batch-size = 32", "batch-size = 512"),
        "error: bad.toml:16: train.batch-size: batch-size is 512, and there are 173 training \
         images; write at most 173"
    );
    assert_eq!(
        with("block-layers = [1, 2]", "block-layers = [1, 1, 1, 1, 1]"),
        "error: bad.toml:4: data.image-size: in variant growth-rate=4, images of 8x8 are too small: transition 4 would \
         pool a 1x1 map by 2x2; this network needs at least 16x16, or fewer blocks"
    );
    assert_eq!(
        with("train-limit = 192", "train-limit = 2000"),
        "error: bad.toml:6: data.train-limit: digits: train-limit is 2000, and there are 1,437 \
         training images; write a limit from 1 to 1437, or leave it out to take all"
    );
    assert_eq!(
        with(
            "dataset = \"digits\"",
            "dataset = \"folder\"\npath = \"no-such-folder\""
        ),
        "error: bad.toml:6: data.path: no-such-folder: there is no such folder; lay the images out as train/CLASS/IMAGE and \
         test/CLASS/IMAGE"
    );
    assert_eq!(
        place.refused(&["run", "absent.toml"]),
        "error: absent.toml: No such file or directory (os error 2); name an existing ablation file, such as \
         ablations/growth.toml"
    );
    place.write("good.toml", SMALL);
    assert_eq!(
        place.refused(&["run", "good.toml", "--only", "k*"]),
        "error: no variant of 'good.toml' matches --only 'k*'; it has growth-rate=4, growth-rate=6"
    );
    assert!(
        place
            .refused(&["run", "good.toml", "--device", "cuda:7"])
            .starts_with("error: --device cuda:7: libtorch sees ")
    );
    assert!(
        place
            .refused(&["run", "good.toml", "--device", "gpu"])
            .contains("write auto, cpu, cuda:N")
    );
    assert_eq!(
        place.refused(&["evaluate", "good.toml", "--weights", "x"]),
        "error: 'good.toml' has several variants; choose one with --variant: growth-rate=4, growth-rate=6"
    );
    assert_eq!(
        place.refused(&["evaluate", "good.toml", "--variant", "growth-rate=5", "--weights", "x"]),
        "error: could not find variant 'growth-rate=5' in 'good.toml'; it has growth-rate=4, growth-rate=6"
    );
    assert!(
        place
            .refused(&["describe", "densenet-122"])
            .contains("did you mean densenet-121?")
    );
    assert!(place.refused(&["plot", "."]).contains("this is not a result folder"));
    assert!(
        place
            .refused(&["export", ".", "--weights", "x"])
            .contains("this is not a trial's folder")
    );
    assert!(!place.path("results").exists());
}

#[test]
fn two_variants_that_are_the_same_are_refused() {
    let place = Workplace::new();
    let text = format!("{SMALL}\n[[variant]]\nname = \"wide\"\nset = {{ \"model.growth-rate\" = 6 }}\n");
    place.write("small.toml", &text);
    let said = place.refused(&["run", "small.toml"]);
    assert!(
        said.ends_with("it is the same network, data and training as variant growth-rate=6; leave one of the two out")
    );
}

#[test]
fn a_last_batch_of_one_on_a_1x1_map_is_refused() {
    let place = Workplace::new();
    let text = SMALL
        .replace("block-layers = [1, 2]", "block-layers = [1, 1, 1, 1]")
        .replace("train-limit = 192", "train-limit = 65")
        .replace("validation-share = 0.1\n", "");
    place.write("small.toml", &text);
    let said = place.refused(&["run", "small.toml"]);
    assert_eq!(
        said,
        "error: small.toml:15: train.batch-size: in variant growth-rate=4, the last batch of an epoch holds 1 of 65 images: a \
         batch of 1 image leaves features.denseblock4.denselayer1.norm1 one value per channel (a 1x1 map), which has \
         no variance; train with larger batches or larger images"
    );
}

#[test]
fn describe_counts_as_the_paper_does() {
    let place = Workplace::new();
    let described: Value = serde_json::from_str(&place.ok(&["describe", "densenet-bc-100-12", "--json"])).unwrap();
    let variant = &described["variants"][0];
    assert_eq!(variant["parameters"], 769_162);
    assert_eq!(variant["macs"], 287_929_692);
    assert_eq!(variant["layers"], 100);
    let table = place.ok(&["describe", "densenet-121", "--full"]);
    assert!(table.contains("features.denseblock4.denselayer16.conv2"), "{table}");
    place.write("small.toml", SMALL);
    let described: Value = serde_json::from_str(&place.ok(&["describe", "small.toml", "--json"])).unwrap();
    assert_eq!(described["trials"], 4);
    assert_eq!(described["variants"].as_array().unwrap().len(), 2);
}

#[test]
fn the_doctor_finds_the_cpu_path_working() {
    let printed = Workplace::new().ok(&["doctor"]);
    for subject in ["program", "threads", "libtorch", "cpu", "cuda", "flex"] {
        assert!(printed.contains(subject), "{printed}");
    }
}

#[test]
fn completions_and_help_are_printed() {
    let place = Workplace::new();
    assert!(place.ok(&["completions", "bash"]).contains("densenet-bench"));
    assert!(place.ok(&["run", "--help"]).contains("Examples:"));
}

#[test]
fn a_trial_whose_parent_is_gone_does_not_start() {
    let place = Workplace::new();
    let output = place.run(&["trial", "results/none", "0", "--parent", "1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!output.stderr.is_empty());
}
