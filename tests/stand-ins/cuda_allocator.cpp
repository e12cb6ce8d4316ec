// Takes the place of libtorch's CUDA allocator in a process that it is preloaded into, and answers like it from a row
// of allocations that the variable STAND_IN_CUDA_MEMORY lists. There are two devices. An entry is `DEVICE POOL BYTES`,
// negative bytes are given back, and `|` stands for the next reset of the peaks, after which the row continues; at the end
// `!` stands for a reset that fails:
//
//     STAND_IN_CUDA_MEMORY='0 large 5000000 0 small 600 | 0 large -5000000'
//
// As the real one it keeps, in the reserved bytes, what tensors have given back. Built without CUDA's headers.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

#include <c10/core/Allocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/util/Exception.h>

namespace {

using c10::CachingAllocator::StatType;

constexpr std::size_t kDevices = 2;
// The real one takes memory from the device in segments of this size and more.
constexpr std::int64_t kSegment = 2 << 20;

class StandInAllocator final : public c10::DeviceAllocator {
 public:
  void play(const char* script) {
    script_.str(script == nullptr ? "" : script);
    go_on();
  }

  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    return at(device);
  }

  void resetPeakStats(c10::DeviceIndex device) override {
    auto& statistics = at(device);
    TORCH_CHECK(!reset_fails_, "the stand-in's peaks cannot be reset");
    for (auto* array : {&statistics.allocated_bytes, &statistics.reserved_bytes}) {
      for (auto& stat : *array) {
        stat.reset_peak();
      }
    }
    go_on();
  }

  bool initialized() override {
    return true;
  }

  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}

  c10::DataPtr allocate(std::size_t) override {
    TORCH_CHECK(false, "the stand-in counts and holds nothing");
  }

  void copy_data(void*, const void*, std::size_t) const override {
    TORCH_CHECK(false, "the stand-in counts and holds nothing");
  }

 private:
  c10::CachingDeviceAllocator::DeviceStats& at(c10::DeviceIndex device) {
    TORCH_CHECK(
        device >= 0 && static_cast<std::size_t>(device) < kDevices,
        "Allocator not initialized for device ", static_cast<int>(device), ": did you call init?");
    return devices_[static_cast<std::size_t>(device)];
  }

  // Plays the row up to its end or the next `|`.
  void go_on() {
    std::string device;
    std::string pool;
    std::int64_t bytes = 0;
    while (script_ >> device && device != "|") {
      if (device == "!") {
        reset_fails_ = true;
        return;
      }
      TORCH_CHECK(script_ >> pool >> bytes, "STAND_IN_CUDA_MEMORY: an entry is DEVICE POOL BYTES");
      const auto own = pool == "small" ? StatType::SMALL_POOL : StatType::LARGE_POOL;
      auto& statistics = at(static_cast<c10::DeviceIndex>(std::stoi(device)));
      for (const auto type : {own, StatType::AGGREGATE}) {
        move(statistics.allocated_bytes[static_cast<std::size_t>(type)], bytes);
      }
      const auto& allocated = statistics.allocated_bytes[static_cast<std::size_t>(own)];
      const auto& reserved = statistics.reserved_bytes[static_cast<std::size_t>(own)];
      const std::int64_t needed = (allocated.current + kSegment - 1) / kSegment * kSegment;
      const std::int64_t more = needed > reserved.current ? needed - reserved.current : 0;
      for (const auto type : {own, StatType::AGGREGATE}) {
        move(statistics.reserved_bytes[static_cast<std::size_t>(type)], more);
      }
    }
  }

  static void move(c10::CachingAllocator::Stat& stat, std::int64_t bytes) {
    if (bytes >= 0) {
      stat.increase(static_cast<std::size_t>(bytes));
    } else {
      stat.decrease(static_cast<std::size_t>(-bytes));
    }
  }

  std::array<c10::CachingDeviceAllocator::DeviceStats, kDevices> devices_{};
  std::istringstream script_;
  bool reset_fails_ = false;
};

// Never freed: libtorch keeps the pointer to the end of the process.
__attribute__((constructor)) void install() {
  auto* allocator = new StandInAllocator;
  allocator->play(std::getenv("STAND_IN_CUDA_MEMORY"));
  c10::SetAllocator(c10::DeviceType::CUDA, allocator, /*priority=*/255);
}

}  // namespace
