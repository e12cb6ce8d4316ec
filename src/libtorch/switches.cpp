// Functions of libtorch that tch does not expose: the switches of determinism and precision, and the statistics of the
// CUDA allocator. Built without CUDA's headers: without CUDA the calls return an error.

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <c10/core/CachingDeviceAllocator.h>

#include "guarded.h"

namespace {

// libtorch 2.9 warns that its switches of TF32 will change after this version, which is the only one that is used. Its
// new ones do not yet set the state that the old ones do.
class Quiet final : public c10::WarningHandler {
 public:
  void process(const c10::Warning&) override {}
};

}  // namespace

extern "C" {

// Whether only algorithms may run whose results repeat to the last bit, whether f32 products may be rounded to TF32, and
// whether cuDNN searches for the fastest algorithm, which may be another each time, in speed as well as in bits. All are
// set as a whole: libtorch's own defaults allow TF32 in cuDNN.
int densenet_bench_switches(bool deterministic, bool tf32, bool cudnn_benchmark, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    Quiet quiet;
    const c10::WarningUtils::WarningHandlerGuard guard(&quiet);
    auto& context = at::globalContext();
    context.setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
    // Filling memory that is about to be written costs time and changes no result.
    context.setDeterministicFillUninitializedMemory(false);
    context.setDeterministicCuDNN(deterministic);
    context.setBenchmarkCuDNN(cudnn_benchmark);
    context.setAllowTF32CuBLAS(tf32);
    context.setAllowTF32CuDNN(tf32);
  });
}

// The switches' state: bit 0 deterministic algorithms, 1 deterministic cuDNN, 2 cuDNN's search, 3 TF32 in cuBLAS, 4
// TF32 in cuDNN.
int densenet_bench_switch_state(std::uint32_t* bits, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    Quiet quiet;
    const c10::WarningUtils::WarningHandlerGuard guard(&quiet);
    auto& context = at::globalContext();
    *bits = (context.deterministicAlgorithms() ? 1u : 0u) | (context.deterministicCuDNN() ? 2u : 0u) |
        (context.benchmarkCuDNN() ? 4u : 0u) | (context.allowTF32CuBLAS() ? 8u : 0u) |
        (context.allowTF32CuDNN() ? 16u : 0u);
  });
}

// The set of vector instructions that ATen's own kernels use: what the processor has within ATEN_CPU_CAPABILITY.
int densenet_bench_cpu_capability(char* name, std::size_t length, char* error, std::size_t room) {
  return guarded(error, room, [&] { std::snprintf(name, length, "%s", at::get_cpu_capability().c_str()); });
}

// The most bytes of live tensors, and the most that the caching allocator held, on a CUDA device since the last reset.
int densenet_bench_cuda_peaks(
    std::int8_t device, std::uint64_t* allocated, std::uint64_t* reserved, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    const auto statistics = at::getDeviceAllocator(at::kCUDA)->getDeviceStats(device);
    const auto whole = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *allocated = static_cast<std::uint64_t>(statistics.allocated_bytes[whole].peak);
    *reserved = static_cast<std::uint64_t>(statistics.reserved_bytes[whole].peak);
  });
}

// Resets the peaks to the bytes that are live and held now.
int densenet_bench_cuda_reset_peaks(std::int8_t device, char* error, std::size_t room) {
  return guarded(error, room, [&] { at::getDeviceAllocator(at::kCUDA)->resetPeakStats(device); });
}

}  // extern "C"
