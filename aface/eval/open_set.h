#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/gallery_search.h"

namespace aface {

// Open-set identification by the rule of BLUFR's OpenSetROC.m, from the outcome of each probe. Impostor
// score: the best gallery score of a probe whose person is not enrolled. Genuine score: that of the mate.
// DIR(rank, FAR) is the share of mated probes with score >= threshold(FAR) and rank of the mate <= rank;
// thresholds by blufr_rule.h. FAR here is also called FPIR: the share of probes without a mate that raise an
// alarm.
struct OpenSetTable {
  std::int64_t mated_probes = 0;
  std::int64_t non_mated_probes = 0;
  std::vector<double> threshold;         // [far]
  std::vector<std::vector<double>> dir;  // [rank][far]
};

// Throws Error{kData} when there is no mated probe, or none without a mate.
OpenSetTable open_set_table(const std::vector<ProbeOutcome>& outcomes, const std::vector<double>& far,
                            const std::vector<std::int32_t>& ranks);

// Closed-set identification: share of mated probes whose mate has rank <= r, for r = 1 ... max_rank. Throws
// Error{kData} when no probe has a mate.
std::vector<double> cmc(const std::vector<ProbeOutcome>& outcomes, std::int32_t max_rank);

// The same figures when the people of the probes are drawn anew, the gallery staying as it is: every probe
// counts as often as its person was drawn, which gives what the rule gives for a list in which each probe is
// repeated that often.
class DrawnOpenSet {
 public:
  // people[i]: person of probe i, an index into the draws.
  DrawnOpenSet(const std::vector<ProbeOutcome>& outcomes, Span<const std::int32_t> people);

  // DIR at one FAR and rank; NaN where the draw has no probe of a kind or FAR admits no impostor.
  double dir(Span<const std::uint16_t> drawn, double far, std::int32_t rank) const;
  // Threshold at one FAR; NaN as above.
  double threshold(Span<const std::uint16_t> drawn, double far) const;
  // Share of mated probes with rank <= r; NaN where the draw has none.
  double rank_rate(Span<const std::uint16_t> drawn, std::int32_t rank) const;

 private:
  struct Probe {
    float score = 0;
    std::int32_t rank = 0;
    std::int32_t person = 0;
  };
  std::vector<Probe> mated_, non_mated_;  // by falling score
};

}  // namespace aface
