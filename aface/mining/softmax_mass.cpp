#include "aface/mining/softmax_mass.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/check.h"

namespace aface {

double softmax_mass_caught(RowMatrix cosines, Span<const std::int64_t> active_ids, double logit_scale,
                           Span<const std::int64_t> own_identities, AcrossRanks* ranks) {
  AFACE_CHECK(own_identities.empty() || own_identities.size() == cosines.rows, "{} identities for {} rows",
              own_identities.size(), cosines.rows);
  const auto in_range = [&](std::int64_t id) { return id >= 0 && static_cast<std::size_t>(id) < cosines.dim; };
  std::vector<char> is_active(cosines.dim);
  for (const std::int64_t id : active_ids) {
    AFACE_CHECK(in_range(id), "active identity {} of {}", id, cosines.dim);
    is_active[static_cast<std::size_t>(id)] = 1;
  }
  if (cosines.rows == 0) return 1;

  const auto own_of = [&](std::size_t j) {
    if (own_identities.empty() || (ranks != nullptr && own_identities[j] == -1)) return cosines.dim;
    AFACE_CHECK(in_range(own_identities[j]), "own identity {} of {}", own_identities[j], cosines.dim);
    return static_cast<std::size_t>(own_identities[j]);
  };
  std::vector<double> highest(cosines.rows, -INFINITY);  // taken off before exp, else large scales overflow
  for (std::size_t j = 0; j < cosines.rows; ++j) {
    for (std::size_t c = 0; c < cosines.dim; ++c) {
      if (c != own_of(j)) highest[j] = std::max<double>(highest[j], cosines.row(j)[c]);
    }
  }
  if (ranks != nullptr) ranks->highest(highest);
  std::vector<double> masses(2 * cosines.rows);  // of all, of those caught
  for (std::size_t j = 0; j < cosines.rows; ++j) {
    for (std::size_t c = 0; c < cosines.dim; ++c) {
      if (c == own_of(j)) continue;
      const double mass = std::exp(logit_scale * (cosines.row(j)[c] - highest[j]));
      masses[2 * j] += mass;
      if (is_active[c] != 0) masses[2 * j + 1] += mass;
    }
  }
  if (ranks != nullptr) ranks->sum(masses);
  double sum_of_shares = 0;
  for (std::size_t j = 0; j < cosines.rows; ++j) sum_of_shares += masses[2 * j] > 0 ? masses[2 * j + 1] / masses[2 * j] : 1;
  return sum_of_shares / static_cast<double>(cosines.rows);
}

}  // namespace aface
