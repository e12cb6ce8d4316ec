//! `plot --heatmap` from its command line: of a trial, of a weights file, and of what has no heat map.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;
use std::path::Path;

use densenet_bench::formats::tables::{FeatureReuseRow, TrialRow, read_rows};
use workplace::{Workplace, said};

/// One trial of a moment: dropout, bottlenecks, and connections that are cut in the second block.
const DENSE: &str = "name = \"small\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\ntrain-limit = 32\ntest-limit = 16\n\
                     [model]\nblock-layers = [2, 4]\ngrowth-rate = 3\nbottleneck = true\ndropout = 0.1\nvisible-layers = 2\n\
                     [train]\nsteps = 2\nbatch-size = 8\n";

const RESIDUAL: &str = "name = \"residual\"\nquestion = \"?\"\n[data]\ndataset = \"digits\"\ntrain-limit = 32\ntest-limit = 16\n\
                        [model]\nfamily = \"resnet\"\nblock-layers = [1]\ninitial-channels = 2\n[train]\nsteps = 1\nbatch-size = 8\n";

/// Runs an ablation of one trial, and gives the trial's folder.
fn trial(place: &Workplace, name: &str, ablation: &str) -> String {
    place.write("it.toml", ablation);
    place.ok(&["run", "it.toml", "--device", "cpu", "--threads", "1"]);
    let rows: Vec<TrialRow> = place.rows(&format!("results/{name}"));
    format!("results/{name}/trials/{}", rows[0].trial)
}

fn rows(path: &Path) -> Vec<FeatureReuseRow> {
    read_rows(&fs::read(path).unwrap(), "feature-reuse.csv").unwrap()
}

#[test]
fn a_trials_heat_map_stands_among_the_plots_and_the_exported_weights_give_the_same_table() {
    let place = Workplace::new();
    let trial = trial(&place, "small", DENSE);
    let id = trial.rsplit('/').next().unwrap();
    let output = place.run(&["plot", "--heatmap", &trial]);
    assert!(output.status.success() && output.stdout.is_empty(), "{}", said(&output));
    let beside = |end: &str| place.path(&format!("results/small/plots/feature-reuse-{id}.{end}"));
    let table = rows(&beside("csv"));
    // Blocks of 2 and 4 layers of which each sees two outputs: 1 + 2 + 3, and 1 + 2 + 2 + 2 + 5.
    assert_eq!(table.len(), 6 + 12);
    assert!(table.iter().all(|row| row.mean_absolute_weight > 0.0));
    let last = table.last().unwrap();
    assert_eq!(
        (last.target.as_str(), last.target_tensor.as_str()),
        ("classifier", "classifier.weight")
    );
    let svg = fs::read_to_string(beside("svg")).unwrap();
    roxmltree::Document::parse(&svg).unwrap();
    assert!(svg.contains("small: base, seed 0: feature reuse"), "{svg}");
    assert!(fs::read(beside("png")).unwrap().starts_with(b"\x89PNG"));

    place.ok(&["export", &trial, "--weights", "w.safetensors"]);
    place.ok(&["plot", "--heatmap", "w.safetensors"]);
    assert_eq!(rows(&place.path("feature-reuse-w.csv")), table);
    let svg = fs::read(place.path("feature-reuse-w.svg")).unwrap();
    assert!(place.path("feature-reuse-w.png").is_file());

    // The same bytes again, at another place; a result folder is drawn as well.
    place.ok(&[
        "plot",
        "results/small",
        "--heatmap",
        "w.safetensors",
        "--out",
        "again.svg",
    ]);
    assert_eq!(fs::read(place.path("again.svg")).unwrap(), svg);
    assert!(place.path("again.png").is_file() && place.path("again.csv").is_file());
}

#[test]
fn networks_without_dense_blocks_are_refused_with_a_reason() {
    let place = Workplace::new();
    let trial = trial(&place, "residual", RESIDUAL);
    let said = place.refused(&["plot", "--heatmap", &trial]);
    assert!(
        said.starts_with(&format!("error: {trial}: this network has no dense block"))
            && said.contains("name a trial or weights of a DenseNet"),
        "{said}"
    );
    place.ok(&["export", &trial, "--weights", "w.safetensors"]);
    let said = place.refused(&["plot", "--heatmap", "w.safetensors"]);
    assert!(
        said.contains("w.safetensors: its tensors are not a DenseNet's") && said.contains("name a trial's folder"),
        "{said}"
    );
    assert!(!place.path("feature-reuse-w.svg").exists());
}

#[test]
fn a_densenet_of_contradicting_shapes_is_refused_by_the_tensor_that_does_not_fit() {
    use densenet_bench::formats::weights;
    let place = Workplace::new();
    let trial = trial(&place, "small", DENSE);
    place.ok(&["export", &trial, "--weights", "w.safetensors"]);
    let bytes = fs::read(place.path("w.safetensors")).unwrap();
    let mut tensors = weights::read(&bytes, "w").unwrap();
    let tensor = tensors.get_mut("features.denseblock2.denselayer3.norm2.bias").unwrap();
    tensor.shape = vec![1];
    tensor.values.truncate(1);
    fs::write(place.path("w.safetensors"), weights::write(&tensors).unwrap()).unwrap();
    let said = place.refused(&["plot", "--heatmap", "w.safetensors"]);
    assert!(said.contains("features.denseblock2.denselayer3.norm2.bias"), "{said}");
}

#[test]
fn bad_input_is_refused_with_its_remedy_and_nothing_is_written() {
    let place = Workplace::new();
    place.write("text.safetensors", "this is no safetensors file");
    let usage = |arguments: &[&str]| {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        said(&output)
    };
    assert!(usage(&["plot"]).contains("required"));
    assert!(usage(&["plot", ".", "--out", "x.svg"]).contains("--heatmap"));
    for (arguments, message) in [
        (
            vec!["none.safetensors"],
            "name an existing safetensors file, or a trial's folder",
        ),
        (vec!["."], "this is not a trial's folder"),
        (vec!["text.safetensors"], "not a whole safetensors file"),
    ] {
        let arguments = [vec!["plot", "--heatmap"], arguments].concat();
        let said = place.refused(&arguments);
        assert!(said.contains(message) && said.lines().count() == 1, "{said}");
    }
    assert_eq!(fs::read_dir(place.path(".")).unwrap().count(), 1);
}

#[test]
fn an_output_that_is_no_svg_or_is_recorded_is_refused() {
    let place = Workplace::new();
    let trial = trial(&place, "small", DENSE);
    place.ok(&["export", &trial, "--weights", "w.safetensors"]);
    for out in ["heatmap.png", "-", "heatmap"] {
        let said = place.refused(&["plot", "--heatmap", "w.safetensors", "--out", out]);
        assert!(said.contains("name a file that ends in .svg"), "{said}");
    }
    let said = place.refused(&[
        "plot",
        "--heatmap",
        "w.safetensors",
        "--out",
        "results/small/plots/loss-curves.svg",
    ]);
    assert!(said.contains("recorded"), "{said}");
    // A trial that has not finished has no final weights.
    fs::remove_file(place.path(&trial).join("result.json")).unwrap();
    let said = place.refused(&["plot", "--heatmap", &trial]);
    assert!(
        said.contains("the trial has not finished") && said.contains("let the run finish first"),
        "{said}"
    );
}
