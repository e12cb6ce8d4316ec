//! ATen's operations that tch does not expose.
#![expect(unsafe_code, reason = "tch exposes none of these; autograd.cpp does")]

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use tch::Tensor;

use super::native_error::checked;
use crate::model::{Value, Watch};

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
    fn densenet_bench_announce(
        output: *const Handle,
        entered: extern "C" fn(*const c_void, u64),
        context: *const c_void,
        value: u64,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_convolution_backward(
        gradient: *const Handle,
        maps: *const Handle,
        weight: *const Handle,
        stride: i64,
        rows: i64,
        columns: i64,
        wanted: *const bool,
        gradients: *mut *mut Handle,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_batch_norm_backward(
        gradient: *const Handle,
        maps: *const Handle,
        gamma: *const Handle,
        mean: *const Handle,
        inverse_deviation: *const Handle,
        epsilon: f64,
        wanted: *const bool,
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
/// On an exception of libtorch, above all out of memory, as every operation of tch does.
pub(super) fn gradients(output: &Tensor, output_gradient: &Tensor, inputs: &[Tensor]) -> Vec<Tensor> {
    let inputs: Vec<*const Handle> = inputs.iter().map(Tensor::as_ptr).collect();
    let mut found = vec![std::ptr::null_mut(); inputs.len()];
    // SAFETY: every pointer is that of a tensor that outlives the call; `inputs` and `found` have the length that is
    // passed; at most `room` bytes go to `error`, which `checked` provides; no exception gets out.
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

/// Tells `watch` whenever a backward pass comes to one of the operations that made a value's tensor and that no earlier
/// value has announced. `watch` must be there until the backward pass has been made or the tensor's graph is gone.
///
/// # Panics
/// As [`gradients`].
pub(super) fn announce(output: &Tensor, watch: &Arc<Watch>, value: Value) {
    // SAFETY: the tensor outlives the call; `entered` gets what `context` points to, which is there as long as the caller
    // has promised; at most `room` bytes go to `error`, which `checked` provides; no exception gets out.
    let called = checked(|error, room| unsafe {
        densenet_bench_announce(
            output.as_ptr(),
            entered,
            Arc::as_ptr(watch).cast(),
            value as u64,
            error,
            room,
        )
    });
    called.unwrap_or_else(|error| panic!("{error}"));
}

/// A backward pass has come to a value's operations.
extern "C" fn entered(context: *const c_void, value: u64) {
    // SAFETY: it is the watch that `announce` was given, which any thread may use.
    let watch = unsafe { &*context.cast::<Watch>() };
    watch.backward(value as Value);
}

/// The gradients of a convolution's input, weight and bias, those of them that are `wanted`, from that of its output.
/// `padding` is that of rows and of columns. Where the weight's is not wanted, the shape and the layout of `maps` alone are
/// read.
///
/// # Panics
/// As [`gradients`].
pub(super) fn convolution_backward(
    gradient: &Tensor,
    maps: &Tensor,
    weight: &Tensor,
    stride: usize,
    padding: [usize; 2],
    wanted: [bool; 3],
) -> [Option<Tensor>; 3] {
    let mut found = [std::ptr::null_mut(); 3];
    let [stride, rows, columns] = [stride, padding[0], padding[1]].map(|size| size as i64);
    // SAFETY: every pointer is that of a tensor that outlives the call, which reads three flags and writes three results;
    // at most `room` bytes go to `error`, which `checked` provides; no exception gets out.
    let called = checked(|error, room| unsafe {
        densenet_bench_convolution_backward(
            gradient.as_ptr(),
            maps.as_ptr(),
            weight.as_ptr(),
            stride,
            rows,
            columns,
            wanted.as_ptr(),
            found.as_mut_ptr(),
            error,
            room,
        )
    });
    called.unwrap_or_else(|error| panic!("{error}"));
    // oneDNN computes a convolution's weight gradient along with that of its bias.
    let mut found = owned(found);
    for (gradient, is_wanted) in found.iter_mut().zip(wanted) {
        gradient.take_if(|_| !is_wanted);
    }
    found
}

/// The gradients of a batch normalisation's input, scale and shift, those of them that are `wanted`, from that of its
/// output; `[mean, inverse]` are the batch's mean and 1 / sqrt(variance + epsilon), each `[channels]`.
///
/// # Panics
/// As [`gradients`].
pub(super) fn batch_norm_backward(
    gradient: &Tensor,
    maps: &Tensor,
    gamma: &Tensor,
    [mean, inverse]: [&Tensor; 2],
    epsilon: f64,
    wanted: [bool; 3],
) -> [Option<Tensor>; 3] {
    let mut found = [std::ptr::null_mut(); 3];
    // SAFETY: as in `convolution_backward`.
    let called = checked(|error, room| unsafe {
        densenet_bench_batch_norm_backward(
            gradient.as_ptr(),
            maps.as_ptr(),
            gamma.as_ptr(),
            mean.as_ptr(),
            inverse.as_ptr(),
            epsilon,
            wanted.as_ptr(),
            found.as_mut_ptr(),
            error,
            room,
        )
    });
    called.unwrap_or_else(|error| panic!("{error}"));
    owned(found)
}

/// The tensors that a call has made; null stands for one that was not wanted.
fn owned(found: [*mut Handle; 3]) -> [Option<Tensor>; 3] {
    // SAFETY: the call has succeeded, so each that is not null is a new tensor that belongs to us.
    found.map(|tensor| (!tensor.is_null()).then(|| unsafe { Tensor::from_ptr(tensor) }))
}
