#include "aface/experiment/grid_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <nlohmann/json.hpp>
#include <optional>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/comparison.h"
#include "aface/eval/figure_table.h"

namespace aface {
namespace {

// A figure of one run, and what it was measured on.
struct Reading {
  Figure figure;
  std::string people;  // empty for a number without draws
};

using OfSeeds = std::vector<std::optional<Reading>>;  // by seed; nothing where a run has no value

[[noreturn]] void no_number(const std::string& path, const GridFigure& wanted) {
  throw Error(ErrorKind::kFormat, fmt::format("{}: no number at {}; mend the figure '{}' of the grid (a / inside a name is ~1)", path,
                                              wanted.pointer, wanted.label));
}

// Nothing where the file has no such entry, for what a run reports depends on what it does; `is_known` becomes true where
// it has one.
std::optional<Reading> read_number(const std::string& path, const GridFigure& wanted, bool& is_known) {
  try {
    const auto json = nlohmann::json::parse(read_text_file(path));
    const nlohmann::json::json_pointer pointer(wanted.pointer);
    if (!json.contains(pointer)) return std::nullopt;
    is_known = true;
    if (json.at(pointer).is_null()) return std::nullopt;
    return Reading{{wanted.label, json.at(pointer).get<double>(), "", {}}, ""};
  } catch (const nlohmann::json::exception&) {
    no_number(path, wanted);
  }
}

std::optional<Reading> read_figure(const std::string& path, const GridFigure& wanted, bool& is_known) {
  if (!wanted.pointer.empty()) return read_number(path, wanted, is_known);
  is_known = true;
  const EvaluationFile file = read_evaluation(path);
  const Figure* figure = find_figure(file.figures, wanted.figure);
  if (figure == nullptr) {
    std::string names;
    for (const Figure& other : file.figures) names += (names.empty() ? "" : ", ") + other.name;
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: no figure '{}'; there are: {}", path, wanted.figure, names));
  }
  if (!figure->unmeasurable.empty()) return std::nullopt;
  return Reading{*figure, fmt::format("{} seed {}", file.people, file.seed)};
}

void require_one_test_set(const GridFigure& figure, const OfSeeds& readings, std::string& people) {
  for (const auto& reading : readings) {
    if (!reading) continue;
    if (people.empty()) people = reading->people;
    if (reading->people != people) {
      throw Error(ErrorKind::kData,
                  fmt::format("'{}' was measured over different people or draws in different runs; "
                              "delete {} in the runs' folders and start again",
                              figure.label, figure.file));
    }
  }
}

// Those seeds at which all of `lists` have a value.
std::vector<std::size_t> common_seeds(const std::vector<const OfSeeds*>& lists) {
  std::vector<std::size_t> result;
  for (std::size_t seed = 0; seed < lists[0]->size(); ++seed) {
    bool all = true;
    for (const OfSeeds* list : lists) all = all && (*list)[seed].has_value();
    if (all) result.push_back(seed);
  }
  return result;
}

std::vector<Figure> figures_of(const OfSeeds& readings, const std::vector<std::size_t>& seeds) {
  std::vector<Figure> result;
  for (const std::size_t seed : seeds) result.push_back(readings[seed]->figure);
  return result;
}

SeedFigure value_of(const OfSeeds& readings) {
  const auto seeds = common_seeds({&readings});
  return seeds.empty() ? SeedFigure{} : over_seeds(figures_of(readings, seeds));
}

SeedFigure difference_of(const OfSeeds& a, const OfSeeds& b) {
  const auto seeds = common_seeds({&a, &b});
  return seeds.empty() ? SeedFigure{} : difference_over_seeds(figures_of(a, seeds), figures_of(b, seeds));
}

std::string value_text(const SeedFigure& value, const GridFigure& figure) {
  if (value.seeds == 0) return "-";
  const std::string mean = fmt::format("{:.{}f}", figure.unit * value.mean, figure.digits);
  return std::isnan(value.deviation)
             ? mean
             : fmt::format("{} ± {:.{}f}", mean, figure.unit * value.deviation, figure.digits);
}

std::string difference_text(const SeedFigure& value, const GridFigure& figure) {
  if (value.seeds == 0) return "-";
  std::string text = fmt::format("{:+.{}f}", figure.unit * value.mean, figure.digits);
  if (std::isnan(value.interval.low)) return text;
  text += fmt::format(" [{:+.{}f}, {:+.{}f}]", figure.unit * value.interval.low, figure.digits,
                      figure.unit * value.interval.high, figure.digits);
  return value.interval.low > 0 || value.interval.high < 0 ? "**" + text + "**" : text;
}

template <class Text>
std::string markdown_table(const Grid& grid, const std::string& corner,
                           const std::vector<GridTable::Row>& rows, const Text& cell) {
  std::string text = "| " + corner + " | seeds |", line = "|---|---|";
  for (const GridFigure& figure : grid.figures) {
    text += " " + figure.label + " |";
    line += "---|";
  }
  text += "\n" + line + "\n";
  for (const GridTable::Row& row : rows) {
    text += fmt::format("| {} | {} |", row.variant, row.seeds);
    for (std::size_t i = 0; i < row.figures.size(); ++i)
      text += " " + cell(row.figures[i], grid.figures[i]) + " |";
    text += "\n";
  }
  return text + "\n";
}

std::string tsv_number(double value) { return std::isnan(value) ? "" : fmt::format("{:.6g}", value); }

}  // namespace

GridTable make_grid_table(const Grid& grid, const std::vector<GridRun>& runs) {
  // [variant][figure][seed]
  std::vector<std::vector<OfSeeds>> readings(
      grid.variants.size(), std::vector<OfSeeds>(grid.figures.size(), OfSeeds(grid.seeds.size())));
  std::vector<int> finished(grid.variants.size());
  std::deque<bool> is_known(grid.figures.size());  // of a figure, in any run
  for (std::size_t v = 0; v < grid.variants.size(); ++v) {
    for (std::size_t s = 0; s < grid.seeds.size(); ++s) {
      for (const GridRun& run : runs) {
        if (run.variant != grid.variants[v].name || run.seed != grid.seeds[s] || !run.problem.empty())
          continue;
        ++finished[v];
        for (std::size_t f = 0; f < grid.figures.size(); ++f) {
          readings[v][f][s] = read_figure(run.folder + "/" + grid.figures[f].file, grid.figures[f], is_known[f]);
        }
      }
    }
  }
  for (std::size_t f = 0; f < grid.figures.size(); ++f) {
    std::string people;
    const auto run = std::find_if(runs.begin(), runs.end(), [](const GridRun& r) { return r.problem.empty(); });
    if (!is_known[f] && run != runs.end()) no_number(run->folder + "/" + grid.figures[f].file, grid.figures[f]);
    for (const auto& of_variant : readings) require_one_test_set(grid.figures[f], of_variant[f], people);
  }

  GridTable table;
  for (std::size_t v = 0; v < grid.variants.size(); ++v) {
    GridTable::Row row{grid.variants[v].name, finished[v], {}};
    for (const OfSeeds& of_figure : readings[v]) row.figures.push_back(value_of(of_figure));
    table.rows.push_back(std::move(row));
  }
  for (const std::string& baseline : grid.baselines) {
    std::size_t base = 0;
    while (grid.variants[base].name != baseline) ++base;
    GridTable::Difference difference{baseline, {}};
    for (std::size_t v = 0; v < grid.variants.size(); ++v) {
      if (v == base) continue;
      GridTable::Row row{grid.variants[v].name, 0, {}};
      for (std::size_t f = 0; f < grid.figures.size(); ++f) {
        row.figures.push_back(difference_of(readings[base][f], readings[v][f]));
        row.seeds = std::max(row.seeds, row.figures.back().seeds);
      }
      difference.rows.push_back(std::move(row));
    }
    table.differences.push_back(std::move(difference));
  }
  return table;
}

std::string to_markdown(const Grid& grid, const std::vector<GridRun>& runs, const GridTable& table) {
  std::string text = grid.title.empty() ? "" : "# " + grid.title + "\n\n";
  text += "Mean ± standard deviation over seeds.\n\n" + markdown_table(grid, "", table.rows, value_text);
  for (const GridTable::Difference& difference : table.differences) {
    text += fmt::format(
        "Difference from {} with its 95 % interval, paired by seed and by draw of people; bold where it "
        "excludes 0.\n\n",
        difference.baseline);
    text += markdown_table(grid, "minus " + difference.baseline, difference.rows, difference_text);
  }
  for (const GridRun& run : runs) {
    if (!run.problem.empty())
      text += fmt::format("* {} seed {} failed: {}\n", run.variant, run.seed, run.problem);
  }
  return text;
}

std::string to_tsv(const Grid& grid, const GridTable& table) {
  std::string text = "variant\tbaseline\tfigure\tmean\tdeviation\tlow\thigh\tseeds\n";
  const auto add = [&](const std::vector<GridTable::Row>& rows, const std::string& baseline) {
    for (const GridTable::Row& row : rows) {
      for (std::size_t f = 0; f < row.figures.size(); ++f) {
        const SeedFigure& value = row.figures[f];
        if (value.seeds == 0) continue;
        text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", row.variant, baseline, grid.figures[f].label,
                            tsv_number(value.mean), tsv_number(value.deviation),
                            tsv_number(value.interval.low), tsv_number(value.interval.high), value.seeds);
      }
    }
  };
  add(table.rows, "");
  for (const GridTable::Difference& difference : table.differences) add(difference.rows, difference.baseline);
  return text;
}

}  // namespace aface
