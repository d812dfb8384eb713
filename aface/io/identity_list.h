#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// One photo and whose it is.
struct IdentityRow {
  std::string path;  // relative to the root of the list, shortest spelling
  std::string identity;
  std::int64_t line = 0;  // in the list file, counted from 1
};

// Lines "relative/path<TAB>identity", or another form of the field, which the first line decides: FaceX-Zoo's
// "path label", MagFace's "path 0 label 0", im2rec's "index<TAB>label<TAB>path" (a whole label's decimals dropped) and
// older insightface's "aligned<TAB>path<TAB>label". In file order; blank lines are passed over. Throws Error{kIo}, or
// Error{kFormat} naming file and line: another number of fields, an empty field, an absolute path or one that
// leaves the root, a list without rows.
std::vector<IdentityRow> read_identity_list(const std::string& path);

}  // namespace aface
