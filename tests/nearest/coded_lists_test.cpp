#include "aface/nearest/coded_lists.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "aface/core/random.h"

namespace aface {
namespace {

constexpr std::size_t kDim = 70;  // not a multiple of the padding

// Code values that only this version of this row has.
std::int8_t value_of(std::int32_t id, int version, std::size_t at) {
  return static_cast<std::int8_t>((id * 7 + version * 13 + static_cast<int>(at)) % 127 - 63);
}

void write(CodedLists& lists, std::int32_t id, int version) {
  std::vector<std::int8_t> values(lists.stride(), 0);
  for (std::size_t d = 0; d < kDim; ++d) values[d] = value_of(id, version, d);
  lists.write(id, values.data(), static_cast<float>(id) + 0.5F, version);
}

TEST(CodedLists, HoldWhatATableOfListsHoldsAfterManyMoves) {
  constexpr std::int32_t kRows = 700;
  constexpr std::size_t kLists = 9;
  CodedLists lists(kLists, kRows, kDim);
  std::map<std::int32_t, std::pair<std::int32_t, int>> truth;  // list and version of each row
  Random random(4);
  for (std::int32_t id = 0; id < kRows; ++id) {
    const auto list = static_cast<std::int32_t>(random.below(3));
    lists.append(id, list);
    write(lists, id, 0);
    truth[id] = {list, 0};
  }
  for (int step = 1; step <= 5000; ++step) {
    const auto id = static_cast<std::int32_t>(random.below(kRows));
    auto& [list, version] = truth[id];
    // Later steps crowd into few lists and empty others.
    const auto to = static_cast<std::int32_t>(random.below(step < 2500 ? kLists : 2));
    if (to != list) {
      lists.move(id, to);
      list = to;
    }
    version = step;
    write(lists, id, step);
  }

  std::map<std::int32_t, std::pair<std::int32_t, int>> found;
  for (std::size_t list = 0; list < kLists; ++list) {
    std::size_t rows = 0;
    for (std::size_t b = 0; b < lists.blocks(list); ++b) {
      const CodedLists::Block block = lists.block(list, b);
      EXPECT_EQ(block.rows.rows, std::min(kScoreRows, lists.size(list) - b * kScoreRows));
      rows += block.rows.rows;
      for (std::size_t i = 0; i < block.rows.rows; ++i) {
        const std::int32_t id = block.ids[i];
        EXPECT_TRUE(found.emplace(id, std::pair(static_cast<std::int32_t>(list), block.rows.offset[i])).second);
        EXPECT_EQ(block.rows.scale[i], static_cast<float>(id) + 0.5F);
        const std::int8_t* values = block.rows.values + i * lists.stride();
        for (std::size_t d = 0; d < kDim; ++d) ASSERT_EQ(values[d], value_of(id, truth[id].second, d));
        for (std::size_t d = kDim; d < lists.stride(); ++d) ASSERT_EQ(values[d], 0);
      }
    }
    EXPECT_EQ(rows, lists.size(list));
  }
  EXPECT_EQ(found, truth);
}

}  // namespace
}  // namespace aface
