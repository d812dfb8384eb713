#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

namespace aface {

template <class Row, int... kRow>
inline __attribute__((always_inline)) void unrolled(const Row& row, std::integer_sequence<int, kRow...>) {
  (row(std::integral_constant<int, kRow>()), ...);
}

// row(0) .. row(count - 1), written out: inside a loop over channels, what belongs to a channel is then
// loaded once for `count` rows.
template <int count, class Row>
inline __attribute__((always_inline)) void for_rows(const Row& row) {
  unrolled(row, std::make_integer_sequence<int, count>());
}

// Calls block(first row, constant of how many) for four rows at a time, and singly at the end.
template <class Block>
inline void in_fours(std::int64_t begin, std::int64_t end, const Block& block) {
  std::int64_t row = begin;
  for (; row + 4 <= end; row += 4) block(row, std::integral_constant<int, 4>());
  for (; row < end; ++row) block(row, std::integral_constant<int, 1>());
}

}  // namespace aface
