//! Reading files that others wrote.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a file of at most `limit` bytes. One that says that it is longer is not begun with; a device or a pipe, which
/// does not say, is read up to the limit.
///
/// # Errors
/// Whatever the system says, and [`io::ErrorKind::FileTooLarge`]; the path is not in the message.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let too_large = || {
        let rule = format!("it has more than the {limit} bytes that are read of such a file");
        io::Error::new(io::ErrorKind::FileTooLarge, rule)
    };
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > limit {
        true => Err(too_large()),
        false => Ok(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_up_to_the_limit_is_read_and_a_longer_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"12345678").unwrap();
        assert_eq!(read_bounded(&path, 8).unwrap(), b"12345678");
        let error = read_bounded(&path, 7).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(
            error.to_string(),
            "it has more than the 7 bytes that are read of such a file"
        );
    }

    #[test]
    fn a_file_that_claims_to_be_huge_is_refused_from_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sparse");
        // Nothing is on the disk, and no memory could hold it.
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(
            read_bounded(&path, 1 << 20).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_device_without_end_is_read_up_to_the_limit() {
        let error = read_bounded(Path::new("/dev/zero"), 1 << 16).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
