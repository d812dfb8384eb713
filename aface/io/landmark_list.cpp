#include "aface/io/landmark_list.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <unordered_map>

#include "aface/core/file.h"
#include "aface/io/relative_path.h"
#include "aface/io/tab_rows.h"

namespace aface {
namespace {

std::array<double, 10> parse_points(const std::string& path, const TabRow& row) {
  std::array<double, 10> points{};
  if (row.fields.size() != points.size() + 1) {
    throw row_error(path, row.line,
                    fmt::format("expected a path and 5 points (10 numbers, tab-separated), got {} number(s)",
                                row.fields.size() - 1));
  }
  for (std::size_t i = 0; i < points.size(); ++i) {
    std::string_view field = row.fields[i + 1];
    while (!field.empty() && field.front() == ' ') field.remove_prefix(1);
    while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
    const auto [end, code] = std::from_chars(field.data(), field.data() + field.size(), points[i]);
    if (code != std::errc() || end != field.data() + field.size() || !std::isfinite(points[i])) {
      throw row_error(path, row.line,
                      fmt::format("{}{} is '{}' (expected a finite number of pixels)", i % 2 == 0 ? "x" : "y",
                                  i / 2 + 1, row.fields[i + 1]));
    }
  }
  return points;
}

}  // namespace

std::vector<LandmarkRow> read_landmark_list(const std::string& path) {
  const std::string text = read_text_file(path);
  std::vector<LandmarkRow> rows;
  std::unordered_map<std::string, std::int64_t> line_of;
  for_each_tab_row(text, [&](const TabRow& row) {
    LandmarkRow parsed;
    parsed.points = parse_points(path, row);
    parsed.path = normal_relative_path(row.fields[0]);
    if (parsed.path.empty()) {
      throw row_error(path, row.line,
                      fmt::format("path '{}' does not lie below the image root; give it relative to the root",
                                  row.fields[0]));
    }
    parsed.line = row.line;
    const auto [first, is_new] = line_of.emplace(parsed.path, row.line);
    if (!is_new) {
      throw row_error(
          path, row.line,
          fmt::format("'{}' is listed twice (first on line {}); keep one", parsed.path, first->second));
    }
    rows.push_back(std::move(parsed));
  });
  if (rows.empty()) {
    throw Error(ErrorKind::kFormat,
                path + ": the list is empty (expected lines path<TAB>x1<TAB>y1 ... x5<TAB>y5)");
  }
  return rows;
}

}  // namespace aface
