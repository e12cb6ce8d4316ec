//! Files that one of several processes creates, on whatever hosts they are.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::place::{holding, named};
use super::whole::temporary_in;

/// Creates a file with these bytes unless one of that name is there; whether it did. Of several processes that try, also on
/// several hosts of one file system, one succeeds, and nobody sees the file without its bytes.
///
/// The bytes are written to another name first and then linked, which NFS does at once or not at all (`link(2)`: it names
/// this use); where a file system has no hard links the file is created exclusively and then written.
///
/// # Errors
/// Whatever the system says; the path is in the message.
pub fn create_exclusively(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    created(path, bytes).map_err(|error| named(path, &error))
}

fn created(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut temporary = temporary_in(holding(path))?;
    temporary.as_file_mut().write_all(bytes)?;
    temporary.as_file().sync_all()?;
    match fs::hard_link(temporary.path(), path) {
        Ok(()) => Ok(true),
        // A request that NFS sent twice, since the first answer was lost, finds its own link.
        Err(_) if links(temporary.path()) == Some(2) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        // No hard links there.
        Err(_) => match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(mut file) => file.write_all(bytes).and_then(|()| file.sync_all()).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// The names that a file has.
#[cfg(unix)]
fn links(path: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| metadata.nlink())
}

#[cfg(not(unix))]
fn links(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn of_many_that_create_a_file_at_once_one_does_and_its_bytes_are_there() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = folder.path().join(round.to_string());
            let barrier = Barrier::new(8);
            let created: Vec<usize> = thread::scope(|scope| {
                let creators = (0..8).map(|number| {
                    let (path, barrier) = (&path, &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        let bytes = format!("{number}");
                        create_exclusively(path, bytes.as_bytes()).unwrap().then_some(number)
                    })
                });
                let creators: Vec<_> = creators.collect();
                creators
                    .into_iter()
                    .filter_map(|creator| creator.join().unwrap())
                    .collect()
            });
            assert_eq!(created.len(), 1, "{created:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), created[0].to_string());
        }
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            20,
            "nothing is left beside"
        );
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error_that_names_the_file() {
        let error = create_exclusively(Path::new("no-such-folder/claim"), b"").unwrap_err();
        assert!(error.to_string().starts_with("no-such-folder/claim: "), "{error}");
    }
}
