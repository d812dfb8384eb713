#pragma once

#include <string>
#include <string_view>

namespace aface {

// Text as it may stand in an element or a quoted attribute of HTML: & < > " ' become entities; bytes that are
// not UTF-8, and control characters other than tab and line end, become U+FFFD, so that any file name can be
// shown.
std::string escape_html(std::string_view text);

// The same, with places to break a long name: behind '/' and '_'.
std::string breakable_html(std::string_view text);

}  // namespace aface
