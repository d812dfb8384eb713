#pragma once

#include <string>
#include <vector>

namespace aface {

// A table with one row for each fact and one column for each input; scrolls sideways where it does not fit.
struct Table {
  std::vector<std::string> columns;  // headings, text
  struct Row {
    std::string name;                // text
    std::vector<std::string> cells;  // HTML; "" is shown as an en dash
  };
  std::vector<Row> rows;
};

std::string table_html(const Table& table);  // "" without rows

// Adds the row unless all cells are empty.
void add_row(Table& table, const std::string& name, std::vector<std::string> cells);

}  // namespace aface
