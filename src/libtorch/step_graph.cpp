// CUDA graphs: a training step's kernels, recorded once and launched again with one call. Built where libtorch has CUDA and its
// headers are there; elsewhere the calls return an error. Never run on a GPU by its authors.

#include <cstddef>
#include <cstdint>

#include <ATen/core/Tensor.h>

#include "guarded.h"

#ifdef DENSENET_BENCH_CUDA

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

struct StepGraph {
  at::cuda::CUDAGraph graph;
};

#else

struct StepGraph {};

#endif

extern "C" {

// Whether graphs can be made.
bool densenet_bench_graph_is_built(void) {
#ifdef DENSENET_BENCH_CUDA
  return true;
#else
  return false;
#endif
}

// A graph for the device of that index, which belongs to the caller. From now on this thread works on a stream of its own,
// since the default stream cannot be recorded; what it was given before has been done by then.
int densenet_bench_graph_new(std::int8_t device, StepGraph** graph, char* error, std::size_t room) {
  return guarded(error, room, [&] {
#ifdef DENSENET_BENCH_CUDA
    c10::cuda::set_device(device);
    c10::cuda::device_synchronize();
    c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device));
    *graph = new StepGraph();
#else
    (void)device;
    (void)graph;
    TORCH_CHECK(false, "this program was built without CUDA graphs");
#endif
  });
}

// Begins the recording, in a pool of memory of the graph's own.
int densenet_bench_graph_begin(StepGraph* graph, char* error, std::size_t room) {
  return guarded(error, room, [&] {
#ifdef DENSENET_BENCH_CUDA
    // What was freed on the way here would be given back to the device within the recording, where that is not allowed.
    c10::cuda::device_synchronize();
    c10::cuda::CUDACachingAllocator::emptyCache();
    graph->graph.capture_begin();
#else
    (void)graph;
#endif
  });
}

// Ends the recording.
int densenet_bench_graph_end(StepGraph* graph, char* error, std::size_t room) {
  return guarded(error, room, [&] {
#ifdef DENSENET_BENCH_CUDA
    graph->graph.capture_end();
#else
    (void)graph;
#endif
  });
}

// Launches what was recorded, on this thread's stream.
int densenet_bench_graph_replay(StepGraph* graph, char* error, std::size_t room) {
  return guarded(error, room, [&] {
#ifdef DENSENET_BENCH_CUDA
    graph->graph.replay();
#else
    (void)graph;
#endif
  });
}

// Frees a graph and its memory.
void densenet_bench_graph_free(StepGraph* graph) {
  delete graph;
}

}  // extern "C"
