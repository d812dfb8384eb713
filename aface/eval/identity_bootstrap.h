#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aface/core/span.h"
#include "aface/eval/figure.h"

namespace aface {

struct BootstrapOptions {
  std::int64_t replicates = 1000;  // 0: no intervals
  std::uint64_t seed = 1;
  int threads = 0;  // 0: all cores; changes speed only
};

// How often each of `identities` people is drawn when as many are drawn with replacement. Depends on nothing
// but the arguments, so that two evaluations over the same people see the same draws and can be compared pair
// by pair.
std::vector<std::uint16_t> draw_identities(std::int64_t identities, std::uint64_t seed,
                                           std::int64_t replicate);

// Calls visit(replicate, weights) for each replicate, several at a time.
void for_each_draw(
    std::int64_t identities, const BootstrapOptions& options,
    const std::function<void(std::int64_t replicate, Span<const std::uint16_t> weights)>& visit);

// Percentile interval (2.5 % to 97.5 %) of the replicates that are numbers; {NaN, NaN} when fewer than half
// are.
Interval interval_of(const Figure& figure);

}  // namespace aface
