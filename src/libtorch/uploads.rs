//! Batches on their way to a GPU, beside its work. Never run on a GPU by its authors.
#![expect(unsafe_code, reason = "tch has neither streams nor events; uploads.cpp does")]

use std::collections::VecDeque;
use std::ffi::{c_char, c_int};
use std::ptr::NonNull;

use burn::tensor::{Int, Tensor as BurnTensorOf};
use tch::Tensor;

use super::native_error::checked;
use super::tensors::{Backend, from_tch};
use crate::model::Uploads;

/// The stream on C++'s side.
#[repr(C)]
struct NativeUploads {
    _private: [u8; 0],
}

/// A batch on its way, on C++'s side.
#[repr(C)]
struct NativeUpload {
    _private: [u8; 0],
}

/// tch's name of an `at::Tensor` behind a pointer.
type Handle = torch_sys::C_tensor;

unsafe extern "C" {
    fn densenet_bench_uploads_new(
        device: i8,
        uploads: *mut *mut NativeUploads,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_uploads_free(uploads: *mut NativeUploads);
    fn densenet_bench_upload_begin(
        uploads: *const NativeUploads,
        images: *const f32,
        shape: *const i64,
        labels: *const i64,
        upload: *mut *mut NativeUpload,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_upload_end(
        upload: *mut NativeUpload,
        images: *mut *mut Handle,
        labels: *mut *mut Handle,
        error: *mut c_char,
        room: usize,
    ) -> c_int;
    fn densenet_bench_upload_free(upload: *mut NativeUpload);
}

/// The batches that are on their way to a CUDA device.
#[derive(Debug)]
struct CudaUploads {
    stream: NonNull<NativeUploads>,
    begun: VecDeque<NonNull<NativeUpload>>,
}

/// A way for batches to the CUDA device of that index.
///
/// # Errors
/// The device's message.
pub fn uploads(device: usize) -> Result<Box<dyn Uploads>, String> {
    let device = i8::try_from(device).map_err(|_| format!("there is no cuda:{device}"))?;
    let mut stream = std::ptr::null_mut();
    // SAFETY: the pointer is written before the call returns 0; at most `room` bytes go to `error`, which `checked` provides;
    // no exception gets out.
    let made = checked(|error, room| unsafe { densenet_bench_uploads_new(device, &raw mut stream, error, room) });
    made.map_err(|error| error.to_string())?;
    let stream = NonNull::new(stream).ok_or_else(|| "there is no stream".to_owned())?;
    Ok(Box::new(CudaUploads {
        stream,
        begun: VecDeque::new(),
    }))
}

impl Uploads for CudaUploads {
    fn begin(&mut self, images: &[f32], shape: [usize; 4], labels: &[i64]) -> Result<(), String> {
        assert_eq!(images.len(), shape.iter().product::<usize>(), "a batch has its shape");
        assert_eq!(labels.len(), shape[0], "every image has a label");
        let shape = shape.map(|size| size as i64);
        let mut upload = std::ptr::null_mut();
        // SAFETY: the slices have the lengths that the shape says, and are copied before the call returns; the rest as above.
        let begun = checked(|error, room| unsafe {
            densenet_bench_upload_begin(
                self.stream.as_ptr(),
                images.as_ptr(),
                shape.as_ptr(),
                labels.as_ptr(),
                &raw mut upload,
                error,
                room,
            )
        });
        begun.map_err(|error| error.to_string())?;
        self.begun.extend(NonNull::new(upload));
        Ok(())
    }

    fn end(&mut self) -> Result<(BurnTensorOf<4>, BurnTensorOf<1, Int>), String> {
        let upload = self
            .begun
            .pop_front()
            .ok_or_else(|| "no batch is on its way".to_owned())?;
        let [mut images, mut labels] = [std::ptr::null_mut(); 2];
        // SAFETY: the upload is live; both results are written before the call returns 0; the rest as above.
        let ended = checked(|error, room| unsafe {
            densenet_bench_upload_end(upload.as_ptr(), &raw mut images, &raw mut labels, error, room)
        });
        // SAFETY: it was made by `densenet_bench_upload_begin`, belongs to this value, and is not used again.
        unsafe { densenet_bench_upload_free(upload.as_ptr()) };
        ended.map_err(|error| error.to_string())?;
        // SAFETY: the call has succeeded, so both are new tensors that belong to us.
        let [images, labels] = [images, labels].map(|tensor| unsafe { Tensor::from_ptr(tensor) });
        Ok((
            BurnTensorOf::from_primitive::<Backend>(from_tch(images)),
            BurnTensorOf::from_primitive::<Backend>(from_tch(labels)),
        ))
    }
}

impl Drop for CudaUploads {
    fn drop(&mut self) {
        for upload in self.begun.drain(..) {
            // SAFETY: as above.
            unsafe { densenet_bench_upload_free(upload.as_ptr()) };
        }
        // SAFETY: it was made by `densenet_bench_uploads_new`, belongs to this value alone, and is not used again.
        unsafe { densenet_bench_uploads_free(self.stream.as_ptr()) };
    }
}
