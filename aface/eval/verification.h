#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/roc.h"

namespace aface {

struct VerificationReport {
  double accuracy_mean = 0;       // over folds, share of right decisions
  double accuracy_std_error = 0;  // standard deviation over folds (N - 1) / sqrt(folds)
  std::vector<double> fold_accuracy;
  std::vector<double> fold_threshold;  // cosine; a pair is called "same" when its score is >= the threshold
  std::vector<TarAtFar> tar_at_far;    // FAR 1e-1, 1e-2, 1e-3, over all pairs
  std::int64_t pairs = 0;
};

// LFW's rule (View 2; Huang et al. 2007): folds are contiguous equal slices in the given order; the threshold
// that is best on the other folds is applied to each. scores[i] is the cosine of pair i, same[i] is 1 for
// pairs of one person.
//
// The search is exact, not a grid: candidates are all scores of the other folds, and the next float above the
// highest one, which calls every pair different. Of equally good candidates the middle one by rank is taken
// (of two middle ones the higher, which accepts less): an end of the plateau would sit right beside a pair it
// gets wrong. Since only the order of scores is used, a strictly increasing map of all scores changes no
// accuracy and no TAR.
//
// O(n log n + folds * n). Throws Error{kData} for fewer than two folds, sizes that do not fit, a non-finite
// score, or a fold without one of the kinds.
VerificationReport verify_pairs(Span<const float> scores, Span<const std::uint8_t> same, std::int64_t folds);

// Folds line by line, then mean and TAR; shares in percent.
std::string to_table(const VerificationReport& report);

// One JSON object: pairs, accuracy_mean, accuracy_std_error, folds [{accuracy, threshold}], tar_at_far
// {"0.1": tar, ...}, and the entries of `extra` as text. Numbers round-trip.
std::string to_json(const VerificationReport& report, const std::map<std::string, std::string>& extra = {});

}  // namespace aface
