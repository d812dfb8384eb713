#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace aface {

// One call of the program: `arguments` without the program's name; `makes` is the file or folder that is
// there once it is done.
struct GridStep {
  std::string makes;
  std::vector<std::string> arguments;
};

// Trainings that differ in some options.
struct GridVariant {
  std::string name;                           // letters, digits and _ - . = only: it names a folder
  std::vector<std::string> configs;           // of `train --config`, after the grid's
  std::vector<std::string> overrides;         // of `train --set`, after the grid's
  std::map<std::string, std::string> values;  // what {NAME} is for this variant, beside what the run fills
  std::map<std::string, std::string> choices;  // what it was given by `over`: name as written there -> value
};

// A number of every run that the tables show.
struct GridFigure {
  std::string label;
  std::string file;     // in the run's folder
  std::string figure;   // name in an evaluation file (comparison.h), or
  std::string pointer;  // JSON pointer to a number in any JSON file: "/validation/accuracy"
  double unit = 100;    // the table shows value x unit
  int digits = 2;
};

// A picture of all runs, means over seeds; a line a variant. Either y by x of a file of each run, or a figure by
// what `over` gave the variants.
struct GridChart {
  std::string makes;  // the .svg file, in the grid's folder
  std::string title;
  std::string file;   // metrics.jsonl, or a .tsv with a line of names; rows with the same x are averaged
  std::string x, y;   // names there
  std::string over;   // a name in `over`: one line for the variants that differ in it only, level ones for those without
  std::string figure;  // its label
  std::string x_label, y_label;
  double x_unit = 1, y_unit = 1;  // shown: value x unit; a figure has its own
  bool is_x_log = false;
  std::vector<std::string> variants;  // those to show; empty: all
};

// A set of trainings to compare: every variant with every seed, the same steps after each, and tables of the
// figures.
struct Grid {
  std::string path;  // of the file it was read from
  std::string title;
  std::vector<std::string> configs;
  std::vector<std::string> overrides;
  std::vector<std::int64_t> seeds;
  std::vector<GridVariant> variants;
  std::vector<GridStep> before;  // once for the grid
  std::vector<GridStep> after;   // after each training, in order
  std::vector<GridFigure> figures;
  std::vector<GridChart> charts;
  std::vector<std::string> baselines;  // variants that all others are compared with
};

// Reads a TOML file; docs/experiments.md has the form. In every text {NAME} is replaced by
// definitions["NAME"] or the file's own [define]; {here} is the folder of the file; {grid}, {out}, {run},
// {seed} and {variant} are left for the run.
// `over` of a variant makes one variant for each combination of its values, in the order of their names: of
// options (names with a dot), or of names of one's own, {NAME} in the variant's texts and the steps after
// training. Throws Error{kIo} when it cannot be read, Error{kUsage} with file and line on anything that is
// not as it should be: unknown keys, names used twice, a baseline that is no variant, names that nobody
// defines.
Grid read_grid(const std::string& path, const std::map<std::string, std::string>& definitions);

}  // namespace aface
