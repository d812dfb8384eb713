#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// Verification pairs in contiguous, equal folds. All spans have one entry a pair.
struct FoldedPairs {
  Span<const float> scores;           // cosine
  Span<const std::uint8_t> same;      // 1: a genuine pair
  Span<const std::uint64_t> weights;  // how often each pair counts; empty: once
  std::int64_t folds = 10;

  std::size_t fold_size() const { return scores.size() / static_cast<std::size_t>(folds); }
  std::uint64_t weight(std::size_t pair) const { return weights.empty() ? 1 : weights[pair]; }
};

struct FoldResult {
  double accuracy = 0;   // share of right decisions; NaN when the fold, or all others, hold no weight
  double threshold = 0;  // found on the other folds, in the convention's unit
};

// How published code turns scores into accuracy: the same embeddings give numbers that differ by a few
// hundredths of a per cent, so a number should say which one it is.
struct PairConvention {
  enum class Spread { kStandardError, kStandardDeviation };
  std::string name;
  std::string rule;            // how the threshold of a fold is found, for the output
  std::string ties;            // what becomes of a score that equals the threshold
  std::string threshold_unit;  // "cosine" or "squared distance"
  Spread spread;               // what stands behind +- beside the mean accuracy
  std::vector<FoldResult> (*judge)(const FoldedPairs& pairs);
};

// exact        verification.h
// insightface  recognition/arcface_torch/eval/verification.py: squared distances d = 2 - 2 cosine of unit
// vectors;
//              thresholds 0, 0.01, ... 3.99; "same" when d < threshold; the first of the most accurate ones
//              on the other folds; reported with the population standard deviation over folds
// facexzoo     FaceX-Zoo's test_protocol/lfw/lfw_evaluator.py: cosines; thresholds low + k (high - low) /
// 1000, k = 1 ..
//              1000, over the range of the other folds' scores; the first with the highest TPR - FPR there; a
//              genuine pair is right when its score is above the threshold and an impostor pair when it is
//              below, so a score equal to it is wrong either way; reported with the standard error
const std::vector<PairConvention>& pair_conventions();
// Throws Error{kUsage} that lists all names.
const PairConvention& find_pair_convention(const std::string& name);

// TAR at a FAR as insightface reports it: for each fold, FAR over the other folds at thresholds 0, 0.001,
// ... 3.999; the straight line between the last threshold whose FAR is within the target and the next gives
// the fold's threshold, and the fold its TAR and FAR there. Threshold 0, which accepts nothing, when FAR
// stays below the target throughout. Folds that weights leave without one of the kinds are passed over; NaN
// when all are.
struct FoldedTar {
  double far_target = 0;
  double tar_mean = 0;
  double tar_deviation = 0;  // population standard deviation over folds
  double far_mean = 0;       // what FAR the thresholds have on the folds they were not chosen on
};
FoldedTar insightface_tar(const FoldedPairs& pairs, double far_target);

}  // namespace aface
