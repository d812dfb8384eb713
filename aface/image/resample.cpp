#include "aface/image/resample.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/error.h"

namespace aface {
namespace {

// out[j] = sum_k weights[j * stride + k] * in[first[j] + k], k < count[j].
struct Taps {
  int stride = 0;
  std::vector<int> first;
  std::vector<int> count;
  std::vector<float> weights;
};

// One axis: `length` output positions over [start, start + extent) of an input of `size` positions.
Taps make_taps(double start, double extent, int size, int length) {
  const double step = extent / length;
  Taps taps;
  taps.stride = static_cast<int>(std::ceil(std::max(step, 1.0))) + 1;
  taps.first.resize(static_cast<std::size_t>(length));
  taps.count.resize(static_cast<std::size_t>(length));
  taps.weights.assign(static_cast<std::size_t>(length) * taps.stride, 0.0f);
  for (int j = 0; j < length; ++j) {
    // The mean over one output pixel's area. When growing, a mean over one input pixel around the output
    // pixel's centre: that is linear interpolation.
    const double reach = std::max(step, 1.0);
    const double low = start + (j + 0.5) * step - 0.5 * reach;
    const double high = low + reach;
    const int begin = static_cast<int>(std::floor(low));
    const int end = static_cast<int>(std::ceil(high));
    const int first = std::clamp(begin, 0, size - 1);
    float* weights = &taps.weights[static_cast<std::size_t>(j) * taps.stride];
    int last = first;
    for (int i = begin; i < end; ++i) {
      const double overlap = std::min<double>(high, i + 1) - std::max<double>(low, i);
      if (overlap <= 1e-9) continue;  // rounding dust
      const int inside = std::clamp(i, 0, size - 1);
      weights[inside - first] += static_cast<float>(overlap / reach);
      last = inside;
    }
    taps.first[static_cast<std::size_t>(j)] = first;
    taps.count[static_cast<std::size_t>(j)] = last - first + 1;
  }
  return taps;
}

// Weighted mean of the source rows that output row y covers, columns first_column .. end_column-1, [columns,
// 3].
void sum_rows(const Image& source, const Taps& rows, int y, int first_column, int end_column, float* sum) {
  const float* weights = &rows.weights[static_cast<std::size_t>(y) * rows.stride];
  const int length = (end_column - first_column) * 3;
  for (int k = 0; k < rows.count[static_cast<std::size_t>(y)]; ++k) {
    const std::uint8_t* line = source.at(first_column, rows.first[static_cast<std::size_t>(y)] + k);
    const float weight = weights[k];
    if (k == 0) {
      for (int i = 0; i < length; ++i) sum[i] = weight * static_cast<float>(line[i]);
    } else {
      for (int i = 0; i < length; ++i) sum[i] += weight * static_cast<float>(line[i]);
    }
  }
}

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(std::min(255.0f, std::max(0.0f, value)) + 0.5f);
}

void change_colour(const ColourMap& colour, float* row, int pixels) {
  const auto& m = colour.matrix;
  for (int x = 0; x < pixels; ++x, row += 3) {
    const float r = row[0], g = row[1], b = row[2];
    row[0] = m[0] * r + m[1] * g + m[2] * b + colour.offset[0];
    row[1] = m[3] * r + m[4] * g + m[5] * b + colour.offset[1];
    row[2] = m[6] * r + m[7] * g + m[8] * b + colour.offset[2];
  }
}

}  // namespace

void resample(const Image& source, const Window& window, Mirror mirror, const ColourMap* colour, int width,
              int height, std::uint8_t* out) {
  AFACE_CHECK(source.width > 0 && source.height > 0 && window.width > 0 && window.height > 0 && width > 0 &&
                  height > 0,
              "resample of {} x {}", source.width, source.height);
  const Taps columns = make_taps(window.x, window.width, source.width, width);
  const Taps rows = make_taps(window.y, window.height, source.height, height);
  const int first_column = columns.first.front();
  const int end_column = columns.first.back() + columns.count.back();
  std::vector<float> sum(static_cast<std::size_t>(end_column - first_column) * 3);
  std::vector<float> line(static_cast<std::size_t>(width) * 3);

  for (int y = 0; y < height; ++y) {
    // Rows before columns: adding whole rows runs at the width of the vector unit.
    sum_rows(source, rows, y, first_column, end_column, sum.data());
    for (int x = 0; x < width; ++x) {
      const auto column = static_cast<std::size_t>(x);
      const float* weights = &columns.weights[column * columns.stride];
      const float* in = &sum[static_cast<std::size_t>(columns.first[column] - first_column) * 3];
      float r = 0, g = 0, b = 0;
      for (int k = 0; k < columns.count[column]; ++k, in += 3) {
        r += weights[k] * in[0];
        g += weights[k] * in[1];
        b += weights[k] * in[2];
      }
      float* pixel =
          &line[(mirror == Mirror::kLeftRight ? static_cast<std::size_t>(width) - 1 - column : column) * 3];
      pixel[0] = r;
      pixel[1] = g;
      pixel[2] = b;
    }
    if (colour != nullptr) change_colour(*colour, line.data(), width);
    for (std::size_t i = 0; i < line.size(); ++i) *out++ = to_byte(line[i]);
  }
}

Image resize(const Image& image, int width, int height) {
  if (image.width <= 0 || image.height <= 0 || width < 1 || height < 1) {
    throw Error(ErrorKind::kUsage,
                fmt::format("cannot resize {} x {} to {} x {} (expected sizes of at least 1)", image.width,
                            image.height, width, height));
  }
  if (image.width == width && image.height == height) return image;
  Image resized(width, height);
  resample(image, whole(image), Mirror::kNo, nullptr, width, height, resized.pixels.data());
  return resized;
}

Image mirror_left_right(const Image& image) {
  Image mirrored(image.width, image.height);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(image.at(x, y), 3, mirrored.at(image.width - 1 - x, y));
    }
  }
  return mirrored;
}

}  // namespace aface
