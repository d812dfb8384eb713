#pragma once

#include <cstddef>
#include <vector>

namespace aface {

struct ChartPoint {
  double x = 0;
  double y = 0;  // NaN: the line has a gap here
};

// At most about four points for each of `buckets` equal parts of the range of x: the first, the lowest, the
// highest and the last, in their order, so that a thinned line covers the same pixels. A bucket that holds a
// number loses its gaps. Points must be ordered by x; up to 4 * buckets of them are returned as they are.
std::vector<ChartPoint> thin_line(const std::vector<ChartPoint>& points, std::size_t buckets);

// Of the points in one cell of a grid of `cell` x `cell` only the first, so that a scatter covers the same
// cells with a bounded number of dots.
std::vector<ChartPoint> thin_scatter(const std::vector<ChartPoint>& points, double cell);

}  // namespace aface
