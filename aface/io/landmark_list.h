#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// Five face points of one photo, in pixels: x1, y1, ..., x5, y5 in the order of image/landmarks.h.
struct LandmarkRow {
  std::string path;  // relative to the image root, shortest spelling
  std::array<double, 10> points{};
  std::int64_t line = 0;  // in the list file, counted from 1
};

// Lines "path<TAB>x1<TAB>y1 ... x5<TAB>y5", in file order; blank lines are passed over. Throws Error{kIo}, or
// Error{kFormat} naming file and line: another count than five points, text or a non-finite value where a
// number is due, an absolute path or one that leaves the root, a path listed twice, a list without rows.
std::vector<LandmarkRow> read_landmark_list(const std::string& path);

}  // namespace aface
