#include "aface/report/thinning.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

namespace aface {
namespace {

// Appends first, lowest, highest and last of points[begin, end).
void keep_extremes(const std::vector<ChartPoint>& points, std::size_t begin, std::size_t end,
                   std::vector<ChartPoint>& kept) {
  const std::size_t none = points.size();
  std::size_t first = none, last = none, lowest = none, highest = none;
  for (std::size_t i = begin; i < end; ++i) {
    if (std::isnan(points[i].y)) continue;
    if (first == none) first = lowest = highest = i;
    if (points[i].y < points[lowest].y) lowest = i;
    if (points[i].y > points[highest].y) highest = i;
    last = i;
  }
  if (first == none) {
    kept.push_back(points[begin]);  // nothing but a gap
    return;
  }
  std::array<std::size_t, 4> order = {first, lowest, highest, last};
  std::sort(order.begin(), order.end());
  const auto distinct = std::unique(order.begin(), order.end());
  for (auto i = order.begin(); i != distinct; ++i) kept.push_back(points[*i]);
}

}  // namespace

std::vector<ChartPoint> thin_line(const std::vector<ChartPoint>& points, std::size_t buckets) {
  if (buckets == 0 || points.size() <= 4 * buckets) return points;
  const double low = points.front().x, width = points.back().x - low;
  const auto bucket_of = [&](const ChartPoint& point) {
    const double share = width > 0 ? (point.x - low) / width : 0;
    return std::min(buckets - 1,
                    static_cast<std::size_t>(std::max(0.0, share * static_cast<double>(buckets))));
  };
  std::vector<ChartPoint> kept;
  for (std::size_t begin = 0; begin < points.size();) {
    std::size_t end = begin + 1;
    while (end < points.size() && bucket_of(points[end]) == bucket_of(points[begin])) ++end;
    keep_extremes(points, begin, end, kept);
    begin = end;
  }
  return kept;
}

std::vector<ChartPoint> thin_scatter(const std::vector<ChartPoint>& points, double cell) {
  std::set<std::pair<std::int64_t, std::int64_t>> taken;
  std::vector<ChartPoint> kept;
  for (const ChartPoint& point : points) {
    if (std::isnan(point.x) || std::isnan(point.y)) continue;
    const auto column = static_cast<std::int64_t>(std::floor(point.x / cell));
    const auto row = static_cast<std::int64_t>(std::floor(point.y / cell));
    if (taken.emplace(column, row).second) kept.push_back(point);
  }
  return kept;
}

}  // namespace aface
