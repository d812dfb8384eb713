#pragma once

#include <vector>

#include "aface/detect/face.h"

namespace aface {

// Shared area over the area of both together, in [0, 1]; 0 for boxes without area.
double intersection_over_union(const Box& a, const Box& b);

// Each face once: by falling score (equal ones in the order given), without those that overlap one already
// taken by more than `most_overlap` (greedy non-maximum suppression).
std::vector<Face> without_repeats(std::vector<Face> faces, double most_overlap);

}  // namespace aface
