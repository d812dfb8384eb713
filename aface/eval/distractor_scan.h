#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/io/row_source.h"

namespace aface {

// A probe against a distractor.
struct DistractorScore {
  float score = 0;
  std::int32_t probe = 0;
  std::int32_t distractor = 0;
};

struct DistractorScanOptions {
  std::int64_t ranks = 10;       // best scores kept for each probe
  std::int64_t tail_scores = 0;  // best scores kept over all probes
  // Distractors whose score is set instead of computed (refined lists): flags[i] != 0, or empty.
  Span<const std::uint8_t> silenced;
  float silenced_score = -1;
  bool skip_bad =
      false;        // a distractor that is zero or not finite: score -1 with everything; false: an error
  int threads = 0;  // 0: all cores; changes speed only
};

struct DistractorScan {
  std::int64_t ranks = 0;             // min(asked for, distractors)
  std::vector<float> best;            // row-major [probes, ranks], falling
  std::vector<DistractorScore> tail;  // falling; at least tail_scores of them, or all there are
  std::vector<float> sample;          // scores of evenly spaced distractors with all probes, for a histogram
  std::int64_t bad = 0;               // distractors without a direction
};

// The cosine that the scan compares: products summed in double, rounded to float once.
float exact_cosine(const float* a, const float* b, std::size_t dim, double inverse_norms);

// Scores every distractor against every probe in one pass over the distractors, without ever holding the
// scores. What it reports is exact: eight-bit products with a proven bound (kernel/quantised_rows.h) say
// which pairs can be among the best of a probe or among the best of all, and those are computed exactly.
// Threads take blocks of distractors; the result does not depend on them. `probes` may have any length but
// not zero. Memory: probes, blocks, and twice the tail a thread. Throws Error{kData} when sizes do not fit
// or, unless skip_bad, when distractors have no direction (counted, the first ones named by `names`); Stopped
// between blocks.
DistractorScan scan_distractors(RowMatrix probes, const RowSource& distractors,
                                const std::vector<std::string>& names, const DistractorScanOptions& options);

}  // namespace aface
