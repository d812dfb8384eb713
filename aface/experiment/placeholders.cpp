#include "aface/experiment/placeholders.h"

#include <cctype>

namespace aface {
namespace {

// {name} at `at`, or "" where there is none.
std::string name_at(const std::string& text, std::size_t at) {
  std::size_t end = at + 1;
  while (end < text.size() && is_name_letter(text[end])) ++end;
  return end > at + 1 && end < text.size() && text[end] == '}' ? text.substr(at + 1, end - at - 1) : "";
}

}  // namespace

bool is_name_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string filled(const std::string& text, const std::map<std::string, std::string>& values) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string name = text[i] == '{' ? name_at(text, i) : "";
    const auto value = values.find(name);
    if (name.empty() || value == values.end()) {
      result += text[i];
    } else {
      result += value->second;
      i += name.size() + 1;
    }
  }
  return result;
}

std::string unknown_name(const std::string& text, const std::set<std::string>& known) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') continue;
    const std::string name = name_at(text, i);
    if (!name.empty() && known.count(name) == 0) return name;
  }
  return "";
}

}  // namespace aface
