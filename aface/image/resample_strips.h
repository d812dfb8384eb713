#pragma once

#include <cstdint>
#include <vector>

#include "aface/image/image.h"
#include "aface/image/resample.h"
#include "aface/image/taps.h"

namespace aface {

// One call of resample().
struct ResampleTask {
  const Image& source;
  const Taps& columns;  // [width]
  const Taps& rows;     // [height]
  Mirror mirror;
  const ColourMap* colour;  // null: none
  int width;
  int height;
  std::uint8_t* out;
};

// Does the task in strips of sixteen columns, whose weights stay in registers from the first line to the
// last. False, with nothing written, where the processor lacks AVX512-VBMI or the source columns of a strip
// do not fit the registers: sources narrower than 22 pixels (86 to shrink to less than half), and shrinking
// to less than a quarter. `sums` is working memory.
bool resample_by_strips(const ResampleTask& task, std::vector<float>& sums);

}  // namespace aface
