//! What set-up takes for libtorch, and what it refuses: `scripts/setup` in a copy of the project, over a folder of wheels
//! in the place of a package index. No network is needed.

#![cfg(target_os = "linux")]

use std::env::consts::ARCH;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A copy of what set-up needs of the project, with a folder of wheels beside it.
struct Copy {
    folder: TempDir,
}

impl Copy {
    fn new() -> Self {
        // Not in the system's folder for temporary files, which may be small: set-up asks for room.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(folder.path().join("project/scripts/libtorch")).unwrap();
        fs::create_dir(folder.path().join("wheels")).unwrap();
        for name in [
            "scripts/setup",
            "scripts/libtorch/cpu-2.9.txt",
            "Cargo.toml",
            "Cargo.lock",
        ] {
            fs::copy(root.join(name), folder.path().join("project").join(name)).unwrap();
        }
        Self { folder }
    }

    fn project(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    /// A wheel under torch's name, with those members beside what set-up looks for.
    fn wheel(&self, members: &[&str]) -> PathBuf {
        let libraries = self.folder.path().join("libraries");
        fs::create_dir_all(&libraries).unwrap();
        for name in ["libc10.so", "libtorch_cpu.so"] {
            let compiled = Command::new("cc")
                .args(["-shared", "-x", "c", "/dev/null", "-o"])
                .arg(libraries.join(name))
                .status();
            assert!(compiled.unwrap().success());
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stand-ins/wheel.py");
        let output = Command::new("python3")
            .arg(script)
            .arg(ARCH)
            .args([self.folder.path().join("wheels"), libraries])
            .args(members)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    }

    /// Lists a wheel, and no other, as what set-up is to take.
    fn list(&self, wheel: &Path) {
        let digest = format!("{:x}", Sha256::digest(fs::read(wheel).unwrap()));
        let requirement = format!("torch==2.9.0 --hash=sha256:{digest}\n");
        fs::write(self.project("scripts/libtorch/cpu-2.9.txt"), requirement).unwrap();
    }

    /// Runs set-up, with the programs of the copy's own `bin` before those of the system.
    fn set_up(&self) -> Output {
        let path = std::env::var_os("PATH").unwrap();
        let folders = [self.folder.path().join("bin")];
        let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path)));
        Command::new(self.project("scripts/setup"))
            .args(["--cpu", "--force"])
            .env("PATH", path.unwrap())
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", self.folder.path().join("wheels"))
            .env("CARGO_NET_OFFLINE", "true")
            // cargo's settings for this project are in the environment of its tests.
            .env_remove("LIBTORCH")
            .env_remove("LIBTORCH_USE_PYTORCH")
            .output()
            .unwrap()
    }

    /// Runs set-up with these words and variables of a user's own, and gives how it ended and what it said.
    fn asked(&self, words: &[&str], variables: &[(&str, &Path)]) -> (Option<i32>, String) {
        let output = Command::new(self.project("scripts/setup"))
            .args(words)
            .env_remove("LIBTORCH")
            .env_remove("LIBTORCH_USE_PYTORCH")
            .env_remove("LIBTORCH_BYPASS_VERSION_CHECK")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }

    /// A folder like a libtorch's, whose header of that name says its version.
    fn libtorch(&self, header: &str, version: &str) -> PathBuf {
        let folder = self.folder.path().join(format!("libtorch-{version}"));
        let header = folder.join("include").join(header);
        fs::create_dir_all(header.parent().unwrap()).unwrap();
        fs::write(
            header,
            format!("#define TORCH_VERSION_MINOR 0\n#define TORCH_VERSION \\\n  \"{version}\"\n"),
        )
        .unwrap();
        folder
    }

    /// Runs set-up, which must refuse and leave nothing behind, and gives what it says.
    fn refused(&self) -> String {
        let before = self.left();
        let output = self.set_up();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{said}");
        assert_eq!(self.left(), before, "{said}");
        said
    }

    /// What is in set-up's folder, but for the file by which set-ups wait for each other.
    fn left(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.project(".libtorch")) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "lock").collect();
        names.sort();
        names
    }
}

#[test]
fn a_listed_wheel_is_unpacked_whole_and_its_links_become_files() {
    let copy = Copy::new();
    copy.list(&copy.wheel(&[]));
    let output = copy.set_up();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(copy.left(), ["config.toml", "cpu"]);
    let tree = copy.project(".libtorch/cpu");
    assert_eq!(fs::read_to_string(tree.join("build-version")).unwrap(), "2.9.0+cpu\n");
    assert!(tree.join("lib/libtorch_cpu.so").is_file() && tree.join("include/a.h").is_file());
    let link = tree.join("include/link.h");
    assert!(fs::symlink_metadata(&link).unwrap().is_file(), "no link is made");
    assert_eq!(fs::read_to_string(link).unwrap(), "/etc/hostname");
}

#[test]
fn a_wheel_that_is_not_the_listed_one_is_refused_and_nothing_is_unpacked() {
    let copy = Copy::new();
    copy.wheel(&[]);
    let said = copy.refused();
    assert!(said.contains("DO NOT MATCH THE HASHES"), "{said}");
    let error = "error: pip could not download libtorch, or refused a file whose checksum scripts/libtorch/cpu-2.9.txt does \
                 not list; nothing was\nunpacked.";
    assert!(said.contains(error), "{said}");
}

#[test]
fn a_wheel_that_is_cut_short_is_refused_and_nothing_is_unpacked() {
    let copy = Copy::new();
    let wheel = copy.wheel(&[]);
    copy.list(&wheel);
    let whole = fs::read(&wheel).unwrap();
    fs::write(&wheel, &whole[..whole.len() / 2]).unwrap();
    let said = copy.refused();
    assert!(said.contains("DO NOT MATCH THE HASHES"), "{said}");
}

#[test]
fn a_refused_wheel_leaves_the_libtorch_that_was_there() {
    let copy = Copy::new();
    let wheel = copy.wheel(&[]);
    copy.list(&wheel);
    assert!(copy.set_up().status.success());
    copy.wheel(&["torch/include/b.h=changed"]);
    copy.refused();
    assert_eq!(copy.left(), ["config.toml", "cpu"]);
    let tree = copy.project(".libtorch/cpu");
    assert!(tree.join("include/a.h").is_file() && !tree.join("include/b.h").exists());
    assert!(tree.join("build-version").is_file());
}

#[test]
fn a_wheel_with_a_member_that_leaves_the_folder_is_refused_even_if_it_is_listed() {
    let copy = Copy::new();
    // From .libtorch/unfinished/tree/include up to the copy's folder.
    copy.list(&copy.wheel(&["torch/include/../../../../../escaped.h=out"]));
    let said = copy.refused();
    assert!(
        said.contains("'torch/include/../../../../../escaped.h', which would leave the folder"),
        "{said}"
    );
    let found: Vec<PathBuf> = (copy.folder.path().ancestors().take(3))
        .flat_map(|folder| [folder.join("escaped.h"), folder.join("project/escaped.h")])
        .filter(|path| path.exists())
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_file_that_pip_let_pass_is_not_unpacked_unless_it_is_listed() {
    let copy = Copy::new();
    copy.wheel(&[]);
    // A pip that compares nothing: it hands out whatever there is.
    let bin = copy.folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let python = which("python3");
    let script = format!(
        "#!/usr/bin/env bash\n\
         if [[ $* != *'pip download'* ]]; then exec '{}' \"$@\"; fi\n\
         while (($#)); do if [[ $1 == --dest ]]; then cp '{}'/*.whl \"$2\"; fi; shift; done\n",
        python.display(),
        copy.folder.path().join("wheels").display()
    );
    fs::write(bin.join("python3"), script).unwrap();
    let made = Command::new("chmod").arg("+x").arg(bin.join("python3")).status();
    assert!(made.unwrap().success());
    let said = copy.refused();
    assert!(
        said.contains("which scripts/libtorch/cpu-2.9.txt does not list"),
        "{said}"
    );
    assert!(copy.left().is_empty(), "{:?}", copy.left());
}

/// Where a program of the PATH is.
fn which(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .unwrap()
}

/// Where the header with the version is, until 2.9 and from 2.10 on.
const HEADERS: [&str; 2] = ["torch/csrc/api/include/torch/version.h", "torch/headeronly/version.h"];

#[test]
fn a_libtorch_of_the_users_own_is_taken_within_the_range_and_refused_outside_of_it() {
    let copy = Copy::new();
    for (header, version) in [(HEADERS[0], "2.9.1"), (HEADERS[1], "2.10.0"), (HEADERS[1], "2.11.0")] {
        let folder = copy.libtorch(header, version);
        let (code, said) = copy.asked(&[], &[("LIBTORCH", folder.as_path())]);
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains(&format!("cargo uses that libtorch ({version})")),
            "{said}"
        );
        assert!(said.contains("set LIBTORCH_BYPASS_VERSION_CHECK=1"), "{said}");
    }
    for (header, version) in [
        (HEADERS[0], "2.8.0"),
        (HEADERS[1], "2.12.0"),
        (HEADERS[1], "2.1.0"),
        (HEADERS[1], "3.9.0"),
    ] {
        let folder = copy.libtorch(header, version);
        let (code, said) = copy.asked(&["--quiet"], &[("LIBTORCH", folder.as_path())]);
        assert_eq!(code, Some(1), "{said}");
        let rule = format!(
            "{} is libtorch {version}; densenet-bench needs 2.9 to 2.11",
            folder.display()
        );
        assert!(
            said.contains(&rule) && said.contains("scripts/setup --libtorch 2.11"),
            "{said}"
        );
    }
    let (code, said) = copy.asked(&[], &[("LIBTORCH", copy.folder.path())]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("has no libtorch whose version is known; point LIBTORCH to a"),
        "{said}"
    );
    assert!(copy.left().is_empty());
}

#[test]
fn a_version_that_is_not_supported_is_an_error_that_names_those_that_are() {
    let copy = Copy::new();
    for version in ["2.8", "2.12", "2", "2.1", "new"] {
        let (code, said) = copy.asked(&["--cpu", "--libtorch", version], &[]);
        assert_eq!(code, Some(1), "{said}");
        let error = format!(
            "error: there is no libtorch {version} here; densenet-bench runs with 2.9 to 2.11: scripts/setup --libtorch 2.11\n"
        );
        assert_eq!(said, error);
    }
    let variable = [("DENSENET_BENCH_LIBTORCH", Path::new("cpu2.11"))];
    let (_, said) = copy.asked(&[], &variable);
    assert!(
        said.contains("it must be cpu or cuda, or one of them with a version, such as cpu-2.11"),
        "{said}"
    );
    assert!(copy.left().is_empty());
}

#[test]
fn another_version_stands_beside_the_first_and_is_chosen_unless_it_is_only_to_be_there() {
    let copy = Copy::new();
    copy.list(&copy.wheel(&[]));
    assert!(copy.set_up().status.success());
    let settings = || fs::read_to_string(copy.project(".libtorch/config.toml")).unwrap();
    let first = settings();
    assert!(
        first.contains("\".libtorch/cpu\"") && !first.contains("BYPASS"),
        "{first}"
    );
    // It is there already: no package index is asked.
    let tree = copy.project(".libtorch/cpu-2.11");
    fs::create_dir(&tree).unwrap();
    fs::write(tree.join("build-version"), "2.11.0+cpu\n").unwrap();
    fs::write(copy.project("scripts/libtorch/cpu-2.11.txt"), "torch==2.11.0\n").unwrap();
    let (code, said) = copy.asked(&["--cpu", "--libtorch", "2.11", "--beside"], &[]);
    assert_eq!((code, settings()), (Some(0), first), "{said}");
    let (code, said) = copy.asked(&["--libtorch", "2.11.0"], &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("libtorch 2.11.0+cpu is set up in .libtorch/cpu-2.11"),
        "{said}"
    );
    let chosen = settings();
    assert!(chosen.contains("\".libtorch/cpu-2.11\""), "{chosen}");
    assert!(
        chosen.contains("LIBTORCH_BYPASS_VERSION_CHECK = \"1\""),
        "tch asks for another: {chosen}"
    );
    // What was used last stays chosen.
    let (_, said) = copy.asked(&[], &[]);
    assert!(said.contains(".libtorch/cpu-2.11"), "{said}");
}
