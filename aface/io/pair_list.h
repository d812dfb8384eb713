#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

struct Pair {
  std::int64_t first = 0;  // index into PairList::paths
  std::int64_t second = 0;
  bool same_identity = false;
};

// Verification pairs with their folds, in file order.
struct PairList {
  std::vector<std::string> paths;  // every image once, in order of first use
  std::vector<Pair> pairs;
  std::int64_t folds = 10;  // contiguous, equal slices of `pairs`
};

// LFW's form: first line "folds<TAB>n" ("n" alone, as in LFW's development lists, means one fold), then per
// fold n lines "name<TAB>i<TAB>j" (same person) and n lines "name1<TAB>i<TAB>name2<TAB>j"; image i of a
// person is "name/name_%04d.<ext>". The extension is ".jpg" unless `extension` says otherwise. Throws
// Error{kIo}, or Error{kFormat} naming the line.
PairList read_lfw_pairs(const std::string& path, const std::string& extension = ".jpg");

// Free form: lines "path1 path2 1" (same person) or "path1 path2 0", separated by tabs, or by spaces when the
// line has no tab. Folds: the largest number from 10 down to 2 of equal slices that hold both kinds. Throws
// Error{kIo}, or Error{kFormat} naming the line, or when no number of folds fits.
PairList read_path_pairs(const std::string& path);

// Tells the two forms apart by the first line: nothing but whole numbers is LFW's header.
PairList read_pairs(const std::string& path, const std::string& extension = ".jpg");

}  // namespace aface
