#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// Rows of a tab-separated file whose first line names the columns.
struct ColumnList {
  std::string path;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // as many fields each as there are columns
  std::vector<std::int64_t> lines;             // of each row in the file, counted from 1
  std::vector<std::size_t> places;             // of each needed column, in the order they were asked for

  // The field of `row` in the needed column `needed`, as a number. Throws Error{kFormat} with file and line.
  double number(std::size_t row, std::size_t needed) const;
  std::int64_t integer(std::size_t row, std::size_t needed) const;
  const std::string& text(std::size_t row, std::size_t needed) const { return rows[row][places[needed]]; }
};

// Throws Error{kIo}, or Error{kFormat} when a column in `needed` is missing or a row has another number of
// fields.
ColumnList read_columns(const std::string& path, const std::vector<std::string>& needed);

}  // namespace aface
