#include "aface/mining/dominant_queue_selector.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/random_state.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/top_k.h"
#include "aface/mining/index_choice.h"
#include "aface/mining/queue_state.h"
#include "aface/mining/selector_state.h"
#include "aface/nearest/neighbour_index.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;

constexpr std::size_t kRebuildChunk = 4096;     // identities searched at a time, to bound the lists in memory
constexpr std::size_t kParallelScores = 1 << 18;  // below so many scores threads cost more than they save

Entry make_entry(std::int64_t id, bool admitted, float similarity) {
  Entry entry;
  entry.id = static_cast<std::uint32_t>(id) & 0x7fffffffU;
  entry.admitted = admitted ? 1 : 0;
  entry.similarity = similarity;
  return entry;
}

bool more_similar(const Entry& a, const Entry& b) {
  return a.similarity != b.similarity ? a.similarity > b.similarity : a.id < b.id;
}

// Written so that a similarity that is not a number counts as too low.
bool holds(float similarity, double threshold) { return similarity >= threshold; }

// Column of an identity in ascending active ids, or -1.
std::int64_t column_of(Span<const std::int64_t> active_ids, std::int64_t identity) {
  const std::int64_t* found = std::lower_bound(active_ids.begin(), active_ids.end(), identity);
  return found != active_ids.end() && *found == identity ? found - active_ids.begin() : -1;
}

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

void sort_and_cut(std::vector<Entry>& queue, std::int64_t longest) {
  std::sort(queue.begin(), queue.end(), more_similar);
  if (static_cast<std::int64_t>(queue.size()) > longest) queue.resize(static_cast<std::size_t>(longest));
}

void check_feedback(const ScoreFeedback& feedback) {
  AFACE_CHECK(feedback.cosines.rows == feedback.identities.size(), "{} score rows for {} samples",
              feedback.cosines.rows, feedback.identities.size());
  AFACE_CHECK(feedback.cosines.dim == feedback.active_ids.size(), "{} score columns for {} active ids",
              feedback.cosines.dim, feedback.active_ids.size());
  AFACE_CHECK(feedback.unit_prototypes.rows == feedback.active_ids.size(), "{} prototypes for {} active ids",
              feedback.unit_prototypes.rows, feedback.active_ids.size());
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

void DominantQueueSelector::rebuild(std::int64_t step, RowMatrix unit_prototypes) {
  AFACE_CHECK(static_cast<std::int64_t>(unit_prototypes.rows) == queues_.num_identities(),
              "{} prototypes for {} identities", unit_prototypes.rows, queues_.num_identities());
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
  std::vector<std::int64_t> owners;
  for (const std::int64_t identity : request.identities) {
    if (active_.insert(identity)) owners.push_back(identity);
  }
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

DominantQueueSelector::Update DominantQueueSelector::update_of(const ScoreFeedback& feedback, std::int64_t owner,
                                                               Span<const std::size_t> samples) const {
  const Span<const std::int64_t> active_ids = feedback.active_ids;
  const RowMatrix prototypes = feedback.unit_prototypes;
  const std::int64_t own = column_of(active_ids, owner);
  AFACE_CHECK(own >= 0, "identity {} is in the batch but not active", owner);
  const float* own_prototype = prototypes.row(static_cast<std::size_t>(own));

  std::vector<char> beat_own(active_ids.size());
  for (const std::size_t sample : samples) {
    const float* cosines = feedback.cosines.row(sample);
    const float own_cosine = cosines[own];
    for (std::size_t c = 0; c < beat_own.size(); ++c) beat_own[c] |= static_cast<char>(cosines[c] > own_cosine);
  }

  const double threshold = similarity_threshold(feedback.step);
  const Span<const Entry> old = queues_.of(owner);
  Update update;
  update.owner = owner;
  for (Entry entry : old) {
    const std::int64_t column = column_of(active_ids, entry.id);
    if (column >= 0) {
      entry.similarity = inner_product(own_prototype, prototypes.row(static_cast<std::size_t>(column)), prototypes.dim);
      entry.admitted |= beat_own[static_cast<std::size_t>(column)] != 0 ? 1U : 0U;
      beat_own[static_cast<std::size_t>(column)] = 0;
    }
    if (holds(entry.similarity, threshold)) update.queue.push_back(entry);
  }
  const std::vector<Entry> stayed = update.queue;
  for (std::size_t c = 0; c < beat_own.size(); ++c) {
    if (beat_own[c] == 0) continue;
    const float similarity = inner_product(own_prototype, prototypes.row(c), prototypes.dim);
    if (holds(similarity, threshold)) update.queue.push_back(make_entry(active_ids[c], true, similarity));
  }
  const std::size_t arrived = update.queue.size() - stayed.size();
  sort_and_cut(update.queue, options_.max_queue_length);

  // Who was cut: an old entry counts as popped, an arrival as never admitted.
  std::int64_t kept_old = static_cast<std::int64_t>(stayed.size());
  if (stayed.size() + arrived > update.queue.size() && !update.queue.empty()) {
    const Entry last = update.queue.back();
    kept_old = std::count_if(stayed.begin(), stayed.end(), [&](const Entry& e) { return !more_similar(last, e); });
  }
  update.admitted = static_cast<std::int64_t>(update.queue.size()) - kept_old;
  update.popped = static_cast<std::int64_t>(old.size()) - kept_old;
  return update;
}

void DominantQueueSelector::take_feedback(const ScoreFeedback& feedback) {
  check_feedback(feedback);
  // Samples of one owner side by side.
  std::vector<std::size_t> samples(feedback.identities.size());
  std::iota(samples.begin(), samples.end(), std::size_t{0});
  std::stable_sort(samples.begin(), samples.end(), [&](std::size_t a, std::size_t b) {
    return feedback.identities[a] < feedback.identities[b];
  });
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (i == 0 || feedback.identities[samples[i]] != feedback.identities[samples[i - 1]]) begins.push_back(i);
  }
  begins.push_back(samples.size());

  // Queues are only read here, each owner's by itself, so threads do not change the outcome.
  const std::size_t owners = begins.size() - 1;
  std::vector<Update> updates(owners);
  const bool large = feedback.cosines.rows * feedback.cosines.dim >= kParallelScores;
  parallel_for(static_cast<std::int64_t>(owners), 8, large ? threads_ : 1, [&](std::int64_t first, std::int64_t last) {
    for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
      updates[i] = update_of(feedback, feedback.identities[samples[begins[i]]],
                             {samples.data() + begins[i], begins[i + 1] - begins[i]});
    }
  });
  last_step_ = feedback.step;
  admitted_last_step_ = 0;
  popped_last_step_ = 0;
  for (const Update& update : updates) {
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
