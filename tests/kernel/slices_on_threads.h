#pragma once

#include "aface/core/parallel.h"
#include "aface/kernel/row_slices.h"

namespace aface::test {

inline ForEachSlice on_threads(int threads) {
  return [threads](std::int64_t slices, const std::function<void(std::int64_t)>& work) {
    parallel_for(slices, 1, threads, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t slice = begin; slice < end; ++slice) work(slice);
    });
  };
}

}  // namespace aface::test
