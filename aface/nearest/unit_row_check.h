#pragma once

#include <cstdint>

#include "aface/core/span.h"
#include "aface/nearest/row_blocks.h"

namespace aface {

// Rows may be this much longer or shorter than 1: what float32 makes of scaling a row is far below.
constexpr double kUnitTolerance = 1e-4;

// Throws Error{kNumeric} when a row has no direction: "neighbour index: `what` 17 ...", the first of them whatever the
// number of threads. `ids` names the rows; empty: by their place. Rows of another length are our own fault
// (Error{kInternal}).
void check_unit_rows(RowMatrix rows, Span<const std::int32_t> ids, const char* what, int threads);

void check_unit_rows(const RowBlocks& rows, const char* what, int threads);

// Checks update()'s arguments: one row an id, ids in range and distinct, rows of `dim` values that are unit rows.
void check_update(Span<const std::int32_t> ids, RowMatrix rows, std::size_t size, std::size_t dim, int threads);

}  // namespace aface
