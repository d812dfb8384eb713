#include "aface/mining/softmax_mass.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "aface/core/check.h"

namespace aface {

double softmax_mass_caught(RowMatrix cosines, Span<const std::int64_t> active_ids, double logit_scale,
                           Span<const std::int64_t> own_identities) {
  AFACE_CHECK(own_identities.empty() || own_identities.size() == cosines.rows, "{} identities for {} rows",
              own_identities.size(), cosines.rows);
  const auto in_range = [&](std::int64_t id) { return id >= 0 && static_cast<std::size_t>(id) < cosines.dim; };
  std::vector<char> is_active(cosines.dim);
  for (const std::int64_t id : active_ids) {
    AFACE_CHECK(in_range(id), "active identity {} of {}", id, cosines.dim);
    is_active[static_cast<std::size_t>(id)] = 1;
  }
  if (cosines.rows == 0) return 1;

  double sum_of_shares = 0;
  for (std::size_t j = 0; j < cosines.rows; ++j) {
    std::size_t own = cosines.dim;
    if (!own_identities.empty()) {
      AFACE_CHECK(in_range(own_identities[j]), "own identity {} of {}", own_identities[j], cosines.dim);
      own = static_cast<std::size_t>(own_identities[j]);
    }
    const float* row = cosines.row(j);
    double highest = -INFINITY;  // taken off before exp, else large scales overflow
    for (std::size_t c = 0; c < cosines.dim; ++c) {
      if (c != own) highest = std::max<double>(highest, row[c]);
    }
    double all = 0;
    double caught = 0;
    for (std::size_t c = 0; c < cosines.dim; ++c) {
      if (c == own) continue;
      const double mass = std::exp(logit_scale * (row[c] - highest));
      all += mass;
      if (is_active[c] != 0) caught += mass;
    }
    sum_of_shares += all > 0 ? caught / all : 1;
  }
  return sum_of_shares / static_cast<double>(cosines.rows);
}

}  // namespace aface
