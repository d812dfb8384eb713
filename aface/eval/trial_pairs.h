#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/unit_rows.h"

namespace aface {

// One pair of images, with the trials of which it is a test pair.
struct TrialPair {
  float score = 0;
  std::uint16_t trials = 0;  // bit t: both images belong to trial t
  std::int32_t a = 0;        // row numbers, a < b
  std::int32_t b = 0;
};

// All pairs of images of several overlapping trials, each scored once whatever the number of trials that
// share it. The scores are never held together: a first pass counts impostors in 16,000 bins for every
// combination of trials, and later passes make the same scores again to look into the few bins that a
// question falls in.
class TrialPairs {
 public:
  static constexpr int kMaxTrials = 16;
  static constexpr int kBins = 16000;  // over [-1, 1]

  // trials_of_row[i], bit t: image i is in trial t. Rows up to 65,535.
  // `threads` (0: all cores) does not change any result. Throws Error{kData} when sizes do not fit.
  TrialPairs(const UnitRows& rows, Span<const std::int32_t> identities,
             Span<const std::uint16_t> trials_of_row, int threads);
  ~TrialPairs();

  // Pairs of one person, from the highest score to the lowest (equal ones by row).
  const std::vector<TrialPair>& genuine() const { return genuine_; }
  std::int64_t impostors(int trial) const { return impostors_[static_cast<std::size_t>(trial)]; }
  // Impostor pairs that are in any trial, by bin.
  const std::vector<std::int64_t>& impostor_histogram() const { return histogram_; }

  struct Wanted {
    int trial = 0;
    std::int64_t k = 1;  // from the highest impostor score of the trial down; 1 ... impostors(trial)
  };
  struct Answer {
    std::vector<float> kth;  // the exact k-th highest impostor score for each wanted one
    std::vector<TrialPair>
        tail;  // impostor pairs in falling order; of each trial at least the highest tail_pairs
  };
  Answer look_up(const std::vector<Wanted>& wanted, std::int64_t tail_pairs) const;

 private:
  struct Layout;

  std::unique_ptr<Layout> layout_;
  std::vector<TrialPair> genuine_;
  std::array<std::int64_t, kMaxTrials> impostors_{};
  std::vector<std::int64_t> histogram_;
  std::vector<std::vector<std::int64_t>> bins_of_trial_;  // [trial][bin]
  int threads_ = 0;
};

}  // namespace aface
