//! What a run has recorded and no other verb may replace.

use std::path::{Path, PathBuf};

use super::folder::{ENVIRONMENT, RECORD, RESULT, WEIGHTS};
use crate::files::holding;
use crate::formats::tables::{
    BatchRow, BoundaryRow, CorrectnessRow, EpochRow, PeerRow, PhaseRow, ProfileRow, Row, SampleRow, StepRow, TrialRow,
};

/// The page of a result folder.
pub const REPORT: &str = "report.html";

/// The files at the top of a result folder, beside `ablation.toml`.
const TOP: [&str; 13] = [
    "summary.md",
    REPORT,
    ENVIRONMENT,
    TrialRow::FILE,
    StepRow::FILE,
    EpochRow::FILE,
    CorrectnessRow::FILE,
    BatchRow::FILE,
    SampleRow::FILE,
    PhaseRow::FILE,
    ProfileRow::FILE,
    BoundaryRow::FILE,
    PeerRow::FILE,
];

/// The files in a trial's folder.
const OF_A_TRIAL: [&str; 7] = [
    ENVIRONMENT,
    RECORD,
    RESULT,
    WEIGHTS,
    StepRow::FILE,
    EpochRow::FILE,
    CorrectnessRow::FILE,
];

/// Whether a path is that of an existing file which a run has recorded: a table, the summary, a plot, a trial's record, rows,
/// weights or checkpoints, a measurement's rounds. What a user has put beside them is not.
pub fn is_recorded(path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return false;
    };
    let folder = holding(&path);
    let has = |folder: &Path, file: &str| folder.join(file).is_file();
    let is_of = |folder: &Path, kind: &str| folder.parent().is_some_and(|parent| parent.ends_with(kind));
    let is_of_trial = |folder: &Path| is_of(folder, "trials") && has(folder, RECORD);
    let is_result = |folder: &Path| has(folder, "ablation.toml") && folder.join("trials").is_dir();
    (is_result(folder) && (name == "ablation.toml" || TOP.contains(&name)))
        || (folder.ends_with("plots") && folder.parent().is_some_and(is_result))
        || (is_of_trial(folder) && OF_A_TRIAL.contains(&name))
        || (folder.ends_with("checkpoints") && folder.parent().is_some_and(is_of_trial))
        || (is_of(folder, "measurements") && has(folder, ENVIRONMENT))
}

/// A file that a run would replace in a folder that no run has made: it has no `ablation.toml`, no trials and no
/// measurements. None in a result folder, an empty one, or where nothing is in the way.
pub fn foreign_file(root: &Path) -> Option<PathBuf> {
    let own = ["ablation.toml", "trials", "measurements"];
    if own.iter().any(|own| root.join(own).exists()) {
        return None;
    }
    TOP.iter().map(|name| root.join(name)).find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_run_recorded_is_told_from_what_a_user_put_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("x/trials/1f/checkpoints")).unwrap();
        fs::create_dir_all(at("x/measurements/2e")).unwrap();
        fs::create_dir_all(at("x/plots")).unwrap();
        let recorded = [
            "x/ablation.toml",
            "x/trials.csv",
            "x/summary.md",
            "x/report.html",
            "x/plots/test-error.png",
            "x/trials/1f/trial.json",
            "x/trials/1f/weights.safetensors",
            "x/trials/1f/correctness.csv",
            "x/trials/1f/checkpoints/7.checkpoint",
            "x/measurements/2e/environment.json",
            "x/measurements/2e/round-0.json",
        ];
        let own = [
            "x/k12.safetensors",
            "x/trials/1f/exported.safetensors",
            "weights.safetensors",
        ];
        for file in recorded.iter().chain(&own) {
            fs::write(at(file), b"x").unwrap();
        }
        for file in recorded {
            assert!(is_recorded(&at(file)), "{file}");
        }
        for file in own {
            assert!(!is_recorded(&at(file)), "{file}");
        }
        assert!(!is_recorded(&at("x/steps.csv")), "it is not there");
    }

    #[test]
    fn a_table_in_a_folder_without_an_ablation_is_somebody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(foreign_file(&at("none")), None);
        fs::write(at("notes.txt"), b"x").unwrap();
        assert_eq!(foreign_file(folder.path()), None);
        fs::write(at("trials.csv"), b"mine").unwrap();
        assert_eq!(foreign_file(folder.path()), Some(at("trials.csv")));
        fs::write(at("ablation.toml"), b"x").unwrap();
        assert_eq!(foreign_file(folder.path()), None);
    }
}
