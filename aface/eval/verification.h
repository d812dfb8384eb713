#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/span.h"

namespace aface {

struct TarAtFar {
  double far = 0;
  double tar = 0;
  double threshold = 0;
};

struct VerificationReport {
  double accuracy_mean = 0;       // over folds, share of right decisions
  double accuracy_std_error = 0;  // standard deviation over folds (N - 1) / sqrt(folds)
  std::vector<double> fold_accuracy;
  std::vector<double> fold_threshold;  // cosine; a pair is called "same" when its score is >= the threshold
  std::vector<TarAtFar> tar_at_far;    // FAR 1e-1, 1e-2, 1e-3
  std::int64_t pairs = 0;
};

// LFW's rule (View 2): folds are contiguous equal slices in the given order; the threshold that is best on the other
// folds is applied to each. scores[i] is the cosine of pair i, same[i] is 1 for pairs of one person.
// Throws Error{kData} for sizes that do not fit, a non-finite score, or a fold without one of the kinds.
VerificationReport verify_pairs(Span<const float> scores, Span<const std::uint8_t> same, std::int64_t folds);

std::string to_table(const VerificationReport& report);
// JSON text with accuracy_mean, accuracy_std_error, folds, tar_at_far.
std::string to_json(const VerificationReport& report);

}  // namespace aface
