#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "aface/config/config_reader.h"
#include "aface/config/validate.h"
#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/experiment/grid_chart.h"
#include "aface/experiment/grid_run.h"
#include "aface/experiment/grid_table.h"
#include "apps/adaptiveface/command.h"

namespace aface {
namespace {

struct ExperimentFlags {
  std::string grid;
  std::vector<std::string> definitions;
  GridRunOptions run;
  bool list = false;
};

std::map<std::string, std::string> definitions_of(const std::vector<std::string>& texts) {
  std::map<std::string, std::string> result;
  for (const std::string& text : texts) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw Error(ErrorKind::kUsage, fmt::format("--define '{}': must have the form NAME=VALUE", text));
    }
    result[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return result;
}

// What is wrong with any variant's options comes to light before the first hour of training.
void check_options(const Grid& grid) {
  for (const GridVariant& variant : grid.variants) {
    std::vector<std::string> files = grid.configs, overrides = grid.overrides;
    files.insert(files.end(), variant.configs.begin(), variant.configs.end());
    overrides.insert(overrides.end(), variant.overrides.begin(), variant.overrides.end());
    try {
      validate(load_config(files, overrides));
    } catch (const Error& error) {
      throw Error(error.kind(), fmt::format("{}: variant {}: {}", grid.path, variant.name, error.what()));
    }
  }
}

int run_experiment(const ExperimentFlags& flags) {
  const Grid grid = read_grid(flags.grid, definitions_of(flags.definitions));
  check_options(grid);
  if (flags.list) {
    for (const GridVariant& variant : grid.variants) {
      for (const std::int64_t seed : grid.seeds)
        fmt::print("{}\n", run_folder_of(flags.run.out, variant, seed));
    }
    return 0;
  }
  GridRunOptions options = flags.run;
  options.program = std::filesystem::read_symlink("/proc/self/exe").string();
  options.on_progress = [](const std::string& line) { log_info("experiment", "{}", line); };
  const std::vector<GridRun> runs = run_grid(grid, options);
  const GridTable table = make_grid_table(grid, runs);
  const std::string markdown = to_markdown(grid, runs, table);
  write_file_atomically(options.out + "/table.md", markdown);
  write_file_atomically(options.out + "/table.tsv", to_tsv(grid, table));
  for (const GridChart& chart : grid.charts) {
    const std::string picture = grid_chart_svg(grid, chart, runs, table);
    if (!picture.empty()) write_file_atomically(options.out + "/" + chart.makes, picture);
  }
  fmt::print("{}", markdown);
  const bool failed =
      std::any_of(runs.begin(), runs.end(), [](const GridRun& run) { return !run.problem.empty(); });
  return failed ? exit_code(ErrorKind::kData) : 0;
}

std::function<int()> setup(CLI::App& app) {
  const auto flags = std::make_shared<ExperimentFlags>();
  app.add_option("GRID", flags->grid, "TOML file of variants, seeds, steps and figures; docs/experiments.md")
      ->required();
  app.add_option("--out", flags->run.out, "folder for runs and tables")->required();
  app.add_option("--define", flags->definitions, "what {NAME} in the grid is; may be given several times")
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->take_all();
  app.add_option("--jobs", flags->run.jobs,
                 "trainings side by side; one a core with --threads 1 is the fastest way")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  app.add_option("--threads", flags->run.threads, "compute threads of each training")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--list", flags->list, "only check the grid and print the runs' folders");
  app.footer(
      "What is done already is skipped and what was broken off is resumed, so the same command goes on after "
      "a stop.\n"
      "OUT/table.md and OUT/table.tsv hold means over seeds, and differences from the baselines with paired "
      "intervals; charts of the grid are drawn beside them.\n"
      "A run that fails is listed in the table (exit code 3); its output is in log.txt of its folder.\n"
      "Example:  adaptiveface experiment experiments/imbalance.toml --out runs/imbalance --jobs 2");
  return [flags] { return run_experiment(*flags); };
}

}  // namespace

Command experiment_command() {
  return {"experiment", "Train variants with several seeds, evaluate and compare them", setup};
}

}  // namespace aface
