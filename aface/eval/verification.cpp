#include "aface/eval/verification.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "aface/core/error.h"

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

// All pairs from the highest score to the lowest, with what each fold's search needs.
struct RankedPairs {
  std::vector<float> score;
  std::vector<std::uint32_t> fold;
  std::vector<std::uint8_t> same;
};

RankedPairs rank_pairs(Span<const float> scores, Span<const std::uint8_t> same, std::size_t fold_size) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  RankedPairs ranked;
  for (const std::size_t i : order) {
    ranked.score.push_back(scores[i]);
    ranked.fold.push_back(static_cast<std::uint32_t>(i / fold_size));
    ranked.same.push_back(same[i] != 0);
  }
  return ranked;
}

// The best threshold on all folds but one. Going down the ranks, each pair that becomes accepted adds one
// right decision if it is of one person and takes one away if not; a candidate is judged once its whole tie
// is accepted.
float best_threshold(const RankedPairs& pairs, std::uint32_t held_out) {
  std::int64_t gain = 0, best_gain = 0;  // right decisions beyond those of calling every pair different
  std::vector<float> best;  // all candidates with best_gain, falling; empty: nothing accepted is best
  float highest = 0;
  bool is_first = true, reject_all_is_best = true;
  const auto judge = [&](float threshold) {
    if (gain > best_gain) {
      best_gain = gain;
      best.clear();
      reject_all_is_best = false;
    }
    if (gain == best_gain) best.push_back(threshold);
  };

  float tied_score = 0;
  for (std::size_t i = 0; i < pairs.score.size(); ++i) {
    if (pairs.fold[i] == held_out) continue;
    if (is_first) {
      highest = tied_score = pairs.score[i];
      is_first = false;
    }
    if (pairs.score[i] != tied_score) {
      judge(tied_score);
      tied_score = pairs.score[i];
    }
    gain += pairs.same[i] ? 1 : -1;
  }
  judge(tied_score);

  if (reject_all_is_best)
    best.insert(best.begin(), std::nextafter(highest, std::numeric_limits<float>::infinity()));
  return best[(best.size() - 1) / 2];
}

}  // namespace

VerificationReport verify_pairs(Span<const float> scores, Span<const std::uint8_t> same, std::int64_t folds) {
  require_valid(scores, same, folds);
  const auto fold_count = static_cast<std::size_t>(folds);
  const std::size_t fold_size = scores.size() / fold_count;
  const RankedPairs ranked = rank_pairs(scores, same, fold_size);

  VerificationReport report;
  report.pairs = static_cast<std::int64_t>(scores.size());
  for (std::size_t fold = 0; fold < fold_count; ++fold) {
    const float threshold = best_threshold(ranked, static_cast<std::uint32_t>(fold));
    std::size_t right = 0;
    for (std::size_t i = fold * fold_size; i < (fold + 1) * fold_size; ++i) {
      right += (scores[i] >= threshold) == (same[i] != 0);
    }
    report.fold_threshold.push_back(threshold);
    report.fold_accuracy.push_back(static_cast<double>(right) / static_cast<double>(fold_size));
  }

  const double n = static_cast<double>(folds);
  report.accuracy_mean = std::accumulate(report.fold_accuracy.begin(), report.fold_accuracy.end(), 0.0) / n;
  double squares = 0;
  for (const double accuracy : report.fold_accuracy) squares += std::pow(accuracy - report.accuracy_mean, 2);
  report.accuracy_std_error = std::sqrt(squares / (n - 1)) / std::sqrt(n);

  std::vector<float> mated, non_mated;
  for (std::size_t i = 0; i < scores.size(); ++i) (same[i] ? mated : non_mated).push_back(scores[i]);
  report.tar_at_far = tar_at_far(std::move(mated), std::move(non_mated), {1e-1, 1e-2, 1e-3});
  return report;
}

std::string to_table(const VerificationReport& report) {
  std::string text = fmt::format("{:<14}{:>12}{:>12}\n", "fold", "accuracy %", "threshold");
  for (std::size_t fold = 0; fold < report.fold_accuracy.size(); ++fold) {
    text += fmt::format("{:<14}{:>12.2f}{:>12.4f}\n", fold + 1, 100 * report.fold_accuracy[fold],
                        report.fold_threshold[fold]);
  }
  text += fmt::format("{:<14}{:>12.2f}  +- {:.2f} (standard error), {} pairs\n", "mean",
                      100 * report.accuracy_mean, 100 * report.accuracy_std_error, report.pairs);
  for (const TarAtFar& point : report.tar_at_far) {
    text += fmt::format("{:<14}{:>12.2f}{:>12.4f}\n", fmt::format("TAR@FAR {:g}", point.far), 100 * point.tar,
                        point.threshold);
  }
  return text;
}

std::string to_json(const VerificationReport& report, const std::map<std::string, std::string>& extra) {
  nlohmann::ordered_json json;
  for (const auto& [name, value] : extra) json[name] = value;
  json["pairs"] = report.pairs;
  json["accuracy_mean"] = report.accuracy_mean;
  json["accuracy_std_error"] = report.accuracy_std_error;
  for (std::size_t fold = 0; fold < report.fold_accuracy.size(); ++fold) {
    json["folds"].push_back(
        {{"accuracy", report.fold_accuracy[fold]}, {"threshold", report.fold_threshold[fold]}});
  }
  for (const TarAtFar& point : report.tar_at_far)
    json["tar_at_far"][fmt::format("{:g}", point.far)] = point.tar;
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace aface
