#include "aface/mining/class_selector.h"

#include <fmt/core.h>

#include <limits>

#include "aface/mining/all_selector.h"
#include "aface/mining/dominant_queue_selector.h"
#include "aface/mining/feature_query_selector.h"
#include "aface/mining/random_selector.h"

namespace aface {
namespace {

void require(bool holds, const std::string& what) {
  if (!holds) throw Error(ErrorKind::kUsage, fmt::format("mining: {}; change the [mining] options", what));
}

void require_budget(const MinerOptions& o) {
  require(o.budget >= 1, fmt::format("{} needs a budget (expected at least 1, got {})", o.kind, o.budget));
}

void check_searching(const MinerOptions& o) {
  require(o.rebuild_steps >= 1, fmt::format("expected rebuild_steps of at least 1, got {}", o.rebuild_steps));
  require(o.graph_links >= 2 && o.graph_links <= 200, fmt::format("expected graph_links 2 to 200, got {}", o.graph_links));
  require(o.graph_build_effort >= 1 && o.graph_search_effort >= 1, "expected graph efforts of at least 1");
}

void check_queues(const MinerOptions& o) {
  require(o.budget >= 0, fmt::format("expected a budget of at least 0, got {}", o.budget));
  require(o.queue_length >= 1 && o.max_queue_length >= o.queue_length,
          fmt::format("expected 1 <= queue_length <= max_queue_length, got {} and {}", o.queue_length, o.max_queue_length));
  require(o.similarity_steps >= 1, fmt::format("expected similarity_steps of at least 1, got {}", o.similarity_steps));
}

}  // namespace

const std::vector<RegistryRow<MakeClassSelector>>& class_selector_table() {
  using Made = std::unique_ptr<ClassSelector>;
  static const std::vector<RegistryRow<MakeClassSelector>> table = {
      {"all", "every prototype: the full softmax",
       [](const MinerOptions&, std::int64_t num_identities, std::uint64_t, int, AcrossRanks*) -> Made {
         return std::make_unique<AllSelector>(num_identities);
       }},
      {"random", "own prototypes and random others up to the budget (Partial FC)",
       [](const MinerOptions& options, std::int64_t num_identities, std::uint64_t seed, int, AcrossRanks*) -> Made {
         require_budget(options);
         return std::make_unique<RandomSelector>(options, num_identities, seed);
       }},
      {"feature_query", "own prototypes and those nearest to the embeddings, up to the budget (HF-Softmax)",
       [](const MinerOptions& options, std::int64_t num_identities, std::uint64_t seed, int threads,
          AcrossRanks* ranks) -> Made {
         require(ranks == nullptr, "kind = feature_query does not work on several ranks");
         require_budget(options);
         check_searching(options);
         return std::make_unique<FeatureQuerySelector>(options, num_identities, seed, threads);
       }},
      {"dominant_queue", "own prototypes and their queues of similar ones (HPM)",
       [](const MinerOptions& options, std::int64_t num_identities, std::uint64_t seed, int threads,
          AcrossRanks* ranks) -> Made {
         check_queues(options);
         check_searching(options);
         return std::make_unique<DominantQueueSelector>(options, num_identities, seed, threads, ranks);
       }},
  };
  return table;
}

std::unique_ptr<ClassSelector> make_class_selector(const MinerOptions& options, std::int64_t num_identities,
                                                   std::uint64_t seed, int threads, AcrossRanks* ranks) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
  const auto& row = find_row(class_selector_table(), options.kind, "class selector");
  if (num_identities < 1 || num_identities > kMost) {
    throw Error(ErrorKind::kData, fmt::format("mining: expected 1 to {} identities, got {}; check the data set", kMost,
                                              num_identities));
  }
  return row.make(options, num_identities, seed, threads, ranks);
}

}  // namespace aface
