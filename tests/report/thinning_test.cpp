#include "aface/report/thinning.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"

namespace aface {
namespace {

std::vector<ChartPoint> noise(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<ChartPoint> points;
  for (std::size_t i = 0; i < count; ++i) points.push_back({static_cast<double>(i), random.normal()});
  return points;
}

TEST(ThinLine, ShortLinesStayAsTheyAre) {
  const std::vector<ChartPoint> points = noise(40, 1);
  EXPECT_EQ(thin_line(points, 10).size(), 40u);
  EXPECT_TRUE(thin_line({}, 10).empty());
}

TEST(ThinLine, KeepsFirstLowestHighestAndLastOfEachBucket) {
  // Two buckets of [0, 9]: 0..4 and 5..9.
  const std::vector<ChartPoint> points = {{0, 5}, {1, 9}, {2, 4}, {3, 1}, {4, 6},
                                          {5, 3}, {6, 3}, {7, 8}, {8, 2}, {9, 7}};
  const std::vector<ChartPoint> kept = thin_line(points, 2);
  std::vector<double> x;
  for (const ChartPoint& point : kept) x.push_back(point.x);
  EXPECT_EQ(x, (std::vector<double>{0, 1, 3, 4, 5, 7, 8, 9}));
}

TEST(ThinLine, ASpikeAnywhereSurvivesAndTheEndsStay) {
  for (const std::size_t spike :
       {std::size_t{0}, std::size_t{1}, std::size_t{777}, std::size_t{99998}, std::size_t{99999}}) {
    std::vector<ChartPoint> points = noise(100000, 2);
    points[spike].y = 1000;
    points[(spike + 50000) % points.size()].y = -1000;
    const std::vector<ChartPoint> kept = thin_line(points, 100);
    EXPECT_LE(kept.size(), 400u);
    EXPECT_EQ(kept.front().x, points.front().x);
    EXPECT_EQ(kept.back().x, points.back().x);
    const auto [low, high] =
        std::minmax_element(kept.begin(), kept.end(), [](auto& a, auto& b) { return a.y < b.y; });
    EXPECT_EQ(high->x, static_cast<double>(spike));
    EXPECT_EQ(low->y, -1000);
    EXPECT_TRUE(std::is_sorted(kept.begin(), kept.end(), [](auto& a, auto& b) { return a.x < b.x; }));
  }
}

TEST(ThinLine, OnlyAWholeBucketWithoutNumbersStaysAGap) {
  std::vector<ChartPoint> points = noise(1000, 3);
  for (std::size_t i = 300; i < 500; ++i) points[i].y = NAN;
  points[700].y = NAN;
  const std::vector<ChartPoint> kept = thin_line(points, 10);
  EXPECT_LE(kept.size(), 40u);
  EXPECT_EQ(std::count_if(kept.begin(), kept.end(), [](auto& point) { return std::isnan(point.y); }), 2);
}

TEST(ThinLine, PointsAtOnePlaceAreOneBucket) {
  std::vector<ChartPoint> points = noise(100, 4);
  for (ChartPoint& point : points) point.x = 7;
  EXPECT_LE(thin_line(points, 10).size(), 4u);
}

TEST(ThinScatter, EveryCellWithADotKeepsOne) {
  Random random(5);
  std::vector<ChartPoint> points;
  for (int i = 0; i < 5000; ++i) points.push_back({100 * random.uniform(), 50 * random.uniform()});
  points.push_back({NAN, 1});
  const std::vector<ChartPoint> kept = thin_scatter(points, 2);
  EXPECT_LE(kept.size(), 50u * 25u);
  const auto cell = [](const ChartPoint& point) {
    return std::pair<int, int>(int(point.x / 2), int(point.y / 2));
  };
  for (const ChartPoint& point : points) {
    if (std::isnan(point.x)) continue;
    EXPECT_EQ(
        std::count_if(kept.begin(), kept.end(), [&](auto& other) { return cell(other) == cell(point); }), 1);
  }
}

}  // namespace
}  // namespace aface
