#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// 1 / length of a row; 0 when the length is 0 or not finite. Squares that overflow float32 are summed in double.
float inverse_length(const float* row, std::size_t dim);

// A batch of embeddings, scaled to length 1, with the row of each sample's own prototype.
struct UnitBatch {
  std::size_t size = 0, dim = 0;
  std::vector<float> units;            // [size, dim]
  std::vector<float> inverse_lengths;  // [size]
  std::vector<std::int32_t> targets;   // [size]; -1: another rank has the own prototype
  std::vector<float> own_cosines;      // [size]; 0 where another rank has the own prototype

  RowMatrix rows() const { return {units.data(), size, dim}; }
};

// `targets` are rows of `prototypes`, or -1 where `some_elsewhere`. Throws Error{kNumeric} when an embedding or an own prototype is not finite or has
// length 0 (an UnusableRow), Error{kInternal} when sizes do not fit or a target is out of range.
UnitBatch make_unit_batch(RowMatrix embeddings, RowMatrix prototypes, Span<const std::int64_t> targets,
                          bool some_elsewhere = false);

}  // namespace aface
