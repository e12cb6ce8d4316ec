//! What a user sees of a file that cannot be read.

use std::fmt::Display;

/// The most characters of a message: what a damaged file holds is quoted in part.
const LONGEST: usize = 4096;

/// Checks a refusal's message: one line, which no terminal takes for a command and which names the file. `false`, for the
/// bytes were not read.
pub fn refused(error: impl Display, file: &str) -> bool {
    let message = error.to_string();
    assert!(message.contains(file), "the message does not name {file}: {message:?}");
    assert!(!message.contains(char::is_control), "control characters: {message:?}");
    assert!(
        message.chars().count() <= LONGEST,
        "{} characters",
        message.chars().count()
    );
    false
}
