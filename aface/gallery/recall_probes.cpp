#include "aface/gallery/recall_probes.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/random.h"

namespace aface {
namespace {

using Row = std::vector<double>;

void add(Row& sum, double scale, const float* row) {
  for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += scale * double(row[k]);
}

double product(const Row& a, const Row& b) {
  double sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

// To length 1; a row that is next to nothing becomes zero. Returns the length that it had, or zero.
double normalise(Row& row) {
  constexpr double kNothing = 1e-3;
  const double length = std::sqrt(product(row, row));
  const bool is_nothing = !(length > kNothing);
  for (double& value : row) value = is_nothing ? 0 : value / length;
  return is_nothing ? 0 : length;
}

class People {
 public:
  People(RowMatrix rows, Span<const std::int32_t> person_of_row) : rows_(rows) {
    for (std::size_t i = 0; i < rows.rows; ++i) entries_.emplace_back(person_of_row[i], i);
    std::sort(entries_.begin(), entries_.end());
  }
  // The mean of all rows of a person; people with more rows are drawn more often.
  Row draw_mean(Random& random) const {
    const std::int32_t person =
        entries_[static_cast<std::size_t>(random.below(static_cast<std::int64_t>(entries_.size())))].first;
    const auto first = std::lower_bound(entries_.begin(), entries_.end(), std::pair(person, std::size_t{0}));
    const auto last =
        std::find_if(first, entries_.end(), [&](const auto& entry) { return entry.first != person; });
    Row mean(rows_.dim);
    for (auto entry = first; entry != last; ++entry)
      add(mean, 1 / static_cast<double>(last - first), rows_.row(entry->second));
    return mean;
  }

 private:
  RowMatrix rows_;
  std::vector<std::pair<std::int32_t, std::size_t>> entries_;  // person, row
};

// A mixture of rows without its part along `direction`; of length 1, or zero where all rows are alike.
Row way_off(const Row& direction, RowMatrix rows, Random& random) {
  constexpr int kMixed = 16;
  Row way(rows.dim);
  for (int i = 0; i < kMixed; ++i) {
    const auto other = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(rows.rows)));
    add(way, random.chance(0.5) ? 1 : -1, rows.row(other));
  }
  const double along = product(way, direction);
  for (std::size_t k = 0; k < rows.dim; ++k) way[k] -= along * direction[k];
  normalise(way);
  return way;
}

}  // namespace

std::vector<float> looks_at(RowMatrix rows, Span<const std::int32_t> person_of_row, std::size_t count,
                            double cosine, std::uint64_t seed) {
  AFACE_CHECK(rows.rows > 0 && person_of_row.size() == rows.rows && cosine > 0 && cosine <= 1,
              "{} rows of {} people's, cosine {}", rows.rows, person_of_row.size(), cosine);
  Random random(seed);
  const People people(rows, person_of_row);
  std::vector<float> probes;
  probes.reserve(count * rows.dim);
  for (std::size_t q = 0; q < count; ++q) {
    Row direction = people.draw_mean(random);
    const double length = normalise(direction);  // the mean cosine of a probe in this very direction
    const double part = std::min(1.0, cosine / std::max(length, cosine));
    Row probe = way_off(direction, rows, random);
    for (std::size_t k = 0; k < rows.dim; ++k)
      probe[k] = part * direction[k] + std::sqrt(1 - part * part) * probe[k];
    if (normalise(probe) == 0) add(probe, 1, rows.row(q % rows.rows));  // rows that cancel each other
    probes.insert(probes.end(), probe.begin(), probe.end());
  }
  return probes;
}

}  // namespace aface
