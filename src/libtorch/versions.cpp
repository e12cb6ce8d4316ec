// Which libtorch this is: the one whose headers the C++ was compiled with, and the one that the process runs with.

#include <cstddef>
#include <cstdio>
#include <string>

#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <torch/version.h>

#include "guarded.h"

namespace {

// A number that libtorch without CUDA answers by an exception.
template <typename Question>
long number_or_0(Question question) {
  try {
    return question();
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

extern "C" {

// The version of the headers; that of the libraries, out of libtorch's own description of its build, or empty.
int densenet_bench_libtorch_versions(
    char* headers, char* libraries, std::size_t length, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    std::snprintf(headers, length, "%s", TORCH_VERSION);
    const std::string config = at::show_config();
    const std::string key = "TORCH_VERSION=";
    const auto found = config.find(key);
    const auto from = found == std::string::npos ? config.size() : found + key.size();
    const auto to = config.find_first_of(", \n", from);
    std::snprintf(libraries, length, "%s", config.substr(from, to == std::string::npos ? to : to - from).c_str());
  });
}

// The versions of CUDA's runtime and of cuDNN as their headers number them, 12080 and 91002; 0 where libtorch has none.
int densenet_bench_cuda_versions(long* cuda, long* cudnn, char* error, std::size_t room) {
  return guarded(error, room, [&] {
    const auto& hooks = at::detail::getCUDAHooks();
    *cuda = number_or_0([&] { return hooks.versionCUDART(); });
    *cudnn = number_or_0([&] { return hooks.versionCuDNN(); });
  });
}

}  // extern "C"
