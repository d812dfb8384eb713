#include "aface/nearest/exact_index.h"

#include <algorithm>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/top_k.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

// A block of scores (2 MB) stays in the second or third level cache while it is scanned.
constexpr std::size_t kQueryBlock = 256;
constexpr std::size_t kRowBlock = 2048;

void search_block(RowMatrix rows, RowMatrix queries, std::size_t first, std::size_t last, NeighbourLists& lists) {
  const RowMatrix block{queries.row(first), last - first, queries.dim};
  const std::size_t stride = std::min(kRowBlock, rows.rows);
  std::vector<float> scores(block.rows * stride);
  std::vector<TopK> best(block.rows, TopK(lists.count));
  for (std::size_t begin = 0; begin < rows.rows; begin += kRowBlock) {
    const std::size_t count = std::min(kRowBlock, rows.rows - begin);
    inner_products(block, {rows.row(begin), count, rows.dim}, scores.data(), stride);
    for (std::size_t q = 0; q < block.rows; ++q) {
      best[q].push(scores.data() + q * stride, count, static_cast<std::int32_t>(begin));
    }
  }
  for (std::size_t q = 0; q < block.rows; ++q) {
    std::size_t at = (first + q) * lists.count;
    for (const ScoredId& found : best[q].take()) {
      lists.ids[at] = found.id;
      lists.similarities[at++] = found.score;
    }
  }
}

}  // namespace

NeighbourLists nearest_rows(RowMatrix rows, RowMatrix queries, std::size_t neighbours, int threads) {
  AFACE_CHECK(rows.rows == 0 || queries.rows == 0 || rows.dim == queries.dim, "queries of {} values in rows of {}",
              queries.dim, rows.dim);
  NeighbourLists lists = no_neighbours(queries.rows, std::min(neighbours, rows.rows));
  if (lists.count == 0) return lists;
  check_unit_rows(queries, {}, "query", threads);
  parallel_for(static_cast<std::int64_t>(queries.rows), kQueryBlock, threads, [&](std::int64_t first, std::int64_t last) {
    search_block(rows, queries, static_cast<std::size_t>(first), static_cast<std::size_t>(last), lists);
  });
  return lists;
}

void ExactIndex::build(RowMatrix rows) {
  check_unit_rows(rows, {}, "row", threads_);
  size_ = rows.rows;
  dim_ = rows.dim;
  rows_.assign(rows.data, rows.data + rows.rows * rows.dim);
}

void ExactIndex::update(Span<const std::int32_t> ids, RowMatrix rows) {
  check_update(ids, rows, size_, dim_, threads_);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::copy_n(rows.row(i), dim_, rows_.data() + static_cast<std::size_t>(ids[i]) * dim_);
  }
}

NeighbourLists ExactIndex::search(RowMatrix queries, std::size_t neighbours) const {
  return nearest_rows({rows_.data(), size_, dim_}, queries, neighbours, threads_);
}

}  // namespace aface
