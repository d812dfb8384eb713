#include "aface/config/closest_name.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace aface {
namespace {

constexpr std::size_t kLongestName = 64;  // longer input is no typing slip; keeps the table below small

// Capitals and '-' for '_' are the commonest slips and cost nothing.
std::string normal_form(std::string name) {
  for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

// Optimal string alignment distance.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + change});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

bool begins_with(const std::string& text, const std::string& start) {
  return start.size() >= 3 && text.compare(0, start.size(), start) == 0;
}

}  // namespace

std::string closest_name(const std::string& wrong, const std::vector<std::string>& known) {
  if (wrong.empty() || wrong.size() > kLongestName) return "";
  const std::string asked = normal_form(wrong);
  std::string best;
  std::size_t best_distance = kLongestName;
  for (const std::string& name : known) {
    const std::string candidate = normal_form(name);
    const std::size_t found = distance(asked, candidate);
    const bool near = found <= std::max(asked.size(), candidate.size()) / 3 ||
                      begins_with(candidate, asked) || begins_with(asked, candidate);
    if (near && found < best_distance) {
      best = name;
      best_distance = found;
    }
  }
  return best;
}

std::string did_you_mean(const std::string& wrong, const std::vector<std::string>& known) {
  const std::string name = closest_name(wrong, known);
  return name.empty() ? "" : "; did you mean '" + name + "'?";
}

}  // namespace aface
