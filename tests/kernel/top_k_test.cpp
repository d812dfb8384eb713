#include "aface/kernel/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"

namespace aface {
namespace {

std::vector<ScoredId> sorted_best(const std::vector<float>& scores, std::size_t k) {
  std::vector<ScoredId> all;
  for (std::size_t i = 0; i < scores.size(); ++i) all.push_back({scores[i], static_cast<std::int32_t>(i)});
  std::sort(all.begin(), all.end(), ranks_before);
  all.resize(std::min(k, all.size()));
  return all;
}

void expect_same(const std::vector<ScoredId>& found, const std::vector<ScoredId>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].id, expected[i].id) << "place " << i;
    EXPECT_EQ(found[i].score, expected[i].score) << "place " << i;
  }
}

TEST(TopK, EqualsSortingEverythingWithTiesByLowerId) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    std::vector<float> scores(static_cast<std::size_t>(random.below(3000)));
    const std::int64_t levels = 1 + random.below(seed % 2 == 0 ? 40 : 1000000);  // few levels: many ties
    for (float& score : scores) score = static_cast<float>(random.below(levels)) - 20.0F;
    const auto k = static_cast<std::size_t>(1 + random.below(120));
    TopK best(k);
    for (std::size_t at = 0; at < scores.size();) {
      const auto count = std::min(scores.size() - at, static_cast<std::size_t>(1 + random.below(700)));
      best.push(scores.data() + at, count, static_cast<std::int32_t>(at));
      at += count;
    }
    expect_same(best.take(), sorted_best(scores, k));
    best.push(scores.data(), scores.size(), 0);  // usable again after take()
    expect_same(best.take(), sorted_best(scores, k));
  }
}

TEST(TopK, NotANumberIsNeverKept) {
  std::vector<float> scores(200, std::nanf(""));
  scores[70] = -3;
  scores[150] = -2;
  TopK best(5);
  best.push(scores.data(), scores.size(), 0);
  const auto found = best.take();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].id, 150);
  EXPECT_EQ(found[1].id, 70);
}

TEST(TopK, ZeroKeepsNothing) {
  const float score = 1;
  TopK best(0);
  best.push(&score, 1, 0);
  EXPECT_TRUE(best.take().empty());
}

}  // namespace
}  // namespace aface
