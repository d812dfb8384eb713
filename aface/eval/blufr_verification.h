#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/over_trials.h"
#include "aface/eval/trial_pairs.h"
#include "aface/eval/unit_rows.h"
#include "aface/eval/weighted_roc.h"
#include "aface/io/blufr_lists.h"

namespace aface {

// The verification half of BLUFR: all unordered pairs of each trial's test set, thresholds by blufr_rule.h.
class BlufrVerification {
 public:
  // VR at every FAR of `far` (0 ... 1) is made ready. `drawn_far`, at most kHighestDrawnFar, is the highest
  // FAR that drawn_vr() will be asked for; 0: none. Throws Error{kData} when a trial lacks genuine or
  // impostor pairs.
  BlufrVerification(const UnitRows& rows, const BlufrLists& lists, std::vector<double> far, double drawn_far,
                    int threads);

  // Draws need the highest impostor pairs of every trial in memory: at 0.01 four times 470,000 a trial.
  static constexpr double kHighestDrawnFar = 0.01;

  OverTrials vr(std::size_t far_index) const;
  // The same when people are drawn anew, one for each of `far`; NaN where a trial's draw needs more impostors
  // than were kept (four times FAR N). Safe to use from several threads.
  std::vector<OverTrials> drawn_vr(Span<const std::uint16_t> drawn, const std::vector<double>& far) const;

  std::int64_t genuine_pairs(std::size_t trial) const {
    return static_cast<std::int64_t>(genuine_[trial].size());
  }
  std::int64_t impostor_pairs(std::size_t trial) const { return pairs_.impostors(static_cast<int>(trial)); }
  std::int64_t fewest_impostor_pairs() const;
  const TrialPairs& pairs() const { return pairs_; }
  const std::vector<TrialPair>& highest_impostors() const { return highest_; }  // falling, 20 or more

 private:
  void require_both_kinds() const;
  void make_drawable(const BlufrLists& lists);

  std::vector<double> far_;
  TrialPairs pairs_;
  std::vector<std::vector<float>> genuine_;      // [trial] falling
  std::vector<std::vector<double>> thresholds_;  // [trial][far]
  std::vector<TrialPair> highest_;
  std::vector<WeightedRoc> drawable_;  // [trial], or empty
};

}  // namespace aface
