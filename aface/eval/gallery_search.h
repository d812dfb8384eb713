#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/unit_rows.h"

namespace aface {

// Where a mate stands among gallery rows of other people with exactly its score.
enum class TieRule {
  kGalleryOrder,  // a stable sort: the row that comes first in the gallery ranks first (the BLUFR toolkit)
  kAgainstMate    // the mate ranks last, so that the order of the gallery does not matter
};

// What a search of the whole gallery gave for one probe.
struct ProbeOutcome {
  static constexpr std::int32_t kNone = -1;

  std::int32_t mate =
      kNone;             // best gallery row of the probe's identity, the first of equals; kNone: not enrolled
  float mate_score = 0;  // meaningful with a mate only
  std::int32_t rank = 0;            // 1: no other identity ranks before the mate; 0 without a mate
  std::int32_t best_other = kNone;  // best row of another identity, the first of equals; kNone: there is none
  float best_other_score = 0;
  bool is_mated() const { return mate != kNone; }
};

// Searches the gallery for every probe. An identity with several gallery rows counts once, by its best row:
// rank is 1 + the number of other identities that rank before the mate. Blocks of scores are made and
// forgotten; threads share the probes (0: all cores) and do not change the result. Throws Error{kData} when
// the gallery or the probes are empty or sizes do not fit.
std::vector<ProbeOutcome> search_gallery(const UnitRows& probes, Span<const std::int32_t> probe_identities,
                                         const UnitRows& gallery, Span<const std::int32_t> gallery_identities,
                                         TieRule ties, int threads);

}  // namespace aface
