#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/open_set.h"
#include "aface/eval/over_trials.h"
#include "aface/eval/unit_rows.h"
#include "aface/io/blufr_lists.h"

namespace aface {

// The identification half of BLUFR: each trial's probes against its gallery, by the rule of open_set.h.
class BlufrIdentification {
 public:
  // DIR at every rank and FAR (0 ... 1) is made ready. Throws Error{kData} when a trial lacks probes with or
  // without a mate.
  BlufrIdentification(const UnitRows& rows, const BlufrLists& lists, const std::vector<double>& far,
                      const std::vector<std::int32_t>& ranks, int threads);

  OverTrials dir(std::size_t rank_index, std::size_t far_index) const;
  // The same when the people of the probes are drawn anew; NaN where a trial's draw has none of a kind. Safe
  // to use from several threads.
  OverTrials drawn_dir(Span<const std::uint16_t> drawn, double far, std::int32_t rank) const;

  std::int64_t mated_probes(std::size_t trial) const { return tables_[trial].mated_probes; }
  std::int64_t non_mated_probes(std::size_t trial) const { return tables_[trial].non_mated_probes; }
  std::int64_t fewest_non_mated_probes() const;

 private:
  std::vector<OpenSetTable> tables_;    // [trial]
  std::vector<DrawnOpenSet> drawable_;  // [trial]
};

}  // namespace aface
