// An allocator for libtorch's CPU tensors that counts the bytes that are live and their highest sum, and that can be
// held to a limit. The program links it; scripts/compare-pytorch builds the same file into a library for PyTorch, so
// that both sides are counted by the same rule.
//
// Requested bytes are counted: no rounding by the system's allocator, no pages that it keeps.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__linux__)
#include <dlfcn.h>
#endif

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>
#include <c10/util/Exception.h>

namespace {

// The size, and what frees the block, stand in front of the data. oneDNN takes memory through raw_allocate, which allows a
// DataPtr no context but the data themselves, so there is no other place for them. As wide as the alignment that libtorch
// promises.
constexpr std::size_t kHeader = 64;

std::atomic<std::uint64_t> live{0};
std::atomic<std::uint64_t> peak{0};
// Calls since the start, and a number that follows from their sizes in their order.
std::atomic<std::uint64_t> calls{0};
std::atomic<std::uint64_t> order{0};
std::atomic<std::uint64_t> limit{std::numeric_limits<std::uint64_t>::max()};

// The C library's own functions, past a program's that replace them; none until densenet_bench_count_use_system.
using Align = int (*)(void**, std::size_t, std::size_t);
using Free = void (*)(void*);
std::atomic<Align> system_align{nullptr};
std::atomic<Free> system_free{nullptr};

std::byte* take(std::size_t bytes, Free& free) {
  const Align align = system_align.load(std::memory_order_acquire);
  if (align == nullptr) {
    free = &c10::free_cpu;
    return static_cast<std::byte*>(c10::alloc_cpu(bytes));
  }
  free = system_free.load(std::memory_order_relaxed);
  void* block = nullptr;
  // What libtorch's own allocator asks for, and says where it is refused.
  TORCH_CHECK_WITH(
      OutOfMemoryError,
      align(&block, kHeader, bytes) == 0,
      "CountingAllocator: can't allocate memory: the system refused ", bytes, " bytes");
  return static_cast<std::byte*>(block);
}

void raise_peak(std::uint64_t now) {
  std::uint64_t highest = peak.load(std::memory_order_relaxed);
  while (now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed)) {
  }
}

void release(void* data) {
  if (data == nullptr) {
    return;
  }
  auto* block = static_cast<std::byte*>(data) - kHeader;
  std::uint64_t size = 0;
  std::memcpy(&size, block, sizeof size);
  Free free = nullptr;
  std::memcpy(&free, block + sizeof size, sizeof free);
  live.fetch_sub(size, std::memory_order_relaxed);
  free(block);
}

class CountingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    const c10::Device cpu(c10::DeviceType::CPU);
    if (bytes == 0) {
      return {nullptr, nullptr, &release, cpu};
    }
    const std::uint64_t size = bytes;
    calls.fetch_add(1, std::memory_order_relaxed);
    order.store((order.load(std::memory_order_relaxed) + size) * 1099511628211u, std::memory_order_relaxed);
    const std::uint64_t now = live.fetch_add(size, std::memory_order_relaxed) + size;
    std::byte* block = nullptr;
    Free free = nullptr;
    try {
      // The wording is that of libtorch's own allocator, by which its errors are recognised.
      TORCH_CHECK_WITH(
          OutOfMemoryError,
          now <= limit.load(std::memory_order_relaxed),
          "CountingAllocator: can't allocate memory: ", size, " bytes more would make ", now,
          ", and the limit is ", limit.load(std::memory_order_relaxed));
      block = take(bytes + kHeader, free);
    } catch (...) {
      live.fetch_sub(size, std::memory_order_relaxed);
      throw;
    }
    raise_peak(now);
    std::memcpy(block, &size, sizeof size);
    std::memcpy(block + sizeof size, &free, sizeof free);
    std::byte* data = block + kHeader;
    return {data, data, &release, cpu};
  }

  c10::DeleterFnPtr raw_deleter() const override {
    return &release;
  }

  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }
};

CountingAllocator allocator;

}  // namespace

extern "C" {

// Takes the place of libtorch's CPU allocator for all tensors made from now on. Tensors made before free themselves
// as they did. Returns 0, or 1 where another allocator of higher priority is in the way.
int densenet_bench_count_install(void) {
  constexpr std::uint8_t above_libtorchs_own = 200;
  c10::SetCPUAllocator(&allocator, above_libtorchs_own);
  return c10::GetAllocator(c10::DeviceType::CPU) == &allocator ? 0 : 1;
}

// Takes the memory of all tensors made from now on from the C library's own allocator, whatever the program has in place
// of `malloc`. Returns 0, or 1 where that cannot be found.
int densenet_bench_count_use_system(void) {
#if defined(__linux__)
  // Of this handle alone: what a program or a preloaded library puts in its place is not asked.
  void* library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) {
    return 1;
  }
  const auto align = reinterpret_cast<Align>(dlsym(library, "posix_memalign"));
  const auto free = reinterpret_cast<Free>(dlsym(library, "free"));
  if (align == nullptr || free == nullptr) {
    return 1;
  }
  system_free.store(free, std::memory_order_relaxed);
  system_align.store(align, std::memory_order_release);
  return 0;
#else
  return 1;
#endif
}

// Counts bytes that belong to the tensors' work and come from elsewhere; less than 0 where they were given back. They are not
// refused: the next tensor is, where all together are beyond the limit.
void densenet_bench_count_beside(std::int64_t bytes) {
  // Modulo 2^64, a negative number is subtracted.
  const auto added = static_cast<std::uint64_t>(bytes);
  const std::uint64_t now = live.fetch_add(added, std::memory_order_relaxed) + added;
  if (bytes > 0) {
    raise_peak(now);
  }
}

// Bytes of tensors that are live.
std::uint64_t densenet_bench_count_live(void) {
  return live.load(std::memory_order_relaxed);
}

// The highest sum of live bytes since the last reset.
std::uint64_t densenet_bench_count_peak(void) {
  return peak.load(std::memory_order_relaxed);
}

// Allocations since the start.
std::uint64_t densenet_bench_count_calls(void) {
  return calls.load(std::memory_order_relaxed);
}

// A number that follows from the sizes of the allocations since the last call, in their order; 0 of none. It means something
// where one thread allocates.
std::uint64_t densenet_bench_count_order(void) {
  return order.exchange(0, std::memory_order_relaxed);
}

// Resets the peak to the bytes that are live now.
void densenet_bench_count_reset_peak(void) {
  peak.store(live.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

// Live bytes beyond which an allocation fails as one does that the system refuses.
void densenet_bench_count_limit(std::uint64_t bytes) {
  limit.store(bytes, std::memory_order_relaxed);
}

}  // extern "C"
