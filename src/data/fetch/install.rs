//! Installs a data set in its folder: downloads, verifies, unpacks and renames it; completely or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::archive::{Copying, unpack, write_member};
use super::checksums::{SUMS_FILE, list};
use super::download::{self, Patience};
use super::error::FetchError;
use super::part::Part;
use super::report::{FileReport, Presence, inspect_files, presence};
use super::source::{self, Source};
use super::step::Progress;
use crate::data_sets::{Download, Files, KnownSet, Packing};
use crate::files::sync_folder;

/// Where a data set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder with its files.
    pub folder: PathBuf,
    /// Whether it was installed before.
    pub was_there: bool,
}

/// Installs `set` in a folder of its own under `to`. A correct folder is left alone; a wrong one is for the user to
/// remove. An interrupted download leaves a partial file that the next call resumes.
///
/// # Errors
/// The data set is built in or may not be downloaded, its folder is there with other files, the source does not have it, the transfer fails, the
/// checksum is wrong, the archive is not one of this data set, or the system refuses to write. Nothing is unpacked
/// before the checksum is verified, and nothing half unpacked is left.
pub fn fetch(
    set: &KnownSet,
    to: &Path,
    source: &Source,
    patience: &Patience,
    progress: Progress<'_>,
) -> Result<Fetched, FetchError> {
    let Some(files) = &set.files else {
        if let Some(by_hand) = &set.by_hand {
            return Err(FetchError::input(set.name, by_hand.rule, by_hand.remedy));
        }
        return Err(FetchError::input(
            set.name,
            "it is built into the program, and there is nothing to download",
            format!("write dataset = \"{}\"", set.name),
        ));
    };
    if let Some(there) = already_there(files, to, progress)? {
        return Ok(there);
    }
    source.check(files)?;
    let was_there = to.exists();
    fs::create_dir_all(to).map_err(|error| FetchError::system(to, "created", &error).before_the_start())?;
    let outcome = fetch_into(files, to, source, patience, progress);
    if outcome.is_err() && !was_there {
        // Removes an empty one only: a partial file is worth keeping.
        let _ = fs::remove_dir(to);
    }
    outcome
}

fn fetch_into(
    files: &Files,
    to: &Path,
    source: &Source,
    patience: &Patience,
    progress: Progress<'_>,
) -> Result<Fetched, FetchError> {
    let mut parts = Vec::new();
    for download in files.downloads {
        parts.push((download, Part::open(to, download)?));
    }
    // From here on no other process works here; one may just have ended.
    if let Some(there) = already_there(files, to, progress)? {
        return Ok(there);
    }
    for (download, part) in &mut parts {
        let origin = match source {
            Source::Folder(folder) => {
                let path = source::local(folder, download);
                source::copy(&path, download, part, progress)?;
                path.display().to_string()
            }
            Source::Home => {
                from_home_or_mirror(files, download, part, patience, progress)?;
                continue;
            }
            Source::Mirror(base) => load(base, download, part, patience, progress)?,
        };
        part.check(download, &origin, progress)?;
    }
    // Hidden and beside its place, so that the rename stays on one file system. One of a process that was killed is ours.
    let staging = to.join(format!(".unpacking-{}", files.folder));
    let folder = to.join(files.folder);
    let failed = |path: &Path, done: &str| {
        let path = path.to_owned();
        let done = done.to_owned();
        move |error: io::Error| FetchError::system(&path, &done, &error)
    };
    if staging.symlink_metadata().is_ok() {
        fs::remove_dir_all(&staging).map_err(failed(&staging, "removed"))?;
    }
    fs::create_dir(&staging).map_err(failed(&staging, "created"))?;
    let unpacked = fill(files, &mut parts, &staging, progress).and_then(|()| {
        fs::rename(&staging, &folder).map_err(failed(&folder, "moved into place"))?;
        sync_folder(to).map_err(failed(to, "synchronised"))
    });
    if let Err(error) = unpacked {
        let _ = fs::remove_dir_all(&staging);
        return Err(error);
    }
    for (_, part) in &parts {
        part.remove();
    }
    Ok(Fetched {
        folder,
        was_there: false,
    })
}

/// Writes every member and the list of their checksums into `staging`.
fn fill(
    files: &Files,
    parts: &mut [(&Download, Part)],
    staging: &Path,
    progress: Progress<'_>,
) -> Result<(), FetchError> {
    let mut sums = Vec::new();
    for (download, part) in parts {
        let reader = part.reader()?;
        match download.packing {
            Packing::TarGz => sums.extend(unpack(reader, download.file, files, staging, progress)?),
            Packing::Plain => {
                let Some(member) = files.members.iter().find(|member| member.name == download.file) else {
                    continue;
                };
                let sum = write_member(reader, download.bytes, member, staging, progress).map_err(|error| {
                    let (Copying::Read(error) | Copying::Write(error)) = error;
                    FetchError::system(&staging.join(member.name), "written", &error)
                })?;
                sums.push((member.name, sum));
            }
        }
    }
    let missing = |member: &&super::Member| sums.iter().all(|(name, _)| *name != member.name);
    if let Some(member) = files.members.iter().find(missing) {
        let archives: Vec<&str> = files.downloads.iter().map(|download| download.file).collect();
        return Err(FetchError::work(
            archives.join(", "),
            format!("'{}/{}' is not in it", files.folder, member.name),
            "this is not the data set's archive; do not use it",
        ));
    }
    let path = staging.join(SUMS_FILE);
    (fs::write(&path, list(&sums)))
        .and_then(|()| fs::File::open(&path)?.sync_all())
        .and_then(|()| sync_folder(staging))
        .map_err(|error| FetchError::system(&path, "written", &error))
}

/// The data set, if it is installed already and correct.
///
/// # Errors
/// It is incomplete or wrong.
fn already_there(files: &Files, to: &Path, progress: Progress<'_>) -> Result<Option<Fetched>, FetchError> {
    let own = to.join(files.folder);
    let folder = match presence(files, to) {
        Presence::Complete(folder) | Presence::Partial(folder) => folder,
        // An empty folder in its place is renamed over; one with something else in it is not.
        Presence::Absent if own.symlink_metadata().is_err() || is_empty(&own) => return Ok(None),
        Presence::Absent => own,
    };
    let reports = inspect_files(files, &folder, progress);
    match reports.iter().find(|report| !report.is_good()) {
        None => Ok(Some(Fetched {
            folder,
            was_there: true,
        })),
        Some(report) => Err(in_the_way(&folder, report)),
    }
}

fn in_the_way(folder: &Path, report: &FileReport) -> FetchError {
    FetchError::input(
        folder.join(report.name).display().to_string(),
        format!("{}, in a folder that is there already", report.finding()),
        format!(
            "remove or rename {}, or take another folder with --to",
            folder.display()
        ),
    )
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Downloads and verifies a file from its home, or else from the first mirror that has it. What one of them has sent is
/// resumed at the next: the checksum is that of the whole.
///
/// # Errors
/// That of the home, with the mirrors that were tried, where none has it.
fn from_home_or_mirror(
    files: &Files,
    download: &Download,
    part: &mut Part,
    patience: &Patience,
    progress: Progress<'_>,
) -> Result<(), FetchError> {
    let mut from = |base: &str| {
        let origin = load(base, download, part, patience, progress)?;
        let checked = part.check(download, &origin, progress);
        if checked.is_err() && !files.mirrors.is_empty() {
            // Nothing of a file with another checksum is resumed at the next address.
            part.clear()?;
        }
        checked
    };
    let mut error = match from(files.base) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    for mirror in files.mirrors {
        match from(mirror) {
            Ok(()) => return Ok(()),
            Err(other) => error.rule += &format!("; the mirror {mirror} does not give it either: {}", other.rule),
        }
    }
    Err(error)
}

fn load(
    base: &str,
    download: &Download,
    part: &mut Part,
    patience: &Patience,
    progress: Progress<'_>,
) -> Result<String, FetchError> {
    let url = format!("{}/{}", base.trim_end_matches('/'), download.file);
    download::load(&url, download, part, patience, progress)?;
    Ok(url)
}
