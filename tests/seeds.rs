//! Sources of randomness with seeds of their own, from the command line.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::tables::{Status, StepRow, TrialRow};
use workplace::Workplace;

/// Every source has a seed.
const SOURCES: &str = r#"
name = "sources"
question = "?"
[data]
dataset = "digits"
train-limit = 96
test-limit = 64
validation-share = 0.2
validation-seed = 7
augment = "shift-flip"
[model]
block-layers = [1]
growth-rate = 2
dropout = 0.3
[train]
epochs = 1
batch-size = 32
seeds = [0, 1]
initialization-seed = 7
order-seed = 7
augmentation-seed = 7
dropout-seed = 7
"#;

/// In each variant one source has another seed.
fn variants() -> String {
    let sources = [
        ("initialization", "train.initialization-seed"),
        ("order", "train.order-seed"),
        ("augmentation", "train.augmentation-seed"),
        ("dropout", "train.dropout-seed"),
        ("held-out", "data.validation-seed"),
    ];
    let of = |(name, key): (&str, &str)| format!("[[variant]]\nname = \"{name}\"\nset = {{ \"{key}\" = 9 }}\n");
    format!(
        "[[variant]]\nname = \"nothing\"\nset = {{}}\n{}",
        sources.map(of).concat()
    )
}

#[test]
fn a_source_with_a_seed_of_its_own_does_not_follow_the_trials() {
    let place = Workplace::new();
    place.write("sources.toml", &format!("{SOURCES}{}", variants()));
    place.ok(&["run", "sources.toml", "--device", "cpu", "--threads", "1"]);
    let rows: Vec<TrialRow> = place.rows("results/sources");
    assert!(rows.iter().all(|row| row.status == Status::Ok));
    let of = |variant: &str| -> Vec<&TrialRow> { rows.iter().filter(|row| row.variant == variant).collect() };
    let steps: Vec<StepRow> = place.rows("results/sources");
    let first_loss = |row: &TrialRow| steps.iter().find(|step| step.trial == row.trial).unwrap().loss;
    for variant in [
        "nothing",
        "initialization",
        "order",
        "augmentation",
        "dropout",
        "held-out",
    ] {
        let [one, other] = of(variant)[..] else {
            panic!("{variant}")
        };
        // Every source has a seed, so that the trial's own decides nothing.
        assert_eq!(one.weights_sha256, other.weights_sha256, "{variant}");
        assert_ne!(one.trial, other.trial);
    }
    let nothing = of("nothing")[0];
    for variant in ["initialization", "order", "augmentation", "dropout", "held-out"] {
        let row = of(variant)[0];
        assert_ne!(
            row.weights_sha256, nothing.weights_sha256,
            "{variant} decides something"
        );
        assert_ne!(first_loss(row), first_loss(nothing), "{variant}");
    }
    let initial = |row: &TrialRow| {
        let file = format!("{}.safetensors", row.trial);
        let trial = format!("results/sources/trials/{}", row.trial);
        place.ok(&["export", "--initial", &trial, "--weights", &file]);
        fs::read(place.path(&file)).unwrap()
    };
    for variant in ["order", "augmentation", "dropout", "held-out"] {
        assert!(
            initial(of(variant)[0]) == initial(nothing),
            "{variant} does not touch the weights"
        );
    }
    assert!(initial(of("initialization")[0]) != initial(nothing));
}

#[test]
fn a_source_with_the_trials_own_seed_changes_no_bit() {
    let place = Workplace::new();
    let plain: String = SOURCES
        .lines()
        .filter(|line| !line.contains("-seed"))
        .map(|line| format!("{line}\n"))
        .collect();
    let fixed = SOURCES
        .replace("-seed = 7", "-seed = 1")
        .replace("seeds = [0, 1]", "seeds = [1]");
    place.write("plain.toml", &plain.replace("\"sources\"", "\"plain\""));
    place.write("fixed.toml", &fixed.replace("\"sources\"", "\"fixed\""));
    for name in ["plain", "fixed"] {
        place.ok(&["run", &format!("{name}.toml"), "--device", "cpu", "--threads", "1"]);
    }
    let rows = |name: &str| -> Vec<TrialRow> { place.rows(&format!("results/{name}")) };
    let (plain, fixed) = (rows("plain"), rows("fixed"));
    assert_eq!(plain[1].seed, 1);
    assert_eq!(plain[1].weights_sha256, fixed[0].weights_sha256);
    assert_ne!(plain[0].weights_sha256, fixed[0].weights_sha256);
}
