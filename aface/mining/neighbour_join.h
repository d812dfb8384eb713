#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "aface/kernel/top_k.h"
#include "aface/mining/prototype_snapshot.h"

namespace aface {

struct JoinOptions {
  std::size_t neighbours = 30;
  std::int64_t exhaustive_below = 50000;  // up to so many rows every pair is compared
  std::int64_t candidates = 32768;        // above: rows that each row is compared with, its own group's at least
  std::uint64_t seed = 1;
  int threads = 1;                        // 0: all cores
};

// The neighbours of every row of a snapshot among the others, by its eight-bit similarities:
// `take(owner, nearest)`, most similar first, without the owner, is called once for every row, by any of the threads, in
// no particular order. Up to exhaustive_below rows nothing is left out. Above, the rows are grouped by the nearest of
// about 2 sqrt(rows) centres (a few rounds of k-means on a sample), and a row is compared with the groups whose centres
// are nearest to it until it has seen `candidates` rows: rows of a group choose much the same groups, so that the work
// is products of blocks. The answer does not depend on the number of threads.
// `stopped()` is asked every few milliseconds; once it says true the call returns early. Memory: the codes once more,
// ordered by group.
void join_neighbours(const PrototypeSnapshot& rows, const JoinOptions& options, const std::function<bool()>& stopped,
                     const std::function<void(std::int64_t owner, const std::vector<ScoredId>& nearest)>& take);

}  // namespace aface
