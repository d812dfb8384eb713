#include "aface/report/table.h"

#include <algorithm>

#include "aface/report/html.h"

namespace aface {

std::string table_html(const Table& table) {
  if (table.rows.empty()) return "";
  std::string html = "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr><th></th>";
  for (const std::string& column : table.columns)
    html += "<th scope=\"col\">" + breakable_html(column) + "</th>";
  html += "</tr></thead><tbody>\n";
  for (const Table::Row& row : table.rows) {
    html += "<tr><th scope=\"row\">" + breakable_html(row.name) + "</th>";
    for (const std::string& cell : row.cells) html += "<td>" + (cell.empty() ? "–" : cell) + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

void add_row(Table& table, const std::string& name, std::vector<std::string> cells) {
  const bool is_empty =
      std::all_of(cells.begin(), cells.end(), [](const std::string& cell) { return cell.empty(); });
  if (!is_empty) table.rows.push_back({name, std::move(cells)});
}

}  // namespace aface
