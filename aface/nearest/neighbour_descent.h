#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "aface/kernel/quantised_rows.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {

// Unit rows in eight bits, wherever they lie.
struct CodedRows {
  struct Row {
    const std::int8_t* values = nullptr;  // `stride` of them
    float scale = 0;
    std::int32_t offset = 0;  // see QuantisedGallery
  };
  std::size_t rows = 0;
  std::size_t stride = 0;
  std::function<Row(std::int32_t id)> row;
};

// One round of neighbour descent (Dong, Moses and Li, 2011): who is near to a neighbour of mine is probably near to me.
// lists[i], row i's neighbours as far as they are known (itself may be among them), becomes the nearest of those, of the
// rows whose lists i is in (the nearest `count` of them), and of the lists of all of these. From lists that hold a few true
// neighbours each, two or three rounds find nearly all, at the cost of at most 2 count^2 comparisons a row, whatever the
// number of rows. Same result for any number of threads. `give_up`, if any, is
// asked now and then; what it throws ends it.
NeighbourLists descended(const NeighbourLists& lists, const CodedRows& rows, int threads,
                         const std::function<void()>& give_up = {});

}  // namespace aface
