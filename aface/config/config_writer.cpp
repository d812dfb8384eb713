#include "aface/config/config_writer.h"

#include <fmt/core.h>

#include "aface/config/option_list.h"

namespace aface {
namespace {

// '|' ends a cell of a Markdown table, even inside code.
std::string cell(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

std::string comment(const Option& option) {
  const std::string allowed = allowed_values(option.info);
  return fmt::format("# {} ({}{}{})\n", option.info.doc, type_name(option), allowed.empty() ? "" : ", ",
                     allowed);
}

constexpr const char* kReferenceStart =
    R"(# Configuration

<!-- Written by `adaptiveface config --reference`; a test compares the two. -->

A run is described by TOML files and by `--set` on the command line:

    adaptiveface train --config recipe.toml --set optimizer.learning_rate=0.05 --run-dir runs/first

Defaults come first, then the files of `--config` from left to right, then `--set` in order; the last one wins.
Names and types are checked before any data are opened: an unknown name, a wrong type or a value out of range is an
error that names file, line and column. A whole number may stand where a number is wanted, not the other way round.
`adaptiveface config` prints every option with its default; `adaptiveface config --config recipe.toml` prints what a
recipe amounts to. A run directory keeps the resolved options, and a resumed run must agree with them in every option
whose last column says *yes*.
)";

}  // namespace

std::string to_toml(const RunConfig& config, TomlStyle style) {
  RunConfig copy = config;  // listing needs pointers that could be written through
  const bool documented = style == TomlStyle::kDocumented;
  std::string text, table;
  for (const Option& option : list_options(copy)) {
    if (option.table != table) {
      text += fmt::format("{}[{}]\n", table.empty() ? "" : "\n", option.table);
      table = option.table;
    }
    text += fmt::format("{}{} = {}\n", documented ? comment(option) : "", option.key, value_as_toml(option));
  }
  return text;
}

std::string options_reference() {
  RunConfig defaults;
  std::string text = kReferenceStart, table;
  for (const Option& option : list_options(defaults)) {
    if (option.table != table) {
      text += fmt::format(
          "\n## [{}]\n\n| option | type | default | allowed | meaning | decides results "
          "|\n|---|---|---|---|---|---|\n",
          option.table);
      table = option.table;
    }
    text += fmt::format("| `{}` | {} | `{}` | {} | {} | {} |\n", option.key, type_name(option),
                        cell(value_as_toml(option)), cell(allowed_values(option.info)), cell(option.info.doc),
                        option.info.affects_results ? "yes" : "no");
  }
  return text;
}

}  // namespace aface
