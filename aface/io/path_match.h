#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// Finds each wanted path among `available` ones. The two fit when they are equal, or when one is the end of
// the other by whole components ("Name_0001.jpg", "Name/Name_0001.jpg" and "/chips/Name/Name_0001.jpg" fit
// each other); file extensions are not compared, since aligned copies of .jpg photos are often .png. Of
// several that fit, the one with the most components in common wins, then the one with the same extension.
// Returns an index into `available` for each wanted path, or -1. Throws Error{kData} when two fit equally
// well, or when two different wanted paths would get the same one ("Ada/1.jpg" and "Bo/1.jpg" of "1.jpg").
// `place` is where was looked.
std::vector<std::int64_t> match_paths(const std::vector<std::string>& wanted,
                                      const std::vector<std::string>& available, const std::string& place);

// Throws Error{kData} if any match is -1, with the count, the first few names and `mend`. `place` is where
// was looked.
void require_all_matched(const std::vector<std::string>& wanted, const std::vector<std::int64_t>& matches,
                         const std::string& place, const std::string& mend);

}  // namespace aface
