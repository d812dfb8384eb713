#pragma once

#include <cstddef>
#include <vector>

namespace aface {

// Sums over a batch or over identities that are to have the same bits on any number of ranks are cut into kParts equal parts,
// whoever has them; what the parts give is added pair by pair: (((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7))). A rank of 1, 2, 4
// or 8 has 8, 4, 2 or 1 parts that stand side by side, whose sum is one of the brackets.
constexpr int kParts = 8;

// How many of the parts each of so many ranks has; 0 when they cannot be dealt out evenly.
inline int parts_of_rank(int ranks) { return ranks > 0 && kParts % ranks == 0 ? kParts / ranks : 0; }

// Adds all into the first one, pair by pair: add(to, from). As many as a power of two.
template <class T, class Add>
void add_in_pairs(std::vector<T>& values, const Add& add) {
  for (std::size_t step = 1; step < values.size(); step *= 2) {
    for (std::size_t i = 0; i + step < values.size(); i += 2 * step) add(values[i], values[i + step]);
  }
}

// The same for arrays of one length.
template <class T>
void add_arrays_in_pairs(std::vector<std::vector<T>>& arrays) {
  add_in_pairs(arrays, [](std::vector<T>& to, const std::vector<T>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  });
}

}  // namespace aface
