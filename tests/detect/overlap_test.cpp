#include "aface/detect/overlap.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"

namespace aface {
namespace {

TEST(Overlap, ByHand) {
  EXPECT_DOUBLE_EQ(intersection_over_union({0, 0, 2, 2}, {1, 1, 2, 2}), 1.0 / 7);
  EXPECT_DOUBLE_EQ(intersection_over_union({0, 0, 2, 2}, {0, 0, 2, 2}), 1);
  EXPECT_DOUBLE_EQ(intersection_over_union({0, 0, 2, 2}, {2, 0, 2, 2}), 0);
  EXPECT_DOUBLE_EQ(intersection_over_union({0, 0, 0, 0}, {0, 0, 0, 0}), 0);
}

TEST(WithoutRepeats, KeepsWhatTheDefinitionKeeps) {
  Random random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<Face> faces(30);
    for (Face& face : faces) {
      face.box = {random.uniform(0, 100), random.uniform(0, 100), random.uniform(20, 60),
                  random.uniform(20, 60)};
      face.score = std::floor(random.uniform(1, 20)) / 20;
    }
    const double most = random.uniform(0.1, 0.9);
    const std::vector<Face> kept = without_repeats(faces, most);
    for (std::size_t i = 0; i < kept.size(); ++i) {
      EXPECT_LE(kept[i].score, kept[i == 0 ? 0 : i - 1].score);
      for (std::size_t j = 0; j < i; ++j) EXPECT_LE(intersection_over_union(kept[i].box, kept[j].box), most);
    }
    for (const Face& face : faces) {  // every other one is covered by a surer face that was kept
      const bool is_explained = std::any_of(kept.begin(), kept.end(), [&](const Face& other) {
        return other.score >= face.score && (intersection_over_union(face.box, other.box) > most);
      });
      EXPECT_TRUE(is_explained);
    }
  }
}

}  // namespace
}  // namespace aface
