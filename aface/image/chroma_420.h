#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// A decoded JPEG of 4:2:0 before its colours are put together: luma [height, width], and the two colour
// differences
// [(height + 1) / 2, (width + 1) / 2], each plane with a stride of its own. width >= 5, height >= 1. From
// every row's begin on, kPlaneOverread bytes more than the row has must be readable.
struct Planes420 {
  int width = 0;
  int height = 0;
  const std::uint8_t* luma = nullptr;
  const std::uint8_t* blue = nullptr;
  const std::uint8_t* red = nullptr;
  std::int64_t luma_stride = 0;
  std::int64_t chroma_stride = 0;
};
constexpr std::size_t kPlaneOverread = 64;

// Writes the picture, [height, width, 3] RGB, with the very bytes that libjpeg makes of it ("fancy"
// upsampling: 3/4 of the nearest and 1/4 of the next chroma sample along either axis; conversion in 16 binary
// places), in a third of its time. `sums` is working memory.
using JoinPlanes = void (*)(const Planes420& planes, std::vector<std::int16_t>& sums, std::uint8_t* out);

struct JoinKernel {
  const char* name;
  JoinPlanes join;
};

// Those that this was compiled for, the fastest first: avx512 (VBMI), avx2, or none.
Span<const JoinKernel> join_kernels();

}  // namespace aface
