#include "aface/kernel/rivals.h"

#include "aface/core/check.h"

namespace aface {

Rivals rivals_in(RowMatrix cosines, Span<const std::int64_t> own_columns) {
  AFACE_CHECK(own_columns.size() == cosines.rows, "{} own columns for {} rows", own_columns.size(), cosines.rows);
  Rivals rivals;
  rivals.begins.reserve(cosines.rows + 1);
  rivals.begins.push_back(0);
  for (std::size_t i = 0; i < cosines.rows; ++i) {
    AFACE_CHECK(own_columns[i] >= 0 && static_cast<std::size_t>(own_columns[i]) < cosines.dim, "own column {} of {}",
                own_columns[i], cosines.dim);
    const float* row = cosines.row(i);
    const float own = row[own_columns[i]];
    for (std::size_t c = 0; c < cosines.dim; ++c) {
      if (row[c] > own) {
        rivals.columns.push_back(static_cast<std::int32_t>(c));
        rivals.cosines.push_back(row[c]);
      }
    }
    rivals.begins.push_back(rivals.columns.size());
  }
  return rivals;
}

namespace {

void append(Rivals& to, const Rivals& from, std::size_t sample) {
  const auto begin = static_cast<std::ptrdiff_t>(from.begins[sample]), end = static_cast<std::ptrdiff_t>(from.begins[sample + 1]);
  to.columns.insert(to.columns.end(), from.columns.begin() + begin, from.columns.begin() + end);
  to.cosines.insert(to.cosines.end(), from.cosines.begin() + begin, from.cosines.begin() + end);
  to.begins.push_back(to.columns.size());
}

}  // namespace

Rivals with_replaced(const Rivals& all, const std::vector<std::size_t>& samples, const Rivals& theirs) {
  Rivals result;
  result.begins.push_back(0);
  std::size_t next = 0;
  for (std::size_t i = 0; i < all.batch(); ++i) {
    if (next < samples.size() && samples[next] == i) {
      append(result, theirs, next++);
    } else {
      append(result, all, i);
    }
  }
  return result;
}

}  // namespace aface
