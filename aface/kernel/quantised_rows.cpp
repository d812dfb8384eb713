#include "aface/kernel/quantised_rows.h"

#include <dnnl.h>

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"
#include "aface/kernel/one_open_mp_thread.h"

namespace aface {
namespace {

constexpr float kProbeLevels = 63;
constexpr float kGalleryLevels = 127;
constexpr int kProbeShift = 64;
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
  for (std::size_t i = 0; i < dim; ++i) largest = std::max(largest, std::fabs(row[i]));
  if (!(largest > 0 && inverse_norm > 0)) {
    std::fill_n(out, dim, static_cast<Stored>(shift));
    return {};
  }
  const float to_level = levels / largest;
  const float step = largest / levels;
  // |row| <= levels by construction: adding and taking 1.5 * 2^23 rounds to the nearest integer.
  constexpr float kRound = 12582912.0F;
  float squares[8] = {};
  std::int32_t sum = 0;
  const auto code = [&](std::size_t i, float& into) {
    const float q = (row[i] * to_level + kRound) - kRound;
    const float rest = row[i] - q * step;
    into += rest * rest;
    sum += static_cast<std::int32_t>(q);
    out[i] = static_cast<Stored>(static_cast<std::int32_t>(q) + shift);
  };
  std::size_t i = 0;
  for (; i + 8 <= dim; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) code(i + lane, squares[lane]);
  }
  for (; i < dim; ++i) code(i, squares[0]);
  double total = 0;
  for (const float lane : squares) total += lane;

  RowCode result;
  result.scale = static_cast<float>(step * inverse_norm);
  result.error = static_cast<float>(std::sqrt(total) * inverse_norm) * (1 + 1e-5F);
  result.sum = sum;
  return result;
}

template <class Rows>
void resize(Rows& into, RowMatrix rows) {
  into.rows = rows.rows;
  into.dim = rows.dim;
  into.values.resize(rows.rows * rows.dim);
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

void quantise(RowMatrix rows, Span<const double> inverse_norms, QuantisedProbes& into) {
  resize(into, rows);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const RowCode code = quantise_row(rows.row(i), rows.dim, inverse_norms[i], kProbeLevels, kProbeShift,
                                      into.values.data() + i * rows.dim);
    into.scale[i] = code.scale;
    into.error[i] = code.error;
  }
}

void quantise(RowMatrix rows, Span<const double> inverse_norms, QuantisedGallery& into) {
  resize(into, rows);
  into.offset.resize(rows.rows);
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const RowCode code = quantise_row(rows.row(i), rows.dim, inverse_norms[i], kGalleryLevels, 0,
                                      into.values.data() + i * rows.dim);
    into.scale[i] = code.scale;
    into.error[i] = code.error;
    into.offset[i] = kProbeShift * code.sum;
  }
}

void pairs_that_may_reach(const QuantisedProbes& probes, std::size_t begin, std::size_t end,
                          const QuantisedGallery& gallery, Span<const float> cut,
                          std::vector<std::int32_t>& products, std::vector<RowPair>& found) {
  AFACE_CHECK(probes.dim == gallery.dim, "products of rows of {} and {} values", probes.dim, gallery.dim);
  if (begin == end || gallery.rows == 0) return;
  products.resize((end - begin) * gallery.rows);
  {
    const OneOpenMpThread alone;
    const std::int32_t no_offset = 0;
    const auto dim = static_cast<dnnl_dim_t>(probes.dim);
    const auto columns = static_cast<dnnl_dim_t>(gallery.rows);
    const dnnl_status_t status =
        dnnl_gemm_u8s8s32('N', 'T', 'F', static_cast<dnnl_dim_t>(end - begin), columns, dim, 1.0F,
                          probes.values.data() + begin * probes.dim, dim, 0, gallery.values.data(), dim, 0,
                          0.0F, products.data(), columns, &no_offset);
    AFACE_CHECK(status == dnnl_success, "dnnl_gemm_u8s8s32 answered {}", static_cast<int>(status));
  }

  for (std::size_t i = begin; i < end; ++i) {
    const std::int32_t* row = products.data() + (i - begin) * gallery.rows;
    // Everything divided by the probe's scale, so that the loop has one multiplication and one fused one a
    // pair.
    const float scale = probes.scale[i] > 0 ? probes.scale[i] : 1.0F;
    const float slope = (1 + probes.error[i]) / scale;
    const float bound = (cut[i] - probes.error[i] - kRounding) / scale;
    const auto reaches = [&](std::size_t j) {
      return static_cast<float>(row[j] - gallery.offset[j]) * gallery.scale[j] + slope * gallery.error[j] >=
             bound;
    };
    for (std::size_t first = 0; first < gallery.rows; first += kGroup) {
      const std::size_t last = std::min(gallery.rows, first + kGroup);
      if (last - first == kGroup &&
          !any_reaches(row + first, gallery.offset.data() + first, gallery.scale.data() + first,
                       gallery.error.data() + first, slope, bound)) {
        continue;
      }
      for (std::size_t j = first; j < last; ++j) {
        if (reaches(j)) found.push_back({static_cast<std::int32_t>(i), static_cast<std::int32_t>(j)});
      }
    }
  }
}

}  // namespace aface
