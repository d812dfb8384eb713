#pragma once

#include <cstdint>

#include "aface/core/named_arrays.h"
#include "aface/prototype/lazy_decay.h"

namespace aface {

// The rows of a table that was saved (PrototypeTable::save), one at a time and as they were then, missing
// steps applied, without reading all of them.
class SavedPrototypes {
 public:
  // `state` must outlive this; momentum and weight decay are those of the table. Throws Error{kFormat}.
  SavedPrototypes(const NamedArrays& state, double momentum, double weight_decay);

  std::int64_t rows() const { return decay_.rows(); }
  std::int64_t dim() const { return dim_; }
  void read(std::int64_t row, float* out) const;  // out [dim()]

 private:
  const NamedArrays& state_;
  std::int64_t dim_;
  LazyDecay decay_;
};

}  // namespace aface
