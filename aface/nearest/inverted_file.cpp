#include "aface/nearest/inverted_file.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/nearest/list_scan.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

constexpr std::int64_t kRowBlock = 128;  // rows assigned together

std::size_t lists_for(std::int64_t wanted, std::size_t rows) {
  if (wanted > 0) return std::min(static_cast<std::size_t>(wanted), std::max<std::size_t>(1, rows));
  // A query pays for centroids and for the rows of its lists; both grow with the root.
  const double root = 4 * std::sqrt(static_cast<double>(rows));
  std::size_t lists = 1;
  while (2 * lists <= static_cast<std::size_t>(root) && 8 * lists <= rows) lists *= 2;
  return lists;
}

}  // namespace

void InvertedFile::build(const RowBlocks& rows) {
  check_unit_rows(rows, "row", options_.threads);
  if (rows.rows == 0) {
    dim_ = rows.dim;
    centroids_ = {};
    lists_ = {};
    return;
  }
  CentroidOptions training;
  training.count = lists_for(options_.lists, rows.rows);
  training.seed = options_.seed;
  training.threads = options_.threads;
  training.give_up = options_.give_up;
  Centroids centroids = train_centroids(rows, training);

  std::vector<std::int32_t> list_of(rows.rows);
  for_coded_blocks(rows, options_.threads, [&](std::size_t first, const QuantisedGallery& codes) {
    QuantisedProbes probes;
    probes_of(codes, probes);
    std::vector<ScoredId> nearest(codes.rows);
    centroids.nearest_of(probes, 0, codes.rows, 1, nearest.data());
    for (std::size_t i = 0; i < codes.rows; ++i) list_of[first + i] = nearest[i].id;
  });
  lists_ = coded_lists_of(rows, training.count, list_of, options_.threads);
  centroids_ = std::move(centroids);
  dim_ = rows.dim;
}

void InvertedFile::update(Span<const std::int32_t> ids, RowMatrix rows) {
  check_update(ids, rows, size(), dim_, options_.threads);
  if (ids.empty()) return;
  QuantisedGallery codes;
  make_room(rows.rows, rows.dim, codes);
  std::vector<ScoredId> nearest(rows.rows);
  const auto write = [&](std::size_t i) {
    lists_.write(ids[i], codes.values.data() + i * codes.stride, codes.scale[i], codes.offset[i]);
  };
  const auto stays = [&](std::size_t i) { return lists_.place_of(static_cast<std::size_t>(ids[i])).list == nearest[i].id; };
  parallel_for(static_cast<std::int64_t>(rows.rows), kRowBlock, options_.threads, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(end - begin);
    const RowMatrix block{rows.row(first), count, rows.dim};
    const std::vector<double> unit(count, 1.0);
    quantise_at(block, unit, first, codes);
    QuantisedProbes probes;
    quantise(block, unit, probes);
    centroids_.nearest_of(probes, 0, count, 1, nearest.data() + first);
    // Nearly all; and writing in place disturbs nobody.
    for (std::size_t i = first; i < first + count; ++i) {
      if (stays(i)) write(i);
    }
  });
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (stays(i)) continue;
    lists_.move(ids[i], nearest[i].id);
    write(i);
  }
}

NeighbourLists InvertedFile::search(RowMatrix queries, std::size_t neighbours) const {
  NeighbourLists found = no_neighbours(queries.rows, std::min(neighbours, size()));
  if (found.ids.empty()) return found;
  AFACE_CHECK(queries.dim == dim_, "queries of {} values in rows of {}", queries.dim, dim_);
  check_unit_rows(queries, {}, "query", options_.threads);
  scan_lists(centroids_, lists_, queries, static_cast<std::size_t>(std::max<std::int64_t>(1, options_.probes)),
             options_.threads, found);
  return found;
}

}  // namespace aface
