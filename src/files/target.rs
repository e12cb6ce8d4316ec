//! What a path leads to for a writer. Links at its end are followed one by one: a file is replaced where it is, so that
//! the links to it stay.

use std::fs::{self, FileType, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::place::{holding, named};

/// What is written to.
#[derive(Debug)]
pub(super) enum Target {
    /// A regular file, or none yet; the path has no link at its end.
    File {
        /// Where it is.
        path: PathBuf,
        /// What is there.
        there: Option<Metadata>,
    },
    /// A descriptor that this process has open, such as that of /dev/stdout or /dev/fd/3.
    Descriptor {
        /// Its number.
        number: u32,
        /// Its path.
        path: PathBuf,
    },
    /// What bytes are written into as they come: a device, a pipe, an open file of another process.
    Stream(PathBuf),
}

/// Linux follows as many.
const MOST_LINKS: usize = 40;

impl Target {
    /// Finds what the path leads to; nothing is opened.
    ///
    /// # Errors
    /// A folder, a socket, a folder that is not there, or links in a circle; the path is in the message.
    pub fn of(named_path: &Path) -> io::Result<Self> {
        let mut path = named_path.to_owned();
        for _ in 0..MOST_LINKS {
            if let Some(number) = own_descriptor(&path) {
                return match number {
                    0..=2 => Ok(Self::Descriptor { number, path }),
                    _ if path.exists() => Ok(Self::Descriptor { number, path }),
                    _ => Err(refused(
                        named_path,
                        &format!("descriptor {number} is not open; open it, as with `{number}>FILE`"),
                    )),
                };
            }
            let there = match fs::symlink_metadata(&path) {
                Ok(there) => there,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    check_folder_of(named_path, &path)?;
                    return Ok(Self::File { path, there: None });
                }
                Err(error) => return Err(named(named_path, &error)),
            };
            if !there.is_symlink() {
                return Self::that_is_there(named_path, path, there);
            }
            if is_another_process_descriptor(&path) {
                return Ok(Self::Stream(path));
            }
            // In a folder that everybody writes to, the system follows nobody else's links; nor is one followed here.
            if let Err(error) = fs::metadata(&path)
                && error.kind() == io::ErrorKind::PermissionDenied
            {
                return Err(named(named_path, &error));
            }
            let to = fs::read_link(&path).map_err(|error| named(named_path, &error))?;
            path = holding(&path).join(to);
        }
        Err(refused(
            named_path,
            "its links lead in a circle; remove them, or name another file",
        ))
    }

    fn that_is_there(named_path: &Path, path: PathBuf, there: Metadata) -> io::Result<Self> {
        match there.file_type() {
            kind if kind.is_file() => Ok(Self::File {
                path,
                there: Some(there),
            }),
            kind if kind.is_dir() => Err(refused(named_path, "it is a folder; name a file in it")),
            kind if is_socket(kind) => Err(refused(named_path, "it is a socket; name a file or a pipe")),
            _ => Ok(Self::Stream(path)),
        }
    }
}

/// A path that nothing can be written to, with the rule and the remedy.
pub(super) fn refused(path: &Path, rule: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {rule}", path.display()))
}

/// Whether the folder of a new file is there. `named_path` is what the user wrote, which may be a link to it.
fn check_folder_of(named_path: &Path, path: &Path) -> io::Result<()> {
    let ends_in_slash = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let folder = if ends_in_slash { path } else { holding(path) };
    if folder.is_dir() {
        return Ok(());
    }
    let rule = format!(
        "there is no folder {}; create it, or name another file",
        folder.display()
    );
    Err(refused(named_path, &rule))
}

/// The number of the descriptor of this process that a path names. By its name alone also where /proc is not mounted,
/// and where /dev/stdout is a link to what the system cannot open again (a socket, another user's terminal).
fn own_descriptor(path: &Path) -> Option<u32> {
    for (name, number) in [("/dev/stdout", 1), ("/dev/stderr", 2)] {
        if path == Path::new(name) {
            return Some(number);
        }
    }
    let number = number_of(path)?;
    let folder = holding(path);
    if folder == Path::new("/dev/fd") {
        return Some(number);
    }
    let folder = folder.canonicalize().ok()?;
    let own = Path::new("/proc/self").canonicalize().ok();
    let is_own = own.is_some_and(|own| folder.starts_with(own) && folder.ends_with("fd"));
    is_own.then_some(number)
}

/// Whether a path names an open file of another process: a link that only the system can follow.
fn is_another_process_descriptor(path: &Path) -> bool {
    let folder = number_of(path).and_then(|_| holding(path).canonicalize().ok());
    folder.is_some_and(|folder| folder.starts_with("/proc") && folder.ends_with("fd"))
}

fn number_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    name.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| name.parse().ok())?
}

#[cfg(unix)]
fn is_socket(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&kind)
}

#[cfg(not(unix))]
fn is_socket(_: FileType) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn file_at(path: &Path) -> PathBuf {
        match Target::of(path).unwrap() {
            Target::File { path, .. } => path,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn links_are_followed_to_the_file_or_to_the_place_where_it_would_be() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("deep/file"), b"x").unwrap();
        symlink("deep/file", at("relative")).unwrap();
        symlink(at("relative"), at("absolute")).unwrap();
        symlink("deep", at("folder")).unwrap();
        symlink("../new", at("deep/dangling")).unwrap();
        assert_eq!(file_at(&at("absolute")), at("deep/file"));
        // `..` is that of the folder that the link stands in.
        assert_eq!(file_at(&at("folder/dangling")), at("folder/../new"));
        assert_eq!(file_at(&at("plain")), at("plain"));
        assert!(
            Target::of(&at("folder"))
                .unwrap_err()
                .to_string()
                .contains("it is a folder")
        );
    }

    #[test]
    fn links_in_a_circle_and_into_nowhere_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        symlink("two", at("one")).unwrap();
        symlink("one", at("two")).unwrap();
        symlink("no/such", at("lost")).unwrap();
        let message = |name: &str| Target::of(&at(name)).unwrap_err().to_string();
        assert!(message("one").contains("lead in a circle"), "{}", message("one"));
        assert!(message("lost").contains("there is no folder"), "{}", message("lost"));
        assert!(message("new/").contains("there is no folder"), "{}", message("new/"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn every_name_of_an_own_descriptor_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("/dev/stdout", &link).unwrap();
        for (path, expected) in [
            ("/dev/stdout", 1),
            ("/dev/stderr", 2),
            ("/dev/fd/1", 1),
            ("/proc/self/fd/1", 1),
            ("/proc/thread-self/fd/2", 2),
            (link.to_str().unwrap(), 1),
        ] {
            let found = Target::of(Path::new(path)).unwrap();
            assert!(
                matches!(found, Target::Descriptor { number, .. } if number == expected),
                "{path}: {found:?}"
            );
        }
        assert!(
            Target::of(Path::new("/dev/fd/971"))
                .unwrap_err()
                .to_string()
                .contains("not open")
        );
        assert!(matches!(Target::of(Path::new("/dev/null")).unwrap(), Target::Stream(_)));
    }

    #[test]
    fn a_socket_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _bound = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(Target::of(&path).unwrap_err().to_string().contains("it is a socket"));
    }
}
