//! A profile for tests of tables and plots.

use crate::formats::ablation::Mode;
use crate::formats::study::Study;
use crate::formats::tables::{BatchRow, ProfileKind, ProfileRow};

/// Nodes of a small DenseNet: segment, name, operation, share of the step's time in thousandths of its forward pass and its
/// backward pass, and the share of what is kept.
const NODES: [(&str, &str, &str, i64, i64, i64); 10] = [
    ("stem", "features.conv0", "3x3 convolution", 20, 30, 10),
    (
        "denseblock1",
        "features.denseblock1.denselayer1.norm1",
        "batch normalization",
        40,
        80,
        12,
    ),
    (
        "denseblock1",
        "features.denseblock1.denselayer1.relu1",
        "ReLU",
        15,
        20,
        10,
    ),
    (
        "denseblock1",
        "features.denseblock1.denselayer1.conv1",
        "3x3 convolution",
        110,
        220,
        10,
    ),
    (
        "denseblock1",
        "features.denseblock1.denselayer2.concat",
        "concatenation",
        25,
        10,
        20,
    ),
    (
        "denseblock1",
        "features.denseblock1.denselayer2.norm1",
        "batch normalization",
        50,
        90,
        22,
    ),
    (
        "denseblock1",
        "features.denseblock1.denselayer2.relu1",
        "ReLU",
        15,
        25,
        20,
    ),
    (
        "denseblock1",
        "features.denseblock1.denselayer2.conv1",
        "3x3 convolution",
        60,
        100,
        -2,
    ),
    ("head", "features.pool5", "pooling", 5, 5, -1),
    ("classifier", "classifier", "linear", 3, 6, 1),
];

/// The study with a profile of each of its measurements of training.
pub fn with_profile(mut study: Study) -> Study {
    let train: Vec<BatchRow> = study
        .batches
        .iter()
        .filter(|row| row.mode == Mode::Train)
        .cloned()
        .collect();
    study.profile = train.iter().flat_map(rows).collect();
    study
}

fn rows(batch: &BatchRow) -> Vec<ProfileRow> {
    let step = batch.step_ns_median.unwrap_or_default().cast_signed();
    let kept = batch.allocated_peak_bytes.unwrap_or_default().cast_signed() / 200;
    let row = |place: usize, kind: ProfileKind, name: &str, time: i64| ProfileRow {
        variant: batch.variant.clone(),
        device: batch.device.clone(),
        execution: batch.execution,
        precision: batch.precision,
        mode: batch.mode,
        batch_size: batch.batch_size,
        threads: batch.threads,
        allocator: batch.allocator,
        place,
        kind,
        segment: String::new(),
        name: name.to_owned(),
        operation: String::new(),
        carried_out_by: String::new(),
        nodes: 0,
        status: batch.status,
        error: String::new(),
        rounds: 3,
        steps: 30,
        time_ns_median: Some(time),
        time_ns_mad: Some(time.unsigned_abs() / 50),
        forward_ns_median: None,
        forward_ns_mad: None,
        backward_ns_median: None,
        backward_ns_mad: None,
        step_share: Some(time as f64 / step as f64),
        kept_bytes: None,
        predicted_kept_bytes: None,
        macs: None,
        flops: None,
        bytes: None,
        flops_per_second: None,
        device_flops_per_second: Some(3e11),
        device_bytes_per_second: Some(5e10),
        roofline_share: None,
        warning: String::new(),
        cpu: String::new(),
        revision: String::new(),
        measured_at: String::new(),
    };
    let mut rows = vec![row(0, ProfileKind::Step, "step", step)];
    rows[0].kept_bytes = Some(180 * kept);
    for (segment, name, operation, forward, backward, share) in NODES {
        let [forward, backward] = [forward, backward].map(|time| step / 1000 * time);
        let is_weighted = operation.ends_with("convolution") || operation == "linear";
        rows.push(ProfileRow {
            segment: segment.to_owned(),
            operation: operation.to_owned(),
            carried_out_by: "plain".to_owned(),
            nodes: 1,
            forward_ns_median: Some(forward.unsigned_abs()),
            forward_ns_mad: Some(forward.unsigned_abs() / 50),
            backward_ns_median: Some(backward.unsigned_abs()),
            backward_ns_mad: Some(backward.unsigned_abs() / 50),
            kept_bytes: Some(share * kept),
            predicted_kept_bytes: Some(share * kept),
            macs: Some(if is_weighted { 1_000_000 } else { 0 }),
            flops: Some(if is_weighted { 6_000_000 } else { 0 }),
            bytes: Some(50_000_000),
            flops_per_second: Some(2e10),
            roofline_share: Some(0.25),
            ..row(rows.len(), ProfileKind::Node, name, forward + backward)
        });
    }
    for (kind, name, share) in [
        (ProfileKind::Loss, "loss", 4),
        (ProfileKind::Optimizer, "optimizer", 30),
        (ProfileKind::Between, "between nodes", 6),
    ] {
        rows.push(row(rows.len(), kind, name, step / 1000 * share));
    }
    let others: i64 = rows[1..].iter().filter_map(|row| row.time_ns_median).sum();
    rows.push(row(rows.len(), ProfileKind::Rest, "not in any node", step - others));
    rows
}
