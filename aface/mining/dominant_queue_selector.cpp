#include "aface/mining/dominant_queue_selector.h"

#include <algorithm>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/random_state.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/top_k.h"
#include "aface/mining/index_choice.h"
#include "aface/mining/queue_feedback.h"
#include "aface/mining/queue_rules.h"
#include "aface/mining/queue_state.h"
#include "aface/mining/selector_state.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;

constexpr std::size_t kRebuildChunk = 4096;     // identities searched at a time, to bound the lists in memory

// The queue of `owner` after a rebuild; ids and similarities are its nearest rows, itself perhaps among them.
std::vector<Entry> refilled(std::int64_t owner, Span<const Entry> old, Span<const std::int32_t> ids,
                            Span<const float> similarities, RowMatrix prototypes, std::size_t neighbours,
                            double threshold) {
  std::vector<Entry> queue;
  for (std::size_t i = 0; i < ids.size() && queue.size() < neighbours; ++i) {
    if (ids[i] == owner || ids[i] == NeighbourLists::kNone || !holds(similarities[i], threshold)) continue;
    queue.push_back(make_entry(ids[i], false, similarities[i]));
  }
  const auto fresh_end = static_cast<std::ptrdiff_t>(queue.size());
  for (const Entry& entry : old) {
    if (entry.admitted == 0) continue;
    const auto known = std::find_if(queue.begin(), queue.begin() + fresh_end,
                                    [&](const Entry& fresh) { return fresh.id == entry.id; });
    if (known != queue.begin() + fresh_end) {
      known->admitted = 1;
      continue;
    }
    const float similarity =
        inner_product(prototypes.row(static_cast<std::size_t>(owner)), prototypes.row(entry.id), prototypes.dim);
    if (holds(similarity, threshold)) queue.push_back(make_entry(entry.id, true, similarity));
  }
  return queue;
}

}  // namespace

DominantQueueSelector::DominantQueueSelector(const MinerOptions& options, std::int64_t num_identities,
                                             std::uint64_t seed, int threads)
    : options_(options),
      seed_(seed),
      threads_(threads),
      queues_(num_identities),
      active_(num_identities),
      random_(seed),
      rhythm_(options.rebuild_steps) {}

double DominantQueueSelector::similarity_threshold(std::int64_t step) const {
  const double share = std::clamp(static_cast<double>(step) / static_cast<double>(options_.similarity_steps), 0.0, 1.0);
  return options_.similarity_start + share * (options_.similarity_end - options_.similarity_start);
}

void DominantQueueSelector::rebuild(std::int64_t step, const UnitRows& prototypes) {
  AFACE_CHECK(prototypes.count == queues_.num_identities(), "{} prototypes for {} identities", prototypes.count,
              queues_.num_identities());
  const std::vector<float> rows = all_rows(prototypes, threads_);
  const RowMatrix unit_prototypes{rows.data(), static_cast<std::size_t>(prototypes.count),
                                  static_cast<std::size_t>(prototypes.dim)};
  const auto index = make_neighbour_index(index_options_of(options_, seed_, threads_), unit_prototypes.rows);
  index->build(unit_prototypes);
  const auto neighbours = static_cast<std::size_t>(options_.queue_length);
  const double threshold = similarity_threshold(step);
  for (std::size_t begin = 0; begin < unit_prototypes.rows; begin += kRebuildChunk) {
    const std::size_t count = std::min(kRebuildChunk, unit_prototypes.rows - begin);
    // One more than wanted: a prototype is its own nearest row.
    const NeighbourLists found = index->search({unit_prototypes.row(begin), count, unit_prototypes.dim}, neighbours + 1);
    for (std::size_t i = 0; i < count; ++i) {
      const auto owner = static_cast<std::int64_t>(begin + i);
      std::vector<Entry> queue = refilled(owner, queues_.of(owner), found.ids_of(i), found.similarities_of(i),
                                          unit_prototypes, neighbours, threshold);
      sort_and_cut(queue, options_.max_queue_length);
      queues_.assign(owner, queue);
    }
  }
  last_step_ = step;
  rhythm_.done(step);
}

std::vector<std::int64_t> DominantQueueSelector::select(const SelectionRequest& request) {
  active_.insert_own(request.identities, options_.budget);
  std::vector<std::int64_t> owners(request.identities.begin(), request.identities.end());
  std::sort(owners.begin(), owners.end());
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  if (options_.budget > 0) {
    insert_most_similar(owners);
    active_.fill_at_random(options_.budget, random_);
  } else {
    for (const std::int64_t owner : owners) {
      for (const Entry& entry : queues_.of(owner)) active_.insert(entry.id);
    }
  }
  return active_.take();
}

void DominantQueueSelector::insert_most_similar(const std::vector<std::int64_t>& owners) {
  std::vector<ScoredId> candidates;
  for (const std::int64_t owner : owners) {
    for (const Entry& entry : queues_.of(owner)) {
      if (!active_.contains(entry.id)) candidates.push_back({entry.similarity, static_cast<std::int32_t>(entry.id)});
    }
  }
  // An identity in several queues counts with its highest similarity.
  std::sort(candidates.begin(), candidates.end(), [](const ScoredId& a, const ScoredId& b) {
    return a.id != b.id ? a.id < b.id : a.score > b.score;
  });
  candidates.erase(std::unique(candidates.begin(), candidates.end(),
                               [](const ScoredId& a, const ScoredId& b) { return a.id == b.id; }),
                   candidates.end());
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(0, options_.budget - active_.size()));
  if (candidates.size() > room) {
    std::nth_element(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(room), candidates.end(),
                     ranks_before);
    candidates.resize(room);
  }
  for (const ScoredId& candidate : candidates) active_.insert(candidate.id);
}

void DominantQueueSelector::take_feedback(const ScoreFeedback& feedback) {
  const std::vector<QueueUpdate> updates =
      updates_from(feedback, queues_, similarity_threshold(feedback.step), options_.max_queue_length, threads_);
  last_step_ = feedback.step;
  admitted_last_step_ = 0;
  popped_last_step_ = 0;
  for (const QueueUpdate& update : updates) {
    queues_.assign(update.owner, update.queue);
    admitted_last_step_ += update.admitted;
    popped_last_step_ += update.popped;
  }
}

void DominantQueueSelector::save(NamedArrays& state) const {
  put_selector_header(state, "dominant_queue", queues_.num_identities());
  put_random(state, "miner.random", random_);
  state.put_scalar<std::int64_t>("miner.last_rebuild", rhythm_.last());
  put_queues(state, queues_);
}

void DominantQueueSelector::restore(const NamedArrays& state) {
  check_selector_header(state, "dominant_queue", queues_.num_identities());
  const Random::State generator = get_random(state, "miner.random");
  const auto last_rebuild = state.get_scalar<std::int64_t>("miner.last_rebuild");
  queues_ = get_queues(state, queues_.num_identities(), options_.max_queue_length);
  random_.set_state(generator);
  rhythm_.set_last(last_rebuild);
}

std::map<std::string, double> DominantQueueSelector::report() const {
  const auto identities = static_cast<double>(std::max<std::int64_t>(1, queues_.num_identities()));
  return {{"queue_mean_length", static_cast<double>(queues_.total_length()) / identities},
          {"queue_max_length", static_cast<double>(queues_.longest())},
          {"similarity_threshold", similarity_threshold(last_step_)},
          {"admitted_last_step", static_cast<double>(admitted_last_step_)},
          {"popped_last_step", static_cast<double>(popped_last_step_)}};
}

}  // namespace aface
