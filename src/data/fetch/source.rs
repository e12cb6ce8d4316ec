//! Where the downloads come from.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ureq::http::Uri;

use super::error::FetchError;
use super::part::Part;
use super::step::{Doing, Progress, Step};
use crate::data_sets::{Download, Files};
use crate::words::grouped;

/// Where the downloads come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The address that the catalogue has.
    Home,
    /// A folder with the downloads by their names, or the one download itself.
    Folder(PathBuf),
    /// A mirror: the address of the downloads without their names.
    Mirror(String),
}

impl Source {
    /// Parses `--from`.
    ///
    /// A mirror may be plain `http`: its files are checked against the checksum in the program before anything is
    /// unpacked, so that nobody in between can change a byte unnoticed; and that a known data set is downloaded is not
    /// a secret.
    ///
    /// # Errors
    /// An address of another kind than `https` and `http`, or without a host.
    pub fn parse(from: &Path) -> Result<Self, FetchError> {
        let parts = from.to_str().and_then(|text| Some((text, text.split_once("://")?)));
        let Some((text, (scheme, _))) = parts else {
            return Ok(Self::Folder(from.to_owned()));
        };
        let rule = match text.parse::<Uri>() {
            _ if !matches!(scheme, "https" | "http") => "a mirror needs https or http",
            Ok(address) if address.host().is_some_and(|host| !host.is_empty()) => {
                return Ok(Self::Mirror(text.to_owned()));
            }
            _ => "it is not an address",
        };
        Err(FetchError::input(
            text,
            rule,
            "write https://HOST/FOLDER/ or http://HOST/FOLDER/, or a folder as its bare path",
        ))
    }

    /// Checks that the source exists, before anything is written.
    ///
    /// # Errors
    /// A folder without one of the downloads, or with one of another size.
    pub(super) fn check(&self, files: &Files) -> Result<(), FetchError> {
        let Self::Folder(folder) = self else { return Ok(()) };
        for download in files.downloads {
            let path = local(folder, download);
            let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file);
            let Some(metadata) = metadata else {
                return Err(FetchError::input(
                    path.display().to_string(),
                    "there is no such file",
                    format!("name with --from a folder that has {}", download.file),
                ));
            };
            if metadata.len() != download.bytes {
                return Err(FetchError::input(
                    path.display().to_string(),
                    format!(
                        "it has {} bytes, and {} has {}",
                        grouped(metadata.len()),
                        download.file,
                        grouped(download.bytes)
                    ),
                    "it is a different or incomplete file: name another source",
                ));
            }
        }
        Ok(())
    }
}

/// The local file of `download` where `--from` names `path`.
pub(super) fn local(path: &Path, download: &Download) -> PathBuf {
    match path.is_file() {
        true => path.to_owned(),
        false => path.join(download.file),
    }
}

/// Copies a local file into the partial file: the verified and the unpacked bytes are then the same, whatever happens
/// to the local file meanwhile.
///
/// # Errors
/// It cannot be read or written, or has grown.
pub(super) fn copy(
    path: &Path,
    download: &Download,
    part: &mut Part,
    progress: Progress<'_>,
) -> Result<(), FetchError> {
    let failed = |error: io::Error| {
        FetchError::work(
            path.display().to_string(),
            format!("it cannot be read: {error}"),
            "check the file and its permissions",
        )
    };
    part.clear()?;
    let mut file = File::open(path).map_err(failed)?.take(download.bytes);
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        part.append(&buffer[..read])?;
        done += read as u64;
        progress(Step {
            doing: Doing::Copying,
            file: download.file,
            done,
            total: download.bytes,
        });
    }
}
