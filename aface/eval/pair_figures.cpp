#include "aface/eval/pair_figures.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "aface/core/error.h"
#include "aface/eval/pair_weights.h"
#include "aface/eval/weighted_roc.h"

namespace aface {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::kData, "pairs: " + what); }

void require_valid(const IdentifiedPairs& pairs) {
  const std::size_t n = pairs.scores.size();
  const auto require_size = [&](std::size_t size, const char* what) {
    if (size != n) fail(fmt::format("{} scores but {} {} (expected one a pair)", n, size, what));
  };
  require_size(pairs.same.size(), "same flags");
  require_size(pairs.first.size(), "first people");
  require_size(pairs.second.size(), "second people");
  for (std::size_t i = 0; i < n; ++i) {
    if (!std::isfinite(pairs.scores[i])) {
      fail(fmt::format("the score of pair {} is not finite; look for zero or NaN embeddings", i + 1));
    }
  }
}

struct RankedPair {
  float score = 0;
  bool is_same = false;
  std::size_t index = 0;  // in the list
};
using Ranked = std::vector<RankedPair>;

// The pairs from the highest score to the lowest.
std::shared_ptr<const Ranked> rank(const IdentifiedPairs& pairs) {
  require_valid(pairs);
  auto ranked = std::make_shared<Ranked>();
  for (std::size_t i = 0; i < pairs.scores.size(); ++i) {
    ranked->push_back({pairs.scores[i], pairs.same[i] != 0, i});
  }
  std::sort(ranked->begin(), ranked->end(),
            [](const RankedPair& left, const RankedPair& right) { return left.score > right.score; });
  return ranked;
}

double weighted_equal_error_rate(const Ranked& ranked, Span<const std::uint64_t> weights) {
  double genuine = 0, impostor = 0;
  for (const RankedPair& pair : ranked) {
    (pair.is_same ? genuine : impostor) += static_cast<double>(weights[pair.index]);
  }
  if (genuine == 0 || impostor == 0) return kNaN;

  double accepted_genuine = 0, accepted_impostor = 0;
  double last_far = 0, last_excess = -1;  // excess: FAR - (1 - TAR), rising from -1 to 1
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    const RankedPair& pair = ranked[i];
    (pair.is_same ? accepted_genuine : accepted_impostor) += static_cast<double>(weights[pair.index]);
    if (i + 1 < ranked.size() && ranked[i + 1].score == pair.score) continue;  // inside a tie
    const double far = accepted_impostor / impostor;
    const double excess = far - (1 - accepted_genuine / genuine);
    if (excess >= 0) return last_far + (far - last_far) * (-last_excess / (excess - last_excess));
    last_far = far;
    last_excess = excess;
  }
  return last_far;
}

PairWeights pair_weights(const IdentifiedPairs& pairs) {
  std::vector<PairPeople> people;
  for (std::size_t i = 0; i < pairs.scores.size(); ++i) people.push_back({pairs.first[i], pairs.second[i]});
  return PairWeights(people, pairs.people);
}

}  // namespace

Figure pair_figure(const std::string& name, const IdentifiedPairs& pairs, const PairStatistic& statistic,
                   const BootstrapOptions& options) {
  require_valid(pairs);
  const PairWeights weights = pair_weights(pairs);
  Figure figure;
  figure.name = name;
  figure.value = statistic(std::vector<std::uint64_t>(pairs.scores.size(), 1));
  figure.replicates.resize(static_cast<std::size_t>(options.replicates));
  for_each_draw(pairs.people, options, [&](std::int64_t replicate, Span<const std::uint16_t> drawn) {
    const std::vector<std::uint32_t> table = weight_table(drawn);
    std::vector<std::uint64_t> of_pairs(weights.size());
    for (std::size_t i = 0; i < of_pairs.size(); ++i) of_pairs[i] = weights.weight(i, table);
    figure.replicates[static_cast<std::size_t>(replicate)] = static_cast<float>(statistic(of_pairs));
  });
  return figure;
}

PairStatistic equal_error_rate(const IdentifiedPairs& pairs) {
  return [ranked = rank(pairs)](Span<const std::uint64_t> weights) {
    return weighted_equal_error_rate(*ranked, weights);
  };
}

std::vector<Figure> pair_figures(const IdentifiedPairs& pairs, const std::vector<double>& far_targets,
                                 const BootstrapOptions& options) {
  require_valid(pairs);
  std::vector<PairScore> genuine, impostor;
  for (std::size_t i = 0; i < pairs.scores.size(); ++i) {
    (pairs.same[i] ? genuine : impostor).push_back({pairs.scores[i], {pairs.first[i], pairs.second[i]}});
  }
  const WeightedRoc roc(std::move(genuine), std::move(impostor), pairs.people);

  std::vector<Figure> figures;
  figures.push_back(pair_figure("eer", pairs, equal_error_rate(pairs), options));
  for (Figure& figure : far_figures(roc, far_targets, options)) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace aface
