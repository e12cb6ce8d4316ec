// What libtorch's autograd and its backward operations can do and tch does not expose.

#include <cstddef>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>

#include "guarded.h"

extern "C" {

// The gradients of `output` by each of `count` inputs, given the output's own. The graph is freed on the way, node by
// node. `gradients` gets `count` tensors that belong to the caller.
int densenet_bench_gradients(
    const at::Tensor* output,
    const at::Tensor* output_gradient,
    at::Tensor* const* inputs,
    std::size_t count,
    at::Tensor** gradients,
    char* error,
    std::size_t room) {
  return guarded(error, room, [&] {
    std::vector<at::Tensor> wanted;
    wanted.reserve(count);
    for (std::size_t index = 0; index < count; ++index) {
      wanted.push_back(*inputs[index]);
    }
    auto found = torch::autograd::grad({*output}, wanted, {*output_gradient});
    for (std::size_t index = 0; index < count; ++index) {
      gradients[index] = new at::Tensor(std::move(found[index]));
    }
  });
}

}  // extern "C"
