#include <fmt/core.h>

#include <cmath>

#include "aface/core/check.h"
#include "aface/eval/evaluation_json.h"
#include "aface/eval/far_targets.h"
#include "aface/eval/figure_table.h"
#include "aface/eval/pair_evaluation.h"
#include "aface/eval/weighted_roc.h"

namespace aface {
namespace {

const Figure& figure_named(const PairEvaluation& evaluation, const std::string& name) {
  const Figure* figure = find_figure(evaluation.figures, name);
  AFACE_CHECK(figure != nullptr, "no figure {}", name);
  return *figure;
}

std::string share_line(const std::string& label, const Figure& figure) {
  return fmt::format("{:<22}{:>10.2f}  {}\n", label, 100 * figure.value, interval_text(figure, 100, 2));
}

std::string far_lines(const PairEvaluation& evaluation) {
  std::string text;
  for (const TarAtFar& point : evaluation.report.tar_at_far) {
    const std::string label = fmt::format("TAR@FAR {:g}", point.far);
    const Figure& tar = figure_named(evaluation, far_figure_name("tar_at_far", point.far));
    const Figure& threshold = figure_named(evaluation, far_figure_name("threshold_at_far", point.far));
    if (!tar.unmeasurable.empty()) {
      text += fmt::format("{:<22}{:>10}  {}\n", label, "-", tar.unmeasurable);
      continue;
    }
    text += fmt::format("{:<22}{:>10.2f}  {:<18}{:>10.4f}  {}\n", label, 100 * tar.value,
                        interval_text(tar, 100, 2), threshold.value, interval_text(threshold, 1, 4));
  }
  return text;
}

std::string people_text(const PairEvaluation& evaluation) {
  return evaluation.people_from == IdentitySource::kNames
             ? fmt::format("{} people, told by their names", evaluation.people)
             : fmt::format(
                   "{} people, told by the pairs alone: those whom no pair links count as different, so that "
                   "the "
                   "intervals may be too narrow",
                   evaluation.people);
}

}  // namespace

std::string to_table(const PairEvaluation& evaluation) {
  const VerificationReport& report = evaluation.report;
  const PairConvention& convention = find_pair_convention(report.convention);
  std::string text =
      fmt::format("convention {}: {}; {}\n\n", convention.name, convention.rule, convention.ties);
  text += fold_table(report) + "\n";

  const bool has_intervals = evaluation.bootstrap.replicates > 0;
  text +=
      fmt::format("{:<22}{:>10}  {:<18}{:>10}\n", "", "%", has_intervals ? "95 % interval" : "", "cosine >=");
  text += share_line("accuracy", figure_named(evaluation, "accuracy"));
  text += share_line("equal error rate", figure_named(evaluation, "eer"));
  text += far_lines(evaluation);
  if (report.folded_tar) {
    const FoldedTar& folded = *report.folded_tar;
    text += share_line(fmt::format("TAR@FAR {:g} by folds", folded.far_target),
                       figure_named(evaluation, far_figure_name("folded_tar_at_far", folded.far_target)));
    text += fmt::format("  +- {:.2f} (standard deviation over folds), at FAR {:.5f} as measured\n",
                        100 * folded.tar_deviation, folded.far_mean);
  }
  text += fmt::format("\n{} genuine and {} impostor pairs of {}\n", evaluation.genuine, evaluation.impostor,
                      people_text(evaluation));
  if (has_intervals) {
    text += fmt::format("intervals: percentiles over {} draws of the people, seed {}\n",
                        evaluation.bootstrap.replicates, evaluation.bootstrap.seed);
  }
  return text;
}

std::string to_json(const PairEvaluation& evaluation,
                    const std::vector<std::pair<std::string, std::string>>& source) {
  Json json;
  json["protocol"] = "pairs";
  for (const auto& [name, value] : source) json[name] = value;
  add_verification(json, evaluation.report);
  const PairConvention& convention = find_pair_convention(evaluation.report.convention);
  json["rule"] = convention.rule;
  json["ties"] = convention.ties;
  json["threshold_unit"] = convention.threshold_unit;
  json["genuine_pairs"] = evaluation.genuine;
  json["impostor_pairs"] = evaluation.impostor;
  json["test_set"] = evaluation.test_set_digest;
  json["people"] = evaluation.people;
  json["people_from"] = evaluation.people_from == IdentitySource::kNames ? "names" : "links";
  add_figures(json, evaluation.figures, evaluation.bootstrap, evaluation.people_digest);
  add_roc(json, evaluation.roc_far, evaluation.roc_tar);
  add_histogram(json, evaluation.histogram);
  add_worst_pairs(json, evaluation.worst_genuine, evaluation.worst_impostor);
  return json_text(json);
}

}  // namespace aface
