#include "aface/eval/ranked_findings.h"

#include <fmt/core.h>

#include "aface/core/error.h"

namespace aface {

std::vector<PrecisionPoint> precision_curve(const std::vector<RankedFinding>& findings,
                                            std::int64_t all_hits) {
  std::vector<PrecisionPoint> curve;
  std::int64_t hits = 0;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    hits += findings[i].is_hit ? 1 : 0;
    const bool last_of_its_score = i + 1 == findings.size() || findings[i + 1].score != findings[i].score;
    if (!last_of_its_score) continue;
    const auto listed = static_cast<std::int64_t>(i) + 1;
    curve.push_back({listed, hits, findings[i].score, static_cast<double>(hits) / static_cast<double>(listed),
                     static_cast<double>(hits) / static_cast<double>(all_hits)});
  }
  if (hits > all_hits || all_hits <= 0) {
    throw Error(ErrorKind::kUsage, fmt::format("{} hits listed of {} there are", hits, all_hits));
  }
  return curve;
}

double average_precision(const std::vector<PrecisionPoint>& curve) {
  double sum = 0;
  double recall = 0;
  for (const PrecisionPoint& point : curve) {
    sum += point.precision * (point.recall - recall);
    recall = point.recall;
  }
  return sum;
}

std::string precision_curve_tsv(const std::vector<PrecisionPoint>& curve) {
  std::string text = "listed\thits\tscore\tprecision\trecall\n";
  for (const PrecisionPoint& point : curve) {
    text += fmt::format("{}\t{}\t{:.4f}\t{:.6f}\t{:.6f}\n", point.listed, point.hits, point.score,
                        point.precision, point.recall);
  }
  return text;
}

}  // namespace aface
