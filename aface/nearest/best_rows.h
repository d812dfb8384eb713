#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "aface/kernel/top_k.h"

namespace aface {

// What may be among the best rows for one query, of rows that come by in any order; which those are does not depend on
// the order.
class BestRows {
 public:
  // `count` > 0: how many are wanted, the same in every call.
  void add(const float* scores, const std::int32_t* ids, std::size_t rows, std::size_t count);
  // The best `count`, or all, by ranks_before().
  std::vector<ScoredId> ranked(std::size_t count);

 private:
  void shrink(std::size_t count);
  void keep_reaching(std::size_t first);

  float floor_ = -std::numeric_limits<float>::infinity();  // nothing under this can be among the best
  std::vector<float> scores_;
  std::vector<std::int32_t> ids_;
};

}  // namespace aface
