//! The limits that a shell or a batch system sets on a process: each is a row with the reason and the remedy.

#![cfg(all(feature = "libtorch", target_os = "linux"))]

mod workplace;

use std::fs;

use densenet_bench::formats::tables::{Status, TrialRow};
use workplace::outcome::{assert_same, outcome};
use workplace::{SMALL, Workplace, said};

#[test]
fn a_limit_on_files_sizes_is_an_error_wherever_it_is_met_and_the_next_run_ends_as_one_that_never_met_it() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    place.ok(&["run", "small.toml", "--threads", "1", "--out", "alone"]);
    let expected = outcome(&place.path("alone/small"));
    let mut rows = 0;
    // KiB: below a record, below the weights, below a plot.
    for limit in [1, 2, 8, 24, 48] {
        let out = format!("out-{limit}");
        let first = place.shell(&format!(
            "ulimit -f {} && \"$0\" run small.toml --threads 1 --out {out}",
            limit * unit(&place)
        ));
        let text = said(&first);
        assert!(
            matches!(first.status.code(), Some(1 | 2)),
            "{limit} KiB: {:?} {text}",
            first.status
        );
        assert!(
            text.contains("File too large") && text.contains("`ulimit -f unlimited`"),
            "{limit} KiB: {text}"
        );
        assert!(text.contains(&format!("{} bytes", limit * 1024)), "{limit} KiB: {text}");
        assert!(
            !text.contains("signal") && !text.contains("internal error"),
            "{limit} KiB: {text}"
        );
        if let Ok(table) = fs::read(place.path(&out).join("small/trials.csv")) {
            let table: Vec<TrialRow> = densenet_bench::formats::tables::read_rows(&table, "trials.csv").unwrap();
            let said_so = |row: &&TrialRow| row.status == Status::Failed && row.error.contains("ulimit -f unlimited");
            rows += table.iter().filter(said_so).count();
        }
        place.ok(&["run", "small.toml", "--threads", "1", "--out", &out]);
        assert_same(
            &outcome(&place.path(&out).join("small")),
            &expected,
            &format!("{limit} KiB"),
        );
    }
    assert!(rows > 0, "no row names the limit");
}

/// How many of `ulimit -f`'s units are a KiB: bash counts KiB, a POSIX shell 512 bytes.
fn unit(place: &Workplace) -> usize {
    let limits = place.shell("ulimit -f 8 && grep 'Max file size' /proc/self/limits");
    match String::from_utf8_lossy(&limits.stdout).contains(" 8192 ") {
        true => 1,
        false => 2,
    }
}

#[test]
fn a_limit_on_processor_time_saves_and_names_itself() {
    let place = Workplace::new();
    place.write(
        "long.toml",
        &SMALL
            .replace("epochs = 2", "epochs = 20000")
            .replace("seeds = [0, 1]", "seeds = [0]"),
    );
    // The soft limit alone, so that the system warns before it kills.
    let output = place.shell("ulimit -S -t 2 && \"$0\" run long.toml --threads 1");
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("the limit on processor time (ulimit -t) was reached after"),
        "{text}"
    );
    let rows: Vec<TrialRow> = place.rows("results/small");
    assert_eq!(rows[0].status, Status::Interrupted, "{}", rows[0].error);
    assert!(!workplace::checkpoints(&place.path("results/small")).is_empty());
}

#[test]
fn too_few_descriptors_are_an_error_with_the_remedy() {
    let place = Workplace::new();
    place.write("small.toml", SMALL);
    let mut ended_well = 0;
    // Fewer than six, and the shell that starts it has none to spare.
    for limit in [6, 8, 10, 12, 64] {
        let output = place.shell(&format!(
            "ulimit -n {limit} && \"$0\" run small.toml --threads 1 --out out-{limit}"
        ));
        let text = said(&output);
        assert!(
            !text.contains("panic") && !text.contains("internal error"),
            "{limit}: {text}"
        );
        match output.status.code() {
            Some(0) => ended_well += 1,
            Some(1 | 2) => assert!(text.contains("`ulimit -n 1024`"), "{limit}: {text}"),
            other => panic!("{limit}: {other:?} {text}"),
        }
    }
    assert!(ended_well > 0);
}
