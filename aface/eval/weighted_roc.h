#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/figure.h"
#include "aface/eval/identity_bootstrap.h"
#include "aface/eval/pair_weights.h"
#include "aface/eval/roc.h"

namespace aface {

struct PairScore {
  float score = 0;
  PairPeople people;
};

// Which score is the threshold at a FAR target, N being the (weighted) number of impostor pairs. A pair is
// accepted when its score is >= the threshold.
enum class ThresholdRule {
  kWithinTarget,  // roc.h: the smallest score whose FAR does not pass the target; ties are never split
  kKthImpostor  // BLUFR's EvalROC.m: the k-th highest impostor score, k = FAR N rounded, halves up; k counts
                // from 1
};

// TAR and thresholds at FAR targets under draws of people: every pair counts as often as its people were
// drawn (pair_weights.h), which gives exactly what the rule gives for a list in which each pair is repeated
// that often, pairs of weight 0 left out. Safe to use from several threads.
class WeightedRoc {
 public:
  // The weight of all impostor pairs at a draw.
  using ImpostorWeight = std::function<std::uint64_t(Span<const std::uint16_t> drawn)>;

  // `impostor` may be the tail alone, the highest-scored pairs of many more; then `all_impostors` is needed.
  // Without it the weight is the sum over the given pairs. Throws Error{kData} when one side is empty, a
  // score is not finite, or a person is not below `people`.
  WeightedRoc(std::vector<PairScore> genuine, std::vector<PairScore> impostor, std::int64_t people,
              ThresholdRule rule = ThresholdRule::kWithinTarget, ImpostorWeight all_impostors = nullptr);

  // One point a target. Threshold and TAR are NaN where a draw has no pair of a kind, where it needs more
  // impostor pairs than the tail holds, and, with kKthImpostor, where k is 0. Costs a walk over the impostor
  // pairs down to the threshold and over at most half of the genuine ones. Throws Error{kData} for a target
  // that is not in [0, 1].
  std::vector<TarAtFar> at(Span<const std::uint16_t> drawn, const std::vector<double>& targets) const;

  // The same with everybody drawn once: the figures themselves.
  std::vector<TarAtFar> at(const std::vector<double>& targets) const;
  std::uint64_t impostor_pairs() const;  // everybody drawn once
  std::int64_t people() const { return people_; }

 private:
  struct Walk;
  bool walk_past(std::uint64_t allowed, const std::vector<std::uint32_t>& table, Walk& walk) const;
  float threshold_above(float bound, const std::vector<std::uint32_t>& table) const;
  float threshold_at(double far, std::uint64_t total, const std::vector<std::uint32_t>& table,
                     Walk& walk) const;

  ThresholdRule rule_;
  std::int64_t people_;
  ImpostorWeight all_impostors_;
  std::vector<float> genuine_, impostor_;  // falling
  PairWeights genuine_weights_, impostor_weights_;
};

// "tar_at_far/X" and "threshold_at_far/X" for each target, with replicates; marked where unmeasurable.
std::vector<Figure> far_figures(const WeightedRoc& roc, const std::vector<double>& targets,
                                const BootstrapOptions& options);

}  // namespace aface
