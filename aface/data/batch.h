#pragma once

#include <cstdint>
#include <vector>

namespace aface {

// What a step works on, handed over as one object.
struct Batch {
  std::int64_t step = 0;
  int size_px = 0;                       // side of the square chips
  std::vector<std::uint8_t> pixels;      // [batch, size_px, size_px, 3], RGB
  std::vector<std::int64_t> identities;  // [batch], 0 .. num_identities-1
  std::vector<std::int64_t> sample_ids;  // [batch], 0 .. num_samples-1

  std::int64_t count() const { return static_cast<std::int64_t>(sample_ids.size()); }
};

}  // namespace aface
