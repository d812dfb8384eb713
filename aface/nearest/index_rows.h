#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/core/span.h"

namespace aface {

// What every saved index says about itself: metadata "nearest.kind". check_index_kind() throws Error{kData}
// when it is of another kind, Error{kFormat} when it does not say.
void put_index_kind(NamedArrays& state, const std::string& kind);
void check_index_kind(const NamedArrays& state, const std::string& kind);

// The state of an index that is its float32 rows [rows, dim]: array "nearest.rows".
void put_index_rows(NamedArrays& state, const std::string& kind, std::size_t rows, std::size_t dim,
                    ArrayBytes bytes);

struct IndexRows {
  std::vector<float> values;
  std::size_t rows = 0;
  std::size_t dim = 0;

  RowMatrix view() const { return {values.data(), rows, dim}; }
};
IndexRows get_index_rows(const NamedArrays& state, const std::string& kind);

}  // namespace aface
