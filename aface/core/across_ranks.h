#pragma once

#include <vector>

#include "aface/core/span.h"

namespace aface {

// What parts of one computation that is spread over several processes ("ranks") have to learn from each
// other. Every rank must make the same calls in the same order, and gets the same bits. Where such a pointer
// may be null, null means that this process works alone.
class AcrossRanks {
 public:
  virtual ~AcrossRanks() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  // Every value becomes the sum (the highest) of its values on all ranks; 2, 4 or 8 ranks add pair by pair (parts.h).
  // `values` is of the same length everywhere.
  virtual void sum(Span<double> values) = 0;
  virtual void highest(Span<double> values) = 0;

  // What every rank gave, by rank; lengths may differ.
  virtual std::vector<std::vector<unsigned char>> gather(Span<const unsigned char> bytes) = 0;
};

}  // namespace aface
