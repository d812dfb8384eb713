#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aface/core/error.h"
#include "aface/experiment/placeholders.h"

namespace aface {

// What a run fills in itself, later.
inline const std::set<std::string> kFilledByTheRun = {"grid", "out", "run", "seed", "variant"};

// One table of the file. Every complaint names file and line; what nobody asked for is a complaint too.
class TomlTable {
 public:
  TomlTable(const toml::table& table, const std::string& file, const std::map<std::string, std::string>& values)
      : table_(table), file_(file), values_(values) {}

  // std::set<std::string> that the run will know besides.
  void allow(const std::set<std::string>& names) { allowed_.insert(names.begin(), names.end()); }

  [[noreturn]] void fail(const toml::node* at, const std::string& what) const {
    const toml::source_region& source = at == nullptr ? table_.source() : at->source();
    throw Error(ErrorKind::kUsage, fmt::format("{}:{}: {}", file_, source.begin.line, what));
  }

  const toml::node* find(const char* key) {
    asked_.insert(key);
    return table_.get(key);
  }

  std::string text(const char* key, const char* otherwise = nullptr) {
    const toml::node* node = find(key);
    if (node == nullptr && otherwise != nullptr) return otherwise;
    if (node == nullptr) fail(nullptr, fmt::format("'{}' is missing", key));
    return text_of(*node, key);
  }

  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> result;
    for_each_in(key, "texts", [&](const toml::node& node) { result.push_back(text_of(node, key)); });
    return result;
  }

  std::vector<std::int64_t> whole_numbers(const char* key) {
    std::vector<std::int64_t> result;
    for_each_in(key, "whole numbers", [&](const toml::node& node) {
      if (!node.is_integer() || node.as_integer()->get() < 0)
        fail(&node, fmt::format("'{}' wants whole numbers from 0", key));
      result.push_back(node.as_integer()->get());
    });
    return result;
  }

  double number(const char* key, double otherwise) {
    const toml::node* node = find(key);
    if (node == nullptr) return otherwise;
    if (!node->is_number()) fail(node, fmt::format("'{}' wants a number", key));
    return *node->value<double>();
  }

  bool truth(const char* key) {
    const toml::node* node = find(key);
    if (node == nullptr) return false;
    if (!node->is_boolean()) fail(node, fmt::format("'{}' wants true or false", key));
    return node->as_boolean()->get();
  }

  // Calls visit(TomlTable) for each [[key]].
  template <class Visit>
  void tables(const char* key, const Visit& visit) {
    for_each_in(key, "tables", [&](const toml::node& node) {
      if (!node.is_table()) fail(&node, fmt::format("[[{}]] wants tables", key));
      TomlTable inner(*node.as_table(), file_, values_);
      inner.allow(allowed_);
      visit(inner);
      inner.refuse_the_rest();
    });
  }

  // key = { name = [values] }: the values as TOML writes them.
  std::vector<std::pair<std::string, std::vector<std::string>>> choices(const char* key) {
    std::vector<std::pair<std::string, std::vector<std::string>>> result;
    const toml::node* node = find(key);
    if (node == nullptr) return result;
    if (!node->is_table()) fail(node, fmt::format("'{}' wants {{ \"option\" = [values] }}", key));
    for (const auto& [option, values] : *node->as_table()) {
      if (!values.is_array() || values.as_array()->empty()) {
        fail(&values, fmt::format("'{}' wants a list of values", std::string(option.str())));
      }
      std::vector<std::string> texts;
      for (const toml::node& value : *values.as_array()) {
        if (value.is_string()) {
          texts.push_back(text_of(value, key));
        } else if (value.is_floating_point()) {
          texts.push_back(fmt::format("{}", value.as_floating_point()->get()));
        } else if (value.is_integer()) {
          texts.push_back(fmt::format("{}", value.as_integer()->get()));
        } else if (value.is_boolean()) {
          texts.push_back(value.as_boolean()->get() ? "true" : "false");
        } else {
          fail(&value, fmt::format("'{}' wants texts, numbers or true/false", std::string(option.str())));
        }
      }
      result.emplace_back(std::string(option.str()), std::move(texts));
    }
    return result;
  }

  void refuse_the_rest() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (asked_.count(name) == 0) {
        fail(&node, fmt::format("unknown key '{}'; there are: {}", name, fmt::join(asked_, ", ")));
      }
    }
  }

  // std::set<std::string> that neither the definitions nor the run will fill are refused here, before hours of training.
  std::string text_of(const toml::node& node, const char* key) const {
    if (!node.is_string()) fail(&node, fmt::format("'{}' wants a text", key));
    const std::string text = filled(node.as_string()->get(), values_);
    const std::string unknown = unknown_name(text, allowed_);
    if (!unknown.empty()) fail(&node, fmt::format("nobody says what {{{0}}} is; give --define {0}=...", unknown));
    return text;
  }

 private:
  template <class Visit>
  void for_each_in(const char* key, const char* of, const Visit& visit) {
    const toml::node* node = find(key);
    if (node == nullptr) return;
    if (!node->is_array()) fail(node, fmt::format("'{}' wants a list of {}", key, of));
    for (const toml::node& entry : *node->as_array()) visit(entry);
  }

  const toml::table& table_;
  const std::string& file_;
  const std::map<std::string, std::string>& values_;
  std::set<std::string> asked_;
  std::set<std::string> allowed_ = kFilledByTheRun;
};

}  // namespace aface
