#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace aface {

// Scales each of the rows [names.size(), dim] to length 1. Throws as embedding_norms() (eval/scores.h),
// naming a row without direction.
void scale_to_length_one(float* rows, std::size_t dim, const std::vector<std::string>& names);

}  // namespace aface
