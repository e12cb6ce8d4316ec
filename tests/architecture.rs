//! The house has five floors, and nothing reaches up: the table in `src/lib.rs` says where each module stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files outside the family's own, the kernels and the presets that name DenseNet. The list is exact: a file that no
/// longer does goes.
const NAMES_DENSENET: &[&str] = &["network/families/table.rs"];

/// Files that use each other in a circle. The list is exact: a circle that is broken goes.
const CIRCLES: &[&[&str]] = &[];

/// A source file.
struct Source {
    /// From `src/` on, `host/gpu.rs`.
    path: String,
    /// Every line that is not a comment, without its tests.
    code: String,
    /// Every line that is not a comment.
    all: String,
}

impl Source {
    /// The module of the crate that it belongs to.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.trim_end_matches(".rs")
    }

    /// Its place in the tree of modules, `["host", "gpu"]`.
    fn place(&self) -> Vec<String> {
        let path = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').map(str::to_owned).collect()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The code before its module of tests.
fn without_tests(code: &str) -> &str {
    let marks = code.match_indices("#[cfg(test)]\n");
    let begin = marks
        .map(|(at, mark)| (at, &code[at + mark.len()..]))
        .find(|(_, rest)| {
            let line = rest.lines().next().unwrap_or("");
            line.contains("mod ")
        });
    begin.map_or(code, |(at, _)| &code[..at])
}

/// Every file of the crate but those of a module's tests, which may open files.
fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy();
            if path.is_dir() && name != "tests" {
                folders.push(path);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let all = without_comments(&fs::read_to_string(&path).unwrap());
                found.push(Source {
                    path: path.strip_prefix(root()).unwrap().to_string_lossy().into_owned(),
                    code: without_tests(&all).to_owned(),
                    all,
                });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The step of each module, such as `(2, 3)`, by the table in `src/lib.rs`.
fn steps() -> BTreeMap<String, (u8, u8)> {
    let mut steps = BTreeMap::new();
    let mut previous = (0, 0);
    for line in fs::read_to_string(root().join("lib.rs")).unwrap().lines() {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let (Some(step), Some(modules)) = (cells.next(), cells.next()) else {
            continue;
        };
        let Some((floor, number)) = step.split_once('.') else {
            continue;
        };
        let step = (floor.parse().unwrap(), number.parse().unwrap());
        assert!(step > previous, "the table ascends: {line}");
        previous = step;
        for module in modules.split(',') {
            let name = module.trim_matches([' ', '[', ']', '`']).to_owned();
            assert_eq!(steps.insert(name, step), None, "one line a module: {line}");
        }
    }
    steps
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

/// Whether a name starts at that place of a line.
fn starts_a_name(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

#[test]
fn every_module_stands_on_a_step_of_the_table() {
    let steps = steps();
    let top = ["lib", "main"];
    let modules: BTreeSet<String> = (sources().iter())
        .map(|source| source.module().to_owned())
        .filter(|module| !top.contains(&module.as_str()))
        .collect();
    assert_eq!(modules, steps.keys().cloned().collect());
}

#[test]
fn a_module_uses_only_those_on_earlier_steps() {
    let steps = steps();
    let mut checked = 0;
    for source in sources() {
        let Some(own) = steps.get(source.module()) else {
            continue;
        };
        for line in source.all.lines() {
            assert!(
                !line.contains("crate::{"),
                "{}: a line for each module that is used: {line}",
                source.path
            );
            for module in named(line).filter(|module| *module != source.module()) {
                let Some(step) = steps.get(module) else { continue };
                checked += 1;
                assert!(
                    step < own,
                    "{}: step {own:?} uses {module}, on step {step:?}: {line}",
                    source.path
                );
            }
        }
    }
    assert!(checked > 50, "the imports are found: {checked}");
}

#[test]
fn views_use_nothing_of_the_work() {
    let steps = steps();
    for source in sources().iter().filter(|source| source.module() == "views") {
        for line in source.all.lines() {
            for module in named(line) {
                let floor = steps.get(module).map(|(floor, _)| *floor);
                assert!(floor != Some(2), "{}: {line}", source.path);
            }
        }
    }
}

#[test]
fn the_lower_floors_and_the_views_keep_clear_of_burn_files_and_the_clock() {
    let steps = steps();
    let forbidden = |module: &str| -> &[&str] {
        match (module, steps.get(module)) {
            ("model", _) => &["tch::", "std::fs", "std::env", "std::time"],
            // The one place that draws.
            ("random", _) => &["burn::", "tch::", "std::fs", "std::env", "std::time"],
            (_, Some((0 | 1, _))) => &["burn::", "tch::", "std::fs", "std::env", "std::time", "rand"],
            (_, Some((3, _))) => &["burn::", "tch::", "std::fs", "std::env", "std::time"],
            _ => &[],
        }
    };
    for source in sources() {
        for line in source.code.lines() {
            for word in forbidden(source.module()) {
                // `_mm_prefetch::` names no crate, and `crate::random` is ours.
                let is_named = (line.match_indices(word)).any(|(at, found)| {
                    let ours = found == "rand" && line[at..].starts_with("random");
                    starts_a_name(line, at) && !ours
                });
                assert!(!is_named, "{}: {line}", source.path);
            }
        }
    }
}

#[test]
fn libtorch_is_named_only_in_its_own_module() {
    for source in sources().iter().filter(|source| source.module() != "libtorch") {
        for line in source.all.lines() {
            // `GpuWatch::start` names no crate.
            let tch = line.match_indices("tch::").any(|(at, _)| starts_a_name(line, at));
            let names = tch || line.contains("torch_sys") || line.contains("Device::libtorch");
            assert!(!names, "{}: {line}", source.path);
        }
    }
}

#[test]
fn no_file_mod_or_lib_holds_logic() {
    for source in sources() {
        if !source.path.ends_with("mod.rs") && source.path != "lib.rs" {
            continue;
        }
        for statement in source.all.split_inclusive([';', ']']).map(str::trim) {
            let item = statement.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            let item = item.trim_start_matches("pub(super) ");
            let is_declaration = ["mod ", "use ", "#[", "#!["]
                .iter()
                .any(|start| item.starts_with(start));
            assert!(item.is_empty() || is_declaration, "{}: {statement}", source.path);
        }
    }
}

/// The code without what stands in quotes.
fn without_text(code: &str) -> String {
    let unescaped = code.replace("\\\\", "").replace("\\\"", "").replace("'\"'", "");
    unescaped.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

#[test]
fn densenet_is_named_only_in_its_own_files() {
    let is_own = |path: &str| {
        let is_family = path.starts_with("network/families/densenet/") || path.ends_with("/densenet.rs");
        is_family || path.starts_with("kernels/") || path.ends_with("presets.rs")
    };
    let names = |source: &Source| {
        let code = without_text(&source.code);
        ["DenseNet", "densenet::"]
            .iter()
            .any(|word| code.match_indices(word).any(|(at, _)| starts_a_name(&code, at)))
    };
    let sources = sources();
    let offenders: Vec<&str> = (sources.iter())
        .filter(|source| !is_own(&source.path) && names(source))
        .map(|source| source.path.as_str())
        .collect();
    assert_eq!(offenders, NAMES_DENSENET, "exactly these files name DenseNet");
}

/// The files of the crate that a file uses by `crate::`, `super::` and `self::`.
fn uses<'a>(source: &Source, files: &'a BTreeMap<Vec<String>, String>) -> BTreeSet<&'a str> {
    let own = source.place();
    let mut used = BTreeSet::new();
    for (start, _) in source.code.match_indices("::") {
        let before = &source.code[..start];
        let word = before
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap();
        if !["crate", "self", "super"].contains(&word) || before.ends_with(&format!("::{word}")) {
            continue;
        }
        let mut base = match word {
            "crate" => Vec::new(),
            "self" => own.clone(),
            _ => own[..own.len() - 1].to_vec(),
        };
        let mut rest = &source.code[start + 2..];
        while let Some(further) = rest.strip_prefix("super::") {
            base.pop();
            rest = further;
        }
        for path in paths(rest) {
            let mut place = base.clone();
            place.extend(path);
            while !place.is_empty() && !files.contains_key(&place) {
                place.pop();
            }
            used.extend(files.get(&place).map(String::as_str));
        }
    }
    used.remove(source.path.as_str());
    used
}

/// The paths that stand at the beginning of a text: one, or the members of a list in braces.
fn paths(text: &str) -> Vec<Vec<String>> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut path = Vec::new();
    let mut rest = text;
    loop {
        if let Some(list) = rest.strip_prefix('{') {
            let end = list.find(';').unwrap_or(list.len());
            let names = list[..end].split([',', '}']).map(str::trim);
            return names
                .map(|name| {
                    let own = name
                        .split("::")
                        .map(|part| part.trim_matches(['{', ' ', '\n']).to_owned());
                    path.iter().cloned().chain(own).collect()
                })
                .collect();
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        path.push(rest[..end].to_owned());
        match rest[end..].strip_prefix("::") {
            Some(further) => rest = further,
            None => return vec![path],
        }
    }
}

/// All files that a file uses, and what those use, and so on.
fn reach<'a>(from: &'a str, uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in uses.get(file).into_iter().flatten() {
            if reached.insert(*next) {
                open.push(next);
            }
        }
    }
    reached
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let sources = sources();
    let files: BTreeMap<Vec<String>, String> = (sources.iter())
        .map(|source| (source.place(), source.path.clone()))
        .collect();
    let direct: BTreeMap<&str, BTreeSet<&str>> = (sources.iter())
        // What a mod.rs names is what is in its folder.
        .filter(|source| !source.path.ends_with("mod.rs") && source.path != "lib.rs")
        .map(|source| (source.path.as_str(), uses(source, &files)))
        .collect();
    let found: usize = direct.values().map(BTreeSet::len).sum();
    assert!(found > 300, "the imports are found: {found}");
    let mut circles = BTreeSet::new();
    for file in direct.keys() {
        let reached = reach(file, &direct);
        if reached.contains(file) {
            let circle: Vec<&str> = (reached.into_iter())
                .filter(|other| reach(other, &direct).contains(file))
                .collect();
            circles.insert(circle);
        }
    }
    let circles: Vec<&[&str]> = circles.iter().map(Vec::as_slice).collect();
    assert_eq!(circles, CIRCLES, "exactly these files use each other in a circle");
}
