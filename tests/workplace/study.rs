//! A result folder that is written and not run: two variants by eight seeds, and what was measured of them.

use std::fs;

use densenet_bench::formats::tables::{BatchRow, EpochRow, PeerRow, Row, SampleRow, TrialRow, read_rows, write_rows};

use super::Workplace;

pub const ABLATION: &str = r#"
name = "growth"
question = "What does a larger growth rate buy?"
[data]
dataset = "digits"
[model]
block-layers = [1]
[train]
epochs = 2
seeds = [0, 1, 2, 3, 4, 5, 6, 7]
[measure]
batch-sizes = [16]
[sweep]
"model.growth-rate" = [4, 8]
"#;

/// A row of a table with these cells; `1` in the others that are no text.
fn rows<T: Row>(cells: &[Vec<(&str, String)>]) -> Vec<T> {
    let header = T::header();
    let empty = [
        "error",
        "warning",
        "cpu",
        "revision",
        "host",
        "measured_at",
        "run",
        "eager_unit",
        "compiled_unit",
        "layout",
        "cuda_graph",
        "skipped_steps",
    ];
    let lines = cells.iter().map(|cells| {
        let cell = |column: &&str| match cells.iter().find(|(name, _)| name == column) {
            Some((_, value)) => value.clone(),
            None if empty.contains(column) => String::new(),
            None => "1".to_owned(),
        };
        header.iter().map(cell).collect::<Vec<_>>().join(",")
    });
    let table = std::iter::once(header.join(","))
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n";
    read_rows(table.as_bytes(), T::FILE).unwrap()
}

fn cells(pairs: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

const WHERE: [(&str, &str); 3] = [("device", "cpu"), ("execution", "plain"), ("precision", "f32")];

/// Two variants by eight seeds, of which the larger errs less, with their epochs.
fn trials(finished: usize) -> (Vec<TrialRow>, Vec<EpochRow>) {
    let (mut trials, mut epochs) = (Vec::new(), Vec::new());
    for (rate, better) in [(4_u64, 0.0), (8, 0.012)] {
        for seed in 0..8 {
            let (trial, variant) = (format!("t{rate}{seed}"), format!("growth-rate={rate}"));
            let seed_text = seed.to_string();
            let error = 0.05 + 0.001 * f64::from(seed) - better * (1.0 + 0.05 * f64::from(seed));
            let own = [
                ("trial", trial.as_str()),
                ("variant", variant.as_str()),
                ("seed", seed_text.as_str()),
            ];
            let is_finished = trials.len() < finished;
            let mut row = cells(&own);
            row.extend(cells(&WHERE));
            row.extend(cells(&[
                ("ablation", "growth"),
                ("status", if is_finished { "ok" } else { "pending" }),
                ("family", "densenet"),
                ("dataset", "digits"),
                ("block_layers", "[1]"),
                ("bottleneck", "false"),
                ("published_error", ""),
                ("final_validation_loss", ""),
                ("final_validation_error", ""),
                ("peak_memory_bytes", "250000000"),
            ]));
            row.push(("parameters", (1000 * rate).to_string()));
            row.push(("macs", (90_000 * rate).to_string()));
            row.push((
                "final_test_error",
                if is_finished { error.to_string() } else { String::new() },
            ));
            trials.push(row);
            for epoch in 0..if is_finished { 2 } else { 1 } {
                let mut row = cells(&own);
                row.extend([("epoch", epoch.to_string()), ("test_error", error.to_string())]);
                row.extend([("train_loss", (0.3 / f64::from(epoch + 1)).to_string())]);
                row.extend(cells(&[("validation_loss", ""), ("validation_error", "")]));
                row.push(("train_ns", (1_000_000_000 * rate).to_string()));
                epochs.push(row);
            }
        }
    }
    (rows(&trials), rows(&epochs))
}

/// A result folder with trials of which so many have finished.
pub fn folder(place: &Workplace, name: &str, finished: usize) {
    fs::create_dir_all(place.path(name)).unwrap();
    place.write(&format!("{name}/ablation.toml"), ABLATION);
    let (trials, epochs) = trials(finished);
    write(place, name, &trials);
    write(place, name, &epochs);
}

/// The same with measurements and PyTorch beside them.
pub fn whole_folder(place: &Workplace, name: &str) {
    folder(place, name, 16);
    let (mut batches, mut samples, mut peers) = (Vec::new(), Vec::new(), Vec::new());
    for (variant, step) in [("growth-rate=4", 2_000_000), ("growth-rate=8", 3_000_000)] {
        let mut of = cells(&[("variant", variant), ("mode", "train"), ("batch_size", "16")]);
        of.extend(cells(&WHERE));
        of.extend(cells(&[("repeat", "0"), ("status", "ok"), ("allocator", "keep-pages")]));
        let ratio = if step > 2_000_000 { "1.5" } else { "" };
        let mut row = of.clone();
        row.extend(["step_ratio", "step_ratio_low", "step_ratio_high"].map(|name| (name, ratio.to_owned())));
        row.extend(["step_ns_median", "step_ns_low", "step_ns_high"].map(|name| (name, step.to_string())));
        batches.push(row);
        for round in 0..3 {
            for sample in 0..4 {
                let mut row = of.clone();
                row.push(("step", (4 * round + sample).to_string()));
                row.push(("step_ns", (step + 10_000 * sample).to_string()));
                row.push(("round", round.to_string()));
                samples.push(row);
            }
        }
        for peer in ["densenet-bench plain", "PyTorch eager NCHW"] {
            let mut row = of.clone();
            row.push(("peer", peer.to_owned()));
            peers.push(row);
        }
    }
    write(place, name, &rows::<BatchRow>(&batches));
    write(place, name, &rows::<SampleRow>(&samples));
    write(place, name, &rows::<PeerRow>(&peers));
}

pub fn write<T: Row>(place: &Workplace, folder: &str, rows: &[T]) {
    fs::write(place.path(folder).join(T::FILE), write_rows(rows).unwrap()).unwrap();
}
