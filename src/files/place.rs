//! The place of a file in messages: what the system says of it, and what to do.

use std::io;
use std::path::Path;

/// A system's error with the path, and where there is one the remedy.
pub fn named(path: &Path, error: &io::Error) -> io::Error {
    let again = "run the same command again: what was recorded before is kept";
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!("; free some space and {again}"),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => "; make it writable".to_owned(),
        // The system's own: a file that is refused for its length is no one's limit.
        io::ErrorKind::FileTooLarge if error.raw_os_error().is_some() => match limit("Max file size") {
            Some(limit) => format!(
                "; the limit on a file's size (ulimit -f) is {limit} bytes: raise it, as with `ulimit -f unlimited`, and \
                 {again}"
            ),
            None => format!("; the file system takes no larger file: choose another, and {again}"),
        },
        io::ErrorKind::BrokenPipe => "; who read it has ended before it was whole".to_owned(),
        _ if is_out_of_descriptors(error) => {
            format!("; raise the limit on open files, as with `ulimit -n 1024`, and {again}")
        }
        _ => String::new(),
    };
    io::Error::new(error.kind(), format!("{}: {error}{remedy}", path.display()))
}

/// The folder that a file is in: the current one where the path names none.
pub fn holding(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// A limit of this process under its name in `/proc/self/limits`, `Max cpu time`; none where it is unlimited or unknown.
pub fn limit(name: &str) -> Option<u64> {
    limit_in(&std::fs::read_to_string("/proc/self/limits").ok()?, name)
}

/// The limit in force, which is the first number.
fn limit_in(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let codes = [Errno::EMFILE as i32, Errno::ENFILE as i32];
    error.raw_os_error().is_some_and(|code| codes.contains(&code))
}

#[cfg(not(unix))]
fn is_out_of_descriptors(_: &io::Error) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_an_error_with_a_remedy() {
        let error = named(Path::new("a/steps.csv"), &io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(
            error.to_string(),
            "a/steps.csv: no storage space; free some space and run the same command again: what was recorded before is \
             kept"
        );
    }

    #[test]
    fn a_file_that_a_reader_refuses_is_not_called_limited() {
        let refused = io::Error::new(io::ErrorKind::FileTooLarge, "larger than 8 bytes");
        assert_eq!(named(Path::new("x"), &refused).to_string(), "x: larger than 8 bytes");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_limits_of_files_have_remedies() {
        let message = |errno: nix::errno::Errno| named(Path::new("x"), &io::Error::from(errno)).to_string();
        assert!(
            message(nix::errno::Errno::EFBIG).contains("; the "),
            "{}",
            message(nix::errno::Errno::EFBIG)
        );
        assert!(message(nix::errno::Errno::EMFILE).contains("`ulimit -n 1024`"));
    }

    #[test]
    fn the_limit_is_read_from_the_systems_list() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max cpu time              unlimited            unlimited            seconds   \n\
                      Max file size             51200                unlimited            bytes     \n";
        assert_eq!(limit_in(limits, "Max file size"), Some(51_200));
        assert_eq!(limit_in(limits, "Max cpu time"), None);
        assert_eq!(limit_in("", "Max cpu time"), None);
    }
}
