//! Queries of the whole table.

use super::backend::{AutoRank, Backend};
use super::table::BACKENDS;
use crate::words::joined;

/// The devices that `--device` takes, as its help lists them: `auto, cpu, cuda:N or flex`.
pub fn device_help() -> String {
    let mut patterns = vec!["auto".to_owned()];
    patterns.extend(BACKENDS.iter().map(|backend| backend.pattern()));
    joined(&patterns, "or")
}

/// As [`device_help`], with an example of an index.
pub(super) fn device_examples() -> String {
    let mut patterns = vec!["auto".to_owned()];
    patterns.extend(BACKENDS.iter().map(|backend| match backend.is_numbered {
        true => format!("{} (such as {})", backend.pattern(), backend.device(0)),
        false => backend.pattern(),
    }));
    joined(&patterns, "or")
}

/// The backend that `--device auto` takes where there is no accelerator; none in a program without Burn.
pub fn fallback() -> Option<&'static Backend> {
    let is_fallback = |backend: &&&Backend| backend.auto == AutoRank::Fallback && backend.is_built();
    BACKENDS.iter().find(is_fallback).copied()
}

/// The backend of the accelerators that `--device auto` takes where there are any, built in or not.
pub fn accelerator() -> Option<&'static Backend> {
    let is_preferred = |backend: &&&Backend| backend.auto == AutoRank::Preferred;
    BACKENDS.iter().find(is_preferred).copied()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_backend_has_a_name_of_its_own_that_reads_as_one_device() {
        for (position, backend) in BACKENDS.iter().enumerate() {
            assert!(
                BACKENDS[..position].iter().all(|earlier| earlier != backend),
                "{backend:?}"
            );
            assert!(
                backend.name != "auto" && backend.name.chars().all(|c| c.is_ascii_lowercase()),
                "{backend:?}"
            );
        }
    }

    #[test]
    fn the_help_lists_every_backend_of_the_table() {
        let help = device_help();
        assert!(help.starts_with("auto, cpu, cuda:N"), "{help}");
        for backend in BACKENDS {
            assert!(help.contains(&backend.pattern()), "{help}");
        }
    }

    /// What differs between backends is a field of the descriptor: code that names one would have to be found again for
    /// the next.
    #[test]
    fn no_other_code_names_one_backend() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![root.clone()];
        let mut read = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && path != root.join("backends") {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]").next().unwrap_or("");
                    let is_word = |c: char| c.is_alphanumeric() || c == '_';
                    let imports = code
                        .split("backends::")
                        .skip(1)
                        .filter_map(|after| after.split(';').next());
                    let mut words = imports.flat_map(|import| import.split(|c| !is_word(c)));
                    let named = words.find(|word| BACKENDS.iter().any(|backend| *word == backend.name.to_uppercase()));
                    assert_eq!(named, None, "{}", path.display());
                    read += usize::from(code.contains("backends::"));
                }
            }
        }
        assert!(read >= 10, "the files that use backends are found: {read}");
    }

    #[cfg(feature = "burn")]
    #[test]
    fn without_an_accelerator_networks_run_on_libtorchs_cpu_or_on_flex() {
        let expected = if cfg!(feature = "libtorch") { "cpu" } else { "flex" };
        assert_eq!(fallback().map(|backend| backend.name), Some(expected));
    }
}
