#include <fmt/core.h>

#include "aface/eval/blufr.h"
#include "aface/eval/evaluation_json.h"
#include "aface/eval/far_targets.h"
#include "aface/eval/figure_table.h"

namespace aface {
namespace {

std::string point_line(const BlufrReport& report, const std::string& label, const std::string& figure,
                       double far, const OverTrials& value) {
  const Figure* fused = find_figure(report.figures, far_figure_name(figure, far) + "/mean_minus_std");
  return fmt::format("{:<26}{:>8.2f}{:>8.2f}{:>12.2f}  {}\n", fmt::format("{} {:g}", label, far),
                     100 * value.mean, 100 * value.std, 100 * value.mean_minus_std(),
                     fused == nullptr ? "" : interval_text(*fused, 100, 2));
}

Json point_json(const OverTrials& value) {
  return {{"mean", value.mean},
          {"std", value.std},
          {"mean_minus_std", value.mean_minus_std()},
          {"trials", value.trials}};
}

Json curve_json(const std::vector<OverTrials>& points) {
  Json mean = Json::array(), fused = Json::array();
  for (const OverTrials& point : points) {
    mean.push_back(point.mean);
    fused.push_back(point.mean_minus_std());
  }
  return {{"mean", mean}, {"mean_minus_std", fused}};
}

}  // namespace

std::string to_table(const BlufrReport& report) {
  const bool has_intervals = report.bootstrap.replicates > 0;
  std::string text = fmt::format("{:<26}{:>8}{:>8}{:>12}{}\n", "%", "mean", "std", "mean - std",
                                 has_intervals ? "  95 % interval of mean - std" : "");
  for (const auto& [far, value] : report.vr_at_far)
    text += point_line(report, "VR@FAR", "vr_at_far", far, value);
  for (const auto& [far, value] : report.dir_at_far_rank1) {
    text += point_line(report, "DIR@FAR, rank 1,", "dir_at_far_rank1", far, value);
  }
  for (const std::string& line : report.unmeasurable) text += line + "\n";

  BlufrTrialCounts sum;
  for (const BlufrTrialCounts& trial : report.trials) {
    sum.test_images += trial.test_images;
    sum.genuine_pairs += trial.genuine_pairs;
    sum.impostor_pairs += trial.impostor_pairs;
    sum.mated_probes += trial.mated_probes;
    sum.non_mated_probes += trial.non_mated_probes;
  }
  const auto n = static_cast<double>(report.trials.size());
  text += fmt::format(
      "{} trials; on average {:.1f} test images, {:.0f} genuine and {:.0f} impostor pairs; {:.1f} probes "
      "with and {:.1f} without a mate\n",
      report.trials.size(), static_cast<double>(sum.test_images) / n,
      static_cast<double>(sum.genuine_pairs) / n, static_cast<double>(sum.impostor_pairs) / n,
      static_cast<double>(sum.mated_probes) / n, static_cast<double>(sum.non_mated_probes) / n);
  return text;
}

std::string to_json(const BlufrReport& report,
                    const std::vector<std::pair<std::string, std::string>>& source) {
  Json json;
  json["protocol"] = "blufr";
  for (const auto& [name, value] : source) json[name] = value;
  json["vr_at_far"] = Json::object();
  json["dir_at_far_rank1"] = Json::object();
  for (const auto& [far, value] : report.vr_at_far)
    json["vr_at_far"][fmt::format("{:g}", far)] = point_json(value);
  for (const auto& [far, value] : report.dir_at_far_rank1) {
    json["dir_at_far_rank1"][fmt::format("{:g}", far)] = point_json(value);
  }
  if (!report.unmeasurable.empty()) json["unmeasurable"] = report.unmeasurable;
  for (const BlufrTrialCounts& trial : report.trials) {
    json["trials"].push_back({{"test_images", trial.test_images},
                              {"gallery_images", trial.gallery_images},
                              {"probe_images", trial.probe_images},
                              {"genuine_pairs", trial.genuine_pairs},
                              {"impostor_pairs", trial.impostor_pairs},
                              {"mated_probes", trial.mated_probes},
                              {"non_mated_probes", trial.non_mated_probes}});
  }
  Json vr = curve_json(report.vr);
  vr["far"] = report.verification_grid;
  json["vr_curve"] = vr;
  Json dir;
  dir["far"] = report.identification_grid;
  dir["ranks"] = report.ranks;
  for (const std::vector<OverTrials>& rank : report.dir) {
    const Json curve = curve_json(rank);
    dir["mean"].push_back(curve["mean"]);
    dir["mean_minus_std"].push_back(curve["mean_minus_std"]);
  }
  json["dir_curve"] = dir;

  std::vector<double> mean;
  for (const OverTrials& point : report.vr) mean.push_back(point.mean);
  add_roc(json, report.verification_grid, mean);
  add_histogram(json, report.histogram);
  add_worst_pairs(json, report.worst_genuine, report.worst_impostor);
  json["test_set"] = report.test_set;
  add_figures(json, report.figures, report.bootstrap, report.people);
  return json_text(json);
}

}  // namespace aface
