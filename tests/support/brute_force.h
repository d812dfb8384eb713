#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/random.h"
#include "aface/core/span.h"
#include "aface/kernel/top_k.h"

namespace aface {

// The reference: every product in double, everything sorted.
inline std::vector<ScoredId> brute_force_neighbours(RowMatrix rows, const float* query, std::size_t count) {
  std::vector<ScoredId> all;
  for (std::size_t i = 0; i < rows.rows; ++i) {
    double product = 0;
    for (std::size_t d = 0; d < rows.dim; ++d) product += double(rows.row(i)[d]) * double(query[d]);
    all.push_back({static_cast<float>(product), static_cast<std::int32_t>(i)});
  }
  std::sort(all.begin(), all.end(), ranks_before);
  all.resize(std::min(count, all.size()));
  return all;
}

// Unit rows around `clusters` random directions; `spread` 0 puts all rows of a cluster on one point.
inline std::vector<float> clustered_unit_rows(std::size_t rows, std::size_t dim, std::size_t clusters, double spread,
                                              std::uint64_t seed) {
  Random random(seed);
  std::vector<float> centres(clusters * dim);
  for (float& value : centres) value = static_cast<float>(random.normal());
  std::vector<float> values(rows * dim);
  for (std::size_t i = 0; i < rows; ++i) {
    const auto cluster = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(clusters)));
    double squares = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      const double value = centres[cluster * dim + d] + spread * random.normal();
      values[i * dim + d] = static_cast<float>(value);
      squares += value * value;
    }
    for (std::size_t d = 0; d < dim; ++d) values[i * dim + d] /= static_cast<float>(std::sqrt(squares));
  }
  return values;
}

}  // namespace aface
