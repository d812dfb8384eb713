#pragma once

#include <cstddef>

namespace aface {

// A score that at least `wanted` and, unless many are equal, at most about half as many again reach: what is under it
// need not be looked at for the best `wanted`. By counting and halving, which costs less than sorting because nothing
// has to be foreseen. 0 < wanted <= count; finite scores.
float score_threshold(const float* scores, std::size_t count, std::size_t wanted);

}  // namespace aface
