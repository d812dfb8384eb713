#include "aface/nearest/unit_row_check.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/inner_products.h"

namespace aface {
namespace {

constexpr std::int64_t kGrain = 256;

bool is_unit(float squares) { return std::fabs(static_cast<double>(squares) - 1) <= 2 * kUnitTolerance; }

}  // namespace

void check_unit_rows(RowMatrix rows, Span<const std::int32_t> ids, const char* what, int threads) {
  const auto count = static_cast<std::int64_t>(rows.rows);
  std::atomic<std::int64_t> first_bad{count};
  parallel_for(count, kGrain, threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float* row = rows.row(static_cast<std::size_t>(i));
      if (is_unit(inner_product(row, row, rows.dim))) continue;
      std::int64_t known = first_bad;
      while (i < known && !first_bad.compare_exchange_weak(known, i)) {
      }
      return;
    }
  });
  if (first_bad == count) return;
  const auto bad = static_cast<std::size_t>(first_bad);
  const std::int32_t id = ids.empty() ? static_cast<std::int32_t>(bad) : ids[bad];
  const double length = std::sqrt(wide_inner_product(rows.row(bad), rows.row(bad), rows.dim));
  if (!(length > 0 && std::isfinite(length))) {
    throw Error(ErrorKind::kNumeric,
                fmt::format("neighbour index: {} {} has no direction (expected length 1, got {}); lower the learning rate "
                            "or look at the input",
                            what, id, length));
  }
  AFACE_CHECK(false, "{} {} has length {} instead of 1", what, id, length);
}

void check_update(Span<const std::int32_t> ids, RowMatrix rows, std::size_t size, std::size_t dim, int threads) {
  AFACE_CHECK(ids.size() == rows.rows, "{} rows for {} ids", rows.rows, ids.size());
  if (ids.empty()) return;
  AFACE_CHECK(rows.dim == dim, "rows of {} values in an index of {}", rows.dim, dim);
  std::vector<std::int32_t> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  AFACE_CHECK(sorted.front() >= 0 && static_cast<std::size_t>(sorted.back()) < size, "ids {} ... {} in an index of {} rows",
              sorted.front(), sorted.back(), size);
  AFACE_CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "an id twice in one update");
  check_unit_rows(rows, ids, "row", threads);
}

}  // namespace aface
