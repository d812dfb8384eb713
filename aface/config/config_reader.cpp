#include "aface/config/config_reader.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <fstream>
#include <set>

#include "aface/config/closest_name.h"
#include "aface/config/option_list.h"
#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"

namespace aface {
namespace {

constexpr std::streamsize kLargestFile = 1 << 20;  // a thousand times a real one

// Collects what is wrong, so that a reader mends everything at once.
class Problems {
 public:
  void add(const std::string& place, const std::string& what) { lines_.push_back(place + ": " + what); }
  void throw_if_any() const {
    if (!lines_.empty()) throw Error(ErrorKind::kUsage, fmt::format("{}", fmt::join(lines_, "; ")));
  }

 private:
  std::vector<std::string> lines_;
};

std::string at(const std::string& file, const toml::source_region& source) {
  return fmt::format("{}:{}:{}", file, source.begin.line, source.begin.column);
}

std::string found(const toml::node& node) {
  if (const auto* text = node.as_string()) return fmt::format("the text {}", quoted(text->get()));
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* whole = node.as_integer()) return fmt::format("{}", whole->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (node.is_table()) return "a table";
  if (node.is_array()) return "a list";
  return "a date or time";
}

// One overload per type of option: false when the node holds another type.
bool read(const toml::node& node, bool& value) {
  const auto* held = node.as_boolean();
  if (held != nullptr) value = held->get();
  return held != nullptr;
}
bool read(const toml::node& node, std::int64_t& value) {
  const auto* held = node.as_integer();
  if (held != nullptr) value = held->get();
  return held != nullptr;
}
bool read(const toml::node& node, double& value) {
  if (const auto* whole = node.as_integer()) {
    value = static_cast<double>(whole->get());
    return true;
  }
  const auto* held = node.as_floating_point();
  if (held != nullptr) value = held->get();
  return held != nullptr;
}
bool read(const toml::node& node, std::string& value) {
  const auto* held = node.as_string();
  if (held != nullptr) value = held->get();
  return held != nullptr;
}
template <class T>
bool read(const toml::node& node, std::vector<T>& values) {
  const auto* list = node.as_array();
  if (list == nullptr) return false;
  std::vector<T> entries;
  for (const toml::node& item : *list) {
    T entry{};
    if (!read(item, entry)) return false;
    entries.push_back(std::move(entry));
  }
  values = std::move(entries);
  return true;
}

// Stores the node in the option, or says what is wrong with it.
std::string assign(const Option& option, const toml::node& node) {
  const bool right_type = std::visit([&](auto* pointer) { return read(node, *pointer); }, option.value);
  if (!right_type) {
    return fmt::format("{} must be {}, got {}", option.name(), type_with_article(option), found(node));
  }
  const std::string problem = value_problem(option);
  return problem.empty() ? "" : option.name() + " " + problem;
}

std::vector<std::string> table_names(const std::vector<Option>& options) {
  std::vector<std::string> names;
  for (const Option& option : options) {
    if (names.empty() || names.back() != option.table) names.push_back(option.table);
  }
  return names;
}

const Option* find_option(const std::vector<Option>& options, const std::string& table,
                          const std::string& key) {
  for (const Option& option : options) {
    if (option.table == table && option.key == key) return &option;
  }
  return nullptr;
}

// The same key under another table is a likelier slip than a misspelt one.
std::string key_hint(const std::vector<Option>& options, const std::string& table, const std::string& key) {
  std::vector<std::string> elsewhere, near;
  for (const Option& option : options) {
    if (option.key == key) elsewhere.push_back(option.name());
    if (option.table == table) near.push_back(option.key);
  }
  if (!elsewhere.empty()) return fmt::format("; did you mean {}?", fmt::join(elsewhere, " or "));
  const std::string guess = did_you_mean(key, near);
  if (!guess.empty() || near.empty()) return guess;
  return fmt::format("; [{}] has: {}", table, fmt::join(near, ", "));
}

std::string unknown_table(const std::vector<Option>& options, const std::string& name) {
  const auto names = table_names(options);
  const std::string guess = did_you_mean(name, names);
  return fmt::format("unknown table {}{}", quoted(name),
                     guess.empty() ? fmt::format("; there are: {}", fmt::join(names, ", ")) : guess);
}

toml::table parse_toml(const std::string& text, const std::string& place) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: not valid TOML ({})", at(place, error.source()),
                                               one_line(error.description(), 200)));
  }
}

void apply_table(const std::vector<Option>& options, const std::string& table, const toml::table& content,
                 const std::string& place, Problems& problems) {
  for (const auto& [key, node] : content) {
    const std::string name(key.str());
    const Option* option = find_option(options, table, name);
    if (option == nullptr) {
      problems.add(at(place, key.source()), fmt::format("unknown option {} in [{}]{}", quoted(name), table,
                                                        key_hint(options, table, name)));
      continue;
    }
    const std::string problem = assign(*option, node);
    if (!problem.empty()) problems.add(at(place, node.source()), problem);
  }
}

void apply_text(const std::vector<Option>& options, const std::string& text, const std::string& place) {
  const toml::table root = parse_toml(text, place);
  const auto names = table_names(options);
  const std::set<std::string> known(names.begin(), names.end());
  Problems problems;
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    const toml::table* content = node.as_table();
    if (content != nullptr && known.count(name) != 0) {
      apply_table(options, name, *content, place, problems);
    } else if (content != nullptr) {
      problems.add(at(place, key.source()), unknown_table(options, name));
    } else if (known.count(name) != 0) {
      problems.add(at(place, key.source()), fmt::format("[{}] must be a table, got {}", name, found(node)));
    } else {
      problems.add(at(place, key.source()), fmt::format("option {} stands outside a table{}", quoted(name),
                                                        key_hint(options, "", name)));
    }
  }
  problems.throw_if_any();
}

std::string read_small_file(const std::string& path) {
  if (folder_exists(path)) throw Error(ErrorKind::kIo, path + ": is a folder; give a TOML file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::kIo, path + ": cannot open the configuration; check the path");
  std::string text(static_cast<std::size_t>(kLargestFile) + 1, '\0');
  file.read(text.data(), kLargestFile + 1);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) throw Error(ErrorKind::kIo, path + ": cannot read the configuration");
  if (static_cast<std::streamsize>(text.size()) > kLargestFile) {
    throw Error(ErrorKind::kUsage, path + ": larger than 1 MiB; this is not a configuration");
  }
  return text;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Text options take their value as it stands (unless it is quoted), all others as TOML. Returns what is
// wrong.
std::string apply_override(const std::vector<Option>& options, const std::string& override) {
  const auto equals = override.find('=');
  const std::string name = trimmed(override.substr(0, equals));
  const auto dot = name.find('.');
  if (equals == std::string::npos || dot == std::string::npos) {
    return "must have the form table.key=value";
  }
  const std::string table = name.substr(0, dot), key = name.substr(dot + 1);
  const std::string value = trimmed(override.substr(equals + 1));
  const Option* option = find_option(options, table, key);
  if (option == nullptr) {
    const auto names = table_names(options);
    if (std::find(names.begin(), names.end(), table) == names.end()) return unknown_table(options, table);
    return fmt::format("unknown option {} in [{}]{}", quoted(key), table, key_hint(options, table, key));
  }
  const bool bare_text = std::holds_alternative<std::string*>(option->value) &&
                         (value.empty() || (value[0] != '"' && value[0] != '\''));
  try {
    const toml::table parsed = toml::parse("value = " + (bare_text ? text_as_toml(value) : value));
    if (parsed.size() != 1) return fmt::format("{} takes one value", option->name());
    return assign(*option, *parsed.get("value"));
  } catch (const toml::parse_error&) {
    return fmt::format("{} must be {}, got {}", option->name(), type_with_article(*option), quoted(value));
  }
}

}  // namespace

RunConfig load_config(const std::vector<std::string>& files, const std::vector<std::string>& overrides) {
  RunConfig config;
  const std::vector<Option> options = list_options(config);
  for (const std::string& file : files) apply_text(options, read_small_file(file), file);
  Problems problems;
  for (const std::string& override : overrides) {
    const std::string problem = apply_override(options, override);
    if (!problem.empty()) problems.add("--set " + quoted(override), problem);
  }
  problems.throw_if_any();
  return config;
}

RunConfig parse_config(const std::string& text, const std::string& place) {
  RunConfig config;
  apply_text(list_options(config), text, place);
  return config;
}

}  // namespace aface
