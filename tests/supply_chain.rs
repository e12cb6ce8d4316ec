//! What the program is made of is said exactly, and said the same everywhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256};
use toml::Table;

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn manifest() -> Table {
    text("Cargo.toml").parse().unwrap()
}

/// What a dependency asks for in Cargo.toml, `=0.22.1`.
fn requirement(manifest: &Table, package: &str) -> String {
    let dependency = &manifest["dependencies"][package];
    let version = dependency.get("version").unwrap_or(dependency);
    version.as_str().unwrap().to_owned()
}

/// The versions of a package in Cargo.lock.
fn locked(lock: &Table, package: &str) -> Vec<String> {
    let packages = lock["package"].as_array().unwrap().iter();
    packages
        .filter(|entry| entry["name"].as_str() == Some(package))
        .map(|entry| entry["version"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn versions_that_have_to_match_are_pinned_and_locked() {
    let (manifest, lock) = (manifest(), text("Cargo.lock").parse::<Table>().unwrap());
    for package in ["burn", "tch", "torch-sys"] {
        let requirement = requirement(&manifest, package);
        let version = requirement.strip_prefix('=').expect("an exact version");
        assert_eq!(locked(&lock, package), [version], "{package}");
    }
    // Another version of it may be there for others, with streams of its own.
    let generator = requirement(&manifest, "rand_chacha");
    let version = generator.strip_prefix('=').expect("an exact version");
    assert!(locked(&lock, "rand_chacha").contains(&version.to_owned()));
    // Burn asks for its own parts, and burn-tch for tch, more loosely.
    let burn = locked(&lock, "burn");
    for part in ["burn-autodiff", "burn-flex", "burn-tch", "burn-tensor"] {
        assert_eq!(locked(&lock, part), burn, "{part}");
    }
    assert_eq!(locked(&lock, "tch"), locked(&lock, "torch-sys"));
}

#[test]
fn the_citation_is_of_this_version_and_licence_and_names_the_paper() {
    let (manifest, citation) = (manifest(), text("CITATION.cff"));
    let package = &manifest["package"];
    let of = |key: &str| package[key].as_str().unwrap();
    for line in [
        "cff-version: 1.2.0".to_owned(),
        format!("title: {}", of("name")),
        format!("version: {}", of("version")),
        "    title: Densely Connected Convolutional Networks".to_owned(),
    ] {
        assert!(citation.lines().any(|own| own == line), "{line}");
    }
    let licences: Vec<String> = of("license")
        .split(" OR ")
        .map(|licence| format!("  - {licence}\n"))
        .collect();
    let list = format!("license:\n{}authors:", licences.concat());
    assert!(citation.contains(&list), "{list}");
}

/// What stands between quotes after that text of a file.
fn quoted_after(file: &str, before: &str) -> String {
    let text = text(file);
    let (_, after) = text.split_once(before).unwrap_or_else(|| panic!("{file}: {before}"));
    after.split('"').next().unwrap().to_owned()
}

/// The packages of a list of wheels: name, version and checksums.
fn wheels(file: &str) -> BTreeMap<String, (String, Vec<String>)> {
    let joined = text(file).replace("\\\n", " ");
    let lines = joined
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let (name, version) = words.next().unwrap().split_once("==").expect("an exact version");
            let hashes = words.filter_map(|word| word.strip_prefix("--hash=sha256:"));
            (
                name.to_owned(),
                (version.to_owned(), hashes.map(str::to_owned).collect()),
            )
        })
        .collect()
}

/// The first and the last version of libtorch, as build.rs has them.
fn libtorch_range() -> [String; 2] {
    let first = quoted_after("build.rs", "const LIBTORCH_VERSIONS: [&str; 2] = [\"");
    let last = quoted_after(
        "build.rs",
        &format!("const LIBTORCH_VERSIONS: [&str; 2] = [\"{first}\", \""),
    );
    [first, last]
}

/// Every version of it, as scripts/setup has them.
fn libtorch_versions() -> Vec<String> {
    let setup = text("scripts/setup");
    let list = setup.lines().find_map(|line| line.strip_prefix("versions=(")).unwrap();
    list.trim_end_matches(')').split(' ').map(str::to_owned).collect()
}

#[test]
fn every_file_that_names_a_range_of_libtorch_names_the_same() {
    let (range, versions) = (libtorch_range(), libtorch_versions());
    assert_eq!([&versions[0], versions.last().unwrap()], [&range[0], &range[1]]);
    for version in &versions {
        for device in ["cpu", "cuda"] {
            let file = format!("scripts/libtorch/{device}-{version}.txt");
            assert_eq!(wheels(&file)["torch"].0, format!("{version}.0"), "{file}");
        }
    }
    // The fixtures, and what is recorded, are of the first.
    let fixtures = &wheels("scripts/fixtures/requirements.txt")["torch"].0;
    assert_eq!(*fixtures, format!("{}.0", range[0]));
    let [first, last] = range;
    assert!(text("README.md").contains(&format!("it has to be {first} to {last}")));
    let bundle = text("scripts/bundle");
    assert!(bundle.contains(&format!("\nversions=({})\n", versions.join(" "))));
}

#[test]
fn every_wheel_of_libtorch_has_one_version_and_its_checksum() {
    for libtorch in libtorch_versions() {
        let [cpu, cuda] = ["cpu", "cuda"].map(|device| wheels(&format!("scripts/libtorch/{device}-{libtorch}.txt")));
        for (name, (_, hashes)) in cpu.iter().chain(&cuda) {
            let is_sha256 = |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(!hashes.is_empty() && hashes.iter().all(is_sha256), "{name}: {hashes:?}");
        }
        // CUDA's list is for x86-64 alone, the CPU's for aarch64 as well.
        for (name, (version, hashes)) in &cpu {
            let (version_with_cuda, hashes_with_cuda) = &cuda[name];
            assert_eq!(version, version_with_cuda, "{name}");
            assert!(hashes_with_cuda.iter().all(|hash| hashes.contains(hash)), "{name}");
        }
    }
}

/// `1.95` and `1.95.0` as numbers.
fn release(version: &str) -> (u32, u32, u32) {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

/// What cargo knows of every package of the supported platforms. It lists more than are compiled: those behind features
/// that nothing asks for, too.
fn packages() -> Vec<Value> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--format-version", "1", "--locked", "--all-features"]);
    for platform in ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"] {
        command.args(["--filter-platform", platform]);
    }
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn no_package_asks_for_a_newer_rust_than_the_program_states() {
    let manifest = manifest();
    let stated = manifest["package"]["rust-version"].as_str().unwrap();
    let mut asking = 0;
    for package in packages() {
        let Some(asked) = package["rust_version"].as_str() else {
            continue;
        };
        asking += 1;
        let name = package["name"].as_str().unwrap();
        assert!(
            release(asked) <= release(stated),
            "{name} {} needs Rust {asked}; Cargo.toml states {stated}: raise it there and in the README, or take an older \
             {name}",
            package["version"].as_str().unwrap(),
        );
    }
    assert!(asking > 100, "the packages are looked at: {asking}");
}

#[test]
fn torch_sys_is_written_for_the_libtorch_that_is_set_up() {
    let packages = packages();
    let torch_sys = packages.iter().find(|package| package["name"] == "torch-sys").unwrap();
    let folder = PathBuf::from(torch_sys["manifest_path"].as_str().unwrap());
    let script = fs::read_to_string(folder.with_file_name("build.rs")).unwrap();
    let setup = text("scripts/setup");
    let version = setup
        .lines()
        .find_map(|line| line.strip_prefix("tchs_version="))
        .unwrap();
    assert!(script.contains(&format!("const TORCH_VERSION: &str = \"{version}\"")));
    assert_eq!(version, format!("{}.0", libtorch_range()[0]));
}

#[test]
fn the_oldest_rust_is_stated_the_same_everywhere() {
    let manifest = manifest();
    let stated = manifest["package"]["rust-version"].as_str().unwrap();
    let readme = text("README.md");
    assert!(readme.contains(&format!("a Rust toolchain ({stated} or later)")));
    assert!(readme.contains(&format!("Rust {stated} is the oldest that builds it")));
    // The scripts read it; a number of their own could be another.
    for script in ["scripts/setup", "scripts/oldest-rust"] {
        let script = text(script);
        assert!(script.contains("s/^rust-version = \"\\(.*\\)\"/\\1/p' Cargo.toml"));
        assert!(!script.contains(stated));
    }
}

#[test]
fn the_scripts_of_others_in_a_report_are_those_that_were_chosen_with_their_licences() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/views/report/web");
    let (mut files, mut licences, mut packages) = (0, 0, 0);
    for line in text("src/views/report/web/vendored.txt").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["package", name, version, integrity] => {
                packages += 1;
                assert!(
                    version.starts_with(|c: char| c.is_ascii_digit()),
                    "{name}: an exact version"
                );
                assert!(integrity.starts_with("sha512-"), "{name}");
            }
            ["file", file, path, sha256] => {
                let bytes = fs::read(web.join(file)).unwrap();
                let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(found, sha256, "{file}: scripts/vendor-web writes it anew");
                files += 1;
                licences += usize::from(path == "LICENSE");
            }
            _ => assert!(line.is_empty() || line.starts_with('#'), "{line}"),
        }
    }
    assert!(packages > 0 && licences == packages, "every package has its licence");
    let own = ["report.css", "report.js", "vendored.txt"];
    let there = fs::read_dir(web).unwrap().count();
    assert_eq!(there, files + own.len(), "every other file has its checksum");
}
