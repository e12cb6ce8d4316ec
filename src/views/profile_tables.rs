//! Training steps taken apart, as tables: by operation, and layer by layer.

use super::groups::Grouped;
use super::measurement_cells::{begin, column, gigaflops, maybe, remark, section, setting};
use super::measurements::ordered;
use super::plots;
use super::profiles::{OperationSum, Profile, profiles};
use super::section::{Section, Side, Table};
use super::text::{bytes, grouped, three_digits};
use crate::formats::tables::{ProfileKind, ProfileRow};

/// What the columns are.
const NOTE: &str = "Medians of training steps in which each node was carried out and timed by itself, with the device \
                    synchronised before and after it; between nodes: layouts and gradients on their way from one to another. Not \
                    in any node: the step as a whole less all the others, negative where nodes take longer one by one than \
                    together. Kept: live bytes after the forward pass less those before it. MACs: for one image. Roofline: the \
                    least time for what must be computed and moved, by what the same machine reached in the same run, over the \
                    time.";

/// The steps by operation, with their pictures.
pub(super) fn by_operation(study: &Grouped<'_>) -> Section {
    let (profiles, settings) = profiles(study);
    let remarks = profiles.iter().flat_map(|profile| {
        let step = profile.step;
        remark(step, &settings, step.status, &step.error, &step.warning)
    });
    section(
        "Where a training step's time and memory go",
        None,
        operations(&profiles),
        format!("{NOTE}{}", setting(&settings)),
        remarks.collect(),
        plots::of_profiles(study),
    )
}

fn operations(profiles: &[Profile<'_>]) -> Table {
    let rows: Vec<(&Profile<'_>, OperationSum)> = (profiles.iter())
        .flat_map(|profile| profile.by_operation().into_iter().map(move |sum| (profile, sum)))
        .collect();
    let rows: Vec<&(&Profile<'_>, OperationSum)> = rows.iter().collect();
    let mut table = Table::named("profile-operations");
    column(&mut table, "variant", Side::Left, &rows, |(profile, _)| {
        profile.name.clone()
    });
    let mut right = |name: &str, cell: fn(&Profile<'_>, &OperationSum) -> String| {
        column(&mut table, name, Side::Right, &rows, |(profile, sum)| {
            cell(profile, sum)
        });
    };
    right("batch", |profile, _| profile.step.batch_size.to_string());
    column(&mut table, "operation", Side::Left, &rows, |(_, sum)| {
        sum.operation.clone()
    });
    let mut right = |name: &str, cell: fn(&Profile<'_>, &OperationSum) -> String| {
        column(&mut table, name, Side::Right, &rows, |(profile, sum)| {
            cell(profile, sum)
        });
    };
    right("nodes", |_, sum| match sum.nodes {
        0 => String::new(),
        nodes => nodes.to_string(),
    });
    right("time (ms)", |_, sum| signed_milliseconds(sum.time_ns));
    right("share (%)", |profile, sum| match profile.step.time_ns_median {
        Some(step) if step > 0 => percent(sum.time_ns as f64 / step as f64),
        _ => String::new(),
    });
    right("forward (ms)", |_, sum| maybe(sum.forward_ns, milliseconds));
    right("backward (ms)", |_, sum| maybe(sum.backward_ns, milliseconds));
    right("kept", |_, sum| maybe(sum.kept_bytes, signed_bytes));
    right("MACs", |_, sum| match sum.macs {
        0 => String::new(),
        macs => grouped(macs),
    });
    right("GFLOP/s", |_, sum| match (sum.flops, sum.time_ns) {
        (1.., 1..) => three_digits(sum.flops as f64 / sum.time_ns as f64),
        _ => String::new(),
    });
    right("roofline (%)", |_, sum| match sum.least_ns {
        Some(least) if sum.time_ns > 0 => percent(least / sum.time_ns as f64),
        _ => String::new(),
    });
    table
}

/// Every row of every step.
pub(super) fn layer_by_layer(study: &Grouped<'_>) -> Table {
    let (_, settings) = profiles(study);
    let rows: Vec<&ProfileRow> = ordered(study, &study.study.profile);
    let mut table = begin("profile", &rows, &settings);
    let mut left = |name: &str, cell: fn(&ProfileRow) -> String| column(&mut table, name, Side::Left, &rows, cell);
    left("segment", |row| row.segment.clone());
    left("layer", |row| row.name.clone());
    left("operation", |row| row.operation.clone());
    left("carried out by", |row| row.carried_out_by.clone());
    let mut right = |name: &str, cell: fn(&ProfileRow) -> String| column(&mut table, name, Side::Right, &rows, cell);
    right("time (ms)", |row| maybe(row.time_ns_median, signed_milliseconds));
    right("MAD (ms)", |row| maybe(row.time_ns_mad, milliseconds));
    right("share (%)", |row| maybe(row.step_share, percent));
    right("forward (ms)", |row| maybe(row.forward_ns_median, milliseconds));
    right("backward (ms)", |row| maybe(row.backward_ns_median, milliseconds));
    right("kept", |row| maybe(row.kept_bytes, signed_bytes));
    right("predicted", |row| maybe(row.predicted_kept_bytes, signed_bytes));
    right("MACs", |row| maybe(row.macs.filter(|&macs| macs > 0), grouped));
    right("moved at least", |row| {
        maybe(row.bytes.filter(|&moved| moved > 0), bytes)
    });
    right("GFLOP/s", |row| {
        maybe(row.flops_per_second.filter(|&rate| rate > 0.0), gigaflops)
    });
    right("roofline (%)", |row| match row.kind {
        // What moves nothing has no least time.
        ProfileKind::Node | ProfileKind::Part if row.bytes == Some(0) => String::new(),
        _ => maybe(row.roofline_share, percent),
    });
    table
}

fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// To a microsecond: nodes may take as little.
fn milliseconds(nanoseconds: u64) -> String {
    match nanoseconds {
        0..9_995_000 => format!("{:.3}", nanoseconds as f64 / 1e6),
        _ => three_digits(nanoseconds as f64 / 1e6),
    }
}

fn signed_milliseconds(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    format!("{sign}{}", milliseconds(nanoseconds.unsigned_abs()))
}

fn signed_bytes(count: i64) -> String {
    let sign = if count < 0 { "-" } else { "" };
    format!("{sign}{}", bytes(count.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::super::samples::{measured, with_profile};
    use super::super::section::Block;
    use super::*;

    fn cells<'t>(table: &'t Table, name: &str) -> Vec<&'t str> {
        let place = table.header.iter().position(|(column, _)| column == name);
        let place = place.unwrap_or_else(|| panic!("{name}: {:?}", table.header));
        table.rows.iter().map(|row| row[place].as_str()).collect()
    }

    #[test]
    fn the_shares_of_the_operations_make_up_the_step() {
        let study = with_profile(measured(&["base"], &[16]));
        let found = by_operation(&Grouped::of(&study));
        let Block::Table(table) = &found.blocks[0] else {
            panic!("{found:?}");
        };
        let shares: f64 = cells(table, "share (%)")
            .iter()
            .map(|cell| cell.parse::<f64>().unwrap())
            .sum();
        assert!((shares - 100.0).abs() < 0.5, "{shares}");
        assert!(found.blocks.iter().any(|block| matches!(block, Block::Figure(_))));
    }

    #[test]
    fn every_layer_is_a_line() {
        let study = with_profile(measured(&["base"], &[16, 64]));
        let table = layer_by_layer(&Grouped::of(&study));
        assert_eq!(table.rows.len(), study.profile.len());
        assert_eq!(cells(&table, "layer")[..2], ["step", "features.conv0"]);
        assert!(cells(&table, "kept").iter().any(|cell| cell.starts_with('-')));
    }

    #[test]
    fn a_step_that_failed_says_why() {
        let mut study = with_profile(measured(&["base"], &[16]));
        study.profile.truncate(1);
        study.profile[0].status = crate::formats::tables::Status::Oom;
        study.profile[0].error = "out of\nmemory".to_owned();
        let found = by_operation(&Grouped::of(&study));
        let Some(Block::List(remarks)) = found.blocks.iter().find(|block| matches!(block, Block::List(_))) else {
            panic!("{found:?}");
        };
        assert_eq!(remarks, &["base, train, batch 16: oom: out of memory"]);
    }
}
