#include "aface/io/identity_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "aface/core/file.h"
#include "aface/io/relative_path.h"
#include "aface/io/tab_rows.h"

namespace aface {
namespace {

// The forms of the field, told apart by the first row.
enum class Form {
  kTab,      // path<TAB>identity
  kSpace,    // FaceX-Zoo: path label
  kMagFace,  // path 0 label 0
  kLst,      // im2rec: index<TAB>label<TAB>[more<TAB>]path
  kAligned   // older insightface: aligned<TAB>path<TAB>label[<TAB>more]
};

bool names_a_picture(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string extension(path.substr(dot + 1));
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == "jpg" || extension == "jpeg" || extension == "png";
}

bool is_number(std::string_view text) {
  double number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && std::isfinite(number);
}

// im2rec writes label 12 as 12.000000.
std::string_view without_zero_decimals(std::string_view label) {
  const std::size_t dot = label.find('.');
  if (dot == std::string_view::npos || dot == 0 || !is_number(label)) return label;
  return label.find_first_not_of('0', dot + 1) == std::string_view::npos ? label.substr(0, dot) : label;
}

// Cuts the last word off; "" when there is no other before it.
std::string_view take_last_word(std::string_view& text) {
  const std::size_t blank = text.rfind(' ');
  if (blank == std::string_view::npos) return {};
  const std::string_view word = text.substr(blank + 1);
  text = text.substr(0, text.find_last_not_of(' ', blank) + 1);
  return word;
}

struct PathAndIdentity {
  std::string_view path, identity;
};

PathAndIdentity split_magface(std::string_view text) {
  const std::string_view last = take_last_word(text), identity = take_last_word(text),
                         first = take_last_word(text);
  return last == "0" && first == "0" ? PathAndIdentity{text, identity} : PathAndIdentity{};
}

Form form_of(const std::vector<std::string_view>& fields) {
  if (fields.size() >= 3 && names_a_picture(fields.back()) && is_number(fields[0]) && is_number(fields[1]))
    return Form::kLst;
  if (fields.size() >= 3 && names_a_picture(fields[1]) && is_number(fields[0])) return Form::kAligned;
  if (fields.size() == 1 && fields[0].find(' ') != std::string_view::npos) {
    return split_magface(fields[0]).path.empty() ? Form::kSpace : Form::kMagFace;
  }
  return Form::kTab;
}

// Nothing but the complaint when the row is not of the form.
struct Split {
  PathAndIdentity row;
  std::string complaint;
};

Split split_row(Form form, const std::vector<std::string_view>& fields) {
  const auto columns = [&](const char* expected) {
    return Split{{}, fmt::format("expected {}, got {} tab-separated field(s)", expected, fields.size())};
  };
  switch (form) {
    case Form::kTab:
      if (fields.size() != 2) return columns("relative/path<TAB>identity");
      return {{fields[0], fields[1]}, ""};
    case Form::kLst:
      if (fields.size() < 3) return columns("index<TAB>label<TAB>path as in the first row");
      return {{fields.back(), without_zero_decimals(fields[1])}, ""};
    case Form::kAligned:
      if (fields.size() < 3) return columns("aligned<TAB>path<TAB>label as in the first row");
      return {{fields[1], without_zero_decimals(fields[2])}, ""};
    case Form::kSpace:
    case Form::kMagFace:
      break;
  }
  if (fields.size() != 1) return columns("words between blanks as in the first row");
  if (form == Form::kMagFace) {
    const PathAndIdentity row = split_magface(fields[0]);
    return {row, row.path.empty() ? "expected 'path 0 label 0' as in the first row" : ""};
  }
  std::string_view path = fields[0];
  const std::string_view identity = take_last_word(path);
  return {{path, identity}, path == fields[0] ? "expected 'path label' as in the first row" : ""};
}

}  // namespace

std::vector<IdentityRow> read_identity_list(const std::string& path) {
  const std::string text = read_text_file(path);
  std::vector<IdentityRow> rows;
  Form form = Form::kTab;
  for_each_tab_row(text, [&](const TabRow& row) {
    if (rows.empty()) form = form_of(row.fields);
    const Split split = split_row(form, row.fields);
    if (!split.complaint.empty()) throw row_error(path, row.line, split.complaint);
    if (split.row.identity.empty())
      throw row_error(path, row.line, "the identity is empty; name it or drop the line");
    IdentityRow parsed;
    parsed.path = normal_relative_path(split.row.path);
    if (parsed.path.empty()) {
      throw row_error(path, row.line,
                      fmt::format("path '{}' does not lie below the image root; give it relative to the root",
                                  split.row.path));
    }
    parsed.identity = split.row.identity;
    parsed.line = row.line;
    rows.push_back(std::move(parsed));
  });
  if (rows.empty()) {
    throw Error(ErrorKind::kFormat, path + ": the list is empty (expected lines relative/path<TAB>identity)");
  }
  return rows;
}

}  // namespace aface
