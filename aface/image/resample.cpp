#include "aface/image/resample.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/image/resample_strips.h"
#include "aface/image/taps.h"

namespace aface {
namespace {

// Four values in one register: a pixel, and the first of its neighbour, which means nothing.
typedef float Four __attribute__((vector_size(16)));

Four load_four(const float* values) {
  Four four;
  std::memcpy(&four, values, sizeof(four));
  return four;
}

// What a thread keeps between pictures.
struct Workspace {
  Taps columns, rows;
  std::vector<float> sum, line;
};

// Weighted mean of the source rows that output row y covers, columns first_column .. end_column-1, [columns,
// 3].
void sum_rows(const Image& source, const Taps& rows, int y, int first_column, int end_column, float* sum) {
  const float* weights = &rows.weights[static_cast<std::size_t>(y) * rows.stride];
  const int length = (end_column - first_column) * 3;
  for (int k = 0; k < rows.count[static_cast<std::size_t>(y)]; ++k) {
    const std::uint8_t* line = source.at(first_column, rows.first[static_cast<std::size_t>(y)] + k);
    const float weight = weights[k];
    if (k > 0 && weight == 0) continue;
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

// A colour map with its columns in registers.
struct ColourColumns {
  Four red, green, blue, offset;

  explicit ColourColumns(const ColourMap& map) {
    const auto& m = map.matrix;
    red = Four{m[0], m[3], m[6], 0};
    green = Four{m[1], m[4], m[7], 0};
    blue = Four{m[2], m[5], m[8], 0};
    offset = Four{map.offset[0], map.offset[1], map.offset[2], 0};
  }
  Four operator()(Four pixel) const { return red * pixel[0] + green * pixel[1] + blue * pixel[2] + offset; }
};

// Output pixels of one line from the summed rows `sum`, of which kTaps columns count for each. Leftmost
// first, since each pixel is written with one value of the next; `line` has room for that value after the
// last.
template <int kTaps>
void sum_columns(const Taps& columns, Mirror mirror, const ColourColumns* colour, const float* sum,
                 int first_column, int width, float* line) {
  const int taps = kTaps > 0 ? kTaps : columns.stride;
  for (int x = 0; x < width; ++x, line += 3) {
    const auto column = static_cast<std::size_t>(mirror == Mirror::kLeftRight ? width - 1 - x : x);
    const float* weights = &columns.weights[column * static_cast<std::size_t>(columns.stride)];
    const float* in = sum + (columns.first[column] - first_column) * 3;
    Four pixel = weights[0] * load_four(in);
    for (int k = 1; k < taps; ++k) pixel += weights[k] * load_four(in + 3 * k);
    if (colour != nullptr) pixel = (*colour)(pixel);
    std::memcpy(line, &pixel, sizeof(pixel));
  }
}

void resample_by_lines(const ResampleTask& task, Workspace& here) {
  const Taps& columns = task.columns;
  const int first_column = columns.first.front();
  const int end_column = columns.first.back() + columns.count.back();
  // Room for taps of weight 0 and for the fourth value of the last pixel.
  here.sum.assign((static_cast<std::size_t>(end_column - first_column) + columns.stride) * 3 + 1, 0.0f);
  const std::size_t length = static_cast<std::size_t>(task.width) * 3;
  here.line.resize(length + 1);
  const ColourColumns colour_columns(task.colour != nullptr ? *task.colour : ColourMap());
  const auto sum_columns_here = columns.stride == 2   ? sum_columns<2>
                                : columns.stride == 3 ? sum_columns<3>
                                                      : sum_columns<0>;
  std::uint8_t* out = task.out;
  for (int y = 0; y < task.height; ++y, out += length) {
    // Rows before columns: adding whole rows runs at the width of the vector unit.
    sum_rows(task.source, task.rows, y, first_column, end_column, here.sum.data());
    sum_columns_here(columns, task.mirror, task.colour != nullptr ? &colour_columns : nullptr,
                     here.sum.data(), first_column, task.width, here.line.data());
    for (std::size_t i = 0; i < length; ++i) out[i] = to_byte(here.line[i]);
  }
}

// One line of `width` pixels, the last first. Five pixels at a time in a register of sixteen bytes, whose
// last byte means nothing and is written over by what comes next.
void reverse_pixels(const std::uint8_t* in, int width, std::uint8_t* out) {
  typedef std::uint8_t Bytes __attribute__((vector_size(16)));
  int x = 0;
  for (; x + 6 <= width; x += 5) {
    Bytes five;
    std::memcpy(&five, in + (width - x - 5) * 3 - 1, sizeof(five));
    five = __builtin_shufflevector(five, five, 13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0);
    std::memcpy(out + x * 3, &five, sizeof(five));
  }
  for (; x < width; ++x) std::copy_n(in + (width - 1 - x) * 3, 3, out + x * 3);
}

bool is_whole_number(double value) { return value == std::floor(value); }

// Whether every output pixel is one pixel of the source.
bool is_cut_out(const Image& source, const Window& window, int width, int height) {
  return window.width == width && window.height == height && is_whole_number(window.x) &&
         is_whole_number(window.y) && window.x >= 0 && window.y >= 0 && window.x + width <= source.width &&
         window.y + height <= source.height;
}

void cut_out(const Image& source, const Window& window, Mirror mirror, int width, int height,
             std::uint8_t* out) {
  const std::size_t line = static_cast<std::size_t>(width) * 3;
  if (width == source.width && mirror == Mirror::kNo) {
    std::memcpy(out, source.at(0, static_cast<int>(window.y)), line * static_cast<std::size_t>(height));
    return;
  }
  for (int y = 0; y < height; ++y, out += line) {
    const std::uint8_t* in = source.at(static_cast<int>(window.x), static_cast<int>(window.y) + y);
    if (mirror == Mirror::kLeftRight) {
      reverse_pixels(in, width, out);
    } else {
      std::memcpy(out, in, line);
    }
  }
}

}  // namespace

void resample(const Image& source, const Window& window, Mirror mirror, const ColourMap* colour, int width,
              int height, std::uint8_t* out) {
  AFACE_CHECK(source.width > 0 && source.height > 0 && window.width > 0 && window.height > 0 && width > 0 &&
                  height > 0,
              "resample of {} x {}", source.width, source.height);
  const bool is_copy = is_cut_out(source, window, width, height);
  if (is_copy && colour == nullptr) {
    cut_out(source, window, mirror, width, height, out);
    return;
  }
  thread_local Workspace here;
  if (is_copy) {
    make_copying_taps(static_cast<int>(window.x), width, here.columns);
    make_copying_taps(static_cast<int>(window.y), height, here.rows);
  } else {
    make_taps(window.x, window.width, source.width, width, here.columns);
    make_taps(window.y, window.height, source.height, height, here.rows);
  }
  const ResampleTask task{source, here.columns, here.rows, mirror, colour, width, height, out};
  if (!resample_by_strips(task, here.sum)) resample_by_lines(task, here);
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
  cut_out(image, whole(image), Mirror::kLeftRight, image.width, image.height, mirrored.pixels.data());
  return mirrored;
}

}  // namespace aface
