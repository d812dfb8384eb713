#include "aface/eval/identity_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/random.h"

namespace aface {
namespace {

// Linear interpolation between the two order statistics around share * (n - 1).
double quantile(const std::vector<float>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double low = sorted[below];
  return low + (place - static_cast<double>(below)) * (sorted[above] - low);
}

}  // namespace

std::vector<std::uint16_t> draw_identities(std::int64_t identities, std::uint64_t seed,
                                           std::int64_t replicate) {
  AFACE_CHECK(identities >= 0 && replicate >= 0, "{} identities, replicate {}", identities, replicate);
  Random random(seed, static_cast<std::uint64_t>(replicate));
  std::vector<std::uint16_t> weights(static_cast<std::size_t>(identities));
  for (std::int64_t i = 0; i < identities; ++i) ++weights[static_cast<std::size_t>(random.below(identities))];
  return weights;
}

void for_each_draw(std::int64_t identities, const BootstrapOptions& options,
                   const std::function<void(std::int64_t, Span<const std::uint16_t>)>& visit) {
  parallel_for(options.replicates, 1, options.threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t replicate = begin; replicate < end; ++replicate) {
      visit(replicate, draw_identities(identities, options.seed, replicate));
    }
  });
}

Interval interval_of(const Figure& figure) {
  std::vector<float> numbers;
  std::copy_if(figure.replicates.begin(), figure.replicates.end(), std::back_inserter(numbers),
               [](float value) { return std::isfinite(value); });
  if (numbers.empty() || 2 * numbers.size() < figure.replicates.size()) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return {nan, nan};
  }
  std::sort(numbers.begin(), numbers.end());
  return {quantile(numbers, 0.025), quantile(numbers, 0.975)};
}

}  // namespace aface
