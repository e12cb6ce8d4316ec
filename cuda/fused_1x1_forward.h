// The forward pass of a dense layer's bottleneck: normalisation and ReLU of the block's maps, 1x1 convolution, and the statistics of
// what comes out. See docs/cuda-kernels.md. In f32, by ordinary arithmetic. Never run on a GPU by its authors.

#pragma once

#include "threads.h"

// A tile of the output, in pixels and channels; the channels that are read at a time.
constexpr int kPixels = 64;
constexpr int kOutputs = 64;
constexpr int kDepth = 16;
// Each thread has 8 pixels and 4 channels of the tile.
constexpr int kThreads = 128;
constexpr int kOwnPixels = 8;
constexpr int kOwnOutputs = 4;
constexpr int kRows = kPixels / kOwnPixels;
constexpr int kColumns = kOutputs / kOwnOutputs;

struct Forward1x1 {
  // The block's buffer, [pixels, stride], of which the first `channels` are read.
  const float* maps;
  // gamma / sqrt(variance + epsilon) and beta - mean * that, [channels].
  const float* scale;
  const float* shift;
  // [outputs, channels].
  const float* weight;
  // [pixels, outputs].
  float* bottleneck;
  // [tiles of pixels, outputs, 2]: of each tile the mean and the sum of squared deviations from it. They are joined tile by tile in
  // their order (Chan et al. 1979), without atomics, so that the same bits come out each time.
  float* moments;
  int pixels;
  int stride;
  int channels;
  int outputs;
};

KERNEL fused_1x1_forward(const Forward1x1 layer) {
  SHARED float maps[kDepth][kPixels + 1];
  SHARED float weights[kDepth][kOutputs + 1];
  SHARED float partial[kRows][kOutputs];
  SHARED float mean[kOutputs];
  OWN(float, sums, kOwnPixels * kOwnOutputs);
  const int first_pixel = BLOCK_X * kPixels;
  const int first_output = BLOCK_Y * kOutputs;
  const int left = layer.pixels - first_pixel;
  const int count = left < kPixels ? left : kPixels;

  THREADS(t)
  for (int at = 0; at < kOwnPixels * kOwnOutputs; ++at) {
    OF(sums, t)[at] = 0.0f;
  }
  BARRIER

  for (int depth = 0; depth < layer.channels; depth += kDepth) {
    THREADS(t)
    // Neighbouring threads read neighbouring channels of a pixel.
    for (int at = t; at < kPixels * kDepth; at += kThreads) {
      const int pixel = at / kDepth;
      const int channel = depth + at % kDepth;
      float value = 0.0f;
      if (pixel < count && channel < layer.channels) {
        const float map = layer.maps[(long long)(first_pixel + pixel) * layer.stride + channel];
        value = fmaf(map, layer.scale[channel], layer.shift[channel]);
        // A NaN stays one.
        value = value < 0.0f ? 0.0f : value;
      }
      maps[at % kDepth][pixel] = value;
    }
    for (int at = t; at < kOutputs * kDepth; at += kThreads) {
      const int output = first_output + at / kDepth;
      const int channel = depth + at % kDepth;
      const bool is_there = output < layer.outputs && channel < layer.channels;
      weights[at % kDepth][at / kDepth] = is_there ? layer.weight[output * layer.channels + channel] : 0.0f;
    }
    BARRIER

    THREADS(t)
    const int row = t / kColumns;
    const int column = t % kColumns;
    for (int channel = 0; channel < kDepth; ++channel) {
      float factors[kOwnOutputs];
      for (int own = 0; own < kOwnOutputs; ++own) {
        factors[own] = weights[channel][column + own * kColumns];
      }
      for (int pixel = 0; pixel < kOwnPixels; ++pixel) {
        const float value = maps[channel][row * kOwnPixels + pixel];
        for (int own = 0; own < kOwnOutputs; ++own) {
          float& sum = OF(sums, t)[pixel * kOwnOutputs + own];
          sum = fmaf(value, factors[own], sum);
        }
      }
    }
    BARRIER
  }

  THREADS(t)
  const int row = t / kColumns;
  const int column = t % kColumns;
  for (int own = 0; own < kOwnOutputs; ++own) {
    const int output = column + own * kColumns;
    float sum = 0.0f;
    for (int pixel = 0; pixel < kOwnPixels; ++pixel) {
      const int place = row * kOwnPixels + pixel;
      if (place < count && first_output + output < layer.outputs) {
        const float value = OF(sums, t)[pixel * kOwnOutputs + own];
        layer.bottleneck[(long long)(first_pixel + place) * layer.outputs + first_output + output] = value;
        sum += value;
      }
    }
    partial[row][output] = sum;
  }
  BARRIER

  THREADS(t)
  if (t < kOutputs) {
    float sum = 0.0f;
    for (int row = 0; row < kRows; ++row) {
      sum += partial[row][t];
    }
    mean[t] = sum / float(count);
  }
  BARRIER

  THREADS(t)
  const int row = t / kColumns;
  const int column = t % kColumns;
  for (int own = 0; own < kOwnOutputs; ++own) {
    const int output = column + own * kColumns;
    float sum = 0.0f;
    for (int pixel = 0; pixel < kOwnPixels; ++pixel) {
      if (row * kOwnPixels + pixel < count) {
        const float away = OF(sums, t)[pixel * kOwnOutputs + own] - mean[output];
        sum = fmaf(away, away, sum);
      }
    }
    partial[row][output] = sum;
  }
  BARRIER

  THREADS(t)
  if (t < kOutputs && first_output + t < layer.outputs) {
    float sum = 0.0f;
    for (int row = 0; row < kRows; ++row) {
      sum += partial[row][t];
    }
    float* own = layer.moments + 2 * ((long long)BLOCK_X * layer.outputs + first_output + t);
    own[0] = mean[t];
    own[1] = sum;
  }
  BARRIER
}
