#pragma once

#include <cstdint>
#include <functional>

namespace aface {

// Runs body(begin, end) over [0, count) in contiguous chunks of at most `grain` items on `threads` threads
// (0 = all cores). Chunks are handed out in order; the first exception is rethrown when all threads are done.
void parallel_for(std::int64_t count, std::int64_t grain, int threads,
                  const std::function<void(std::int64_t begin, std::int64_t end)>& body);

int hardware_threads();

}  // namespace aface
