#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/core/span.h"

namespace aface::bench {

// Unit rows such as the prototypes of a trained face recogniser look like to a search: families of about 20 that are
// easily confused (cosine about 0.5), in groups of about 20 families (0.25), in regions of about 20 groups (0.1), all drawn
// independently, so that sizes vary and ids say nothing. `flat` leaves out groups and regions: then nothing outside its
// family is nearer to a row than chance makes it, which no index can foresee.
inline std::vector<float> prototype_rows(std::size_t rows, std::size_t dim, bool flat, std::uint64_t seed) {
  constexpr std::size_t kBranches = 20;
  const double share[3] = {flat ? 0.5 : 0.25, flat ? 0 : 0.15, flat ? 0 : 0.1};  // family, group, region
  std::size_t nodes[3];
  std::vector<float> centres[3];
  for (std::size_t level = 0, below = rows; level < 3; below = nodes[level++]) {
    nodes[level] = std::max<std::size_t>(1, below / kBranches);
    centres[level].resize(nodes[level] * dim);
    parallel_for(static_cast<std::int64_t>(nodes[level]), 64, 0, [&](std::int64_t begin, std::int64_t end) {
      for (auto node = static_cast<std::size_t>(begin); node < static_cast<std::size_t>(end); ++node) {
        Random random(seed, level + 1, node);
        const double weight = std::sqrt(share[level]);
        for (std::size_t d = 0; d < dim; ++d) centres[level][node * dim + d] = static_cast<float>(weight * random.normal());
      }
    });
  }
  std::vector<float> values(rows * dim);
  parallel_for(static_cast<std::int64_t>(rows), 256, 0, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      float* row = values.data() + i * dim;
      const float* centre[3];
      std::size_t node = i;
      for (std::size_t level = 0; level < 3; ++level) {
        Random parent(seed, level + 10, node);
        node = static_cast<std::size_t>(parent.below(static_cast<std::int64_t>(nodes[level])));
        centre[level] = centres[level].data() + node * dim;
      }
      Random own(seed, 0, i);
      double squares = 0;
      for (std::size_t d = 0; d < dim; ++d) {
        row[d] = centre[0][d] + centre[1][d] + centre[2][d] + static_cast<float>(std::sqrt(0.5) * own.normal());
        squares += static_cast<double>(row[d]) * row[d];
      }
      for (std::size_t d = 0; d < dim; ++d) row[d] = static_cast<float>(row[d] / std::sqrt(squares));
    }
  });
  return values;
}

// A unit row at `cosine` to the unit `row`, in a random direction from it.
inline void unit_row_near(const float* row, std::size_t dim, double cosine, Random& random, float* out) {
  std::vector<double> side(dim);
  double along = 0, squares = 0;
  for (std::size_t d = 0; d < dim; ++d) {
    side[d] = random.normal();
    along += side[d] * row[d];
  }
  for (std::size_t d = 0; d < dim; ++d) {
    side[d] -= along * row[d];
    squares += side[d] * side[d];
  }
  const double sine = std::sqrt(std::max(0.0, 1 - cosine * cosine) / squares);
  for (std::size_t d = 0; d < dim; ++d) out[d] = static_cast<float>(cosine * row[d] + sine * side[d]);
}

}  // namespace aface::bench
