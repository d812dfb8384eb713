#include "aface/mining/dominant_queue_selector.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/log.h"
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

constexpr std::size_t kRebuildChunk = 4096;  // identities searched at a time, to bound the lists in memory

bool works_in_background(const MinerOptions& options, std::int64_t num_identities, const AcrossRanks* ranks) {
  if (ranks != nullptr) {
    if (options.rebuild != "background") return false;
    throw Error(ErrorKind::kUsage, "mining.rebuild = background does not work on several ranks, which would go on with "
                                   "queues of different steps; use wait");
  }
  return options.rebuild == "background" || (options.rebuild == "auto" && num_identities > options.exact_below);
}

}  // namespace

DominantQueueSelector::DominantQueueSelector(const MinerOptions& options, std::int64_t num_identities,
                                             std::uint64_t seed, int threads, AcrossRanks* ranks)
    : options_(options),
      ranks_(ranks),
      shard_(ranks == nullptr ? Shard{0, num_identities} : shard_of(num_identities, ranks->rank(), ranks->size())),
      seed_(seed),
      threads_(threads),
      in_background_(works_in_background(options, num_identities, ranks)),
      queues_(shard_.count()),
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
  if (in_background_) {
    start_rebuild(step, prototypes);
  } else {
    rebuild_now(step, prototypes);
    set_of_step_ = step;
  }
  last_step_ = step;
  rhythm_.done(step);
}

void DominantQueueSelector::rebuild_now(std::int64_t step, const UnitRows& prototypes) {
  std::vector<float> values = all_rows(prototypes, threads_);
  if (ranks_ != nullptr) values = gather_rows(values, static_cast<std::size_t>(prototypes.dim), *ranks_);
  const RowMatrix rows{values.data(), static_cast<std::size_t>(active_.num_identities()),
                       static_cast<std::size_t>(prototypes.dim)};
  const auto index = make_neighbour_index(index_options_of(options_, seed_, threads_), rows.rows);
  index->build(rows);
  const auto neighbours = static_cast<std::size_t>(options_.queue_length);
  const double threshold = similarity_threshold(step);
  const auto end = static_cast<std::size_t>(shard_.end);
  for (auto begin = static_cast<std::size_t>(shard_.first); begin < end; begin += kRebuildChunk) {
    const std::size_t count = std::min(kRebuildChunk, end - begin);
    // One more than wanted: a prototype is its own nearest row.
    const NeighbourLists found = index->search({rows.row(begin), count, rows.dim}, neighbours + 1);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t row = begin + i;
      const auto owner = static_cast<std::int64_t>(row);
      const auto similarity = [&](std::int64_t id) {
        return inner_product(rows.row(row), rows.row(static_cast<std::size_t>(id)), rows.dim);
      };
      std::vector<Entry> fresh =
          refilled(neighbours_of(owner, found.ids_of(i), found.similarities_of(i), neighbours), queue(owner),
                   similarity, threshold);
      sort_and_cut(fresh, options_.max_queue_length);
      queues_.assign(owner - shard_.first, fresh);
    }
  }
}

void DominantQueueSelector::start_rebuild(std::int64_t step, const UnitRows& prototypes) {
  const auto start = std::chrono::steady_clock::now();
  PrototypeSnapshot snapshot(prototypes, threads_);
  QueueRebuildOptions rebuild;
  rebuild.neighbours = options_.queue_length;
  rebuild.exact_below = options_.exact_below;
  rebuild.candidates = options_.rebuild_candidates;
  rebuild.seed = seed_;
  rebuild.threads = static_cast<int>(options_.rebuild_threads);
  rebuild.longest = options_.max_queue_length;
  rebuild.threshold = similarity_threshold(step);
  rebuild.niceness = static_cast<int>(options_.rebuild_niceness);
  running_ = std::make_unique<BackgroundRebuild>(std::move(snapshot), queues_.freeze(), rebuild);
  running_since_ = step;
  pause_seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (set_of_step_ < 0) {
    log_info("mining", "the first queues are made in the background; until then prototypes are drawn at random");
  }
}

void DominantQueueSelector::adopt_finished(std::int64_t step) {
  if (!running_ || !running_->finished()) return;
  const auto start = std::chrono::steady_clock::now();
  const std::unique_ptr<BackgroundRebuild> done = std::move(running_);
  try {
    const double threshold = similarity_threshold(step);
    queues_.adopt(done->take(), [&](Span<const Entry> fresh, Span<const Entry> present) {
      return merged(fresh, present, threshold, options_.max_queue_length);
    });
  } catch (...) {
    queues_.thaw();
    throw;
  }
  set_of_step_ = running_since_;
  rebuild_seconds_ = done->seconds();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  pause_seconds_ = std::max(pause_seconds_, seconds);
  log_info("mining", "queues of step {} adopted at step {}: {:.1f} s in the background, training paused for {:.3f} s",
           set_of_step_, step, rebuild_seconds_, pause_seconds_);
}

std::vector<std::int64_t> DominantQueueSelector::select(const SelectionRequest& request) {
  adopt_finished(request.step);
  active_.insert_own(request.identities, options_.budget);
  std::vector<std::int64_t> owners(request.identities.begin(), request.identities.end());
  std::sort(owners.begin(), owners.end());
  owners.erase(std::unique(owners.begin(), owners.end()), owners.end());
  const std::vector<OwnedQueue> queues = queues_of_batch(owners);
  if (options_.budget > 0) {
    insert_most_similar(queues);
    active_.fill_at_random(options_.budget, random_);
  } else {
    for (const OwnedQueue& queue : queues) {
      for (const Entry& entry : queue.entries) active_.insert(entry.id);
    }
    // As many as the queues will hold: without others to be told from nothing would be learnt.
    if (set_of_step_ < 0 && running_) {
      active_.fill_at_random(static_cast<std::int64_t>(owners.size()) * (1 + options_.queue_length), random_);
    }
  }
  return active_.take();
}

std::vector<OwnedQueue> DominantQueueSelector::queues_of_batch(const std::vector<std::int64_t>& owners) {
  if (ranks_ != nullptr) {
    batch_queues_ = gather_queues(owners, [this](std::int64_t owner) { return queue(owner); }, shard_, *ranks_);
    return batch_queues_;
  }
  std::vector<OwnedQueue> queues;
  for (const std::int64_t owner : owners) queues.push_back({owner, {queue(owner).begin(), queue(owner).end()}});
  return queues;
}

void DominantQueueSelector::insert_most_similar(const std::vector<OwnedQueue>& queues) {
  std::vector<ScoredId> candidates;
  for (const OwnedQueue& queue : queues) {
    for (const Entry& entry : queue.entries) {
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
  const double threshold = similarity_threshold(feedback.step);
  const std::vector<QueueUpdate> updates =
      ranks_ == nullptr ? updates_from(feedback, [this](std::int64_t owner) { return queue(owner); }, threshold,
                                       options_.max_queue_length, threads_)
                        : updates_across_ranks(feedback, batch_queues_, shard_, threshold, options_.max_queue_length,
                                               threads_, *ranks_);
  last_step_ = feedback.step;
  admitted_last_step_ = 0;
  popped_last_step_ = 0;
  for (const QueueUpdate& update : updates) {
    queues_.assign(update.owner - shard_.first, update.queue);
    admitted_last_step_ += update.admitted;
    popped_last_step_ += update.popped;
  }
}

void DominantQueueSelector::save(NamedArrays& state) const {
  put_selector_header(state, "dominant_queue", active_.num_identities());
  put_random(state, "miner.random", random_);
  state.put_scalar<std::int64_t>("miner.last_rebuild", set_of_step_);
  put_queues(state, queues_);
}

void DominantQueueSelector::restore(const NamedArrays& state) {
  check_selector_header(state, "dominant_queue", active_.num_identities());
  const Random::State generator = get_random(state, "miner.random");
  const auto last_rebuild = state.get_scalar<std::int64_t>("miner.last_rebuild");
  running_.reset();
  queues_ = get_queues(state, shard_, active_.num_identities(), options_.max_queue_length);
  random_.set_state(generator);
  rhythm_.set_last(last_rebuild);
  set_of_step_ = last_rebuild;
}

std::map<std::string, double> DominantQueueSelector::report() const {
  const auto identities = static_cast<double>(std::max<std::int64_t>(1, queues_.num_identities()));
  std::map<std::string, double> numbers = {
      {"queue_mean_length", static_cast<double>(queues_.total_length()) / identities},
      {"queue_max_length", static_cast<double>(queues_.longest())},
      {"similarity_threshold", similarity_threshold(last_step_)},
      {"admitted_last_step", static_cast<double>(admitted_last_step_)},
      {"popped_last_step", static_cast<double>(popped_last_step_)}};
  if (set_of_step_ >= 0) numbers["queue_age"] = static_cast<double>(last_step_ - set_of_step_);
  if (in_background_) {
    numbers["rebuild_seconds"] = rebuild_seconds_;
    numbers["rebuild_pause_seconds"] = pause_seconds_;
  }
  return numbers;
}

}  // namespace aface
