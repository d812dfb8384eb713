#include "aface/kernel/cosine_cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "aface/core/random.h"

namespace aface {
namespace {

TEST(CosineCache, GivesBackWhatWasPutToHalfAStep) {
  constexpr std::size_t kRows = 5, kColumns = 83, kBlock = 32;  // the last block is short
  Random random(1);
  std::vector<float> cosines(kRows * kColumns);
  for (float& c : cosines) c = static_cast<float>(random.uniform(-1, 1));
  cosines[0] = 1, cosines[1] = -1, cosines[2] = 0;
  CosineCache cache(kRows, kColumns, kBlock);
  for (std::size_t first = 0; first < kColumns; first += kBlock) {
    for (std::size_t i = 0; i < kRows; ++i) cache.put(i, first, std::min(kBlock, kColumns - first), &cosines[i * kColumns + first]);
  }
  for (std::size_t first : {0, 7, 32, 64, 80}) {  // also from the middle of a block
    const std::size_t count = std::min(kColumns, (first / kBlock + 1) * kBlock) - first;
    std::vector<float> back(count);
    for (std::size_t i = 0; i < kRows; ++i) {
      cache.get(i, first, count, back.data());
      for (std::size_t j = 0; j < count; ++j) {
        const float put = cosines[i * kColumns + first + j];
        ASSERT_LE(std::fabs(back[j] - put), 1.2e-7F) << i << " " << first + j;
      }
    }
  }
  std::vector<float> ends(3);
  cache.get(0, 0, 3, ends.data());
  EXPECT_EQ(ends, (std::vector<float>{1, -1, 0}));
  EXPECT_EQ(cache.bytes(), 3 * kRows * kColumns);
}

TEST(CosineCache, MovesRoundingBeyondTheEndsBack) {
  CosineCache cache(1, 2, 2);
  const std::vector<float> beyond = {1.0000005F, -1.0000005F};
  cache.put(0, 0, 2, beyond.data());
  std::vector<float> back(2);
  cache.get(0, 0, 2, back.data());
  EXPECT_EQ(back, (std::vector<float>{1, -1}));
}

}  // namespace
}  // namespace aface
