#pragma once

#include <string>
#include <vector>

namespace aface {

// The name that a reader most likely meant, or "" when none is near: at most a third of the longer name's
// letters differ (insertions, deletions, replacements and swaps of neighbours count 1), or one name begins
// with the other.
std::string closest_name(const std::string& wrong, const std::vector<std::string>& known);

// "; did you mean 'closest'?", or "" when nothing is near.
std::string did_you_mean(const std::string& wrong, const std::vector<std::string>& known);

}  // namespace aface
