//! `fused` gives the same bits with every set of vector instructions and at any number of threads: the losses and weights of
//! six small trainings are those that the repository has (`scripts/fixtures/same_bits.py`), made on another day and machine.

#![cfg(feature = "burn")]

mod workplace;
#[macro_use]
#[path = "skipped/mod.rs"]
mod skipped;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use densenet_bench::formats::ablation::Instructions;
use densenet_bench::kernels::Processor;
use densenet_bench::trials::sha256;
use serde_json::Value;
use workplace::Workplace;

const DEVICE: &str = if cfg!(feature = "libtorch") { "cpu" } else { "flex" };

const ALL: [Instructions; 4] = [
    Instructions::Avx512,
    Instructions::Avx2,
    Instructions::Neon,
    Instructions::Portable,
];

/// What each training is to give.
fn expected() -> BTreeMap<String, Value> {
    let text = fs::read_to_string(folder().join("expected.json"));
    serde_json::from_str(&text.expect("scripts/fixtures/same_bits.py has written what is expected")).unwrap()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/same-bits")
}

/// The column of a table, as it is written.
fn column(table: &Path, name: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_path(table).unwrap();
    let place = reader.headers().unwrap().iter().position(|header| header == name);
    let place = place.unwrap_or_else(|| panic!("{name} is a column of {}", table.display()));
    reader.records().map(|row| row.unwrap()[place].to_owned()).collect()
}

/// What a training gives on a device with these instructions and threads; ATen's own vectors are held to `aten`, if anything.
fn outcome(name: &str, device: &str, instructions: &str, threads: usize, aten: Option<&str>) -> Value {
    let text = fs::read_to_string(folder().join(format!("{name}.toml"))).unwrap();
    let place = Workplace::new();
    let run = format!("[run]\nexecution = \"fused\"\ninstructions = \"{instructions}\"\n");
    place.write("x.toml", &(text + &run));
    let threads = threads.to_string();
    let output = place
        .command(&["run", "x.toml", "--device", device, "--threads", &threads])
        .envs(aten.map(|aten| ("ATEN_CPU_CAPABILITY", aten)))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = |table: &str| place.path(&format!("results/{name}/{table}"));
    let losses = column(&table("steps.csv"), "loss");
    let of_trial = |name: &str| column(&table("trials.csv"), name).remove(0);
    serde_json::json!({
        "steps": losses.len(),
        "losses_sha256": sha256(losses.join("\n").as_bytes()),
        "final_test_loss": of_trial("final_test_loss"),
        "final_test_error": of_trial("final_test_error"),
        "weights_sha256": of_trial("weights_sha256"),
    })
}

#[test]
fn six_trainings_give_the_recorded_bits_with_every_set_of_instructions_and_one_to_three_threads() {
    let expected = expected();
    assert_eq!(expected.len(), 6);
    for instructions in ALL {
        let is_there = instructions.processor().is_some_and(Processor::is_available);
        if !is_there {
            let name = instructions.name();
            skipped!(&format!("no training was run with {name}, which the processor lacks"));
            continue;
        }
        for (number, (name, expected)) in expected.iter().enumerate() {
            for threads in 1..=3 {
                // The slowest once: portable code, and an aarch64 processor, which is likely an emulated one.
                let is_slow = instructions == Instructions::Portable || cfg!(target_arch = "aarch64");
                if is_slow && threads != number % 3 + 1 {
                    continue;
                }
                let found = outcome(name, DEVICE, instructions.name(), threads, None);
                assert_eq!(found, *expected, "{name}, {instructions:?}, {threads} threads");
            }
        }
    }
}

#[cfg(feature = "libtorch")]
#[test]
fn the_backends_give_the_same_bits() {
    for (name, expected) in expected() {
        let found = outcome(&name, "flex", "auto", 2, None);
        assert_eq!(found, expected, "{name}, flex");
    }
}

/// What libtorch still does in a step is elementwise: the optimizer and the running statistics.
#[cfg(feature = "libtorch")]
#[test]
fn the_vectors_of_the_library_change_no_bit() {
    let expected = expected();
    for aten in ["default", "avx2"] {
        for name in ["imagenet-stem", "dropout"] {
            let found = outcome(name, "cpu", "auto", 2, Some(aten));
            assert_eq!(found, expected[name], "{name}, ATen's {aten}");
        }
    }
}
