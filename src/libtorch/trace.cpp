// The names of ATen's operations as they are called, for tests: that a step reads nothing back and is the same each time.

#include <cstddef>
#include <mutex>
#include <string>

#include <ATen/record_function.h>

#include "guarded.h"

namespace {

std::mutex lock;
std::string names;
at::CallbackHandle handle = at::INVALID_CALLBACK_HANDLE;

std::unique_ptr<at::ObserverContext> called(const at::RecordFunction& function) {
  const std::lock_guard<std::mutex> held(lock);
  names += function.name();
  names += '\n';
  return nullptr;
}

}  // namespace

extern "C" {

// Notes the operations of all threads from now on.
int densenet_bench_trace_begin(char* error, std::size_t room) {
  return guarded(error, room, [&] {
    const std::lock_guard<std::mutex> held(lock);
    TORCH_CHECK(handle == at::INVALID_CALLBACK_HANDLE, "operations are noted already");
    names.clear();
    handle = at::addGlobalCallback(at::RecordFunctionCallback(called).scopes({at::RecordScope::FUNCTION}));
  });
}

// Ends that; gives the length of what was noted, a name a line.
int densenet_bench_trace_end(std::size_t* length, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    at::removeCallback(handle);
    const std::lock_guard<std::mutex> held(lock);
    handle = at::INVALID_CALLBACK_HANDLE;
    *length = names.size();
  });
}

// Copies what was noted last, `length` bytes.
void densenet_bench_trace_copy(char* text, std::size_t length) {
  const std::lock_guard<std::mutex> held(lock);
  names.copy(text, length);
}

}  // extern "C"
