//! SHA-256 checksums of files, and the list of them beside unpacked files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::words::hex;

/// The list's name; its format is that of `sha256sum`, which can check it too.
pub(super) const SUMS_FILE: &str = "SHA256SUMS";

/// A list has a few lines: a longer file is not one of ours.
const LONGEST_LIST: u64 = 1 << 16;

/// The SHA-256 of everything that `reader` yields; `progress` is called with the bytes so far.
pub(super) fn checksum_of(reader: &mut impl Read, progress: &mut dyn FnMut(u64)) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut done = 0;
    loop {
        let read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hash.update(&buffer[..read]);
        done += read as u64;
        progress(done);
    }
}

/// A list of checksums by file name.
#[cfg(feature = "fetch")]
pub(super) fn list(checksums: &[(&str, String)]) -> String {
    checksums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect()
}

/// The checksums listed in a folder; other lines are skipped.
pub(super) fn noted(folder: &Path) -> Vec<(String, String)> {
    let mut text = String::new();
    let read = File::open(folder.join(SUMS_FILE)).and_then(|file| file.take(LONGEST_LIST).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    text.lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_back_and_other_lines_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        assert!(noted(folder.path()).is_empty());
        let sum = checksum_of(&mut &b"abc"[..], &mut |_| {}).unwrap();
        assert_eq!(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let text = format!("{sum}  a.bin\nnot a line of a list\n");
        std::fs::write(folder.path().join(SUMS_FILE), text).unwrap();
        assert_eq!(noted(folder.path()), [("a.bin".to_owned(), sum)]);
    }
}
