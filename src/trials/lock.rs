//! The lock of a folder: who holds it, for as long as the process lives.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::files::{is_same_file, named};
use crate::host::{host_name, now};

/// A folder that is held until this is dropped. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    /// Locked; closing it releases the lock.
    _file: File,
}

/// Who holds a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The host's name.
    pub host: String,
    /// The process.
    pub process: u32,
    /// Since when, RFC 3339, UTC.
    pub since: String,
}

/// Why a folder cannot be held.
#[derive(Debug)]
pub enum LockError {
    /// Another process holds it.
    Held(Holder),
    /// The system refuses; the path is in the message.
    System(io::Error),
}

/// The file that is locked.
const FILE: &str = ".lock";
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

impl Lock {
    /// Holds a folder.
    ///
    /// # Errors
    /// Another process holds it, or whatever the system says.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join(FILE);
        let system = |error: io::Error| LockError::System(named(&path, &error));
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(system)?;
        match file.try_lock() {
            // The folder was renamed meanwhile, to start over: it is another file's turn.
            Ok(()) if !is_at(&file, &path) => Self::take(folder),
            Ok(()) => {
                // The text is for the one who finds the folder held; the lock is the system's.
                let holder = serde_json::to_vec(&Holder::this_process()).unwrap_or_default();
                file.set_len(0).and_then(|()| file.write_all(&holder)).map_err(system)?;
                Ok(Self { _file: file })
            }
            Err(TryLockError::WouldBlock) => Err(LockError::Held(Holder::in_file(&mut file))),
            // Whoever shares such a folder has claimed what is written here.
            Err(TryLockError::Error(error)) if is_without_locks(&error) => Ok(Self { _file: file }),
            Err(TryLockError::Error(error)) => Err(system(error)),
        }
    }

    /// Holds a folder, waiting that long for its holder to end.
    ///
    /// # Errors
    /// Another process holds it all the while, or whatever the system says.
    pub fn take_within(folder: &Path, patience: Duration) -> Result<Self, LockError> {
        let end = Instant::now() + patience;
        loop {
            match Self::take(folder) {
                Err(LockError::Held(_)) if Instant::now() < end => thread::sleep(PAUSE),
                taken => return taken,
            }
        }
    }
}

/// Whether the file system has no locks, as NFS without its lock service.
fn is_without_locks(error: &io::Error) -> bool {
    /// `No locks available`, on Linux.
    const ENOLCK: i32 = 37;
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(ENOLCK)
}

/// Whether a file that was opened under a path is still there.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(opened), Ok(there)) => is_same_file(&opened, &there),
        _ => false,
    }
}

impl Holder {
    fn this_process() -> Self {
        Self {
            host: host_name(),
            process: std::process::id(),
            since: now(),
        }
    }

    /// The holder that a lock's file names.
    fn in_file(file: &mut File) -> Self {
        /// More than a name of a host and two numbers take.
        const LONGEST: u64 = 4096;
        let mut text = String::new();
        let read = file
            .rewind()
            .and_then(|()| file.take(LONGEST).read_to_string(&mut text));
        // Between taking the lock and writing it down a holder has no name yet.
        let unknown = Self {
            host: "an unknown host".to_owned(),
            process: 0,
            since: "just now".to_owned(),
        };
        read.ok()
            .and_then(|_| serde_json::from_str(&text).ok())
            .unwrap_or(unknown)
    }

    /// The holder of a folder, if it is held.
    pub fn of(folder: &Path) -> Option<Self> {
        let mut file = File::open(folder.join(FILE)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(Self::in_file(&mut file)),
            _ => None,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}, since {}", self.process, self.host, self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_folder_names_its_holder_and_is_free_when_the_holder_releases_it() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Holder::of(folder.path()), None);
        let held = Lock::take(folder.path()).unwrap();
        let Err(LockError::Held(holder)) = Lock::take(folder.path()) else {
            panic!("two held it");
        };
        assert_eq!(holder.process, std::process::id());
        assert_eq!(Holder::of(folder.path()), Some(holder.clone()));
        let text = holder.to_string();
        assert!(
            text.starts_with("process ") && text.contains(" on ") && text.contains(", since 20"),
            "{text}"
        );
        drop(held);
        assert_eq!(Holder::of(folder.path()), None);
        Lock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_lock_that_a_dead_process_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let left = Holder {
            process: 999_999,
            ..Holder::this_process()
        };
        std::fs::write(folder.path().join(FILE), serde_json::to_vec(&left).unwrap()).unwrap();
        assert_eq!(Holder::of(folder.path()), None);
        let _held = Lock::take(folder.path()).unwrap();
        assert_eq!(Holder::of(folder.path()).unwrap().process, std::process::id());
    }

    #[test]
    fn a_folder_that_is_soon_free_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lock::take(folder.path()).unwrap();
        assert!(matches!(
            Lock::take_within(folder.path(), Duration::from_millis(30)),
            Err(LockError::Held(_))
        ));
        let waiter = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            drop(held);
        });
        Lock::take_within(folder.path(), Duration::from_secs(60)).unwrap();
        waiter.join().unwrap();
    }
}
