#include "aface/eval/pair_weights.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "aface/core/error.h"

namespace aface {

std::vector<std::uint32_t> weight_table(Span<const std::uint16_t> drawn) {
  std::vector<std::uint32_t> table(drawn.begin(), drawn.end());
  table.push_back(1);
  return table;
}

PairWeights::PairWeights(const std::vector<PairPeople>& pairs, std::int64_t people) {
  const auto one = static_cast<std::uint32_t>(people);  // where the table has its 1
  const auto place = [&](std::uint32_t person) {
    if (person != kNotDrawn && person >= people) {
      throw Error(ErrorKind::kData, fmt::format("pairs: person {} (expected 0 to {})", person, people - 1));
    }
    return person == kNotDrawn ? one : person;
  };
  entries_.reserve(pairs.size());
  for (const PairPeople& pair : pairs) {
    PairPeople entry = {place(pair.a), place(pair.b)};
    if (entry.a == entry.b) entry.b = one;
    if (entry.b < entry.a) std::swap(entry.a, entry.b);
    entries_.push_back(entry);
  }

  std::vector<PairPeople> sorted = entries_;
  std::sort(sorted.begin(), sorted.end(), [](const PairPeople& left, const PairPeople& right) {
    return std::tie(left.a, left.b) < std::tie(right.a, right.b);
  });
  for (const PairPeople& entry : sorted) {
    if (groups_.empty() || groups_.back().entries.a != entry.a || groups_.back().entries.b != entry.b) {
      groups_.push_back({entry, 0});
    }
    ++groups_.back().pairs;
  }
}

std::uint64_t PairWeights::sum(std::size_t begin, std::size_t end,
                               const std::vector<std::uint32_t>& table) const {
  std::uint64_t sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += weight(i, table);
  return sum;
}

std::uint64_t PairWeights::total(const std::vector<std::uint32_t>& table) const {
  std::uint64_t sum = 0;
  for (const Group& group : groups_) {
    sum += group.pairs * (std::uint64_t{table[group.entries.a]} * table[group.entries.b]);
  }
  return sum;
}

}  // namespace aface
