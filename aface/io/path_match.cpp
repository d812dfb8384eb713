#include "aface/io/path_match.h"

#include <fmt/core.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "aface/core/error.h"

namespace aface {
namespace {

std::string_view without_extension(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t slash = path.rfind('/');
  const bool is_in_file_name =
      dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash + 1);
  return is_in_file_name ? path.substr(0, dot) : path;
}

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string_view without_dot_folder(std::string_view path) {
  while (path.substr(0, 2) == "./") path.remove_prefix(2);
  return path;
}

// The number of characters that two extension-free paths share when one is the end of the other by whole
// components; 0 when they do not fit.
std::size_t fit(std::string_view a, std::string_view b) {
  if (a.size() < b.size()) std::swap(a, b);
  if (a.substr(a.size() - b.size()) != b) return 0;
  const bool starts_component = a.size() == b.size() || a[a.size() - b.size() - 1] == '/';
  return starts_component ? b.size() : 0;
}

}  // namespace

std::vector<std::int64_t> match_paths(const std::vector<std::string>& wanted,
                                      const std::vector<std::string>& available, const std::string& place) {
  std::unordered_map<std::string_view, std::vector<std::int64_t>> by_file_name;
  by_file_name.reserve(available.size());
  for (std::size_t i = 0; i < available.size(); ++i) {
    by_file_name[file_name(without_extension(available[i]))].push_back(static_cast<std::int64_t>(i));
  }

  std::vector<std::int64_t> matches;
  matches.reserve(wanted.size());
  std::unordered_map<std::int64_t, std::string_view> taken_by;
  for (const std::string& path : wanted) {
    const std::string_view full = without_dot_folder(path), stem = without_extension(full);
    std::int64_t best = -1, rival = -1;
    std::pair<std::size_t, bool> best_fit{0, false};
    const auto candidates = by_file_name.find(file_name(stem));
    if (candidates != by_file_name.end()) {
      for (const std::int64_t i : candidates->second) {
        const std::string_view other = without_dot_folder(available[static_cast<std::size_t>(i)]);
        const std::string_view other_stem = without_extension(other);
        const std::pair<std::size_t, bool> this_fit{
            fit(stem, other_stem), full.substr(stem.size()) == other.substr(other_stem.size())};
        if (this_fit.first == 0 || this_fit < best_fit) continue;
        rival = this_fit == best_fit ? best : -1;
        best_fit = this_fit;
        best = i;
      }
    }
    if (rival >= 0) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}: '{}' fits both '{}' (number {}) and '{}' (number {}); remove one of them",
                              place, path, available[static_cast<std::size_t>(rival)], rival + 1,
                              available[static_cast<std::size_t>(best)], best + 1));
    }
    if (best >= 0) {
      const std::string_view first = taken_by.try_emplace(best, full).first->second;
      if (first != full) {
        throw Error(
            ErrorKind::kData,
            fmt::format("{}: '{}' (number {}) would stand for both '{}' and '{}'; name it by its whole path",
                        place, available[static_cast<std::size_t>(best)], best + 1, first, full));
      }
    }
    matches.push_back(best);
  }
  return matches;
}

void require_all_matched(const std::vector<std::string>& wanted, const std::vector<std::int64_t>& matches,
                         const std::string& place, const std::string& mend) {
  constexpr std::int64_t kShown = 3;
  const std::int64_t missing = std::count(matches.begin(), matches.end(), -1);
  if (missing == 0) return;
  std::string names;
  std::int64_t shown = 0;
  for (std::size_t i = 0; i < wanted.size() && shown < kShown; ++i) {
    if (matches[i] >= 0) continue;
    names += (shown++ == 0 ? "'" : ", '") + wanted[i] + "'";
  }
  throw Error(ErrorKind::kData, fmt::format("{}: {} of {} images are missing ({}{}); {}", place, missing,
                                            wanted.size(), names, missing > shown ? ", ..." : "", mend));
}

}  // namespace aface
