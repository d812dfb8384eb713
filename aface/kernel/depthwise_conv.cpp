#include "aface/kernel/depthwise_conv.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "aface/core/check.h"
#include "aface/kernel/rows_at_once.h"

namespace aface {
namespace {

constexpr std::int64_t kTaps = 9;

// weight [channels, group, 3, 3] as [member][tap][channel]: member 0 is what a channel makes of itself,
// member 1 (group 2) what it gives to the other channel of its pair. So products go channel by channel, and
// only sums change places.
class TapWeights {
 public:
  TapWeights(const DepthwiseShape& shape, const float* weight, bool transposed) : channels_(shape.channels) {
    values_.resize(static_cast<std::size_t>(shape.group * kTaps * channels_));
    for (std::int64_t to = 0; to < channels_; ++to) {
      for (std::int64_t j = 0; j < shape.group; ++j) {
        const std::int64_t from = shape.group == 1 ? to : to - to % 2 + j;
        const std::int64_t member = from == to ? 0 : 1;
        // The transposed convolution carries gradients from `to` back to `from`.
        const std::int64_t source = transposed ? to : from;
        for (std::int64_t tap = 0; tap < kTaps; ++tap) {
          values_[static_cast<std::size_t>((member * kTaps + tap) * channels_ + source)] =
              weight[(to * shape.group + j) * kTaps + tap];
        }
      }
    }
  }
  const float* member(std::int64_t member) const { return values_.data() + member * kTaps * channels_; }

 private:
  std::int64_t channels_;
  std::vector<float> values_;
};

// Three rows of an image, above, at and below; a row of zeros where the image ends.
template <class Value>
struct ThreeRows {
  const Value* row[3];
};

template <class Value>
ThreeRows<Value> rows_around(const Value* image, std::int64_t height, std::int64_t row_values,
                             std::int64_t row, const Value* zeros) {
  ThreeRows<Value> rows{};
  for (std::int64_t k = 0; k < 3; ++k) {
    const std::int64_t at = row - 1 + k;
    rows.row[k] = at >= 0 && at < height ? image + at * row_values : zeros;
  }
  return rows;
}

// `first` and `count` of the three columns around `centre` that lie in the image.
struct Columns {
  std::int64_t first, count;
};
Columns columns_around(std::int64_t centre, std::int64_t width) {
  const std::int64_t first = centre == 0 ? 1 : 0;
  return {first, 3 - first - (centre + 1 == width ? 1 : 0)};
}

// sum[p][c] of kPixels neighbouring output pixels over 3 x kColumns taps; `weight` points at the first
// column's tap, `step` is the distance of their inputs in values.
template <int kPixels, int kColumns, class Value>
void sum_taps(const ThreeRows<Value>& rows, std::int64_t offset, std::int64_t step, const float* weight,
              std::int64_t channels, float* __restrict sums) {
  const Value *const above = rows.row[0] + offset, *const here = rows.row[1] + offset,
                     *const below = rows.row[2] + offset;
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) {
    float w[3][kColumns];
    for_rows<kColumns>([&](auto k) {
      w[0][k()] = weight[k() * channels + c];
      w[1][k()] = weight[(3 + k()) * channels + c];
      w[2][k()] = weight[(6 + k()) * channels + c];
    });
    for_rows<kPixels>([&](auto p) {
      float sum = 0;
      for_rows<kColumns>([&](auto k) {
        const std::int64_t i = p() * step + k() * channels + c;
        sum +=
            w[0][k()] * to_float(above[i]) + w[1][k()] * to_float(here[i]) + w[2][k()] * to_float(below[i]);
      });
      sums[p() * channels + c] = sum;
    });
  }
}

template <class Value>
void store(const float* sums, std::int64_t count, Value* y) {
#pragma omp simd
  for (std::int64_t i = 0; i < count; ++i) y[i] = from_float<Value>(sums[i]);
}

// y = own sums + those of the other channel of the pair.
template <class Value>
void store_with_swapped(const float* own, const float* other, std::int64_t count, Value* y) {
  for (std::int64_t i = 0; i < count; i += 2) {
    y[i] = from_float<Value>(own[i] + other[i + 1]);
    y[i + 1] = from_float<Value>(own[i + 1] + other[i]);
  }
}

constexpr std::int64_t kPixelsAtOnce = 4;

// One row of the convolution with stride 1 or 2; the weights may be those of the transposed one.
template <class Value>
class RowConvolution {
 public:
  RowConvolution(const DepthwiseShape& shape, const TapWeights& weights)
      : shape_(shape),
        weights_(weights),
        sums_(static_cast<std::size_t>(2 * kPixelsAtOnce * shape.channels)) {}

  void run(const ThreeRows<Value>& rows, Value* y) {
    const std::int64_t out_width = shape_.out_width(), channels = shape_.channels;
    std::int64_t pixel = 0;
    while (pixel < out_width) {
      const std::int64_t centre = pixel * shape_.stride;
      const Columns columns = columns_around(centre, shape_.width);
      // All taps of the next pixels lie inside the image.
      const bool inside = columns.count == 3 && pixel + kPixelsAtOnce <= out_width &&
                          (pixel + kPixelsAtOnce - 1) * shape_.stride + 1 < shape_.width;
      const std::int64_t pixels = inside ? kPixelsAtOnce : 1;
      for (std::int64_t member = 0; member < shape_.group; ++member)
        sum(rows, centre, columns, pixels, member);
      if (shape_.group == 1) {
        store(sums_.data(), pixels * channels, y + pixel * channels);
      } else {
        store_with_swapped(sums_.data(), sums_.data() + kPixelsAtOnce * channels, pixels * channels,
                           y + pixel * channels);
      }
      pixel += pixels;
    }
  }

 private:
  void sum(const ThreeRows<Value>& rows, std::int64_t centre, const Columns& columns, std::int64_t pixels,
           std::int64_t member) {
    const std::int64_t channels = shape_.channels, step = shape_.stride * channels;
    const std::int64_t offset = (centre - 1 + columns.first) * channels;
    const float* const weight = weights_.member(member) + columns.first * channels;
    float* const sums = sums_.data() + member * kPixelsAtOnce * channels;
    if (pixels == kPixelsAtOnce)
      return sum_taps<kPixelsAtOnce, 3>(rows, offset, step, weight, channels, sums);
    if (columns.count == 3) return sum_taps<1, 3>(rows, offset, step, weight, channels, sums);
    if (columns.count == 2) return sum_taps<1, 2>(rows, offset, step, weight, channels, sums);
    sum_taps<1, 1>(rows, offset, step, weight, channels, sums);
  }

  const DepthwiseShape& shape_;
  const TapWeights& weights_;
  std::vector<float> sums_;
};

// Adds w[c] dy[c] to sums.
template <class Value>
void add_tap(const float* weight, const Value* dy, std::int64_t channels, float* __restrict sums) {
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) sums[c] += weight[c] * to_float(dy[c]);
}

// The taps k of 3 with which an input coordinate reaches an output one, and which: input = 2 output - 1 + k.
struct Reach {
  std::int64_t tap, out;
};
struct Reaches {
  Reach reach[2];
  int count = 0;
};
Reaches reaches_of(std::int64_t input, std::int64_t outputs) {
  Reaches reaches;
  for (std::int64_t tap = input % 2 == 0 ? 1 : 0; tap < 3; tap += 2) {
    const std::int64_t out = (input + 1 - tap) / 2;
    if (out >= 0 && out < outputs) reaches.reach[reaches.count++] = {tap, out};
  }
  return reaches;
}

// The gradient's row `row` for stride 2: an input pixel is seen by one, two or four output pixels.
template <class Value>
void halved_gradient_row(const DepthwiseShape& shape, const TapWeights& weights, const Value* dy,
                         std::int64_t row, std::vector<float>& sums, Value* dx) {
  const std::int64_t channels = shape.channels, out_width = shape.out_width();
  const Reaches down = reaches_of(row, shape.out_height());
  for (std::int64_t column = 0; column < shape.width; ++column) {
    const Reaches across = reaches_of(column, out_width);
    std::fill(sums.begin(), sums.end(), 0.0F);
    for (int i = 0; i < down.count; ++i) {
      for (int j = 0; j < across.count; ++j) {
        const Value* const gradient = dy + (down.reach[i].out * out_width + across.reach[j].out) * channels;
        const std::int64_t tap = 3 * down.reach[i].tap + across.reach[j].tap;
        for (std::int64_t member = 0; member < shape.group; ++member) {
          add_tap(weights.member(member) + tap * channels, gradient, channels,
                  sums.data() + member * channels);
        }
      }
    }
    if (shape.group == 1) {
      store(sums.data(), channels, dx + column * channels);
    } else {
      store_with_swapped(sums.data(), sums.data() + channels, channels, dx + column * channels);
    }
  }
}

// Adds to sums [tap][channel] the products of kPixels output pixels with their 3 x kColumns inputs.
template <int kPixels, int kColumns, class Value>
void add_products(const ThreeRows<Value>& rows, std::int64_t offset, std::int64_t step, const Value* dy,
                  std::int64_t channels, float* __restrict sums) {
  const Value *const above = rows.row[0] + offset, *const here = rows.row[1] + offset,
                     *const below = rows.row[2] + offset;
#pragma omp simd
  for (std::int64_t c = 0; c < channels; ++c) {
    float g[kPixels];
    for_rows<kPixels>([&](auto p) { g[p()] = to_float(dy[p() * channels + c]); });
    for_rows<kColumns>([&](auto k) {
      float first = 0, second = 0, third = 0;
      for_rows<kPixels>([&](auto p) {
        const std::int64_t i = p() * step + k() * channels + c;
        first += g[p()] * to_float(above[i]);
        second += g[p()] * to_float(here[i]);
        third += g[p()] * to_float(below[i]);
      });
      sums[k() * channels + c] += first;
      sums[(3 + k()) * channels + c] += second;
      sums[(6 + k()) * channels + c] += third;
    });
  }
}

// The sums of one output row, for dy as it is (member 0) or with the channels of each pair exchanged (member
// 1).
template <class Value>
void add_row_products(const DepthwiseShape& shape, const ThreeRows<Value>& rows, const Value* dy,
                      float* sums) {
  const std::int64_t out_width = shape.out_width(), channels = shape.channels, step = shape.stride * channels;
  std::int64_t pixel = 0;
  while (pixel < out_width) {
    const std::int64_t centre = pixel * shape.stride;
    const Columns columns = columns_around(centre, shape.width);
    const bool inside = columns.count == 3 && pixel + kPixelsAtOnce <= out_width &&
                        (pixel + kPixelsAtOnce - 1) * shape.stride + 1 < shape.width;
    const std::int64_t offset = (centre - 1 + columns.first) * channels;
    const Value* const gradient = dy + pixel * channels;
    float* const from = sums + columns.first * channels;
    if (inside) {
      add_products<kPixelsAtOnce, 3>(rows, offset, step, gradient, channels, from);
    } else if (columns.count == 3) {
      add_products<1, 3>(rows, offset, step, gradient, channels, from);
    } else if (columns.count == 2) {
      add_products<1, 2>(rows, offset, step, gradient, channels, from);
    } else {
      add_products<1, 1>(rows, offset, step, gradient, channels, from);
    }
    pixel += inside ? kPixelsAtOnce : 1;
  }
}

template <class Value>
void swap_pairs(const Value* from, std::int64_t count, Value* to) {
  for (std::int64_t i = 0; i < count; i += 2) {
    to[i] = from[i + 1];
    to[i + 1] = from[i];
  }
}

void check(const DepthwiseShape& shape) {
  AFACE_CHECK(shape.batch > 0 && shape.height > 0 && shape.width > 0 && shape.channels > 0, "an empty image");
  AFACE_CHECK(shape.stride == 1 || shape.stride == 2, "stride {}", shape.stride);
  AFACE_CHECK(shape.group == 1 || (shape.group == 2 && shape.channels % 2 == 0),
              "groups of {} among {} channels", shape.group, shape.channels);
}

template <class Value>
std::vector<Value> zero_row(std::int64_t values) {
  return std::vector<Value>(static_cast<std::size_t>(values), from_float<Value>(0.0F));
}

}  // namespace

template <class Value>
void depthwise_forward(const DepthwiseShape& shape, const Value* x, const float* weight, Value* y,
                       const ForEachSlice& for_each_slice) {
  check(shape);
  const TapWeights weights(shape, weight, /*transposed=*/false);
  const std::int64_t row_values = shape.width * shape.channels,
                     out_values = shape.out_width() * shape.channels;
  const std::int64_t out_height = shape.out_height();
  const std::vector<Value> zeros = zero_row<Value>(row_values);
  const RowSlices slices(shape.batch * out_height, out_values);
  for_each_slice(slices.count(), [&](std::int64_t slice) {
    RowConvolution<Value> convolution(shape, weights);
    for (std::int64_t row = slices.begin(slice); row < slices.end(slice); ++row) {
      const Value* const image = x + row / out_height * shape.height * row_values;
      convolution.run(
          rows_around(image, shape.height, row_values, row % out_height * shape.stride, zeros.data()),
          y + row * out_values);
    }
  });
}

template <class Value>
void depthwise_input_gradient(const DepthwiseShape& shape, const Value* dy, const float* weight, Value* dx,
                              const ForEachSlice& for_each_slice) {
  check(shape);
  const std::int64_t row_values = shape.width * shape.channels,
                     out_values = shape.out_width() * shape.channels;
  const RowSlices slices(shape.batch * shape.height, row_values);
  if (shape.stride == 2) {
    const TapWeights weights(shape, weight, /*transposed=*/true);
    for_each_slice(slices.count(), [&](std::int64_t slice) {
      std::vector<float> sums(static_cast<std::size_t>(shape.group * shape.channels));
      for (std::int64_t row = slices.begin(slice); row < slices.end(slice); ++row) {
        halved_gradient_row(shape, weights, dy + row / shape.height * shape.out_height() * out_values,
                            row % shape.height, sums, dx + row * row_values);
      }
    });
    return;
  }
  // With stride 1 it is a convolution of dy with the kernel turned by half a circle.
  std::vector<float> turned(static_cast<std::size_t>(shape.channels * shape.group * kTaps));
  for (std::size_t i = 0; i < turned.size(); i += kTaps)
    std::reverse_copy(weight + i, weight + i + kTaps, &turned[i]);
  const TapWeights weights(shape, turned.data(), /*transposed=*/true);
  const std::vector<Value> zeros = zero_row<Value>(row_values);
  for_each_slice(slices.count(), [&](std::int64_t slice) {
    RowConvolution<Value> convolution(shape, weights);
    for (std::int64_t row = slices.begin(slice); row < slices.end(slice); ++row) {
      const Value* const image = dy + row / shape.height * shape.height * row_values;
      convolution.run(rows_around(image, shape.height, row_values, row % shape.height, zeros.data()),
                      dx + row * row_values);
    }
  });
}

template <class Value>
void depthwise_weight_gradient(const DepthwiseShape& shape, const Value* x, const Value* dy, float* dw,
                               const ForEachSlice& for_each_slice) {
  check(shape);
  const std::int64_t row_values = shape.width * shape.channels,
                     out_values = shape.out_width() * shape.channels;
  const std::int64_t out_height = shape.out_height();
  const auto sum_count = static_cast<std::size_t>(shape.group * kTaps * shape.channels);
  const std::vector<Value> zeros = zero_row<Value>(row_values);
  const RowSlices slices(shape.batch * out_height, out_values);
  std::vector<std::vector<double>> of_slices(static_cast<std::size_t>(slices.count()),
                                             std::vector<double>(sum_count));
  for_each_slice(slices.count(), [&](std::int64_t slice) {
    constexpr std::int64_t kRowsInFloat = 8;
    std::vector<float> sums(sum_count);
    std::vector<Value> swapped(shape.group == 2 ? static_cast<std::size_t>(out_values) : 0);
    std::vector<double>& total = of_slices[static_cast<std::size_t>(slice)];
    const std::int64_t begin = slices.begin(slice), end = slices.end(slice);
    for (std::int64_t row = begin; row < end; ++row) {
      const Value* const image = x + row / out_height * shape.height * row_values;
      const auto rows =
          rows_around(image, shape.height, row_values, row % out_height * shape.stride, zeros.data());
      const Value* const gradient = dy + row * out_values;
      add_row_products(shape, rows, gradient, sums.data());
      if (shape.group == 2) {
        swap_pairs(gradient, out_values, swapped.data());
        add_row_products(shape, rows, swapped.data(), sums.data() + kTaps * shape.channels);
      }
      if ((row - begin) % kRowsInFloat + 1 == kRowsInFloat || row + 1 == end) {
        for (std::size_t i = 0; i < sum_count; ++i) total[i] += static_cast<double>(sums[i]);
        std::fill(sums.begin(), sums.end(), 0.0F);
      }
    }
  });
  for (std::size_t i = 1; i < of_slices.size(); ++i) {
    for (std::size_t j = 0; j < sum_count; ++j) of_slices[0][j] += of_slices[i][j];
  }
  // Back from [member][tap][input channel], the inverse of TapWeights.
  for (std::int64_t to = 0; to < shape.channels; ++to) {
    for (std::int64_t j = 0; j < shape.group; ++j) {
      const std::int64_t from = shape.group == 1 ? to : to - to % 2 + j;
      for (std::int64_t tap = 0; tap < kTaps; ++tap) {
        const std::int64_t member = from == to ? 0 : 1;
        dw[(to * shape.group + j) * kTaps + tap] = static_cast<float>(
            of_slices[0][static_cast<std::size_t>((member * kTaps + tap) * shape.channels + from)]);
      }
    }
  }
}

template void depthwise_forward(const DepthwiseShape&, const float*, const float*, float*,
                                const ForEachSlice&);
template void depthwise_forward(const DepthwiseShape&, const Bf16*, const float*, Bf16*, const ForEachSlice&);
template void depthwise_input_gradient(const DepthwiseShape&, const float*, const float*, float*,
                                       const ForEachSlice&);
template void depthwise_input_gradient(const DepthwiseShape&, const Bf16*, const float*, Bf16*,
                                       const ForEachSlice&);
template void depthwise_weight_gradient(const DepthwiseShape&, const float*, const float*, float*,
                                        const ForEachSlice&);
template void depthwise_weight_gradient(const DepthwiseShape&, const Bf16*, const Bf16*, float*,
                                        const ForEachSlice&);

}  // namespace aface
