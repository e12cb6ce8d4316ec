//! The names of ATen's operations as they are called: what a test asks of a step that a graph is to hold.
#![expect(unsafe_code, reason = "tch has no observer of operations; trace.cpp does")]

use std::ffi::{c_char, c_int};

use super::native_error::{NativeError, checked};

unsafe extern "C" {
    fn densenet_bench_trace_begin(error: *mut c_char, room: usize) -> c_int;
    fn densenet_bench_trace_end(length: *mut usize, error: *mut c_char, room: usize) -> c_int;
    fn densenet_bench_trace_copy(text: *mut c_char, length: usize);
}

/// Does some work; gives the operations that libtorch carried out meanwhile in this process, `aten::conv2d`, those that call
/// others and those that are called.
///
/// # Errors
/// Operations are noted already.
pub fn operations_of<T>(work: impl FnOnce() -> T) -> Result<(T, Vec<String>), NativeError> {
    // SAFETY: it registers a function with static storage; at most `room` bytes go to `error`, which `checked` provides; no
    // exception gets out.
    checked(|error, room| unsafe { densenet_bench_trace_begin(error, room) })?;
    let done = work();
    let mut length = 0;
    // SAFETY: as above; the length is written before the call returns 0.
    checked(|error, room| unsafe { densenet_bench_trace_end(&raw mut length, error, room) })?;
    let mut text = vec![0u8; length];
    // SAFETY: at most `length` bytes are written to `text`, which has as many.
    unsafe { densenet_bench_trace_copy(text.as_mut_ptr().cast(), length) };
    let text = String::from_utf8_lossy(&text);
    Ok((done, text.lines().map(str::to_owned).collect()))
}
