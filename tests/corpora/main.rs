//! Replays what fuzzing has kept: every file of `fuzz/corpus/` and `fuzz/regressions/` through the properties of its
//! target. `scripts/fuzz` looks for more.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

#[path = "../../fuzz/src/lib.rs"]
mod properties;
mod seeds;

use properties::TARGETS;

/// The most files in a target's corpus, and the most bytes of one.
const MOST_FILES: usize = 60;
const LARGEST_FILE: u64 = 16 << 10;

/// The most bytes of all corpora together.
const LARGEST_CORPORA: u64 = 1 << 20;

fn folder(kind: &str, target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(kind)
        .join(target)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_file_that_fuzzing_kept_keeps_the_properties_of_its_target() {
    let mut broken = Vec::new();
    for (target, property) in TARGETS {
        let corpus = files(&folder("corpus", target));
        let (mut read, mut refused) = (0, 0);
        for file in corpus.iter().chain(&files(&folder("regressions", target))) {
            let bytes = fs::read(file).unwrap();
            match catch_unwind(|| property(&bytes)) {
                Ok(true) => read += 1,
                Ok(false) => refused += 1,
                Err(_) => broken.push(file.clone()),
            }
        }
        println!("{target}: {read} files are read, {refused} refused");
        // A corpus that never leaves the first check, or never meets one, shows nothing.
        assert!(
            read > 0 && refused > 0,
            "{target}: {read} files are read, {refused} refused"
        );
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_target_is_a_program_with_a_corpus_and_there_are_no_others() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len());
    let in_folder = |name: &str| -> BTreeSet<String> {
        let files = files(&folder(name, ""));
        files
            .iter()
            .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(in_folder("fuzz_targets"), names);
    assert_eq!(in_folder("corpus"), names);
    assert!(in_folder("regressions").is_subset(&names));
    let manifest = fs::read_to_string(folder("", "").join("Cargo.toml")).unwrap();
    for name in &names {
        let program = format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n");
        assert!(manifest.contains(&program), "{name}");
        let source = fs::read_to_string(folder("fuzz_targets", &format!("{name}.rs"))).unwrap();
        assert!(
            source.contains(&format!("densenet_bench_fuzz::{name}(bytes)")),
            "{name}"
        );
    }
}

#[test]
fn the_corpora_stay_small() {
    let mut all = 0;
    for (target, _) in TARGETS {
        let corpus = files(&folder("corpus", target));
        assert!(corpus.len() <= MOST_FILES, "{target}: {} files", corpus.len());
        for file in corpus {
            let length = fs::metadata(&file).unwrap().len();
            assert!(length <= LARGEST_FILE, "{}: {length} bytes", file.display());
            all += length;
        }
    }
    assert!(all <= LARGEST_CORPORA, "{all} bytes");
}

/// The packages of a lock file: name and version.
fn locked(file: &Path) -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(file).unwrap();
    let packages = text.split("[[package]]\n").skip(1);
    let value = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_matches('"').to_owned()
    };
    packages
        .map(|package| (value(package, "name = "), value(package, "version = ")))
        .collect()
}

#[test]
fn the_fuzz_targets_have_the_programs_own_dependencies() {
    let program = locked(&Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"));
    let names: BTreeSet<&String> = program.iter().map(|(name, _)| name).collect();
    let fuzzed = locked(&folder("", "").join("Cargo.lock"));
    let shared: Vec<_> = fuzzed.iter().filter(|(name, _)| names.contains(name)).collect();
    assert!(shared.len() > 50, "{}", shared.len());
    for package in shared {
        assert!(program.contains(package), "{package:?} in fuzz/Cargo.lock");
    }
}

#[test]
fn every_seed_is_read() {
    for (target, property) in TARGETS {
        let seeds = seeds::of(target);
        assert!(!seeds.is_empty(), "{target}");
        for (name, bytes) in seeds {
            assert!(property(&bytes), "{target}: {name}");
        }
    }
}

/// `cargo test --test corpora -- --ignored` writes the seeds anew, after a format has changed.
#[test]
#[ignore = "writes into the repository"]
fn write_the_seeds() {
    for (target, _) in TARGETS {
        let corpus = folder("corpus", target);
        fs::create_dir_all(&corpus).unwrap();
        for (name, bytes) in seeds::of(target) {
            fs::write(corpus.join(format!("seed-{name}")), bytes).unwrap();
        }
    }
}
