#pragma once

#include <cmath>
#include <cstdint>
#include <utility>

namespace aface::synth {

// How many pairs n things make.
inline std::int64_t pairs_among(std::int64_t n) { return n * (n - 1) / 2; }

// The pair (i, j), i < j, with index j (j - 1) / 2 + i: all pairs of 0..n-1 are 0..pairs_among(n)-1.
inline std::pair<std::int64_t, std::int64_t> unordered_pair(std::int64_t index) {
  auto j = static_cast<std::int64_t>((1 + std::sqrt(1 + 8 * static_cast<double>(index))) / 2);
  while (pairs_among(j) > index) --j;  // the square root may be off by one
  while (pairs_among(j + 1) <= index) ++j;
  return {index - pairs_among(j), j};
}

}  // namespace aface::synth
