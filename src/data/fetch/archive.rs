//! Unpacks archives: only the files that the catalogue names.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Archive, EntryType};

use super::error::FetchError;
use super::step::{Doing, Progress, Step};
use crate::data_sets::{Files, Member};
use crate::words::grouped;
use crate::words::hex;

/// Bytes that an archive may unpack to beside the members: headers, padding, skipped files.
const SPARE_BYTES: u64 = 1 << 20;

/// Entries that an archive may have beside the members: its folder, a note of its maker.
const SPARE_ENTRIES: usize = 64;

/// Writes the members of `files` that are in the gzipped tar archive `gzip` into the folder `target`, which has none of
/// them yet, and returns their names and checksums. Other files are skipped: no name from the archive becomes a path.
///
/// # Errors
/// An entry with an absolute path or `..`, a link, a device or anything else that is neither a file nor a folder, a
/// member that is there twice or of the wrong size, more entries or bytes than the data set can have, an archive that
/// cannot be read, or a file that cannot be written. Files written before stay: the caller removes the folder.
pub fn unpack(
    gzip: impl Read,
    archive: &str,
    files: &Files,
    target: &Path,
    progress: Progress<'_>,
) -> Result<Vec<(&'static str, String)>, FetchError> {
    let fault = |rule: String| FetchError::work(archive, rule, "this is not the data set's archive; do not use it");
    let bound = files.unpacked_bytes().saturating_add(SPARE_BYTES);
    let overrun = Cell::new(false);
    let unreadable = |error: io::Error| match overrun.get() {
        true => fault(format!(
            "it unpacks to more than {} bytes, and the data set has at most {}",
            grouped(bound),
            grouped(files.unpacked_bytes())
        )),
        false => fault(format!("it cannot be read: {error}")),
    };
    let mut tar = Archive::new(Bounded {
        inner: GzDecoder::new(gzip),
        left: bound,
        overrun: &overrun,
    });
    let mut written = Vec::new();
    // Raw: extension headers are entries of their own, so that none is held in memory and none changes a name.
    for (index, entry) in tar.entries().map_err(&unreadable)?.raw(true).enumerate() {
        if index >= files.members.len() + SPARE_ENTRIES {
            return Err(fault(format!("it has more than {index} entries")));
        }
        let entry = entry.map_err(&unreadable)?;
        let name = entry.path_bytes().into_owned();
        let shown = name.escape_ascii().to_string();
        let member = member_named(&name, files).map_err(|what| fault(format!("'{shown}' in it {what}")))?;
        match entry.header().entry_type() {
            EntryType::Regular => {}
            // Folders are not made from an archive, and of extensions (times, long names) no member has need.
            EntryType::Directory | EntryType::XHeader | EntryType::XGlobalHeader => continue,
            EntryType::Symlink | EntryType::Link => return Err(fault(format!("'{shown}' in it is a link"))),
            other => {
                return Err(fault(format!(
                    "'{shown}' in it is neither a file nor a folder (type {:?})",
                    char::from(other.as_byte())
                )));
            }
        }
        let Some(member) = member else { continue };
        if written.iter().any(|(name, _)| *name == member.name) {
            return Err(fault(format!("'{shown}' is in it twice")));
        }
        let size = entry.size();
        if !member.size.fits(size) {
            return Err(fault(format!(
                "'{shown}' in it has {} bytes, and {} were expected",
                grouped(size),
                grouped(member.size.bound())
            )));
        }
        let sum = write_member(entry, size, member, target, progress).map_err(|error| match error {
            Copying::Read(error) => unreadable(error),
            Copying::Write(error) => FetchError::system(&target.join(member.name), "written", &error),
        })?;
        written.push((member.name, sum));
    }
    Ok(written)
}

/// The member that a path in the archive stands for, if it is one; or what is wrong with the path.
fn member_named<'a>(path: &[u8], files: &'a Files) -> Result<Option<&'a Member>, &'static str> {
    if path.first() == Some(&b'/') {
        return Err("has an absolute path");
    }
    let mut parts = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err("leads out of its folder"),
            part => parts.push(part),
        }
    }
    let [folder, name] = parts[..] else { return Ok(None) };
    let named = |member: &&Member| folder == files.folder.as_bytes() && name == member.name.as_bytes();
    Ok(files.members.iter().find(named))
}

/// Which side of a copy failed.
pub(super) enum Copying {
    /// The source.
    Read(io::Error),
    /// The target.
    Write(io::Error),
}

/// Copies `size` bytes into a new file of the member's name and returns their checksum.
pub(super) fn write_member(
    mut from: impl Read,
    size: u64,
    member: &Member,
    target: &Path,
    progress: Progress<'_>,
) -> Result<String, Copying> {
    let mut file = File::create_new(target.join(member.name)).map_err(Copying::Write)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    while done < size {
        let read = match from.read(&mut buffer) {
            Ok(0) => return Err(Copying::Read(io::ErrorKind::UnexpectedEof.into())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Copying::Read(error)),
        };
        file.write_all(&buffer[..read]).map_err(Copying::Write)?;
        hash.update(&buffer[..read]);
        done += read as u64;
        progress(Step {
            doing: Doing::Unpacking,
            file: member.name,
            done,
            total: size,
        });
    }
    file.sync_all().map_err(Copying::Write)?;
    Ok(hex(&hash.finalize()))
}

/// A reader that fails after too many bytes.
struct Bounded<'a, R> {
    inner: R,
    left: u64,
    overrun: &'a Cell<bool>,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => {
                self.left = left;
                Ok(read)
            }
            None => {
                self.overrun.set(true);
                Err(io::Error::other("too many bytes"))
            }
        }
    }
}
