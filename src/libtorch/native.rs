//! ATen's operations that tch does not expose.
#![expect(unsafe_code, reason = "tch exposes none of these; autograd.cpp does")]

use std::ffi::{c_char, c_int};

use tch::Tensor;

use super::native_error::checked;

unsafe extern "C" {
    fn densenet_bench_gradients(
        output: *const Handle,
        output_gradient: *const Handle,
        inputs: *const *const Handle,
        count: usize,
        gradients: *mut *mut Handle,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
}

/// tch's name of an `at::Tensor` behind a pointer.
type Handle = torch_sys::C_tensor;

/// The gradients of `output` by each of `inputs`, given the output's own. libtorch's autograd frees the graph on the
/// way.
///
/// # Panics
/// On what libtorch throws, out of memory above all, as every operation of tch does.
pub(super) fn gradients(output: &Tensor, output_gradient: &Tensor, inputs: &[Tensor]) -> Vec<Tensor> {
    let inputs: Vec<*const Handle> = inputs.iter().map(Tensor::as_ptr).collect();
    let mut found = vec![std::ptr::null_mut(); inputs.len()];
    // SAFETY: every pointer is that of a tensor that outlives the call; `inputs` and `found` have the length that is
    // told; at most `room` bytes go to `error`, which `checked` provides; no exception gets out.
    let called = checked(|error, room| unsafe {
        densenet_bench_gradients(
            output.as_ptr(),
            output_gradient.as_ptr(),
            inputs.as_ptr(),
            inputs.len(),
            found.as_mut_ptr(),
            error,
            room,
        )
    });
    called.unwrap_or_else(|error| panic!("{error}"));
    // SAFETY: the call has succeeded, so each is a new tensor that belongs to us.
    found
        .into_iter()
        .map(|tensor| unsafe { Tensor::from_ptr(tensor) })
        .collect()
}
