//! Turns panics into messages: libtorch's errors reach the program as panics, since Burn unwraps them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`; a panic's message is its error.
///
/// # Errors
/// The first line of the panic's message.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| first_line(&said(&*panic)).to_owned())
}

/// A panic's message.
pub fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned())
}

/// A panic's message without what `unwrap` puts around an error and without libtorch's C++ stack, whose line feeds come
/// escaped in it.
pub fn first_line(message: &str) -> &str {
    let bare = message.trim_start_matches("called `Result::unwrap()` on an `Err` value: ");
    let bare = bare.trim_start_matches("Torch(\"").trim();
    let end = [bare.find("\\n"), bare.find('\n')].into_iter().flatten().min();
    bare[..end.unwrap_or(bare.len())].trim_end_matches("\")")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorchs_error_is_its_first_line_without_the_stack() {
        let message = "called `Result::unwrap()` on an `Err` value: Torch(\"can't allocate memory: 9 bytes more\\n\
                       Exception raised from allocate (most recent call first):\\nframe #0: c10::Error\")";
        assert_eq!(first_line(message), "can't allocate memory: 9 bytes more");
        assert_eq!(first_line("index out of bounds\nmore"), "index out of bounds");
        assert_eq!(
            first_line("called `Result::unwrap()` on an `Err` value: Torch(\"one line\")"),
            "one line"
        );
    }

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| panic!("broken")), Err::<(), _>("broken".to_owned()));
        assert_eq!(caught(|| panic!("broken: {}", 7)), Err::<(), _>("broken: 7".to_owned()));
    }
}
