//! What verbs print, with text from outside escaped.

use std::io::{self, Write};
use std::path::Path;

use densenet_bench::visible;

use super::failure::Failure;

/// Prints a message to stderr, on one line: names of files, what is in them and errors of libraries come from outside.
pub fn say(message: &str) {
    // Where stderr is a full disk or a closed pipe, the work is worth more than the message.
    let _ = writeln!(io::stderr(), "{}", visible::escape_line(message));
}

/// Prints to stdout; a reader that has gone away (`| head`) is not a failure. Text from outside is escaped, so that it
/// does not act on a terminal.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(visible::escape_lines(text).as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::work(format!("stdout: {error}"))),
        _ => Ok(()),
    }
}

/// Checks before the work that a file can be written where its result is to go.
pub fn check_target(path: &Path) -> Result<(), Failure> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(Failure::Input(format!(
            "{}: there is no folder {}; create it, or name another file",
            path.display(),
            folder.display()
        )));
    }
    if path.is_dir() {
        return Err(Failure::Input(format!(
            "{}: it is a folder; name a file in it",
            path.display()
        )));
    }
    Ok(())
}

/// Prints a value as JSON to stdout.
pub fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&visible::escape_json(&format!("{value:#}\n")))
}
