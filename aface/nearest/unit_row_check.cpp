#include "aface/nearest/unit_row_check.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/inner_products.h"

namespace aface {
namespace {

constexpr std::int64_t kGrain = 2048;  // less is done before a thread has started

struct BadRow {
  std::int64_t place = -1;  // none
  double length = 0;
};

BadRow first_bad(RowMatrix rows) {
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const float squares = inner_product(rows.row(i), rows.row(i), rows.dim);
    if (std::fabs(static_cast<double>(squares) - 1) <= 2 * kUnitTolerance) continue;
    return {static_cast<std::int64_t>(i), std::sqrt(wide_inner_product(rows.row(i), rows.row(i), rows.dim))};
  }
  return {};
}

[[noreturn]] void refuse(const BadRow& row, std::int64_t id, const char* what) {
  if (!(row.length > 0 && std::isfinite(row.length))) {
    throw Error(ErrorKind::kNumeric,
                fmt::format("neighbour index: {} {} has no direction (expected length 1, got {}); lower the learning rate "
                            "or look at the input",
                            what, id, row.length));
  }
  throw Error(ErrorKind::kInternal, fmt::format("neighbour index: internal error, please report: {} {} has length {} "
                                                "(expected 1)",
                                                what, id, row.length));
}

// `block(first, count, buffer)` gives rows. Blocks are handed out in order, so the one with the first bad row is looked at
// whatever the others find.
template <class Block>
void check(std::size_t rows, Span<const std::int32_t> ids, const char* what, int threads, const Block& block) {
  std::mutex mutex;
  BadRow first;
  parallel_for(static_cast<std::int64_t>(rows), kGrain, threads, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> buffer;
    const BadRow bad = first_bad(block(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin), buffer));
    if (bad.place < 0) return;
    const std::lock_guard<std::mutex> lock(mutex);
    if (first.place < 0 || begin + bad.place < first.place) first = {begin + bad.place, bad.length};
  });
  if (first.place >= 0) refuse(first, ids.empty() ? first.place : ids[static_cast<std::size_t>(first.place)], what);
}

}  // namespace

void check_unit_rows(const RowBlocks& rows, const char* what, int threads) {
  check(rows.rows, {}, what, threads, [&](std::size_t first, std::size_t count, std::vector<float>& buffer) {
    buffer.resize(count * rows.dim);
    rows.read(first, count, buffer.data());
    return RowMatrix{buffer.data(), count, rows.dim};
  });
}

void check_unit_rows(RowMatrix rows, Span<const std::int32_t> ids, const char* what, int threads) {
  check(rows.rows, ids, what, threads, [&](std::size_t first, std::size_t count, std::vector<float>&) {
    return RowMatrix{rows.row(first), count, rows.dim};
  });
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
