#include "aface/nearest/inverted_file.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/nearest/list_scan.h"
#include "aface/nearest/unit_row_check.h"

namespace aface {
namespace {

constexpr std::int64_t kRowBlock = 128;  // rows assigned together
constexpr double kRounding = 1e-5;       // of the few float operations of a similarity

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
    leads_ = {};
    return;
  }
  CentroidOptions training;
  training.count = lists_for(options_.lists, rows.rows);
  training.seed = options_.seed;
  training.threads = options_.threads;
  training.give_up = options_.give_up;
  Centroids centroids = train_centroids(rows, training);

  std::vector<std::int32_t> list_of(rows.rows);
  std::vector<float> leads(rows.rows);
  for_coded_blocks(rows, options_.threads, [&](std::size_t first, const QuantisedGallery& codes) {
    std::vector<std::size_t> all(codes.rows);
    std::iota(all.begin(), all.end(), std::size_t{0});
    std::vector<Assignment> assigned(codes.rows);
    assign(centroids, codes, all, assigned.data());
    for (std::size_t i = 0; i < codes.rows; ++i) {
      list_of[first + i] = assigned[i].list;
      leads[first + i] = assigned[i].lead;
    }
  });
  lists_ = coded_lists_of(rows, training.count, list_of, options_.threads);
  centroids_ = std::move(centroids);
  leads_ = std::move(leads);
  dim_ = rows.dim;
}

void InvertedFile::assign(const Centroids& centroids, const QuantisedGallery& codes, Span<const std::size_t> chosen,
                          Assignment* assigned) const {
  if (chosen.empty()) return;
  QuantisedProbes all, probes;
  probes_of(codes, all);
  gather_probes(all, chosen, probes);
  const std::size_t wanted = std::min<std::size_t>(2, centroids.count());
  std::vector<ScoredId> nearest(chosen.size() * wanted);
  centroids.nearest_of(probes, 0, chosen.size(), wanted, nearest.data());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const ScoredId* best = nearest.data() + i * wanted;
    const float lead = wanted > 1 ? (best[0].score - best[1].score) * probes.scale[i] : std::numeric_limits<float>::infinity();
    assigned[chosen[i]] = {best[0].id, lead};
  }
}

void InvertedFile::update(Span<const std::int32_t> ids, RowMatrix rows) {
  check_update(ids, rows, size(), dim_, options_.threads);
  if (ids.empty()) return;
  constexpr auto kBlock = static_cast<std::size_t>(kRowBlock);
  std::vector<QuantisedGallery> codes((rows.rows + kBlock - 1) / kBlock);
  std::vector<Assignment> assigned(rows.rows);
  const auto write = [&](std::size_t i) {
    const QuantisedGallery& block = codes[i / kBlock];
    const std::size_t at = i % kBlock;
    lists_.write(ids[i], block.values.data() + at * block.stride, block.scale[at], block.offset[at]);
    leads_[static_cast<std::size_t>(ids[i])] = assigned[i].lead;
  };
  const auto stays = [&](std::size_t i) { return lists_.place_of(static_cast<std::size_t>(ids[i])).list == assigned[i].list; };
  parallel_for(static_cast<std::int64_t>(rows.rows), kRowBlock, options_.threads, [&](std::int64_t begin, std::int64_t end) {
    const auto first = static_cast<std::size_t>(begin), count = static_cast<std::size_t>(end - begin);
    QuantisedGallery& block = codes[first / kBlock];
    quantise({rows.row(first), count, rows.dim}, std::vector<double>(count, 1.0), block);
    std::vector<std::size_t> in_doubt;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int32_t id = ids[first + i];
      const GalleryBlock old = lists_.row(id);
      const double way = distance_of_codes(block.values.data() + i * block.stride, block.scale[i], old.values, *old.scale, block.stride);
      const auto lost = static_cast<float>(2 * way * centroids_.longest() + kRounding);
      const float lead = leads_[static_cast<std::size_t>(id)] - lost;
      assigned[first + i] = {lists_.place_of(static_cast<std::size_t>(id)).list, lead};
      if (!(lead > 0)) in_doubt.push_back(i);
    }
    assign(centroids_, block, in_doubt, assigned.data() + first);
    // Nearly all; and writing in place disturbs nobody.
    for (std::size_t i = first; i < first + count; ++i) {
      if (stays(i)) write(i);
    }
  });
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (stays(i)) continue;
    lists_.move(ids[i], assigned[i].list);
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
