//! CUDA graphs of training steps. Never run on a GPU by its authors.
#![expect(unsafe_code, reason = "tch has no graphs; step_graph.cpp does")]

use std::ffi::{c_char, c_int};
use std::ptr::NonNull;

use super::native_error::checked;
use crate::model::StepGraph;

/// The graph on C++'s side.
#[repr(C)]
struct Native {
    _private: [u8; 0],
}

unsafe extern "C" {
    fn densenet_bench_graph_is_built() -> bool;
    fn densenet_bench_graph_new(device: i8, graph: *mut *mut Native, error: *mut c_char, room: usize) -> c_int;
    fn densenet_bench_graph_begin(graph: *mut Native, error: *mut c_char, room: usize) -> c_int;
    fn densenet_bench_graph_end(graph: *mut Native, error: *mut c_char, room: usize) -> c_int;
    fn densenet_bench_graph_replay(graph: *mut Native, error: *mut c_char, room: usize) -> c_int;
    fn densenet_bench_graph_free(graph: *mut Native);
}

/// Whether the program was built with CUDA's headers, and so with graphs.
pub fn has_step_graphs() -> bool {
    // SAFETY: it returns a constant.
    unsafe { densenet_bench_graph_is_built() }
}

/// A graph for a CUDA device.
#[derive(Debug)]
struct CudaGraph(NonNull<Native>);

/// A graph for the CUDA device of that index. From now on this thread's work for the device is on a stream of its own.
///
/// # Errors
/// The device's message, or that the program was built without graphs.
pub fn step_graph(device: usize) -> Result<Box<dyn StepGraph>, String> {
    let device = i8::try_from(device).map_err(|_| format!("there is no cuda:{device}"))?;
    let mut graph = std::ptr::null_mut();
    // SAFETY: the graph is written before the call returns 0; at most `room` bytes go to `error`, which `checked` provides;
    // no exception gets out.
    let made = checked(|error, room| unsafe { densenet_bench_graph_new(device, &raw mut graph, error, room) });
    made.map_err(|error| error.to_string())?;
    let graph = NonNull::new(graph).ok_or_else(|| "there is no graph".to_owned())?;
    Ok(Box::new(CudaGraph(graph)))
}

impl CudaGraph {
    fn call(&mut self, function: unsafe extern "C" fn(*mut Native, *mut c_char, usize) -> c_int) -> Result<(), String> {
        // SAFETY: the graph is live and borrowed alone; at most `room` bytes go to `error`, which `checked` provides; no
        // exception gets out.
        let called = checked(|error, room| unsafe { function(self.0.as_ptr(), error, room) });
        called.map_err(|error| error.to_string())
    }
}

impl StepGraph for CudaGraph {
    fn begin(&mut self) -> Result<(), String> {
        self.call(densenet_bench_graph_begin)
    }

    fn end(&mut self) -> Result<(), String> {
        self.call(densenet_bench_graph_end)
    }

    fn replay(&mut self) -> Result<(), String> {
        self.call(densenet_bench_graph_replay)
    }
}

impl Drop for CudaGraph {
    fn drop(&mut self) {
        // SAFETY: it was made by `densenet_bench_graph_new`, belongs to this value alone, and is not used again.
        unsafe { densenet_bench_graph_free(self.0.as_ptr()) }
    }
}
