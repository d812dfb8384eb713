#include "aface/nearest/exact_index.h"

#include <algorithm>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/nearest/exact_scan.h"
#include "aface/nearest/index_rows.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

constexpr std::int64_t kGrain = 256;
constexpr char kKind[] = "exact";

QuantisedGallery codes_of(RowMatrix rows, int threads) {
  QuantisedGallery codes;
  make_room(rows.rows, rows.dim, codes);
  parallel_for(static_cast<std::int64_t>(rows.rows), kGrain, threads, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(end - begin);
    quantise_at({rows.row(first), count, rows.dim}, std::vector<double>(count, 1.0), first, codes);
  });
  return codes;
}

NeighbourLists search_codes(RowMatrix rows, const QuantisedGallery& codes, RowMatrix queries, std::size_t neighbours,
                            int threads) {
  NeighbourLists found = no_neighbours(queries.rows, std::min(neighbours, rows.rows));
  if (found.ids.empty()) return found;
  AFACE_CHECK(queries.dim == rows.dim, "queries of {} values in rows of {}", queries.dim, rows.dim);
  check_unit_rows(queries, {}, "query", threads);
  exact_scan(rows, codes, queries, threads, found);
  return found;
}

}  // namespace

NeighbourLists nearest_rows(RowMatrix rows, RowMatrix queries, std::size_t neighbours, int threads) {
  check_unit_rows(rows, {}, "row", threads);
  return search_codes(rows, codes_of(rows, threads), queries, neighbours, threads);
}

void ExactIndex::build(RowMatrix rows) {
  check_unit_rows(rows, {}, "row", threads_);
  rows_.assign(rows.data, rows.data + rows.rows * rows.dim);
  codes_ = codes_of(rows, threads_);
}

void ExactIndex::update(Span<const std::int32_t> ids, RowMatrix rows) {
  check_update(ids, rows, size(), dim(), threads_);
  const double unit = 1;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<std::size_t>(ids[i]);
    std::copy_n(rows.row(i), rows.dim, rows_.data() + id * rows.dim);
    quantise_at({rows.row(i), 1, rows.dim}, {&unit, 1}, id, codes_);
  }
}

void ExactIndex::save(NamedArrays& state) const {
  put_index_rows(state, kKind, size(), dim(), ArrayBytes::view(rows_.data(), rows_.size() * sizeof(float)));
}

void ExactIndex::restore(const NamedArrays& state) {
  const IndexRows saved = get_index_rows(state, kKind);
  build(saved.view());
}

NeighbourLists ExactIndex::search(RowMatrix queries, std::size_t neighbours) const {
  return search_codes(rows(), codes_, queries, neighbours, threads_);
}

}  // namespace aface
