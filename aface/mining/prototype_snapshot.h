#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/kernel/quantised_rows.h"
#include "aface/mining/unit_rows.h"
#include "aface/nearest/neighbour_descent.h"

namespace aface {

// All prototypes as they are at one moment, in eight bits each value: a quarter of the table's memory, written in one
// pass, so that a search can go on for minutes while training changes the table. A similarity of two rows is off by
// about 0.001 (512 values).
class PrototypeSnapshot {
 public:
  PrototypeSnapshot() = default;
  // `threads` 0: all cores. Throws Error{kNumeric} naming the identity whose prototype is not finite or has length 0.
  PrototypeSnapshot(const UnitRows& prototypes, int threads);

  std::int64_t count() const { return count_; }
  std::int64_t dim() const { return dim_; }
  // Rows of length 1, [count, dim], as the eight bits have them. Threads may read at the same time.
  void read(std::int64_t first, std::int64_t count, float* out) const;
  float similarity(std::int64_t a, std::int64_t b) const;
  // The codes themselves; not to be used when the snapshot is gone.
  CodedRows coded_rows() const;

 private:
  CodedRows::Row code(std::int64_t identity) const;

  std::int64_t count_ = 0;
  std::int64_t dim_ = 0;
  std::vector<QuantisedGallery> blocks_;
};

}  // namespace aface
