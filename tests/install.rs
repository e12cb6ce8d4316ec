//! `scripts/install` in a copy of the scripts, with this test's program in the place of one that is built.

#![cfg(all(feature = "burn", target_os = "linux"))]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// The scripts that are needed, and a folder to install into.
struct Copy(TempDir);

impl Copy {
    fn new() -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        fs::create_dir(copy.path("scripts")).unwrap();
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/install");
        fs::copy(own, copy.path("scripts/install")).unwrap();
        let build = format!("#!/bin/sh\necho '{}'\n", env!("CARGO_BIN_EXE_densenet-bench"));
        fs::write(copy.path("scripts/build"), build).unwrap();
        fs::set_permissions(copy.path("scripts/build"), fs::Permissions::from_mode(0o755)).unwrap();
        copy
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn install(&self, arguments: &[&str]) -> Output {
        let mut script = Command::new(self.path("scripts/install"));
        script.args(arguments).current_dir(self.0.path()).output().unwrap()
    }

    /// Runs the script, which must refuse, and gives what it says.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.install(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        said
    }
}

/// The files below a folder by their path, each with its bytes, its mode and when it was written.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>, u32, i64)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = fs::metadata(&path).unwrap();
        if about.is_dir() {
            found.extend(files(&path));
        } else {
            let written = about.mtime_nsec() + 1_000_000_000 * about.mtime();
            found.push((path.clone(), fs::read(&path).unwrap(), about.mode() & 0o777, written));
        }
    }
    found.sort();
    found
}

#[test]
fn the_program_its_manual_and_its_completions_are_installed_and_again_changes_nothing() {
    let copy = Copy::new();
    let output = copy.install(&["a place"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains(" is installed") && said.contains("/bin is not on the PATH"),
        "{said}"
    );
    let prefix = copy.path("a place");
    let first = files(&prefix);
    let names: Vec<&str> = (first.iter())
        .map(|(path, ..)| path.strip_prefix(&prefix).unwrap().to_str().unwrap())
        .collect();
    for name in [
        "bin/densenet-bench",
        "share/bash-completion/completions/densenet-bench",
        "share/fish/vendor_completions.d/densenet-bench.fish",
        "share/man/man1/densenet-bench.1",
        "share/man/man1/densenet-bench-report.1",
        "share/man/man1/densenet-bench-data-fetch.1",
        "share/zsh/site-functions/_densenet-bench",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(
        !names
            .iter()
            .any(|name| name.contains("manual") || name.contains("trial")),
        "{names:?}"
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().count(), first.len(), "a line for each file: {printed}");
    let mode = |name: &str| first.iter().find(|(path, ..)| path.ends_with(name)).unwrap().2;
    assert_eq!((mode("bin/densenet-bench"), mode("densenet-bench.1")), (0o755, 0o644));

    let version = Command::new(prefix.join("bin/densenet-bench"))
        .arg("--version")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&version.stdout).starts_with("densenet-bench "));
    assert!(copy.install(&["a place"]).status.success());
    assert!(files(&prefix) == first, "the same files, none of them written anew");
    // What has changed is replaced.
    fs::write(prefix.join("share/man/man1/densenet-bench.1"), "old").unwrap();
    assert!(copy.install(&["a place"]).status.success());
    let contents = |files: &[(PathBuf, Vec<u8>, u32, i64)]| files.iter().map(|file| file.1.clone()).collect::<Vec<_>>();
    assert!(contents(&files(&prefix)) == contents(&first));
}

#[test]
fn the_manual_and_the_completions_know_the_verbs() {
    let copy = Copy::new();
    assert!(copy.install(&["p"]).status.success());
    let read = |name: &str| fs::read_to_string(copy.path("p/share").join(name)).unwrap();
    let manual = read("man/man1/densenet-bench.1");
    assert!(
        manual.contains(".TH densenet-bench 1") && manual.contains("Exit status: 0 all trials ok"),
        "{manual}"
    );
    let report = read("man/man1/densenet-bench-report.1");
    assert!(
        report.contains("largest\\-batch") && report.contains("splice"),
        "{report}"
    );
    for name in [
        "bash-completion/completions/densenet-bench",
        "zsh/site-functions/_densenet-bench",
        "fish/vendor_completions.d/densenet-bench.fish",
    ] {
        let script = read(name);
        assert!(script.contains("report") && script.contains("splice"), "{name}");
    }
    let bash = copy.path("p/share/bash-completion/completions/densenet-bench");
    assert!(Command::new("bash").arg("-n").arg(bash).status().unwrap().success());
}

#[test]
fn a_place_that_cannot_be_installed_into_is_refused_before_the_build() {
    let copy = Copy::new();
    // Whoever would build has not looked first.
    fs::write(copy.path("scripts/build"), "#!/bin/sh\ntouch built\nexit 1\n").unwrap();
    fs::write(copy.path("file"), "").unwrap();
    let said = copy.refused(&["file"]);
    assert!(
        said.contains("/file is a file") && said.contains("name another PREFIX, such as ~/.local"),
        "{said}"
    );
    fs::create_dir_all(copy.path("p/share")).unwrap();
    fs::write(copy.path("p/share/man"), "").unwrap();
    assert!(copy.refused(&["p"]).contains("/p/share/man is a file"));
    assert!(copy.refused(&[]).contains("scripts/install PREFIX"), "usage, on stderr");
    assert!(copy.refused(&["--user"]).contains("there is no option --user"));
    assert!(
        copy.refused(&["a", "b"])
            .contains("one PREFIX is wanted, and 2 are given")
    );
    // The superuser may write anywhere.
    fs::create_dir(copy.path("closed")).unwrap();
    fs::set_permissions(copy.path("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(copy.path("closed/probe"), "").is_err() {
        let said = copy.refused(&["closed"]);
        assert!(
            said.contains("/closed cannot be written to; name a PREFIX of your own"),
            "{said}"
        );
    }
    assert!(!copy.path("built").exists());
}
