#include "aface/io/identity_list.h"

#include <fmt/core.h>

#include "aface/core/file.h"
#include "aface/io/relative_path.h"
#include "aface/io/tab_rows.h"

namespace aface {

std::vector<IdentityRow> read_identity_list(const std::string& path) {
  const std::string text = read_text_file(path);
  std::vector<IdentityRow> rows;
  for_each_tab_row(text, [&](const TabRow& row) {
    if (row.fields.size() != 2) {
      throw row_error(path, row.line,
                      fmt::format("expected relative/path<TAB>identity, got {} tab-separated field(s)",
                                  row.fields.size()));
    }
    if (row.fields[1].empty())
      throw row_error(path, row.line, "the identity is empty; name it or drop the line");
    IdentityRow parsed;
    parsed.path = normal_relative_path(row.fields[0]);
    if (parsed.path.empty()) {
      throw row_error(path, row.line,
                      fmt::format("path '{}' does not lie below the image root; give it relative to the root",
                                  row.fields[0]));
    }
    parsed.identity = row.fields[1];
    parsed.line = row.line;
    rows.push_back(std::move(parsed));
  });
  if (rows.empty()) {
    throw Error(ErrorKind::kFormat, path + ": the list is empty (expected lines relative/path<TAB>identity)");
  }
  return rows;
}

}  // namespace aface
