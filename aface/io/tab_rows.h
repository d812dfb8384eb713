#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aface/core/error.h"

namespace aface {

// One line of a tab-separated list.
struct TabRow {
  std::int64_t line = 0;                 // counted from 1
  std::vector<std::string_view> fields;  // views into the text, valid during the visit only
};

// Visits the lines of `text` that are not blank. LF and CRLF ends, and a byte order mark before the first
// line, are taken; fields keep their spaces.
void for_each_tab_row(std::string_view text, const std::function<void(const TabRow& row)>& visit);

// Error{kFormat} with "path:line: what".
Error row_error(const std::string& path, std::int64_t line, const std::string& what);

}  // namespace aface
