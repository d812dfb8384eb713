#include "aface/engine/blocked.h"

#include <algorithm>
#include <cstring>

namespace aface {
namespace {

// The values of one pixel and block.
typedef float Vector __attribute__((vector_size(kBlock * sizeof(float))));

inline Vector load(const float* values) {
  Vector v;
  std::memcpy(&v, values, sizeof v);
  return v;
}
inline void store(float* values, Vector v) { std::memcpy(values, &v, sizeof v); }

// The first or the second of each two channels, twice. GCC (from 12 on) and clang know this spelling both.
static_assert(kBlock == 16);
inline Vector firsts(Vector v) {
  return __builtin_shufflevector(v, v, 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14);
}
inline Vector seconds(Vector v) {
  return __builtin_shufflevector(v, v, 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15);
}

inline Vector leaky(Vector v, Vector slope) { return v > 0 ? v : slope * v; }

// work(first pixel, last pixel, plane, block) over planes of [pixels, kBlock], cut further where there are
// few.
template <class Work>
void for_each_plane(const BlockedShape& shape, const Work& work) {
  constexpr std::int64_t kPixelsPerTask = 1024;
  const std::int64_t blocks = blocks_of(shape.channels), planes = shape.images * blocks,
                     pixels = shape.pixels();
  const std::int64_t parts = (pixels + kPixelsPerTask - 1) / kPixelsPerTask;
#pragma omp parallel for schedule(static)
  for (std::int64_t task = 0; task < planes * parts; ++task) {
    const std::int64_t plane = task / parts, begin = task % parts * kPixelsPerTask;
    work(begin, std::min(pixels, begin + kPixelsPerTask), plane, plane % blocks);
  }
}

template <std::int64_t kGroup>
void convolve_plane(const ChannelConvolution& c, std::int64_t block, const float* in, float* out) {
  const float* packed = c.weights + block * kGroup * 9 * kBlock;
  Vector weights[kGroup * 9];
  for (std::int64_t k = 0; k < kGroup * 9; ++k) weights[k] = load(packed + k * kBlock);
  const Vector bias = load(c.bias + block * kBlock);
  const Vector slope = c.slopes != nullptr ? load(c.slopes + block * kBlock) : Vector{} + 1;
  const BlockedShape to = c.out();
  for (std::int64_t y = 0; y < to.rows; ++y) {
    for (std::int64_t x = 0; x < to.columns; ++x, out += kBlock) {
      Vector sum = bias;
      for (std::int64_t dy = 0; dy < 3; ++dy) {
        const std::int64_t row = y * c.stride + dy - 1;
        if (row < 0 || row >= c.in.rows) continue;
        for (std::int64_t dx = 0; dx < 3; ++dx) {
          const std::int64_t column = x * c.stride + dx - 1;
          if (column < 0 || column >= c.in.columns) continue;
          const Vector v = load(in + (row * c.in.columns + column) * kBlock);
          if constexpr (kGroup == 1) {
            sum += weights[dy * 3 + dx] * v;
          } else {
            sum += weights[dy * 3 + dx] * firsts(v);
            sum += weights[9 + dy * 3 + dx] * seconds(v);
          }
        }
      }
      store(out, leaky(sum, slope));
    }
  }
}

}  // namespace

void prelu_in_place(const BlockedShape& shape, const float* slopes, float* values) {
  for_each_plane(shape, [&](std::int64_t begin, std::int64_t end, std::int64_t plane, std::int64_t block) {
    float* v = values + (plane * shape.pixels() + begin) * kBlock;
    const Vector slope = load(slopes + block * kBlock);
    for (std::int64_t pixel = begin; pixel < end; ++pixel, v += kBlock) store(v, leaky(load(v), slope));
  });
}

void scale_shift(const BlockedShape& shape, const float* scale, const float* shift, const float* in,
                 float* out) {
  for_each_plane(shape, [&](std::int64_t begin, std::int64_t end, std::int64_t plane, std::int64_t block) {
    const std::int64_t start = (plane * shape.pixels() + begin) * kBlock;
    const float* x = in + start;
    float* y = out + start;
    const Vector a = load(scale + block * kBlock), b = load(shift + block * kBlock);
    for (std::int64_t pixel = begin; pixel < end; ++pixel, x += kBlock, y += kBlock)
      store(y, a * load(x) + b);
  });
}

void convolve_channels(const ChannelConvolution& convolution, const float* in, float* out) {
  const std::int64_t blocks = blocks_of(convolution.in.channels), planes = convolution.in.images * blocks;
  const std::int64_t from = convolution.in.pixels() * kBlock, to = convolution.out().pixels() * kBlock;
#pragma omp parallel for schedule(static)
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    if (convolution.group == 1) {
      convolve_plane<1>(convolution, plane % blocks, in + plane * from, out + plane * to);
    } else {
      convolve_plane<2>(convolution, plane % blocks, in + plane * from, out + plane * to);
    }
  }
}

void pack_channel_weights(std::int64_t channels, std::int64_t group, const float* weight, float* packed) {
  std::fill_n(packed, blocks_of(channels) * group * 9 * kBlock, 0.0F);
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t g = 0; g < group; ++g) {
      for (std::int64_t k = 0; k < 9; ++k) {
        packed[((c / kBlock * group + g) * 9 + k) * kBlock + c % kBlock] = weight[(c * group + g) * 9 + k];
      }
    }
  }
}

}  // namespace aface
