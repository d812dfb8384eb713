#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/core/span.h"

namespace aface::bench {

// Unit rows such as the prototypes of a trained face recogniser look like to a search: families of 20 that are easily
// confused (cosine about 0.5), in groups of 20 families (0.25), in regions of 20 groups (0.1), in random order. `flat`
// leaves out groups and regions: then nothing outside its family is nearer to a row than chance makes it, which no index
// can foresee.
inline std::vector<float> prototype_rows(std::size_t rows, std::size_t dim, bool flat, std::uint64_t seed) {
  constexpr std::size_t kBranches = 20;
  const double share[3] = {flat ? 0.5 : 0.25, flat ? 0 : 0.15, flat ? 0 : 0.1};  // family, group, region
  const double own = std::sqrt(0.5);
  std::vector<std::size_t> place(rows);
  for (std::size_t i = 0; i < rows; ++i) place[i] = i;
  Random(seed).shuffle(place);
  std::vector<float> values(rows * dim);
  parallel_for(static_cast<std::int64_t>(rows), 256, 0, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sum(dim);
    std::vector<double> centre[3];
    std::size_t known[3] = {};
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      float* row = values.data() + place[i] * dim;
      std::fill(sum.begin(), sum.end(), 0.0);
      std::size_t node = i;
      for (std::size_t level = 0; level < 3; ++level) {
        node /= kBranches;
        if (centre[level].empty() || known[level] != node) {
          Random of_node(seed, level + 1, node);
          centre[level].resize(dim);
          for (double& value : centre[level]) value = of_node.normal();
          known[level] = node;
        }
        const double weight = std::sqrt(share[level]);
        for (std::size_t d = 0; d < dim; ++d) sum[d] += weight * centre[level][d];
      }
      Random of_row(seed, 0, i);
      double squares = 0;
      for (std::size_t d = 0; d < dim; ++d) {
        sum[d] += own * of_row.normal();
        squares += sum[d] * sum[d];
      }
      for (std::size_t d = 0; d < dim; ++d) row[d] = static_cast<float>(sum[d] / std::sqrt(squares));
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
