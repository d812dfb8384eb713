#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

struct Pair {
  std::int64_t first = 0;   // index into PairList::paths
  std::int64_t second = 0;
  bool same_identity = false;
};

// Verification pairs with their folds, in file order.
struct PairList {
  std::vector<std::string> paths;  // every image once, in order of first use
  std::vector<Pair> pairs;
  std::int64_t folds = 10;  // contiguous, equal slices of `pairs`
};

// LFW's form: first line "folds<TAB>n", then per fold n lines "name<TAB>i<TAB>j" (same person) and n lines
// "name1<TAB>i<TAB>name2<TAB>j"; image i of a person is "name/name_%04d.<ext>". The extension is ".jpg" unless
// `extension` says otherwise. Throws Error{kIo}, or Error{kFormat} naming the line.
PairList read_lfw_pairs(const std::string& path, const std::string& extension = ".jpg");

}  // namespace aface
