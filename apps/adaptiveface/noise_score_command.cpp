#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/eval/ranked_findings.h"
#include "aface/io/column_list.h"
#include "apps/adaptiveface/noise_commands.h"

namespace aface {
namespace {

struct ScoreFlags {
  std::string suspects;
  std::string truth;
  std::string curve;
  std::string json;
};

struct Truth {
  std::unordered_map<std::string, bool> is_noisy;  // by path
  std::int64_t noisy = 0;
};

Truth read_truth(const std::string& path) {
  const ColumnList list = read_columns(path, {"path", "noisy"});
  Truth truth;
  for (std::size_t i = 0; i < list.rows.size(); ++i) {
    const bool noisy = list.integer(i, 1) != 0;
    truth.is_noisy[list.text(i, 0)] = noisy;
    truth.noisy += noisy ? 1 : 0;
  }
  if (truth.noisy == 0) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: no photo has a wrong label, so there is nothing to find", path));
  }
  return truth;
}

int score(const ScoreFlags& flags) {
  const Truth truth = read_truth(flags.truth);
  const ColumnList suspects = read_columns(flags.suspects, {"path", "score"});
  std::vector<RankedFinding> findings;
  for (std::size_t i = 0; i < suspects.rows.size(); ++i) {
    const auto photo = truth.is_noisy.find(suspects.text(i, 0));
    if (photo == truth.is_noisy.end()) {
      throw Error(ErrorKind::kData,
                  fmt::format("{}:{}: {} is not in {}; score with the truth of the same data", flags.suspects,
                              suspects.lines[i], suspects.text(i, 0), flags.truth));
    }
    findings.push_back({suspects.number(i, 1), photo->second});
  }
  const std::vector<PrecisionPoint> curve = precision_curve(findings, truth.noisy);
  if (!flags.curve.empty()) write_file_atomically(flags.curve, precision_curve_tsv(curve));

  const auto hits_among = [&](std::int64_t listed) {
    const auto end = findings.begin() + std::min(listed, static_cast<std::int64_t>(findings.size()));
    return std::count_if(findings.begin(), end, [](const RankedFinding& finding) { return finding.is_hit; });
  };
  const std::int64_t listed = static_cast<std::int64_t>(findings.size());
  fmt::print("{} wrong labels among {} photos; {} suspects listed, {} of them wrong\n", truth.noisy,
             truth.is_noisy.size(), listed, hits_among(listed));
  fmt::print("among the first {}: {:.1f} % wrong\n", truth.noisy,
             100.0 * static_cast<double>(hits_among(truth.noisy)) / static_cast<double>(truth.noisy));
  fmt::print("average precision: {:.4f}\n", average_precision(curve));
  if (!flags.json.empty()) {
    const nlohmann::ordered_json json = {{"photos", truth.is_noisy.size()},
                                         {"wrong_labels", truth.noisy},
                                         {"suspects", listed},
                                         {"wrong_among_suspects", hits_among(listed)},
                                         {"average_precision", average_precision(curve)}};
    write_file_atomically(flags.json, json.dump(2) + "\n");
  }
  return 0;
}

std::function<int()> set_up(CLI::App& app) {
  const auto flags = std::make_shared<ScoreFlags>();
  app.add_option("SUSPECTS", flags->suspects, "noise_suspects.tsv of a run with the adaptive sampler")
      ->required();
  app.add_option("--truth", flags->truth, "truth.tsv of `adaptiveface synth` or `adaptiveface noise flip`")
      ->required();
  app.add_option("--curve", flags->curve, "Write precision and recall down the list to this file");
  app.add_option("--json", flags->json, "write the numbers to this file too");
  app.footer(
      "Photos that are not listed count as not found. Let the list reach further down with\n"
      "--set sampler.fewest_suspects=N at training.");
  return [flags] { return score(*flags); };
}

}  // namespace

Command noise_score_command() {
  return {"score", "Average precision of a run's noise suspects against the truth", set_up};
}

}  // namespace aface
