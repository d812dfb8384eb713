#include "aface/kernel/quantised_rows.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"
#include "aface/kernel/eight_bit_products.h"

namespace aface {
namespace {

constexpr std::size_t kGroup = 32;
// Covers the rounding of the few float operations of the bound itself.
constexpr float kRounding = 2e-6F;

struct RowCode {
  float scale = 0;
  float error = 0;
  std::int32_t sum = 0;
};

// Writes q + shift of each value.
template <class Stored>
RowCode quantise_row(const float* row, std::size_t dim, double inverse_norm, float levels, int shift,
                     Stored* out) {
  float largest = 0;
#pragma omp simd reduction(max : largest)
  for (std::size_t i = 0; i < dim; ++i) {
    const float size = std::fabs(row[i]);
    largest = size > largest ? size : largest;
  }
  if (!(largest > 0 && inverse_norm > 0)) {
    std::fill_n(out, dim, static_cast<Stored>(shift));
    return {};
  }
  const float to_level = levels / largest;
  const float step = largest / levels;
  // |row| <= levels by construction: adding and taking 1.5 * 2^23 rounds to the nearest integer.
  constexpr float kRound = 12582912.0F;
  float squares = 0;
  std::int32_t sum = 0;
#pragma omp simd reduction(+ : squares, sum)
  for (std::size_t i = 0; i < dim; ++i) {
    const float q = (row[i] * to_level + kRound) - kRound;
    const float rest = row[i] - q * step;
    const auto level = static_cast<std::int32_t>(q);
    squares += rest * rest;
    sum += level;
    out[i] = static_cast<Stored>(level + shift);
  }

  RowCode result;
  result.scale = static_cast<float>(step * inverse_norm);
  result.error = static_cast<float>(std::sqrt(static_cast<double>(squares)) * inverse_norm) * (1 + 1e-5F);
  result.sum = sum;
  return result;
}

std::size_t padded(std::size_t count, std::size_t to) { return (count + to - 1) / to * to; }

template <class Rows>
void resize(Rows& into, RowMatrix rows, std::size_t row_padding) {
  const std::size_t stride = padded(rows.dim, kEightBitPadding), size = padded(rows.rows, row_padding) * stride;
  // Rows of the same length leave the zeros behind them in place.
  if (into.dim != rows.dim || into.values.size() != size) into.values.assign(size, 0);
  into.rows = rows.rows;
  into.dim = rows.dim;
  into.stride = stride;
  into.scale.resize(rows.rows);
  into.error.resize(rows.rows);
}

// Whether any pair of one group can reach the cut; written so that compilers turn it into vector code.
bool any_reaches(const std::int32_t* products, const std::int32_t* offsets, const float* scales,
                 const float* errors, float slope, float bound) {
  int reaches = 0;
  for (std::size_t i = 0; i < kGroup; ++i) {
    const float product = static_cast<float>(products[i] - offsets[i]) * scales[i] + slope * errors[i];
    reaches |= static_cast<int>(product >= bound);
  }
  return reaches != 0;
}

}  // namespace

void make_room(std::size_t rows, std::size_t dim, QuantisedProbes& into) { resize(into, {nullptr, rows, dim}, 1); }

void quantise_at(RowMatrix rows, Span<const double> inverse_norms, std::size_t first, QuantisedProbes& into) {
  AFACE_CHECK(rows.dim == into.dim && first + rows.rows <= into.rows, "rows {} ... {} of {} in {} of {}", first,
              first + rows.rows, rows.dim, into.rows, into.dim);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const std::size_t at = first + i;
    const RowCode code = quantise_row(rows.row(i), rows.dim, inverse_norms[i], kCodeLevels, kCodeShift,
                                      into.values.data() + at * into.stride);
    into.scale[at] = code.scale;
    into.error[at] = code.error;
  }
}

void quantise(RowMatrix rows, Span<const double> inverse_norms, QuantisedProbes& into) {
  make_room(rows.rows, rows.dim, into);
  quantise_at(rows, inverse_norms, 0, into);
}

void make_room(std::size_t rows, std::size_t dim, QuantisedGallery& into) {
  resize(into, {nullptr, rows, dim}, eight_bit_kernel().columns);
  into.offset.resize(rows);
}

void quantise_at(RowMatrix rows, Span<const double> inverse_norms, std::size_t first, QuantisedGallery& into) {
  AFACE_CHECK(rows.dim == into.dim && first + rows.rows <= into.rows, "rows {} ... {} of {} in {} of {}", first,
              first + rows.rows, rows.dim, into.rows, into.dim);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const std::size_t at = first + i;
    const RowCode code = quantise_row(rows.row(i), rows.dim, inverse_norms[i], kCodeLevels, 0,
                                      into.values.data() + at * into.stride);
    into.scale[at] = code.scale;
    into.error[at] = code.error;
    into.offset[at] = kCodeShift * code.sum;
  }
}

void append_row(const float* row, QuantisedGallery& into) {
  const std::size_t at = into.rows++;
  // Growing keeps the codes that are there, unlike make_room().
  into.values.resize(padded(into.rows, eight_bit_kernel().columns) * into.stride);
  into.scale.resize(into.rows);
  into.error.resize(into.rows);
  into.offset.resize(into.rows);
  const double unit = 1;
  quantise_at({row, 1, into.dim}, {&unit, 1}, at, into);
}

void remove_row(std::size_t i, QuantisedGallery& from) {
  AFACE_CHECK(i < from.rows, "row {} of {}", i, from.rows);
  const std::size_t last = --from.rows;
  std::copy_n(from.values.data() + last * from.stride, from.stride, from.values.data() + i * from.stride);
  std::fill_n(from.values.data() + last * from.stride, from.stride, std::int8_t{0});
  from.values.resize(padded(from.rows, eight_bit_kernel().columns) * from.stride);
  const auto move = [&](auto& values) {
    values[i] = values[last];
    values.resize(last);
  };
  move(from.scale);
  move(from.error);
  move(from.offset);
}

void quantise(RowMatrix rows, Span<const double> inverse_norms, QuantisedGallery& into) {
  make_room(rows.rows, rows.dim, into);
  quantise_at(rows, inverse_norms, 0, into);
}

void probes_of(const QuantisedGallery& rows, QuantisedProbes& into) {
  into.rows = rows.rows;
  into.dim = rows.dim;
  into.stride = rows.stride;
  into.scale = rows.scale;
  into.error = rows.error;
  into.values.resize(rows.rows * rows.stride);
  for (std::size_t i = 0; i < into.values.size(); ++i) {
    into.values[i] = static_cast<std::uint8_t>(rows.values[i] + kCodeShift);
  }
}

void gather_probes(const QuantisedProbes& probes, Span<const std::size_t> chosen, QuantisedProbes& into) {
  into.rows = chosen.size();
  into.dim = probes.dim;
  into.stride = probes.stride;
  into.values.resize(chosen.size() * probes.stride);
  into.scale.resize(chosen.size());
  into.error.resize(chosen.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    std::copy_n(probes.values.data() + chosen[i] * probes.stride, probes.stride, into.values.data() + i * probes.stride);
    into.scale[i] = probes.scale[chosen[i]];
    into.error[i] = probes.error[chosen[i]];
  }
}

void eight_bit_scores(const QuantisedProbes& probes, std::size_t begin, std::size_t end, const GalleryBlock& block,
                      std::vector<std::int32_t>& products, float* out, std::size_t out_stride) {
  AFACE_CHECK(block.rows <= kScoreRows, "a block of {} rows", block.rows);
  if (begin == end || block.rows == 0) return;
  const std::size_t columns = padded(block.rows, 4);
  products.resize((end - begin) * columns);
  eight_bit_kernel().products(probes.values.data() + begin * probes.stride, end - begin, block.values, columns,
                              probes.stride, products.data());
  for (std::size_t i = 0; i < end - begin; ++i) {
    const std::int32_t* row = products.data() + i * columns;
    float* scores = out + i * out_stride;
    for (std::size_t j = 0; j < block.rows; ++j) {
      scores[j] = static_cast<float>(row[j] - block.offset[j]) * block.scale[j];
    }
  }
}

double distance_of_codes(const std::int8_t* a, float scale_a, const std::int8_t* b, float scale_b, std::size_t stride) {
  std::int32_t aa = 0, ab = 0, bb = 0;
#pragma omp simd reduction(+ : aa, ab, bb)
  for (std::size_t i = 0; i < stride; ++i) {
    const std::int32_t x = a[i], y = b[i];
    aa += x * x;
    ab += x * y;
    bb += y * y;
  }
  const auto p = static_cast<double>(scale_a), q = static_cast<double>(scale_b);
  return std::sqrt(std::max(0.0, p * p * aa - 2 * p * q * ab + q * q * bb));
}

void pairs_that_may_reach(const QuantisedProbes& probes, std::size_t begin, std::size_t end,
                          const QuantisedGallery& gallery, Span<const float> cut,
                          std::vector<std::int32_t>& products, std::vector<RowPair>& found) {
  pairs_that_may_reach(probes, begin, end, gallery, 0, gallery.rows, cut, products, found);
}

void pairs_that_may_reach(const QuantisedProbes& probes, std::size_t begin, std::size_t end,
                          const QuantisedGallery& gallery, std::size_t first_row, std::size_t last_row,
                          Span<const float> cut, std::vector<std::int32_t>& products,
                          std::vector<RowPair>& found) {
  AFACE_CHECK(first_row % kGalleryStep == 0 && last_row <= gallery.rows, "gallery rows {} ... {} of {}", first_row,
              last_row, gallery.rows);
  AFACE_CHECK(probes.dim == gallery.dim, "products of rows of {} and {} values", probes.dim, gallery.dim);
  if (begin == end) return;
  const EightBitKernel kernel = eight_bit_kernel();
  const std::size_t columns = kernel.columns;
  products.resize((end - begin) * columns);
  for (std::size_t first = first_row; first < last_row; first += columns) {
    kernel.products(probes.values.data() + begin * probes.stride, end - begin,
                    gallery.values.data() + first * gallery.stride, columns, probes.stride, products.data());
    for (std::size_t i = begin; i < end; ++i) {
      // Everything divided by the probe's scale, so that the loop has two multiplications a pair.
      const float scale = probes.scale[i] > 0 ? probes.scale[i] : 1.0F;
      const float slope = (1 + probes.error[i]) / scale;
      const float bound = (cut[i] - probes.error[i] - kRounding) / scale;
      const std::int32_t* row = products.data() + (i - begin) * columns;
      for (std::size_t group = first; group < std::min(last_row, first + columns); group += kGroup) {
        const std::size_t last = std::min(last_row, group + kGroup);
        if (last - group == kGroup &&
            !any_reaches(row + (group - first), gallery.offset.data() + group, gallery.scale.data() + group,
                         gallery.error.data() + group, slope, bound)) {
          continue;
        }
        for (std::size_t j = group; j < last; ++j) {
          const float product = static_cast<float>(row[j - first] - gallery.offset[j]) * gallery.scale[j];
          const float most = product + slope * gallery.error[j];
          if (most >= bound) {
            found.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j),
                             most * scale + (probes.error[i] + kRounding)});
          }
        }
      }
    }
  }
}

}  // namespace aface
