#include "aface/eval/comparison.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "aface/core/error.h"
#include "aface/eval/evaluation_json.h"
#include "aface/eval/figure_table.h"

namespace aface {
namespace {

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

FigureDifference::Better better_of(const std::string& name) {
  if (starts_with(name, "threshold")) return FigureDifference::Better::kNeither;
  if (starts_with(name, "eer")) return FigureDifference::Better::kLower;
  return FigureDifference::Better::kHigher;
}

void require_comparable(const EvaluationFile& a, const EvaluationFile& b) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::kData, fmt::format("{} and {}: {}", a.path, b.path, what));
  };
  if (a.protocol != b.protocol) {
    refuse(fmt::format("protocols '{}' and '{}' (expected the same); evaluate both by one protocol",
                       a.protocol, b.protocol));
  }
  const std::string ours = a.source("convention"), theirs = b.source("convention");
  if (ours != theirs) {
    refuse(fmt::format(
        "conventions '{}' and '{}' (expected the same); evaluate one again with the --convention of "
        "the other",
        ours, theirs));
  }
  if (a.people != b.people) {
    const std::string in_a = digest_count(a.people), in_b = digest_count(b.people);
    refuse(fmt::format(
        "made over different people ({}); evaluate both on the same lists",
        in_a == in_b ? in_a + " in both, but others or in another order" : in_a + " and " + in_b));
  }
  if (a.source("test_set") != b.source("test_set")) {
    refuse("made over different test sets of the same people; evaluate both on the same lists");
  }
  if (a.seed != b.seed) {
    refuse(fmt::format("seeds {} and {} (expected the same); evaluate one again with the --seed of the other",
                       a.seed, b.seed));
  }
  if (a.replicates != b.replicates) {
    refuse(fmt::format(
        "{} and {} draws (expected as many); evaluate one again with the --bootstrap of the other",
        a.replicates, b.replicates));
  }
  if (a.replicates == 0) refuse("no draws of people; evaluate both again without --bootstrap 0");
}

FigureDifference difference_of(const Figure& a, const Figure& b) {
  FigureDifference result;
  result.name = a.name;
  result.a = a.value;
  result.b = b.value;
  result.difference = b.value - a.value;
  result.better = better_of(a.name);
  const double sign = result.better == FigureDifference::Better::kLower ? -1 : 1;
  Figure paired;
  int a_better = 0, b_better = 0, both = 0;
  for (std::size_t i = 0; i < a.replicates.size(); ++i) {
    const float difference = b.replicates[i] - a.replicates[i];
    paired.replicates.push_back(difference);
    if (std::isnan(difference)) continue;
    ++both;
    a_better += sign * difference < 0;
    b_better += sign * difference > 0;
  }
  result.interval = interval_of(paired);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  result.a_better = both > 0 ? static_cast<double>(a_better) / both : nan;
  result.b_better = both > 0 ? static_cast<double>(b_better) / both : nan;
  return result;
}

// Why this figure cannot be compared; empty if it can.
std::string reason_against(const Figure& figure, const Figure* other, const char* us, const char* them) {
  if (other == nullptr) return fmt::format("only in {}", us);
  if (!figure.unmeasurable.empty()) return fmt::format("{}: {}", us, figure.unmeasurable);
  if (!other->unmeasurable.empty()) return fmt::format("{}: {}", them, other->unmeasurable);
  if (figure.replicates.empty() || other->replicates.empty()) return "has no values under the draws";
  return "";
}

}  // namespace

Comparison compare_evaluations(EvaluationFile a, EvaluationFile b) {
  require_comparable(a, b);
  Comparison comparison;
  for (const Figure& figure : a.figures) {
    const Figure* other = find_figure(b.figures, figure.name);
    const std::string reason = reason_against(figure, other, "A", "B");
    if (reason.empty()) {
      comparison.differences.push_back(difference_of(figure, *other));
    } else {
      comparison.not_compared.emplace_back(figure.name, reason);
    }
  }
  for (const Figure& figure : b.figures) {
    if (find_figure(a.figures, figure.name) == nullptr)
      comparison.not_compared.emplace_back(figure.name, "only in B");
  }
  if (comparison.differences.empty()) {
    const std::string first = comparison.not_compared.empty() ? "no figures"
                                                              : comparison.not_compared[0].first + ": " +
                                                                    comparison.not_compared[0].second;
    throw Error(ErrorKind::kData,
                fmt::format("{} and {}: nothing to compare ({}); evaluate both with the same "
                            "options",
                            a.path, b.path, first));
  }
  comparison.a = std::move(a);
  comparison.b = std::move(b);
  return comparison;
}

std::string verdict(const FigureDifference& difference) {
  if (std::isnan(difference.interval.low)) return "no interval";
  if (difference.interval.low <= 0 && difference.interval.high >= 0) return "no difference shown";
  const bool is_higher = difference.interval.low > 0;
  if (difference.better == FigureDifference::Better::kNeither)
    return is_higher ? "B is higher" : "B is lower";
  return is_higher == (difference.better == FigureDifference::Better::kHigher) ? "B is better"
                                                                               : "A is better";
}

}  // namespace aface
