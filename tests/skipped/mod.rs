//! Tests that this machine cannot run say so, by name: `scripts/test` counts and names them at the end.
//!
//! For `#[macro_use] mod skipped;`.

/// Names a file that each skipped test adds a line to.
const LIST: &str = "DENSENET_BENCH_SKIPPED_TESTS";

/// Records that the test which calls it is skipped, and why: `return skipped!("there is no GPU")`.
macro_rules! skipped {
    ($reason:expr) => {{
        fn here() {}
        skipped::record(std::any::type_name_of_val(&here), $reason)
    }};
}

/// `within` is the path of an item in the test's function.
pub fn record(within: &str, reason: &str) {
    let test = within.strip_suffix("::here").unwrap_or(within);
    eprintln!("skipped: {test}: {reason}");
    if let Some(list) = std::env::var_os(LIST) {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(list)
            .unwrap();
        // In one piece: tests run side by side.
        file.write_all(format!("{test}: {reason}\n").as_bytes()).unwrap();
    }
}
