// libtorch's autocast, which tch exposes for CUDA alone: convolutions and matrix products in a 16-bit type, what needs
// more range or precision in f32, by libtorch's own lists.

#include <cstddef>
#include <cstdint>

#include <ATen/autocast_mode.h>

#include "guarded.h"

extern "C" {

// Turns autocast on for this thread's operations on CUDA or on the CPU, in bf16 or f16, or off again. The cache of cast
// weights is not used: each weight is read once in a forward pass, and backward needs its cast copy anyway.
int densenet_bench_autocast(bool is_on, bool is_cuda, bool is_bf16, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    const auto device = is_cuda ? at::kCUDA : at::kCPU;
    at::autocast::set_autocast_cache_enabled(false);
    at::autocast::set_autocast_dtype(device, is_bf16 ? at::kBFloat16 : at::kHalf);
    at::autocast::set_autocast_enabled(device, is_on);
  });
}

}  // extern "C"
