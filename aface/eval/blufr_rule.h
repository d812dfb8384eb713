#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace aface {

// How the BLUFR toolkit (Liao, Lei, Yi, Li: "A Benchmark Study of Large-scale Unconstrained Face
// Recognition", IJCB 2014; its EvalROC.m and OpenSetROC.m) turns a FAR into a threshold. With N impostor
// scores and k = round(FAR * N), half away from zero:
//   k = 0      midway between the highest impostor score and the lowest genuine score above it; where no
//   genuine
//              score is above it, the highest impostor score + sqrt(epsilon of double)
//   k = N      the lowest of all scores - sqrt(epsilon)
//   otherwise  the k-th highest impostor score, which itself is accepted: a score is accepted when it is >=
//   the
//              threshold, so all impostors tied with the k-th are accepted too
std::int64_t accepted_impostors(double far, std::int64_t impostors);

// `kth_impostor(k)` is the k-th highest impostor score, 1 <= k <= impostors; `genuine` holds all genuine
// scores in falling order. Neither side may be empty.
double blufr_threshold(double far, std::int64_t impostors,
                       const std::function<float(std::int64_t k)>& kth_impostor,
                       const std::vector<float>& genuine);

// Number of scores in `falling` that are >= threshold.
std::int64_t count_at_or_above(const std::vector<float>& falling, double threshold);

// The toolkit's grids: 0, 1 ... 9 x 10^l, 1 with l from -8 (verification) or -4 (identification) to -1; ranks
// 1 ... 10, 20 ... 100.
std::vector<double> blufr_far_grid(int lowest_exponent);
std::vector<std::int32_t> blufr_ranks();

}  // namespace aface
