#include "aface/gallery/row_store.h"

#include <algorithm>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/top_k.h"
#include "aface/nearest/exact_scan.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {

void RowStore::append(const float* row) {
  if (segments_.empty() || segments_.back().codes.rows == kSegment) {
    segments_.emplace_back();
    make_room(0, dim_, segments_.back().codes);
  }
  Segment& last = segments_.back();
  last.rows.insert(last.rows.end(), row, row + dim_);
  append_row(row, last.codes);
}

void RowStore::remove(std::size_t i) {
  AFACE_CHECK(i < size(), "row {} of {}", i, size());
  Segment& to = segments_[i / kSegment];
  Segment& from = segments_.back();
  const std::size_t at = i % kSegment, last = from.codes.rows - 1;
  const double unit = 1;
  std::copy_n(from.rows.data() + last * dim_, dim_, to.rows.data() + at * dim_);
  quantise_at({to.rows.data() + at * dim_, 1, dim_}, {&unit, 1}, at, to.codes);
  std::fill_n(from.rows.data() + last * dim_, dim_, 0.0F);
  from.rows.resize(last * dim_);
  remove_row(last, from.codes);
  if (last == 0) segments_.pop_back();
}

NeighbourLists RowStore::search_segment(std::size_t segment, RowMatrix queries, std::size_t count,
                                        int threads) const {
  const Segment& part = segments_[segment];
  NeighbourLists found = no_neighbours(queries.rows, std::min(count, part.codes.rows));
  exact_scan({part.rows.data(), part.codes.rows, dim_}, part.codes, queries, threads, found);
  const auto first = static_cast<std::int32_t>(segment * kSegment);
  for (std::int32_t& id : found.ids) id += first;
  return found;
}

NeighbourLists RowStore::search(RowMatrix queries, std::size_t count, int threads) const {
  NeighbourLists found = no_neighbours(queries.rows, std::min(count, size()));
  if (found.ids.empty()) return found;
  AFACE_CHECK(queries.dim == dim_, "queries of {} values in rows of {}", queries.dim, dim_);
  check_unit_rows(queries, {}, "query", threads);

  // One query among many rows: threads share the segments. Otherwise they share the queries.
  const bool by_segment = segments_.size() > 1 && queries.rows < 64;
  std::vector<NeighbourLists> parts(segments_.size());
  parallel_for(static_cast<std::int64_t>(segments_.size()), 1, by_segment ? threads : 1,
               [&](std::int64_t begin, std::int64_t end) {
                 for (auto s = static_cast<std::size_t>(begin); s < static_cast<std::size_t>(end); ++s) {
                   parts[s] = search_segment(s, queries, found.count, by_segment ? 1 : threads);
                 }
               });
  std::vector<ScoredId> best;
  for (std::size_t q = 0; q < queries.rows; ++q) {
    best.clear();
    for (const NeighbourLists& part : parts) {
      for (std::size_t i = 0; i < part.count; ++i)
        best.push_back({part.similarities_of(q)[i], part.ids_of(q)[i]});
    }
    std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(found.count), best.end(),
                      ranks_before);
    for (std::size_t i = 0; i < found.count; ++i) {
      found.ids[q * found.count + i] = best[i].id;
      found.similarities[q * found.count + i] = best[i].score;
    }
  }
  return found;
}

}  // namespace aface
