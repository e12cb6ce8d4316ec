//! The checkpoints of a trial: the two newest, so that one that is damaged has another before it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::files::{named, read_bounded, sync_parent, write_whole};
use crate::formats::checkpoint::{self, Checkpoint, CheckpointError, Position};
use crate::network::Graph;

/// `trials/ID/checkpoints/`.
pub struct Checkpoints {
    folder: PathBuf,
}

/// How many are kept.
const KEPT: usize = 2;
const EXTENSION: &str = "checkpoint";
/// The extension of one that was skipped.
const SKIPPED: &str = "passed-over";

impl Checkpoints {
    /// The checkpoints in a trial's folder.
    pub fn of(trial: &Path) -> Self {
        Self {
            folder: trial.join("checkpoints"),
        }
    }

    /// Whether there is any.
    ///
    /// # Errors
    /// A folder that is there and cannot be read.
    pub fn exist(&self) -> io::Result<bool> {
        Ok(!self.newest_first()?.is_empty())
    }

    /// The steps of the newest, as its name has them.
    ///
    /// # Errors
    /// A folder that is there and cannot be read.
    pub fn steps(&self) -> io::Result<Option<usize>> {
        let newest = self.newest_first()?.into_iter().next();
        Ok(newest.and_then(|path| key(&path)).map(|(_, steps)| steps))
    }

    /// Writes a checkpoint and removes all but the newest.
    ///
    /// # Errors
    /// Whatever the system says; those from before stay.
    pub fn keep(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        if !self.folder.exists() {
            fs::create_dir_all(&self.folder).map_err(|error| named(&self.folder, &error))?;
            sync_parent(&self.folder).map_err(|error| named(&self.folder, &error))?;
        }
        let bytes = checkpoint::write(checkpoint).map_err(io::Error::other)?;
        write_whole(&self.folder.join(name(&checkpoint.position)), &bytes)?;
        for old in self.newest_first()?.iter().skip(KEPT) {
            fs::remove_file(old).map_err(|error| named(old, &error))?;
        }
        Ok(())
    }

    /// The newest checkpoint that is whole, belongs to this trial and network and is accepted: `is_backed` returns what
    /// is missing beside one, such as rows. Each that is skipped is reported to `report` and renamed, so that it does not
    /// take the place of one that the trial writes from here on.
    ///
    /// # Errors
    /// One that a later program wrote, or whatever the system says: a checkpoint that cannot be read now may be whole.
    pub fn newest(
        &self,
        trial: &str,
        graph: &Graph,
        is_backed: impl Fn(&Position) -> Result<(), String>,
        report: &mut dyn FnMut(String),
    ) -> Result<Option<Checkpoint>, CheckpointsError> {
        let longest = checkpoint::longest(graph);
        for path in self.newest_first()? {
            let file = path.display().to_string();
            let damaged = |rule: String| CheckpointError::Damaged {
                file: file.clone(),
                rule,
            };
            let found = match read_bounded(&path, longest) {
                Ok(bytes) => checkpoint::read(&bytes, &file, trial, graph),
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => Err(damaged(error.to_string())),
                Err(error) => return Err(named(&path, &error).into()),
            };
            match found {
                Ok(checkpoint) => match is_backed(&checkpoint.position) {
                    Ok(()) => return Ok(Some(checkpoint)),
                    Err(lack) => report(format!("checkpoint skipped: {file}: {lack}")),
                },
                Err(newer @ CheckpointError::Newer { .. }) => return Err(newer.into()),
                Err(damaged) => report(format!("damaged checkpoint skipped: {damaged}")),
            }
            fs::rename(&path, path.with_extension(SKIPPED)).map_err(|error| named(&path, &error))?;
        }
        Ok(None)
    }

    /// Removes them all: the trial has ended well.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(named(&self.folder, &error)),
            _ => Ok(()),
        }
    }

    fn newest_first(&self) -> io::Result<Vec<PathBuf>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(named(&self.folder, &error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| named(&self.folder, &error))?.path();
            found.extend(key(&path).is_some().then_some(path));
        }
        found.sort_by_key(|path| std::cmp::Reverse(key(path)));
        Ok(found)
    }
}

/// Why no step to resume from can be found among the checkpoints of a trial.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointsError {
    /// A checkpoint that this program is too old for.
    #[error(transparent)]
    Newer(#[from] CheckpointError),
    /// The system refuses; the path is in the message.
    #[error(transparent)]
    System(#[from] io::Error),
}

/// `epoch-2-step-46.checkpoint`: after the last step of an epoch there is one before its evaluation and one after it.
fn name(position: &Position) -> String {
    format!("epoch-{}-step-{}.{EXTENSION}", position.epoch, position.steps)
}

/// Epoch and steps in a checkpoint's name.
fn key(path: &Path) -> Option<(usize, usize)> {
    if path.extension()? != EXTENSION {
        return None;
    }
    let (epoch, steps) = path
        .file_stem()?
        .to_str()?
        .strip_prefix("epoch-")?
        .split_once("-step-")?;
    Some((epoch.parse().ok()?, steps.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::weights::{WeightTensor, Weights};
    use crate::network::{Shape, tiny};

    fn graph() -> Graph {
        let input = Shape {
            channels: 1,
            height: 8,
            width: 8,
        };
        let network = tiny();
        network.graph(input, 3).unwrap()
    }

    fn at(epoch: usize, steps: usize) -> Checkpoint {
        let graph = graph();
        let tensors = graph.tensors();
        let weights: Weights = tensors
            .map(|(name, shape)| {
                let values = vec![1.0; shape.iter().product()];
                (name, WeightTensor { shape, values })
            })
            .collect();
        Checkpoint {
            weights,
            momentum: Weights::new(),
            position: Position {
                trial: "t".to_owned(),
                steps,
                epoch,
                ..Position::default()
            },
        }
    }

    /// The steps of the checkpoint that is used, and what is reported.
    fn used(checkpoints: &Checkpoints, rows: usize) -> (Option<usize>, Vec<String>) {
        let mut reports = Vec::new();
        let is_backed = |position: &Position| match position.steps <= rows {
            true => Ok(()),
            false => Err(format!("there are rows of {rows} steps")),
        };
        let found = checkpoints.newest("t", &graph(), is_backed, &mut |report| reports.push(report));
        (found.unwrap().map(|checkpoint| checkpoint.position.steps), reports)
    }

    #[test]
    fn the_two_newest_are_kept_whatever_the_number_of_digits() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        assert!(!checkpoints.exist().unwrap());
        for (epoch, steps) in [(0, 9), (0, 10), (0, 100), (1, 100)] {
            checkpoints.keep(&at(epoch, steps)).unwrap();
        }
        let names: Vec<String> = checkpoints
            .newest_first()
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["epoch-1-step-100.checkpoint", "epoch-0-step-100.checkpoint"]);
        assert_eq!(checkpoints.steps().unwrap(), Some(100));
        assert_eq!(used(&checkpoints, 100), (Some(100), vec![]));
        checkpoints.remove().unwrap();
        assert_eq!(used(&checkpoints, 100), (None, vec![]));
        checkpoints.remove().unwrap();
    }

    #[test]
    fn a_damaged_one_is_reported_and_the_one_before_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        checkpoints.keep(&at(0, 5)).unwrap();
        checkpoints.keep(&at(0, 7)).unwrap();
        let path = folder.path().join("checkpoints/epoch-0-step-7.checkpoint");
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[500] ^= 4;
        let too_long = [whole.clone(), vec![0; 1 << 20]].concat();
        for (bytes, rule) in [
            (changed, "its checksum is wrong"),
            (whole[..300].to_vec(), "its checksum is wrong"),
            (vec![], "it does not start like a checkpoint"),
            (too_long, "-byte limit for this kind of file"),
        ] {
            fs::write(&path, bytes).unwrap();
            let (steps, reports) = used(&checkpoints, 9);
            assert!(!path.exists(), "it would take the place of a good one");
            assert_eq!(steps, Some(5));
            assert_eq!(reports.len(), 1);
            assert!(
                reports[0].contains("epoch-0-step-7.checkpoint") && reports[0].contains(rule),
                "{reports:?}"
            );
        }
    }

    #[test]
    fn after_all_were_skipped_new_checkpoints_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        for steps in [5, 7] {
            checkpoints.keep(&at(0, steps)).unwrap();
        }
        assert_eq!(used(&checkpoints, 4).0, None);
        checkpoints.keep(&at(0, 2)).unwrap();
        assert_eq!(used(&checkpoints, 4), (Some(2), vec![]));
    }

    #[test]
    fn unreadable_checkpoints_are_an_error_and_not_none() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("checkpoints"), b"no folder").unwrap();
        assert!(Checkpoints::of(folder.path()).exist().is_err());
    }

    #[test]
    fn a_checkpoint_with_missing_rows_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        checkpoints.keep(&at(0, 5)).unwrap();
        checkpoints.keep(&at(0, 7)).unwrap();
        let (steps, reports) = used(&checkpoints, 6);
        assert_eq!((steps, reports.len()), (Some(5), 1));
        assert!(reports[0].ends_with("there are rows of 6 steps"));
    }

    #[test]
    fn a_newer_format_is_refused_rather_than_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        checkpoints.keep(&at(0, 5)).unwrap();
        fs::write(
            folder.path().join("checkpoints/epoch-0-step-7.checkpoint"),
            b"densenet-bench checkpoint 9\n",
        )
        .unwrap();
        let found = checkpoints.newest("t", &graph(), |_| Ok(()), &mut |_| {});
        assert!(matches!(
            found,
            Err(CheckpointsError::Newer(CheckpointError::Newer { version: 9, .. }))
        ));
    }
}
