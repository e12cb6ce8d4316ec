//! Errors that libtorch throws in our own C++ functions.

use std::ffi::{CStr, c_char, c_int};

/// The first line of libtorch's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("libtorch: {0}")]
pub struct NativeError(String);

/// Bytes of a message's buffer; libtorch's first lines are shorter.
const ROOM: usize = 1024;

/// Calls a function that returns 0, or 1 with a message in the buffer that it is given.
pub(super) fn checked(call: impl FnOnce(*mut c_char, usize) -> c_int) -> Result<(), NativeError> {
    let mut buffer = [0u8; ROOM];
    if call(buffer.as_mut_ptr().cast(), ROOM) == 0 {
        return Ok(());
    }
    let text = CStr::from_bytes_until_nul(&buffer).map_or_else(|_| "no message".into(), CStr::to_string_lossy);
    Err(NativeError(text.lines().next().unwrap_or_default().to_owned()))
}
