#include "aface/config/option_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "aface/config/closest_name.h"

namespace aface {
namespace {

class Lister {
 public:
  template <class Options>
  void table(const char* name, Options& options) {
    table_ = name;
    describe(*this, options);
  }
  template <class T>
  void field(const char* key, T& value, const FieldInfo& info) {
    options_.push_back({table_, key, info, &value});
  }
  std::vector<Option> take() { return std::move(options_); }

 private:
  std::string table_;
  std::vector<Option> options_;
};

std::string as_toml(bool value) { return value ? "true" : "false"; }
std::string as_toml(std::int64_t value) { return fmt::format("{}", value); }

std::string as_toml(double value) {
  std::string text = fmt::format("{}", value);
  // "32" would read back as a whole number.
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string as_toml(const std::string& value) { return text_as_toml(value); }

template <class T>
std::string as_toml(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + as_toml(value);
  return '[' + text + ']';
}

std::string name_of(const bool*) { return "true or false"; }
std::string name_of(const std::int64_t*) { return "whole number"; }
std::string name_of(const double*) { return "number"; }
std::string name_of(const std::string*) { return "text"; }
template <class T>
std::string name_of(const std::vector<T>*) {
  return "list of " + name_of(static_cast<const T*>(nullptr)) + "s";
}

std::string problem(const FieldInfo&, bool) { return ""; }

// Written so that NaN is a problem too.
template <class Number>
std::string number_problem(const FieldInfo& info, Number value) {
  const auto number = static_cast<double>(value);
  if (std::isfinite(number) && number >= info.min && number <= info.max) return "";
  const std::string allowed = allowed_values(info);
  return fmt::format("must be {}, got {}", allowed.empty() ? "finite" : allowed, value);
}
std::string problem(const FieldInfo& info, std::int64_t value) { return number_problem(info, value); }
std::string problem(const FieldInfo& info, double value) { return number_problem(info, value); }

std::string problem(const FieldInfo& info, const std::string& value) {
  const auto& choices = info.choices;
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return "";
  return fmt::format("must be {}, got {}{}", allowed_values(info), quoted(value),
                     did_you_mean(value, choices));
}

template <class T>
std::string problem(const FieldInfo& info, const std::vector<T>& values) {
  for (const T& value : values) {
    const std::string found = problem(info, value);
    if (!found.empty()) return "every entry " + found;
  }
  return "";
}

}  // namespace

std::vector<Option> list_options(RunConfig& config) {
  Lister lister;
  for_each_table(lister, config);
  return lister.take();
}

std::string type_name(const Option& option) {
  return std::visit([](auto* pointer) { return name_of(pointer); }, option.value);
}

std::string type_with_article(const Option& option) {
  const std::string type = type_name(option);
  const bool countable = type != "text" && type != "true or false";
  return countable ? "a " + type : type;
}

std::string value_as_toml(const Option& option) {
  return std::visit([](const auto* pointer) { return as_toml(*pointer); }, option.value);
}

std::string text_as_toml(const std::string& text) {
  std::string toml = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      toml += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7f) {
      toml += fmt::format("\\u{:04X}", byte);
    } else {
      toml += c;
    }
  }
  return toml + '"';
}

std::string allowed_values(const FieldInfo& info) {
  if (!info.choices.empty()) return fmt::format("one of: {}", fmt::join(info.choices, ", "));
  const bool low = std::isfinite(info.min), high = std::isfinite(info.max);
  if (low && high) return fmt::format("{} to {}", info.min, info.max);
  if (low) return fmt::format("at least {}", info.min);
  if (high) return fmt::format("at most {}", info.max);
  return "";
}

std::string value_problem(const Option& option) {
  return std::visit([&](const auto* pointer) { return problem(option.info, *pointer); }, option.value);
}

std::string quoted(const std::string& text) {
  constexpr std::size_t kLongest = 60;
  std::string clean;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    clean += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return '\'' + clean + (text.size() > kLongest ? "...'" : "'");
}

}  // namespace aface
