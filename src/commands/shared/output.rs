//! What verbs print, with text from outside escaped.

use std::io::{self, Write};
use std::path::Path;

use densenet_bench::files::{Output, named};
use densenet_bench::trials::is_recorded;
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
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::work(named(Path::new("stdout"), &error)))
        }
        _ => Ok(()),
    }
}

/// Where a verb's output goes, checked before the work that makes it. What a run has recorded is no place for it, nor is
/// a file that the verb reads, alone or in a folder of data.
pub fn output_at(path: &Path, read: &[&Path]) -> Result<Output, Failure> {
    let output = Output::at(path).map_err(Failure::input)?;
    let is_within = |folder: &&Path| match (path.canonicalize(), folder.canonicalize()) {
        (Ok(path), Ok(folder)) => folder.is_dir() && path.is_file() && path.starts_with(folder),
        _ => false,
    };
    let rule = if read.iter().any(|read| output.is_file(read) || is_within(read)) {
        "it is read by the same command"
    } else if is_recorded(path) {
        "it is part of what a run has recorded"
    } else {
        return Ok(output);
    };
    Err(Failure::Input(format!(
        "{}: {rule}, and would be replaced; name another file",
        path.display()
    )))
}

/// Prints a value as JSON to stdout.
pub fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    print(&visible::escape_json(&format!("{value:#}\n")))
}
