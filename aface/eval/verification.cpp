#include "aface/eval/verification.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "aface/core/error.h"
#include "aface/eval/evaluation_json.h"
#include "aface/eval/far_targets.h"
#include "aface/eval/weighted_roc.h"

namespace aface {
namespace {

void require_valid(Span<const float> scores, Span<const std::uint8_t> same, std::int64_t folds) {
  const auto fail = [](const std::string& what) { throw Error(ErrorKind::kData, "verification: " + what); };
  if (scores.empty()) fail("no pairs; check the pair list");
  if (scores.size() != same.size()) {
    fail(fmt::format("{} scores but {} pairs (expected one score a pair)", scores.size(), same.size()));
  }
  if (folds < 2) {
    fail(fmt::format(
        "{} fold (expected at least 2: the threshold of a fold is chosen on the others); use a list with "
        "folds, like LFW's pairs.txt",
        folds));
  }
  if (scores.size() % static_cast<std::size_t>(folds) != 0) {
    fail(fmt::format("{} pairs do not fall into {} equal folds; check the pair list", scores.size(), folds));
  }
  const std::size_t fold_size = scores.size() / static_cast<std::size_t>(folds);
  std::vector<std::size_t> mated(static_cast<std::size_t>(folds));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      fail(fmt::format("the score of pair {} is not finite; look for zero or NaN embeddings", i + 1));
    }
    mated[i / fold_size] += same[i] != 0;
  }
  for (std::size_t fold = 0; fold < mated.size(); ++fold) {
    if (mated[fold] == 0 || mated[fold] == fold_size) {
      fail(fmt::format(
          "fold {} has {} pairs of one person among {} (expected both kinds in every fold); mix the pair "
          "list",
          fold + 1, mated[fold], fold_size));
    }
  }
}

}  // namespace

VerificationReport verify_pairs(Span<const float> scores, Span<const std::uint8_t> same, std::int64_t folds,
                                const VerificationOptions& options) {
  require_valid(scores, same, folds);
  const PairConvention& convention = find_pair_convention(options.convention);
  const FoldedPairs pairs{scores, same, {}, folds};
  VerificationReport report;
  report.convention = convention.name;
  report.pairs = static_cast<std::int64_t>(scores.size());
  report.genuine = std::count(same.begin(), same.end(), 1);
  for (const FoldResult& fold : convention.judge(pairs)) {
    report.fold_threshold.push_back(fold.threshold);
    report.fold_accuracy.push_back(fold.accuracy);
  }

  const double n = static_cast<double>(folds);
  report.accuracy_mean = std::accumulate(report.fold_accuracy.begin(), report.fold_accuracy.end(), 0.0) / n;
  double squares = 0;
  for (const double accuracy : report.fold_accuracy) squares += std::pow(accuracy - report.accuracy_mean, 2);
  report.accuracy_std_error = std::sqrt(squares / (n - 1)) / std::sqrt(n);
  report.accuracy_deviation = std::sqrt(squares / n);

  std::vector<float> genuine, impostor;
  for (std::size_t i = 0; i < scores.size(); ++i) (same[i] ? genuine : impostor).push_back(scores[i]);
  const std::uint64_t impostors = impostor.size();
  report.tar_at_far = tar_at_far(std::move(genuine), std::move(impostor), options.far_targets);
  for (TarAtFar& point : report.tar_at_far) {
    if (!unmeasurable_far(point.far, impostors).empty())
      point.tar = point.threshold = std::numeric_limits<double>::quiet_NaN();
  }
  if (convention.name == "insightface") report.folded_tar = insightface_tar(pairs, 1e-3);
  return report;
}

std::string fold_table(const VerificationReport& report) {
  const PairConvention& convention = find_pair_convention(report.convention);
  const bool is_error = convention.spread == PairConvention::Spread::kStandardError;
  std::string text =
      fmt::format("{:<14}{:>12}  threshold ({})\n", "fold", "accuracy %", convention.threshold_unit);
  for (std::size_t fold = 0; fold < report.fold_accuracy.size(); ++fold) {
    text += fmt::format("{:<14}{:>12.2f}{:>11.4f}\n", fold + 1, 100 * report.fold_accuracy[fold],
                        report.fold_threshold[fold]);
  }
  text += fmt::format("{:<14}{:>12.2f}  +- {:.2f} ({}), {} pairs\n", "mean", 100 * report.accuracy_mean,
                      100 * (is_error ? report.accuracy_std_error : report.accuracy_deviation),
                      is_error ? "standard error" : "standard deviation over folds", report.pairs);
  return text;
}

std::string to_table(const VerificationReport& report) {
  std::string text = fold_table(report);
  for (const TarAtFar& point : report.tar_at_far) {
    const std::string label = fmt::format("TAR@FAR {:g}", point.far);
    text += std::isnan(point.tar)
                ? fmt::format("{:<14}{:>12}  too few impostor pairs\n", label, "-")
                : fmt::format("{:<14}{:>12.2f}{:>11.4f}\n", label, 100 * point.tar, point.threshold);
  }
  return text;
}

void add_verification(Json& json, const VerificationReport& report) {
  json["convention"] = report.convention;
  json["pairs"] = report.pairs;
  json["accuracy_mean"] = report.accuracy_mean;
  json["accuracy_std_error"] = report.accuracy_std_error;
  json["accuracy_deviation"] = report.accuracy_deviation;
  for (std::size_t fold = 0; fold < report.fold_accuracy.size(); ++fold) {
    json["folds"].push_back(
        {{"accuracy", report.fold_accuracy[fold]}, {"threshold", report.fold_threshold[fold]}});
  }
  for (const TarAtFar& point : report.tar_at_far) {
    Json& tar = json["tar_at_far"][fmt::format("{:g}", point.far)];
    if (!std::isnan(point.tar)) tar = point.tar;  // else null
  }
  if (report.folded_tar) {
    json["folded_tar"] = {{"far_target", report.folded_tar->far_target},
                          {"tar_mean", report.folded_tar->tar_mean},
                          {"tar_deviation", report.folded_tar->tar_deviation},
                          {"far_mean", report.folded_tar->far_mean}};
  }
}

std::string to_json(const VerificationReport& report, const std::map<std::string, std::string>& extra) {
  Json json;
  for (const auto& [name, value] : extra) json[name] = value;
  add_verification(json, report);
  return json_text(json);
}

}  // namespace aface
