//! What is asked of the table as a whole.

use super::backend::{AutoRank, Backend};
use super::table::BACKENDS;

/// The devices that `--device` takes, as its help lists them: `auto, cpu, cuda:N or flex`.
pub fn device_help() -> String {
    let mut patterns = vec!["auto".to_owned()];
    patterns.extend(BACKENDS.iter().map(|backend| backend.pattern()));
    listed(&patterns)
}

/// As [`device_help`], with an example of an index.
pub(super) fn device_examples() -> String {
    let mut patterns = vec!["auto".to_owned()];
    patterns.extend(BACKENDS.iter().map(|backend| match backend.is_numbered {
        true => format!("{} (such as {})", backend.pattern(), backend.device(0)),
        false => backend.pattern(),
    }));
    listed(&patterns)
}

/// `a, b or c`.
fn listed(words: &[String]) -> String {
    match words {
        [rest @ .., last] if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        words => words.concat(),
    }
}

/// The backend that `--device auto` takes where there is no accelerator; none in a program without Burn.
pub fn fallback() -> Option<&'static Backend> {
    let is_fallback = |backend: &&&Backend| backend.auto == AutoRank::Fallback && backend.is_built();
    BACKENDS.iter().find(is_fallback).copied()
}

#[cfg(test)]
mod tests {
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

    #[cfg(feature = "burn")]
    #[test]
    fn without_an_accelerator_networks_run_on_libtorchs_cpu_or_on_flex() {
        let expected = if cfg!(feature = "libtorch") { "cpu" } else { "flex" };
        assert_eq!(fallback().map(|backend| backend.name), Some(expected));
    }
}
