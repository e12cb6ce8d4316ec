// Functions of libtorch's autograd and backward operations that tch does not expose.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>

#include "guarded.h"

namespace {

using Entered = void (*)(const void* context, std::uint64_t value);

// Tells when the engine comes to an operation. It changes no gradient.
class Announced : public torch::autograd::FunctionPreHook {
 public:
  Announced(Entered entered, const void* context, std::uint64_t value)
      : entered_(entered), context_(context), value_(value) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& gradients) override {
    entered_(context_, value_);
    return gradients;
  }

 private:
  Entered entered_;
  const void* context_;
  std::uint64_t value_;
};

bool is_announced(torch::autograd::Node& operation) {
  for (const auto& hook : operation.pre_hooks()) {
    if (dynamic_cast<const Announced*>(hook.get()) != nullptr) {
      return true;
    }
  }
  return false;
}

// Each tensor that is defined as one that belongs to the caller.
void give(std::tuple<at::Tensor, at::Tensor, at::Tensor> found, at::Tensor** gradients) {
  at::Tensor* tensors[] = {&std::get<0>(found), &std::get<1>(found), &std::get<2>(found)};
  for (std::size_t index = 0; index < 3; ++index) {
    if (tensors[index]->defined()) {
      gradients[index] = new at::Tensor(std::move(*tensors[index]));
    }
  }
}

}  // namespace

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

// Has `entered` called with `context` and `value` whenever the backward pass comes to one of the operations that `output`
// is made by, but for those that were announced before. Leaves, which have no operation, are left out.
int densenet_bench_announce(
    const at::Tensor* output,
    Entered entered,
    const void* context,
    std::uint64_t value,
    char* error,
    std::size_t room) {
  return guarded(error, room, [&] {
    std::vector<torch::autograd::Node*> operations{output->grad_fn().get()};
    while (!operations.empty()) {
      auto* operation = operations.back();
      operations.pop_back();
      if (operation == nullptr || operation->num_outputs() == 0 || is_announced(*operation)) {
        continue;
      }
      operation->add_pre_hook(std::make_unique<Announced>(entered, context, value));
      for (const auto& edge : operation->next_edges()) {
        operations.push_back(edge.function.get());
      }
    }
  });
}

// The gradients of a convolution's input, weight and bias, with `rows` and `columns` of zeros on each side. Those that
// `wanted` has; the others' places in `gradients` stay null.
int densenet_bench_convolution_backward(
    const at::Tensor* gradient,
    const at::Tensor* maps,
    const at::Tensor* weight,
    std::int64_t stride,
    std::int64_t rows,
    std::int64_t columns,
    const bool* wanted,
    at::Tensor** gradients,
    char* error,
    std::size_t room) {
  return guarded(error, room, [&] {
    const std::int64_t outputs[] = {weight->size(0)};
    const auto bias_sizes = wanted[2] ? at::OptionalIntArrayRef(at::IntArrayRef(outputs)) : at::OptionalIntArrayRef();
    give(
        at::convolution_backward(
            *gradient, *maps, *weight, bias_sizes, /*stride=*/{stride, stride}, /*padding=*/{rows, columns},
            /*dilation=*/{1, 1}, /*transposed=*/false, /*output_padding=*/{0, 0}, /*groups=*/1,
            /*output_mask=*/{wanted[0], wanted[1], wanted[2]}),
        gradients);
  });
}

// The gradients of a batch normalisation's input, scale and shift, given the batch's mean and 1 / sqrt(variance +
// epsilon). Those that `wanted` has; the others' places in `gradients` stay null.
int densenet_bench_batch_norm_backward(
    const at::Tensor* gradient,
    const at::Tensor* maps,
    const at::Tensor* gamma,
    const at::Tensor* mean,
    const at::Tensor* inverse_deviation,
    double epsilon,
    const bool* wanted,
    at::Tensor** gradients,
    char* error,
    std::size_t room) {
  return guarded(error, room, [&] {
    give(
        at::native_batch_norm_backward(
            *gradient, *maps, *gamma, /*running_mean=*/{}, /*running_var=*/{}, *mean, *inverse_deviation,
            /*train=*/true, epsilon, /*output_mask=*/{wanted[0], wanted[1], wanted[2]}),
        gradients);
  });
}

}  // extern "C"
