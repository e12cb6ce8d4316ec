// The updates of a training step in place, over all tensors at once: on CUDA a handful of kernels in the place of several a
// tensor. In the order of Burn's own operations, each rounded once, so that they give the same bits.

#include <cstddef>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_sub.h>

#include "guarded.h"

namespace {

std::vector<at::Tensor> list(const at::Tensor* const* tensors, std::size_t count) {
  std::vector<at::Tensor> all;
  all.reserve(count);
  for (std::size_t index = 0; index < count; ++index) {
    all.push_back(*tensors[index]);
  }
  return all;
}

}  // namespace

extern "C" {

// One step of SGD on `count` parameters with their gradients and velocities; there are no velocities without momentum. The
// learning rate is a scalar on the device, so that a step that is replayed reads the one of its time.
int densenet_bench_sgd(
    const at::Tensor* const* parameters,
    const at::Tensor* const* gradients,
    const at::Tensor* const* velocities,
    std::size_t count,
    const at::Tensor* rate,
    double momentum,
    double weight_decay,
    bool nesterov,
    bool is_first,
    char* error,
    std::size_t room) {
  return guarded(error, room, [&] {
    // ATen refuses lists without a tensor.
    if (count == 0) {
      return;
    }
    const at::NoGradGuard no_grad;
    const auto weights = list(parameters, count);
    auto steps = list(gradients, count);
    if (weight_decay > 0) {
      auto decayed = at::_foreach_mul(weights, weight_decay);
      at::_foreach_add_(decayed, steps);
      steps = std::move(decayed);
    }
    if (momentum > 0) {
      const auto kept = list(velocities, count);
      if (is_first) {
        at::_foreach_copy_(kept, steps);
      } else {
        at::_foreach_mul_(kept, momentum);
        at::_foreach_add_(kept, steps);
      }
      if (nesterov) {
        auto ahead = at::_foreach_mul(kept, momentum);
        at::_foreach_add_(ahead, steps);
        steps = std::move(ahead);
      } else {
        steps = kept;
      }
    }
    const auto updates = at::_foreach_mul(steps, *rate);
    at::_foreach_sub_(weights, updates);
  });
}

// running = (1 - momentum) * running + momentum * observed, of `count` tensors.
int densenet_bench_follow(
    const at::Tensor* const* running,
    const at::Tensor* const* observed,
    std::size_t count,
    double momentum,
    char* error,
    std::size_t room) {
  return guarded(error, room, [&] {
    if (count == 0) {
      return;
    }
    const at::NoGradGuard no_grad;
    const auto kept = list(running, count);
    const auto parts = at::_foreach_mul(list(observed, count), momentum);
    at::_foreach_mul_(kept, 1.0 - momentum);
    at::_foreach_add_(kept, parts);
  });
}

}  // extern "C"
