#pragma once

#include "aface/head/prototypes.h"
#include "aface/mining/unit_rows.h"

namespace aface {

// What a selector reads, over a table that must outlive it.
inline UnitRows unit_rows_of(const Prototypes& prototypes) {
  UnitRows source;
  source.count = prototypes.num_identities();
  source.dim = prototypes.dim();
  source.read_block = [&prototypes](std::int64_t first, std::int64_t count, float* out) {
    prototypes.unit_rows(first, count, out);
  };
  source.read_rows = [&prototypes](Span<const std::int64_t> ids, float* out) { prototypes.unit_rows(ids, out); };
  return source;
}

}  // namespace aface
