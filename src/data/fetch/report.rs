//! Verifies a folder against the catalogue.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::checksums::{self, noted};
use super::error::FetchError;
use super::place::fetch_command;
use super::step::{Doing, Progress, Step};
use crate::data_sets::{Files, KnownSet, Member, Size};
use crate::words::grouped;

/// A file of a data set, as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Its name in the folder.
    pub name: &'static str,
    /// Its expected size.
    pub size: Size,
    /// How it was found.
    pub state: FileState,
}

/// How a file was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Its checksum is right.
    Right,
    /// Its size is right, and no checksum is known.
    Plausible,
    /// It is missing.
    Missing,
    /// It has the wrong size, this many bytes.
    WrongSize(u64),
    /// Its checksum is wrong.
    Different {
        /// The checksum found.
        found: String,
        /// The checksum expected.
        expected: String,
    },
    /// It cannot be read, and why.
    Unreadable(String),
}

impl FileReport {
    /// Whether the file can be used.
    pub fn is_good(&self) -> bool {
        matches!(self.state, FileState::Right | FileState::Plausible)
    }

    /// The finding, in words.
    pub fn finding(&self) -> String {
        let expected = match self.size {
            Size::Exactly(bytes) => grouped(bytes),
            Size::AtMost(bytes) => format!("up to {}", grouped(bytes)),
        };
        match &self.state {
            FileState::Right => "ok".to_owned(),
            FileState::Plausible => "there, but no checksum is known for it".to_owned(),
            FileState::Missing => "it is missing".to_owned(),
            FileState::WrongSize(bytes) => format!("it has {} bytes, and {expected} were expected", grouped(*bytes)),
            FileState::Different { found, expected } => {
                format!("it has the wrong checksum: its SHA-256 is {found}, and {expected} was expected")
            }
            FileState::Unreadable(why) => format!("it cannot be read: {why}"),
        }
    }
}

/// Whether a data set is there, by its files' sizes alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// None of its files is.
    Absent,
    /// Some are, or some have the wrong size, in that folder.
    Partial(PathBuf),
    /// All are, in that folder.
    Complete(PathBuf),
}

/// The folder with the files: the data set's own under `path`, or else `path` itself, as the loader has it.
pub fn locate(files: &Files, path: &Path) -> PathBuf {
    let own = path.join(files.folder);
    if own.is_dir() { own } else { path.to_owned() }
}

/// Whether the data set is under `path`, without reading a file.
pub fn presence(files: &Files, path: &Path) -> Presence {
    let folder = locate(files, path);
    let found: Vec<Option<u64>> = (files.members.iter())
        .map(|member| folder.join(member.name).metadata().ok())
        .map(|metadata| metadata.filter(std::fs::Metadata::is_file).map(|file| file.len()))
        .collect();
    if found.iter().all(Option::is_none) {
        return Presence::Absent;
    }
    let fits = |(bytes, member): (&Option<u64>, &Member)| bytes.is_some_and(|bytes| member.size.fits(bytes));
    match found.iter().zip(files.members).all(fits) {
        true => Presence::Complete(folder),
        false => Presence::Partial(folder),
    }
}

/// Reads every file of `set` under `path` and says how it was found, with the folder that was looked into.
///
/// # Errors
/// The data set is built in, or there is no folder at `path`.
pub fn inspect(set: &KnownSet, path: &Path, progress: Progress<'_>) -> Result<(PathBuf, Vec<FileReport>), FetchError> {
    let Some(files) = &set.files else {
        return Err(FetchError::input(
            set.name,
            "it is built into the program, and there is nothing to verify",
            "use it as it is",
        ));
    };
    if !path.is_dir() {
        let rule = match path.exists() {
            true => "it is not a folder",
            false => "there is no such folder",
        };
        return Err(FetchError::input(
            path.display().to_string(),
            rule,
            format!(
                "download it with `{}`, or name its folder with --path",
                fetch_command(set, path)
            ),
        ));
    }
    let folder = locate(files, path);
    let reports = inspect_files(files, &folder, progress);
    Ok((folder, reports))
}

/// Reads every file in `folder` and says how it was found.
pub fn inspect_files(files: &Files, folder: &Path, progress: Progress<'_>) -> Vec<FileReport> {
    let noted = noted(folder);
    let report = |member: &Member| {
        let known = member.sha256.map(str::to_owned);
        let from_list = || noted.iter().find(|(name, _)| name == member.name);
        let expected = known.or_else(|| from_list().map(|(_, sum)| sum.clone()));
        FileReport {
            name: member.name,
            size: member.size,
            state: state(member, &folder.join(member.name), expected, progress),
        }
    };
    files.members.iter().map(report).collect()
}

fn state(member: &Member, path: &Path, expected: Option<String>, progress: Progress<'_>) -> FileState {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return FileState::Missing,
        Err(error) => return FileState::Unreadable(error.to_string()),
    };
    // Opening a pipe would block until something writes to it.
    if !metadata.is_file() {
        return FileState::Unreadable("it is not a regular file".to_owned());
    }
    if !member.size.fits(metadata.len()) {
        return FileState::WrongSize(metadata.len());
    }
    let Some(expected) = expected else {
        return FileState::Plausible;
    };
    let mut report = |done| {
        progress(Step {
            doing: Doing::Checking,
            file: member.name,
            done,
            total: metadata.len(),
        });
    };
    match File::open(path).and_then(|mut file| checksums::checksum_of(&mut file, &mut report)) {
        Ok(found) if found == expected => FileState::Right,
        Ok(found) => FileState::Different { found, expected },
        Err(error) => FileState::Unreadable(error.to_string()),
    }
}
