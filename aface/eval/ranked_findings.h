#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// One entry of a list that somebody works through from the top: a doubted label, say.
struct RankedFinding {
  double score = 0;     // what the list is ordered by
  bool is_hit = false;  // what was looked for
};

// How a list fares down to one of its entries.
struct PrecisionPoint {
  std::int64_t listed = 0;  // entries down to here
  std::int64_t hits = 0;    // of these
  double score = 0;         // of the last of them
  double precision = 0;     // hits / listed
  double recall = 0;        // hits / all there are
};

// One point wherever the score changes: entries of equal score have no order. `findings` are best first by
// score, ascending or descending; `all_hits` (> 0) also counts those that are not listed. Throws
// Error{kUsage} when more hits are listed than there are.
std::vector<PrecisionPoint> precision_curve(const std::vector<RankedFinding>& findings,
                                            std::int64_t all_hits);

// Sum over the points of precision times the recall gained since the point before: what is not listed counts
// as never found. In [0, 1].
double average_precision(const std::vector<PrecisionPoint>& curve);

// "listed<TAB>hits<TAB>score<TAB>precision<TAB>recall", then a line a point.
std::string precision_curve_tsv(const std::vector<PrecisionPoint>& curve);

}  // namespace aface
