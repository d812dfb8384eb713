#include "aface/io/column_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "aface/core/file.h"
#include "aface/io/tab_rows.h"

namespace aface {
namespace {

template <class Number>
Number number_in(const ColumnList& list, std::size_t row, std::size_t needed) {
  const std::string& field = list.text(row, needed);
  Number value{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size()) {
    throw row_error(list.path, list.lines[row],
                    fmt::format("'{}' (expected a number); write the file again", field));
  }
  return value;
}

}  // namespace

double ColumnList::number(std::size_t row, std::size_t needed) const {
  return number_in<double>(*this, row, needed);
}

std::int64_t ColumnList::integer(std::size_t row, std::size_t needed) const {
  return number_in<std::int64_t>(*this, row, needed);
}

ColumnList read_columns(const std::string& path, const std::vector<std::string>& needed) {
  ColumnList list;
  list.path = path;
  const std::string text = read_text_file(path);
  for_each_tab_row(text, [&](const TabRow& row) {
    const std::vector<std::string> fields(row.fields.begin(), row.fields.end());
    if (list.columns.empty()) {
      list.columns = fields;
      return;
    }
    if (fields.size() != list.columns.size()) {
      throw row_error(path, row.line,
                      fmt::format("{} fields (expected {}, as in the first line); write the file again",
                                  fields.size(), list.columns.size()));
    }
    list.rows.push_back(fields);
    list.lines.push_back(row.line);
  });
  for (const std::string& name : needed) {
    const auto place = std::find(list.columns.begin(), list.columns.end(), name);
    if (place == list.columns.end()) {
      throw row_error(path, 1,
                      fmt::format("no column '{}' (expected the names of columns in the first line)", name));
    }
    list.places.push_back(static_cast<std::size_t>(place - list.columns.begin()));
  }
  return list;
}

}  // namespace aface
