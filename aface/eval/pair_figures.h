#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/figure.h"
#include "aface/eval/identity_bootstrap.h"

namespace aface {

// Verification pairs with their people; all spans have one entry a pair.
struct IdentifiedPairs {
  Span<const float> scores;                 // cosine; higher is more alike
  Span<const std::uint8_t> same;            // 1: a genuine pair
  Span<const std::uint32_t> first, second;  // the person of either image, 0 .. people - 1
  std::int64_t people = 0;
};

// A number computed from the list with pair i repeated weights[i] times; NaN when such a list has no answer.
// Called from several threads.
using PairStatistic = std::function<double(Span<const std::uint64_t> weights)>;

// The statistic with all weights 1, and under each draw of people (pair_weights.h). Throws Error{kData} when
// a person is out of range or sizes do not fit.
Figure pair_figure(const std::string& name, const IdentifiedPairs& pairs, const PairStatistic& statistic,
                   const BootstrapOptions& options);

// The rate at which FAR = 1 - TAR, on the straight lines between the points of the ROC at each score. Copies
// what it needs of `pairs`.
PairStatistic equal_error_rate(const IdentifiedPairs& pairs);

// "eer", and for each target "tar_at_far/X" and "threshold_at_far/X" (weighted_roc.h), all with replicates.
// Throws Error{kData} naming the pair when a score is not finite, and when one kind of pairs is missing.
std::vector<Figure> pair_figures(const IdentifiedPairs& pairs, const std::vector<double>& far_targets,
                                 const BootstrapOptions& options);

}  // namespace aface
