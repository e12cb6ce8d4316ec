// Batches on their way to a GPU, beside its work: from page-locked memory, on a stream of their own. Built without CUDA's
// headers, by libtorch's functions for any kind of device. Never run on a GPU by its authors.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "guarded.h"

namespace {

c10::Device gpu(std::int8_t index) {
  return {c10::DeviceType::CUDA, index};
}

at::Tensor pinned(const void* values, c10::IntArrayRef shape, at::ScalarType type) {
  auto copy = at::empty(shape, at::TensorOptions().dtype(type).pinned_memory(true));
  std::memcpy(copy.mutable_data_ptr(), values, copy.nbytes());
  return copy;
}

}  // namespace

// The stream on which a device's batches come.
struct Uploads {
  explicit Uploads(std::int8_t index)
      : stream(c10::impl::VirtualGuardImpl(c10::DeviceType::CUDA).getStreamFromGlobalPool(gpu(index), /*isHighPriority=*/false)) {}

  c10::Stream stream;
};

// A batch that is on its way.
struct Upload {
  at::Tensor images;
  at::Tensor labels;
  c10::Event arrived{c10::DeviceType::CUDA};
};

extern "C" {

// A stream to the CUDA device of that index, which belongs to the caller.
int densenet_bench_uploads_new(std::int8_t device, Uploads** uploads, char* error, std::size_t room) {
  return guarded(error, room, [&] { *uploads = new Uploads(device); });
}

void densenet_bench_uploads_free(Uploads* uploads) {
  delete uploads;
}

// Begins to bring images of f32 of that shape and their labels to the device, and returns while they are on their way. Of the
// page-locked copies libtorch's allocator takes care: their memory is not used again before the transfer has ended.
int densenet_bench_upload_begin(
    const Uploads* uploads,
    const float* images,
    const std::int64_t* shape,
    const std::int64_t* labels,
    Upload** upload,
    char* error,
    std::size_t room) {
  return guarded(error, room, [&] {
    const c10::StreamGuard on_own_stream(uploads->stream);
    auto begun = std::make_unique<Upload>();
    const auto bring = [&](const at::Tensor& from) {
      return from.to(uploads->stream.device(), from.scalar_type(), /*non_blocking=*/true);
    };
    begun->images = bring(pinned(images, {shape, 4}, at::kFloat));
    begun->labels = bring(pinned(labels, {shape, 1}, at::kLong));
    begun->arrived.record(uploads->stream);
    *upload = begun.release();
  });
}

// The batch on the device, as two tensors that belong to the caller. What this thread gives the device from now on is done when
// the batch has arrived; the thread itself does not wait.
int densenet_bench_upload_end(Upload* upload, at::Tensor** images, at::Tensor** labels, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    const c10::impl::VirtualGuardImpl device(c10::DeviceType::CUDA);
    const auto stream = device.getStream(upload->images.device());
    upload->arrived.block(stream);
    // Their memory belongs to the other stream, and must not be given away while this one still reads it.
    upload->images.record_stream(stream);
    upload->labels.record_stream(stream);
    *images = new at::Tensor(upload->images);
    *labels = new at::Tensor(upload->labels);
  });
}

void densenet_bench_upload_free(Upload* upload) {
  delete upload;
}

}  // extern "C"
