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

}  // namespace aface
