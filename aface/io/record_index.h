#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aface {

// Where the record of a key begins.
struct RecordPlace {
  std::uint64_t key = 0;
  std::uint64_t offset = 0;
};

// "a/train.rec" -> "a/train.idx".
std::string record_index_path(const std::string& rec_path);

// Lines "key<TAB>offset" in any order, as the .idx beside a .rec file holds them. Throws Error{kIo}, or
// Error{kFormat} "path@offset: ..." for anything else, a last line without its end (a cut number cannot be
// told from a whole one), or a key that comes twice.
std::vector<RecordPlace> read_record_index(const std::string& path);
std::vector<RecordPlace> parse_record_index(std::string_view text, const std::string& path);

}  // namespace aface
