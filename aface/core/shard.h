#pragma once

#include <cstdint>

namespace aface {

// The part of [0, total) that one of several ranks has: a range, as even as can be.
struct Shard {
  std::int64_t first = 0, end = 0;

  std::int64_t count() const { return end - first; }
  bool has(std::int64_t i) const { return i >= first && i < end; }
};

inline Shard shard_of(std::int64_t total, int rank, int size) {
  return {total * rank / size, total * (rank + 1) / size};
}

}  // namespace aface
