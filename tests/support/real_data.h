#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace aface::test {

// Real data that the project does not ship: the folder named by AFACE_REAL_DATA, by default ../shared/data
// beside the checkout. Empty when it lacks `entry`; the test then says so and is skipped.
inline std::string real_data(const std::string& entry) {
  const char* named = std::getenv("AFACE_REAL_DATA");
  const std::string root = named != nullptr ? named : AFACE_SOURCE_DIR "/../shared/data";
  const std::string path = root + "/" + entry;
  return std::filesystem::exists(path) ? path : "";
}

}  // namespace aface::test

#define AFACE_SKIP_WITHOUT(path, entry) \
  if ((path).empty()) GTEST_SKIP() << "needs " << (entry) << " of a real data folder (AFACE_REAL_DATA)"
