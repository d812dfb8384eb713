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

// Verification pairs with their folds. The order is that of the file, but for read_two_line_pairs().
struct PairList {
  std::vector<std::string> paths;  // every image once, in order of first use
  std::vector<Pair> pairs;
  std::int64_t folds = 10;  // contiguous, equal slices of `pairs`
  // [paths], or empty when all differ: two images of one number are the same photo, byte by byte. Sets that
  // hold pictures instead of names hold one for every use.
  std::vector<std::int64_t> photos;
};

// The largest number from 10 down to 2 of contiguous equal slices that all hold both kinds of pairs; 0: none.
std::int64_t largest_fold_count(const std::vector<Pair>& pairs);

// LFW's form: first line "folds<TAB>n" ("n" alone, as in LFW's development lists, means one fold), then per
// fold n lines "name<TAB>i<TAB>j" (same person) and n lines "name1<TAB>i<TAB>name2<TAB>j"; image i of a
// person is "name/name_%04d.<ext>". The extension is ".jpg" unless `extension` says otherwise. Throws
// Error{kIo}, or Error{kFormat} naming the line.
PairList read_lfw_pairs(const std::string& path, const std::string& extension = ".jpg");

// RFW's form: the same lines without the first, in any order. Folds as for read_path_pairs(). Same errors.
PairList read_headerless_pairs(const std::string& path, const std::string& extension = ".jpg");

// The form of CALFW and CPLFW: two lines "file label" for each pair. The label is 0 for two persons and
// another whole number for one (CPLFW writes 1); the two lines of a pair must agree on that. These lists hold
// all pairs of one person before those of two, so folds are put together from the k-th slice of each kind, in
// file order, the way FaceX-Zoo's pairs_parser.py does (10 folds of 300 + 300): the largest number from 10
// down to 2 that divides both. Same errors, and Error{kFormat} when no number of folds fits.
PairList read_two_line_pairs(const std::string& path);

// Free form: lines "path1 path2 1" (same person) or "path1 path2 0", separated by tabs, or by spaces when the
// line has no tab. Folds: the largest number from 10 down to 2 of equal slices that hold both kinds. Throws
// Error{kIo}, or Error{kFormat} naming the line, or when no number of folds fits.
PairList read_path_pairs(const std::string& path);

// Tells the forms apart. By the first line: nothing but whole numbers is LFW's header, two fields are CALFW's
// and CPLFW's form. By all: a line of four fields is RFW's form; else it is the free form.
PairList read_pairs(const std::string& path, const std::string& extension = ".jpg");

}  // namespace aface
