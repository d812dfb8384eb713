#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/pair_convention.h"
#include "aface/eval/roc.h"

namespace aface {

struct VerificationOptions {
  std::string convention = "exact";                      // a name of pair_conventions()
  std::vector<double> far_targets = {1e-1, 1e-2, 1e-3};  // of tar_at_far
};

struct VerificationReport {
  std::string convention;
  double accuracy_mean = 0;       // over folds, share of right decisions
  double accuracy_std_error = 0;  // standard deviation over folds (N - 1) / sqrt(folds)
  double accuracy_deviation = 0;  // standard deviation over folds (N)
  std::vector<double> fold_accuracy;
  std::vector<double> fold_threshold;  // in the convention's unit
  // Over all pairs, by roc.h, whatever the convention. Threshold and TAR are NaN where the target lets pass
  // less than one impostor pair, which cannot be measured.
  std::vector<TarAtFar> tar_at_far;
  std::optional<FoldedTar> folded_tar;  // insightface: its own figure at FAR 1e-3
  std::int64_t pairs = 0;
  std::int64_t genuine = 0;  // of them of one person
};

// LFW's rule (View 2; Huang et al. 2007): folds are contiguous equal slices in the given order; the threshold
// that is best on the other folds is applied to each. scores[i] is the cosine of pair i, same[i] is 1 for
// pairs of one person.
//
// The convention "exact" searches without a grid and accepts scores >= the threshold: candidates are all
// scores of the other folds, and the next float above the highest one, which calls every pair different. Of
// equally good candidates the middle one by rank is taken (of two middle ones the higher, which accepts
// less): an end of the plateau would sit right beside a pair it gets wrong. Since only the order of scores is
// used, a strictly increasing map of all scores changes no accuracy and no TAR. The other conventions are
// described in pair_convention.h.
//
// O(n log n + folds * n). Throws Error{kData} for fewer than two folds, sizes that do not fit, a non-finite
// score, or a fold without one of the kinds; Error{kUsage} for an unknown convention.
VerificationReport verify_pairs(Span<const float> scores, Span<const std::uint8_t> same, std::int64_t folds,
                                const VerificationOptions& options = {});

// Folds line by line, then their mean and its spread; shares in percent.
std::string fold_table(const VerificationReport& report);
// The same, then TAR at each target, "-" where it is not measured.
std::string to_table(const VerificationReport& report);

// One JSON object: convention, pairs, accuracy_mean, accuracy_std_error, accuracy_deviation, folds
// [{accuracy, threshold}], tar_at_far {"0.1": tar or null, ...}, folded_tar where there is one, and the
// entries of `extra` as text. Numbers round-trip.
std::string to_json(const VerificationReport& report, const std::map<std::string, std::string>& extra = {});

}  // namespace aface
