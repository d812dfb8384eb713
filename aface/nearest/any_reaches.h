#pragma once

#include <cstddef>

namespace aface {

// Whether one of the scores is at least `floor`; without a way out, so that compilers turn it into vector code.
inline bool any_reaches(const float* scores, std::size_t count, float floor) {
  int reaches = 0;
  for (std::size_t i = 0; i < count; ++i) reaches |= static_cast<int>(scores[i] >= floor);
  return reaches != 0;
}

}  // namespace aface
