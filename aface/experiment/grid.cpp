#include "aface/experiment/grid.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"
#include "aface/experiment/placeholders.h"

namespace aface {
namespace {

using Values = std::map<std::string, std::string>;
using Names = std::set<std::string>;

// What a run fills in itself, later.
const Names kFilledByTheRun = {"grid", "out", "run", "seed", "variant"};

// One table of the file. Every complaint names file and line; what nobody asked for is a complaint too.
class TomlTable {
 public:
  TomlTable(const toml::table& table, const std::string& file, const Values& values)
      : table_(table), file_(file), values_(values) {}

  // Names that the run will know besides.
  void allow(const Names& names) { allowed_.insert(names.begin(), names.end()); }

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

  // Names that neither the definitions nor the run will fill are refused here, before hours of training.
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
  const Values& values_;
  Names asked_;
  Names allowed_ = kFilledByTheRun;
};

toml::table parse(const std::string& path) {
  const std::string text = read_text_file(path);
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(ErrorKind::kUsage, fmt::format("{}:{}: not valid TOML ({})", path, error.source().begin.line,
                                               one_line(error.description(), 200)));
  }
}

Values definitions_of(const toml::table& root, const std::string& path, const Values& given) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  Values values = {{"here", folder.empty() ? "." : folder}};
  if (const toml::node* define = root.get("define")) {
    TomlTable outer(root, path, values);
    if (!define->is_table()) outer.fail(define, "[define] wants a table");
    for (const auto& [key, node] : *define->as_table()) {
      values[std::string(key.str())] = outer.text_of(node, "define");
    }
  }
  for (const auto& [name, value] : given) {
    if (name == "here" || kFilledByTheRun.count(name) != 0) {
      throw Error(ErrorKind::kUsage, fmt::format("--define {}: the program itself says what this is", name));
    }
    values[name] = value;
  }
  return values;
}

std::vector<GridStep> read_steps(TomlTable& root, const char* key) {
  std::vector<GridStep> steps;
  root.tables(key, [&](TomlTable& table) {
    GridStep step{table.text("makes"), table.texts("command")};
    if (step.makes.empty() || step.arguments.empty())
      table.fail(nullptr, "'makes' and 'command' must not be empty");
    steps.push_back(std::move(step));
  });
  return steps;
}

bool is_option(const std::string& name) { return name.find('.') != std::string::npos; }

// One variant for each combination of the choices; the last option varies fastest.
std::vector<GridVariant> combinations(
    const GridVariant& variant,
    const std::vector<std::pair<std::string, std::vector<std::string>>>& choices) {
  std::vector<GridVariant> result = {variant};
  for (const auto& [option, values] : choices) {
    std::vector<GridVariant> longer;
    const std::string key = option.substr(option.rfind('.') + 1);
    for (const GridVariant& start : result) {
      for (const std::string& value : values) {
        GridVariant next = start;
        next.name += fmt::format("-{}={}", key, value);
        next.choices[option] = value;
        if (is_option(option)) {
          next.overrides.push_back(option + "=" + value);
        } else {
          next.values[option] = value;
        }
        longer.push_back(std::move(next));
      }
    }
    result = std::move(longer);
  }
  return result;
}

bool can_name_a_folder(const std::string& name) {
  return !name.empty() && name[0] != '.' && std::all_of(name.begin(), name.end(), [](char c) {
    return is_name_letter(c) || c == '-' || c == '.' || c == '=';
  });
}

// Names that every variant gives a value.
Names names_of_all(const std::vector<GridVariant>& variants) {
  Names names;
  for (const auto& [name, value] : variants[0].values) {
    const bool all =
        std::all_of(variants.begin(), variants.end(),
                    [&, &key = name](const GridVariant& variant) { return variant.values.count(key) != 0; });
    if (all) names.insert(name);
  }
  return names;
}

bool has_choice(const Grid& grid, const std::string& name) {
  return std::any_of(grid.variants.begin(), grid.variants.end(),
                     [&](const GridVariant& variant) { return variant.choices.count(name) != 0; });
}

bool has_figure(const Grid& grid, const std::string& label) {
  return std::any_of(grid.figures.begin(), grid.figures.end(),
                     [&](const GridFigure& figure) { return figure.label == label; });
}

bool has_variant(const Grid& grid, const std::string& name) {
  return std::any_of(grid.variants.begin(), grid.variants.end(),
                     [&](const GridVariant& variant) { return variant.name == name; });
}

void read_variants(TomlTable& root, Grid& grid) {
  root.tables("variant", [&](TomlTable& table) {
    const auto choices = table.choices("over");
    for (const auto& [name, values] : choices) {
      if (!is_option(name)) table.allow({name});
    }
    const GridVariant variant{table.text("name"), table.texts("configs"), table.texts("set"), {}, {}};
    for (GridVariant& next : combinations(variant, choices)) {
      if (!can_name_a_folder(next.name)) {
        table.fail(nullptr, fmt::format("the variant's name '{}' must consist of letters, digits and _ - . =",
                                        next.name));
      }
      if (has_variant(grid, next.name)) table.fail(nullptr, fmt::format("two variants have the name '{}'", next.name));
      grid.variants.push_back(std::move(next));
    }
  });
  if (grid.variants.empty()) root.fail(nullptr, "no [[variant]]: there is nothing to train");
}

void read_figures(TomlTable& root, Grid& grid) {
  root.tables("figure", [&](TomlTable& table) {
    GridFigure figure;
    figure.label = table.text("label");
    figure.file = table.text("file");
    figure.figure = table.text("name", "");
    figure.pointer = table.text("pointer", "");
    figure.unit = table.number("unit", 100);
    figure.digits = static_cast<int>(std::clamp(table.number("digits", 2), 0.0, 12.0));
    if (figure.figure.empty() == figure.pointer.empty()) {
      table.fail(nullptr,
                 "a figure has either a 'name' in an evaluation file or a 'pointer' into a JSON file");
    }
    grid.figures.push_back(std::move(figure));
  });
}

bool ends_in_svg(const std::string& name) {
  return name.size() > 4 && name.compare(name.size() - 4, 4, ".svg") == 0 && name.find('/') == std::string::npos;
}

void read_charts(TomlTable& root, Grid& grid) {
  root.tables("chart", [&](TomlTable& table) {
    GridChart chart;
    chart.makes = table.text("makes");
    chart.title = table.text("title");
    chart.over = table.text("over", "");
    if (!ends_in_svg(chart.makes)) table.fail(table.find("makes"), "a chart makes a file NAME.svg");
    if (chart.over.empty()) {
      chart.file = table.text("file");
      chart.x = table.text("x");
      chart.y = table.text("y");
      chart.y_unit = table.number("y_unit", 1);
    } else {
      chart.figure = table.text("figure");
      if (!has_choice(grid, chart.over)) {
        table.fail(table.find("over"), fmt::format("no variant has '{}' in its 'over'", chart.over));
      }
      if (!has_figure(grid, chart.figure)) {
        table.fail(table.find("figure"), fmt::format("no figure has the label '{}'", chart.figure));
      }
    }
    chart.x_label = table.text("x_label", chart.over.empty() ? chart.x.c_str() : chart.over.c_str());
    chart.y_label = table.text("y_label", chart.over.empty() ? chart.y.c_str() : chart.figure.c_str());
    chart.x_unit = table.number("x_unit", 1);
    chart.is_x_log = table.truth("x_log");
    chart.variants = table.texts("variants");
    for (const std::string& name : chart.variants) {
      if (!has_variant(grid, name)) table.fail(table.find("variants"), fmt::format("'{}' is no variant", name));
    }
    grid.charts.push_back(std::move(chart));
  });
}

}  // namespace

Grid read_grid(const std::string& path, const std::map<std::string, std::string>& definitions) {
  const toml::table root = parse(path);
  const Values values = definitions_of(root, path, definitions);
  TomlTable table(root, path, values);
  Grid grid;
  grid.path = path;
  grid.title = table.text("title", "");
  grid.configs = table.texts("configs");
  grid.overrides = table.texts("set");
  grid.seeds = table.whole_numbers("seeds");
  if (grid.seeds.empty()) grid.seeds = {1};
  if (std::set<std::int64_t>(grid.seeds.begin(), grid.seeds.end()).size() != grid.seeds.size()) {
    table.fail(table.find("seeds"), "a seed stands twice in 'seeds'");
  }
  grid.before = read_steps(table, "before");
  read_variants(table, grid);
  table.allow(names_of_all(grid.variants));
  grid.after = read_steps(table, "after");
  read_figures(table, grid);
  read_charts(table, grid);
  grid.baselines = table.texts("baselines");
  for (const std::string& baseline : grid.baselines) {
    if (!has_variant(grid, baseline))
      table.fail(table.find("baselines"), fmt::format("the baseline '{}' is no variant", baseline));
  }
  table.find("define");
  table.refuse_the_rest();
  return grid;
}

}  // namespace aface
