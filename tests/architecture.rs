//! The house has five floors, and nothing reaches up: see the table in `src/lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

/// Each module's floor.
const FLOORS: [(&str, u8); 20] = [
    ("network", 0),
    ("statistics", 0),
    ("kernels", 0),
    ("visible", 0),
    ("words", 0),
    ("keys", 0),
    ("random", 1),
    ("data_sets", 1),
    ("formats", 1),
    ("model", 1),
    ("backends", 2),
    ("data", 2),
    ("files", 2),
    ("host", 2),
    ("libtorch", 2),
    ("measurement", 2),
    ("training", 2),
    ("trials", 2),
    ("views", 3),
    ("commands", 4),
];

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.components().any(|part| part.as_os_str() == "tests") {
                // A module's tests may open files.
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

fn floor_of(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn module_of(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// The modules of this crate that a line of code names.
fn named(line: &str) -> impl Iterator<Item = &str> {
    ["crate::", "densenet_bench::"]
        .into_iter()
        .flat_map(move |prefix| line.split(prefix).skip(1))
        .map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or("")
        })
}

/// Whether a name begins at that place of a line, and none goes on there.
fn starts_a_name(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[test]
fn no_file_imports_from_a_floor_above_its_own() {
    let mut checked = 0;
    for (path, text) in sources() {
        let Some(own) = floor_of(&module_of(&path)) else {
            continue;
        };
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for module in named(line) {
                let Some(floor) = floor_of(module) else { continue };
                checked += 1;
                assert!(
                    floor <= own,
                    "{}: floor {own} uses {module}, on floor {floor}: {line}",
                    path.display()
                );
            }
        }
    }
    assert!(checked > 50, "the imports are found: {checked}");
}

#[test]
fn views_know_nothing_of_work_and_work_nothing_of_views() {
    for (path, text) in sources() {
        let own = floor_of(&module_of(&path));
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for module in named(line) {
                let pair = (own, floor_of(module));
                assert!(
                    !matches!(pair, (Some(3), Some(2)) | (Some(2), Some(3))),
                    "{}: {line}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_lower_floors_and_the_views_keep_clear_of_burn_files_and_the_clock() {
    let forbidden = |module: &str| -> &[&str] {
        match module {
            "network" | "statistics" | "kernels" | "visible" | "words" => {
                &["burn::", "tch::", "std::fs", "std::env", "std::time", "rand"]
            }
            "views" => &["burn::", "tch::", "std::fs", "std::env", "std::time"],
            "formats" | "random" => &["burn::", "tch::", "std::fs", "std::env", "std::time"],
            "model" => &["tch::", "std::fs", "std::env", "std::time"],
            _ => &[],
        }
    };
    for (path, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in forbidden(&module_of(&path)) {
                // `_mm_prefetch::` names no crate.
                let named = line.match_indices(word).any(|(at, _)| starts_a_name(line, at));
                assert!(!named, "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn libtorch_is_named_in_its_own_room_alone() {
    for (path, text) in sources() {
        if module_of(&path) == "libtorch" {
            continue;
        }
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            // `GpuWatch::start` names no crate.
            let tch = line.match_indices("tch::").any(|(at, _)| starts_a_name(line, at));
            let names = tch || line.contains("torch_sys") || line.contains("Device::libtorch");
            assert!(!names, "{}: {line}", path.display());
        }
    }
}

#[test]
fn no_file_mod_or_lib_holds_logic() {
    for (path, text) in sources() {
        let name = path.file_name().unwrap().to_string_lossy();
        let is_top = module_of(&path) == "commands" || module_of(&path) == "libtorch";
        if (name == "mod.rs" || name == "lib.rs") && !is_top {
            assert!(
                !text.contains("\nfn ") && !text.contains("\npub fn "),
                "{}",
                path.display()
            );
        }
    }
}
