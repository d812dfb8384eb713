#include "aface/io/tab_rows.h"

#include <fmt/core.h>

#include <algorithm>

namespace aface {

void for_each_tab_row(std::string_view text, const std::function<void(const TabRow&)>& visit) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());

  TabRow row;
  while (!text.empty()) {
    ++row.line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;

    row.fields.clear();
    for (;;) {
      const std::size_t tab = line.find('\t');
      row.fields.push_back(line.substr(0, tab));
      if (tab == std::string_view::npos) break;
      line.remove_prefix(tab + 1);
    }
    visit(row);
  }
}

Error row_error(const std::string& path, std::int64_t line, const std::string& what) {
  return Error(ErrorKind::kFormat, fmt::format("{}:{}: {}", path, line, what));
}

}  // namespace aface
