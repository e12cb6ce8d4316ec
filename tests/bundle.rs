//! How a bundle of `scripts/bundle` finds PyTorch: its `start`, over folders that look like PyTorch, with a program that says what it
//! was started with. Whole bundles are tested by their own self-test.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A bundle without contents, and a folder where Python looks for packages.
struct Bundle(TempDir);

impl Bundle {
    fn new() -> Self {
        let bundle = Self(tempfile::tempdir().unwrap());
        let start = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/bundling/start");
        for folder in [
            "b/bin",
            "b/lib/2.9",
            "b/lib/2.10",
            "b/lib/2.11",
            "packages",
            "no packages",
        ] {
            fs::create_dir_all(bundle.path(folder)).unwrap();
        }
        for name in ["densenet-bench", "self-test", "stranger"] {
            fs::copy(&start, bundle.path("b").join(name)).unwrap();
        }
        for version in ["2.9", "2.10", "2.11"] {
            fs::write(bundle.path("b/lib").join(version).join("libdensenet-torch.so"), "").unwrap();
        }
        bundle.script(
            "b/bin/densenet-bench",
            "echo \"$LD_LIBRARY_PATH|$DENSENET_BENCH_BUNDLE|$*\"",
        );
        bundle
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn script(&self, name: &str, text: &str) {
        fs::write(self.path(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a PyTorch of that version where Python finds it, with these libraries.
    fn pytorch(&self, version: &str, libraries: &[&str]) {
        let torch = self.path("packages/torch");
        let _ = fs::remove_dir_all(&torch);
        fs::create_dir_all(torch.join("lib")).unwrap();
        fs::write(
            torch.join("__init__.py"),
            "raise RuntimeError('it takes seconds to import')\n",
        )
        .unwrap();
        fs::write(
            torch.join("version.py"),
            format!("__version__ = '{version}'\ncuda = None\n"),
        )
        .unwrap();
        for library in libraries {
            fs::write(torch.join("lib").join(library), "").unwrap();
        }
    }

    fn start(&self, name: &str, words: &[&str], python: &str, packages: &str) -> Output {
        Command::new(self.path("b").join(name))
            .args(words)
            .env("DENSENET_BENCH_PYTHON", python)
            .env("PYTHONPATH", self.path(packages))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("LD_LIBRARY_PATH")
            .output()
            .unwrap()
    }

    fn refused(&self, python: &str, packages: &str) -> String {
        let output = self.start("densenet-bench", &["doctor"], python, packages);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        said
    }
}

const LIBRARIES: [&str; 3] = ["libtorch.so", "libtorch_cpu.so", "libc10.so"];

#[test]
fn the_program_gets_the_library_of_pytorchs_version_and_pytorchs_own() {
    let bundle = Bundle::new();
    for (version, minor) in [("2.9.0+cu128", "2.9"), ("2.10.0", "2.10"), ("2.11.1+cpu", "2.11")] {
        for kind in ["cpu", "cuda"] {
            let mut libraries = LIBRARIES.to_vec();
            libraries.extend((kind == "cuda").then_some("libtorch_cuda.so"));
            bundle.pytorch(version, &libraries);
            let output = bundle.start("densenet-bench", &["run", "a b.toml"], "python3", "packages");
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            // As Python resolves it.
            let folder = fs::canonicalize(bundle.path("b")).unwrap();
            let torch = fs::canonicalize(bundle.path("packages/torch/lib")).unwrap();
            let own = folder.join("lib").join(minor);
            let expected = format!(
                "{}:{}:{}|{}|run a b.toml\n",
                own.display(),
                own.join(kind).display(),
                torch.display(),
                folder.display()
            );
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        }
    }
}

#[test]
fn a_pytorch_of_another_version_or_none_is_an_error_with_the_range_and_the_remedy() {
    let bundle = Bundle::new();
    for version in ["2.8.0", "2.12.0+cu130", "2.1.0", "3.9.0"] {
        bundle.pytorch(version, &LIBRARIES);
        let said = bundle.refused("python3", "packages");
        let rule = format!(
            "the PyTorch of 'python3' is {version}; this bundle runs with 2.9, 2.10, 2.11: install one of these"
        );
        assert!(said.contains(&rule) && said.contains("DENSENET_BENCH_PYTHON"), "{said}");
    }
    bundle.pytorch("2.9.0", &LIBRARIES[..2]);
    let said = bundle.refused("python3", "packages");
    assert!(
        said.contains("lib/libc10.so is not there; install PyTorch from its wheel: pip install torch==2.9.*"),
        "{said}"
    );
    let said = bundle.refused("no-such-python", "packages");
    assert!(said.contains("'no-such-python' is not found"), "{said}");
    bundle.script("b/broken", "exit 1");
    let said = bundle.refused(bundle.path("b/broken").to_str().unwrap(), "packages");
    assert!(said.contains("does not run"), "{said}");
    bundle.script("b/without", "exit 0");
    let said = bundle.refused(bundle.path("b/without").to_str().unwrap(), "no packages");
    assert!(
        said.contains("has no PyTorch; activate an environment that has 2.9 to 2.11"),
        "{said}"
    );
}

#[test]
fn a_name_that_is_no_program_of_the_bundle_is_refused() {
    let bundle = Bundle::new();
    bundle.pytorch("2.9.0", &LIBRARIES);
    let output = bundle.start("stranger", &[], "python3", "packages");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("stranger is none of this bundle's programs"), "{said}");
    let help = bundle.start("self-test", &["--help"], "python3", "packages");
    assert!(String::from_utf8_lossy(&help.stdout).starts_with("usage: self-test"));
}
