// The kernel on the processor, against f64: every block in turn, and the threads of a block in turn, from the first and from the
// last. Ends with 1 and a line that says what is wrong.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fused_1x1_forward.h"

namespace {

// Numbers of a normal distribution's shape, the same on every machine.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state(seed) {}

  float next() {
    float sum = -6.0f;
    for (int part = 0; part < 12; ++part) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      sum += float(state >> 40) / float(1 << 24);
    }
    return sum;
  }

 private:
  std::uint64_t state;
};

struct Case {
  int pixels, stride, channels, outputs;
};

int check(const Case& size) {
  Draws draws(std::uint64_t(size.pixels) * 31 + size.channels);
  const int tiles = (size.pixels + kPixels - 1) / kPixels;
  std::vector<float> maps(std::size_t(size.pixels) * size.stride), scale(size.channels), shift(size.channels);
  std::vector<float> weight(std::size_t(size.outputs) * size.channels);
  // Behind the channels that are read stand others, which must not matter.
  for (std::size_t at = 0; at < maps.size(); ++at) {
    maps[at] = int(at % size.stride) < size.channels ? 3.0f + draws.next() : NAN;
  }
  for (float& value : scale) value = draws.next();
  for (float& value : shift) value = draws.next() - 2.0f;
  for (float& value : weight) value = draws.next() / std::sqrt(float(size.channels));

  std::vector<float> results[2];
  for (const bool backwards : {false, true}) {
    block::backwards = backwards;
    std::vector<float>& result = results[backwards];
    const std::size_t values = std::size_t(size.pixels) * size.outputs;
    // One value more behind each end of what is written.
    result.assign(values + 2 * std::size_t(tiles) * size.outputs + 2, 7.0f);
    const Forward1x1 layer{maps.data(), scale.data(), shift.data(), weight.data(), result.data(), result.data() + values + 1,
                           size.pixels, size.stride, size.channels, size.outputs};
    for (block::y = 0; block::y * kOutputs < size.outputs; ++block::y) {
      for (block::x = 0; block::x < tiles; ++block::x) {
        fused_1x1_forward(layer);
      }
    }
    if (result[values] != 7.0f || result.back() != 7.0f) {
      std::printf("it writes beyond its output\n");
      return 1;
    }
  }
  if (std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)) != 0) {
    std::printf("the order of a block's threads matters: a barrier is missing\n");
    return 1;
  }

  double largest = 0, farthest = 0;
  std::vector<double> truth(std::size_t(size.pixels) * size.outputs);
  for (int pixel = 0; pixel < size.pixels; ++pixel) {
    for (int output = 0; output < size.outputs; ++output) {
      double sum = 0;
      for (int channel = 0; channel < size.channels; ++channel) {
        const double map = maps[std::size_t(pixel) * size.stride + channel];
        const double value = map * scale[channel] + shift[channel];
        sum += (value > 0 ? value : 0) * weight[std::size_t(output) * size.channels + channel];
      }
      truth[std::size_t(pixel) * size.outputs + output] = sum;
      largest = std::fmax(largest, std::fabs(sum));
      farthest = std::fmax(farthest, std::fabs(sum - results[0][std::size_t(pixel) * size.outputs + output]));
    }
  }
  if (!(farthest <= 2e-6 * largest)) {
    std::printf("%d pixels, %d to %d channels: %.1e apart\n", size.pixels, size.channels, size.outputs, farthest / largest);
    return 1;
  }

  // The tiles' moments, joined in their order, are the mean and the variance of all pixels.
  const float* moments = results[0].data() + truth.size() + 1;
  for (int output = 0; output < size.outputs; ++output) {
    double mean = 0, variance = 0;
    for (int pixel = 0; pixel < size.pixels; ++pixel) {
      mean += truth[std::size_t(pixel) * size.outputs + output] / size.pixels;
    }
    for (int pixel = 0; pixel < size.pixels; ++pixel) {
      const double away = truth[std::size_t(pixel) * size.outputs + output] - mean;
      variance += away * away / size.pixels;
    }
    double joined = 0, squares = 0, so_far = 0;
    for (int tile = 0; tile < tiles; ++tile) {
      const double count = std::fmin(kPixels, size.pixels - tile * kPixels);
      const float* own = moments + 2 * (std::size_t(tile) * size.outputs + output);
      const double away = own[0] - joined;
      joined += away * count / (so_far + count);
      squares += own[1] + away * away * so_far * count / (so_far + count);
      so_far += count;
    }
    if (!(std::fabs(joined - mean) <= 2e-6 * largest) || !(std::fabs(squares / size.pixels - variance) <= 1e-5 * variance)) {
      std::printf("output %d: mean %g and variance %g, not %g and %g\n", output, joined, squares / size.pixels, mean, variance);
      return 1;
    }
  }
  return 0;
}

}  // namespace

int main() {
  // The layers of BC-100 and 121, tiles that end within a block, and fewer channels than a thread block has.
  for (const Case& size : {Case{1024, 216, 24, 48}, Case{1024, 216, 204, 48}, Case{300, 150, 150, 48}, Case{3136, 256, 224, 128},
                           Case{49, 1024, 992, 128}, Case{65, 40, 17, 65}, Case{1, 3, 1, 1}}) {
    if (check(size) != 0) {
      return 1;
    }
  }
  return 0;
}
