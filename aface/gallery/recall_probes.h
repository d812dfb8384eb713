#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Probes [count, dim] of length 1 as new photos of enrolled people would be. Each is made for the person of a
// row that is drawn at random: its cosines to all rows of that person have this mean (or the largest that
// there is), and the rest of it is mixed from sixteen other rows, so that it has the directions that the
// gallery has. (An enrolled photo would not do for a probe: an index knows its neighbours.) `rows` [rows,
// dim] of length 1, at least one; `person_of_row` [rows]; `cosine` in (0, 1].
std::vector<float> looks_at(RowMatrix rows, Span<const std::int32_t> person_of_row, std::size_t count,
                            double cosine, std::uint64_t seed);

}  // namespace aface
