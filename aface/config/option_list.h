#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "aface/config/run_config.h"
#include "aface/core/field.h"

namespace aface {

using OptionPointer = std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::int64_t>*,
                                   std::vector<double>*, std::vector<std::string>*>;

// One option of a RunConfig: what it is called, what it means, and where its value lives.
struct Option {
  std::string table;
  std::string key;
  FieldInfo info;
  OptionPointer value;  // into the config that was listed, which must outlive this

  std::string name() const { return table + "." + key; }
};

// Every option of `config`, in the order of files. The one place where the describe() functions are read.
std::vector<Option> list_options(RunConfig& config);

// "number", "whole number", "text", "true or false", "list of numbers", ...; the second for use in a
// sentence.
std::string type_name(const Option& option);
std::string type_with_article(const Option& option);

// The value as TOML: true, 12, 0.35, "text", [0.5, 0.9]. Doubles have the shortest form that reads back the
// same.
std::string value_as_toml(const Option& option);

// Text as a TOML string, quotes included.
std::string text_as_toml(const std::string& text);

// "0 to 2", "at least 1", "one of: cpu, cuda", or "" when anything goes.
std::string allowed_values(const FieldInfo& info);

// What is wrong with the current value: "must be at least 0, got -1"; "" when nothing is.
std::string value_problem(const Option& option);

// Text for a message: in single quotes, control characters escaped, cut when long.
std::string quoted(const std::string& text);

}  // namespace aface
