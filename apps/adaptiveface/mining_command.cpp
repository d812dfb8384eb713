#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/report/svg_chart.h"
#include "aface/train/mining_worth.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/number_range.h"

namespace aface {
namespace {

struct MiningFlags {
  std::string run_dir;
  std::vector<double> budgets = {1, 2, 5, 10};  // per cent
  MiningWorthOptions worth;
  std::string out;
  std::string plot;
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string as_tsv(const MiningWorth& worth) {
  std::string text =
      "selector\tshare\tbudget\tactive\twrong_mass\twrong_mass_error\tall_mass\tall_mass_error\ttop10\ttop10_error\n";
  for (const MiningWorthRow& row : worth.rows) {
    const SelectionWorth& w = row.worth;
    text += fmt::format("{}\t{:g}\t{}\t{:.1f}\t{:.5f}\t{:.5f}\t{:.5f}\t{:.5f}\t{:.5f}\t{:.5f}\n", row.selector, row.share,
                        row.budget, w.active.value, w.wrong_mass.value, w.wrong_mass.error, w.all_mass.value,
                        w.all_mass.error, w.top_negatives.value, w.top_negatives.error);
  }
  return text;
}

std::string as_json(const MiningWorth& worth, const MiningFlags& flags) {
  const auto mean = [](const SelectionWorth::Mean& of) { return nlohmann::json{{"mean", of.value}, {"error", of.error}}; };
  nlohmann::json rows = nlohmann::json::array();
  for (const MiningWorthRow& row : worth.rows) {
    rows.push_back({{"selector", row.selector},
                    {"share", row.share},
                    {"budget", row.budget},
                    {"active", mean(row.worth.active)},
                    {"wrong_mass", mean(row.worth.wrong_mass)},
                    {"all_mass", mean(row.worth.all_mass)},
                    {"top10", mean(row.worth.top_negatives)}});
  }
  const nlohmann::json all = {{"step", worth.step},
                              {"identities", worth.identities},
                              {"samples", worth.samples},
                              {"batch_size", flags.worth.batch_size},
                              {"seed", flags.worth.seed},
                              {"logit_scale", worth.logit_scale},
                              {"saved_queue_length", worth.saved_queue_length},
                              {"rows", rows}};
  return all.dump(2) + "\n";
}

std::string as_table(const MiningWorth& worth, const MiningFlags& flags) {
  std::string text = fmt::format("step {}, {} identities, {} photos in batches of {}, logit scale {:g}\n", worth.step,
                                 worth.identities, worth.samples, flags.worth.batch_size, worth.logit_scale);
  text += worth.saved_queue_length > 0
              ? fmt::format("(saved): the run's own queues, {:.1f} entries in the mean\n", worth.saved_queue_length)
              : std::string("the run saved no queues: dominant_queue has fresh ones only\n");
  text += fmt::format("\n{:24} {:>7} {:>7}  {:>15}  {:>15}  {:>15}\n", "selector", "budget", "active", "wrong mass %",
                      "all mass %", "top 10 %");
  const auto percent = [](const SelectionWorth::Mean& of) {
    return fmt::format("{:6.2f} +- {:5.2f}", 100 * of.value, 100 * of.error);
  };
  for (const MiningWorthRow& row : worth.rows) {
    text += fmt::format("{:24} {:>6g}% {:>7.0f}  {:>15}  {:>15}  {:>15}\n", row.selector, 100 * row.share,
                        row.worth.active.value, percent(row.worth.wrong_mass), percent(row.worth.all_mass),
                        percent(row.worth.top_negatives));
  }
  return text + "\n+-: standard error over batches\n";
}

constexpr const char* kColours[] = {"#6b7480", "#009e73", "#0072b2", "#d55e00"};

Chart chart_of(const MiningWorth& worth) {
  Chart chart;
  chart.title = "What the mined prototypes catch";
  chart.note = "solid: softmax mass of the wrong identities; dashed: their ten highest cosines";
  chart.x.label = "active prototypes, % of the identities";
  chart.x.scale = Scale::kLog;
  chart.x.is_tight = true;
  chart.y.label = "caught, %";
  chart.y.low = 0;
  chart.y.high = 100;
  for (const MiningWorthRow& row : worth.rows) {
    if (row.selector == "all") continue;
    auto series = std::find_if(chart.series.begin(), chart.series.end(),
                               [&](const Series& known) { return known.name == row.selector; });
    if (series == chart.series.end()) {
      Series mass, top;
      mass.name = row.selector;
      mass.colour = top.colour = kColours[chart.series.size() / 2 % std::size(kColours)];
      top.mark = Mark::kDashedLine;
      chart.series.push_back(mass);
      chart.series.push_back(top);
      series = chart.series.end() - 2;
    }
    series[0].points.push_back({100 * row.share, 100 * row.worth.wrong_mass.value});
    series[1].points.push_back({100 * row.share, 100 * row.worth.top_negatives.value});
  }
  return chart;
}

int run_mining(MiningFlags flags) {
  if (!flags.out.empty() && !ends_with(flags.out, ".tsv") && !ends_with(flags.out, ".json")) {
    throw Error(ErrorKind::kUsage, fmt::format("--out: '{}' ends neither in .tsv nor in .json", flags.out));
  }
  std::sort(flags.budgets.begin(), flags.budgets.end());
  flags.worth.shares.clear();
  for (const double budget : flags.budgets) flags.worth.shares.push_back(budget / 100);
  const MiningWorth worth = measure_mining_worth(flags.run_dir, flags.worth);
  if (!flags.out.empty()) {
    write_file_atomically(flags.out, ends_with(flags.out, ".tsv") ? as_tsv(worth) : as_json(worth, flags));
  }
  if (!flags.plot.empty()) write_file_atomically(flags.plot, chart_svg(chart_of(worth)));
  fmt::print("{}", as_table(worth, flags));
  return 0;
}

std::function<int()> setup(CLI::App& app) {
  const auto flags = std::make_shared<MiningFlags>();
  app.add_option("RUN_DIR", flags->run_dir, "run directory with a checkpoint; its training data must be where they were")
      ->required();
  app.add_option("--budgets", flags->budgets, "active prototypes per step, own ones included, in % of the identities")
      ->check(number_in(0.0, 100.0))
      ->capture_default_str();
  app.add_option("--batch-size", flags->worth.batch_size, "photos of a batch; the smallest budget must hold their identities")
      ->check(CLI::Range(2, 100000))
      ->capture_default_str();
  app.add_option("--batches", flags->worth.batches, "batches that are looked at")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--seed", flags->worth.seed, "of batches, augmentation and random draws")->capture_default_str();
  app.add_option("--threads", flags->worth.threads, "compute threads; 0: all cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  app.add_option("--out", flags->out, "write the table to this file too, .tsv or .json");
  app.add_option("--plot", flags->plot, "draw it into this .svg file");
  app.footer(
      "Takes the network and the prototypes of the newest checkpoint and lets every selector choose prototypes for\n"
      "batches of the training data: what share of the softmax mass that the full layer gives to wrong identities, of all\n"
      "its mass, and of the ten wrong identities with the highest cosines is among them? docs/mining.md reads a table.");
  return [flags] { return run_mining(*flags); };
}

}  // namespace

Command mining_command() {
  return {"mining", "Measure what mined prototypes catch of the full softmax on a trained run", setup};
}

}  // namespace aface
