#pragma once

#include <set>

#include "aface/nearest/neighbour_index.h"

namespace aface {

// The share of the true neighbours that were found.
inline double recall_of(const NeighbourLists& found, const NeighbourLists& truth) {
  std::size_t hits = 0;
  for (std::size_t q = 0; q < truth.queries; ++q) {
    const std::set<std::int32_t> wanted(truth.ids_of(q).begin(), truth.ids_of(q).end());
    for (const std::int32_t id : found.ids_of(q)) hits += wanted.count(id);
  }
  return static_cast<double>(hits) / static_cast<double>(truth.ids.size());
}

}  // namespace aface
