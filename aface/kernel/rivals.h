#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// The prototypes whose plain cosine beats a sample's own, sample after sample: what the classification layer tells
// about mistakes without a [batch, prototypes] matrix.
struct Rivals {
  std::vector<std::size_t> begins;    // [batch + 1]; those of sample i are [begins[i], begins[i + 1])
  std::vector<std::int32_t> columns;  // row among the active prototypes, ascending within a sample
  std::vector<float> cosines;         // cosine of each

  std::size_t batch() const { return begins.empty() ? 0 : begins.size() - 1; }
};

// From a whole matrix of plain cosines [batch, active]; own_columns [batch].
Rivals rivals_in(RowMatrix cosines, Span<const std::int64_t> own_columns);

// `all` with those of some samples (ascending) replaced: sample samples[k] gets what is k in `theirs`.
Rivals with_replaced(const Rivals& all, const std::vector<std::size_t>& samples, const Rivals& theirs);

}  // namespace aface
