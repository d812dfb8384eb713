#include "aface/mining/queue_exchange.h"

#include <algorithm>
#include <cstring>

#include "aface/core/check.h"
#include "aface/mining/queue_rules.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;
using Bytes = std::vector<unsigned char>;

template <class T>
void put(Bytes& bytes, const T* values, std::size_t count) {
  const auto* begin = reinterpret_cast<const unsigned char*>(values);
  bytes.insert(bytes.end(), begin, begin + count * sizeof(T));
}

// Reads what put() wrote, on another rank of the same program.
class Taker {
 public:
  explicit Taker(const Bytes& bytes) : bytes_(bytes) {}
  bool done() const { return at_ == bytes_.size(); }
  template <class T>
  void take(T* out, std::size_t count) {
    AFACE_CHECK(count * sizeof(T) <= bytes_.size() - at_, "a message of another rank is too short");
    std::memcpy(out, bytes_.data() + at_, count * sizeof(T));
    at_ += count * sizeof(T);
  }

 private:
  const Bytes& bytes_;
  std::size_t at_ = 0;
};

void put_list(Bytes& bytes, const std::vector<Entry>& entries) {
  const auto count = static_cast<std::uint32_t>(entries.size());
  put(bytes, &count, 1);
  put(bytes, entries.data(), entries.size());
}

std::vector<Entry> take_list(Taker& taker) {
  std::uint32_t count = 0;
  taker.take(&count, 1);
  std::vector<Entry> entries(count);
  taker.take(entries.data(), count);
  return entries;
}

// The prototypes of all owners, each from the rank that has it.
struct GatheredRows {
  std::vector<float> rows, inverse_lengths;
};

GatheredRows gather_owner_rows(const ScoreFeedback& feedback, const std::vector<OwnedQueue>& queues,
                               const Shard& shard, AcrossRanks& ranks) {
  const std::size_t dim = feedback.prototypes.dim;
  Bytes mine;
  for (const OwnedQueue& queue : queues) {
    if (!shard.has(queue.owner)) continue;
    const std::int64_t column = place_of(feedback.active_ids, queue.owner);
    AFACE_CHECK(column >= 0, "identity {} is in the batch but not active", queue.owner);
    put(mine, feedback.prototypes.row(static_cast<std::size_t>(column)), dim);
    put(mine, &feedback.inverse_lengths[static_cast<std::size_t>(column)], 1);
  }
  GatheredRows all;
  all.rows.resize(queues.size() * dim);
  all.inverse_lengths.resize(queues.size());
  std::size_t owner = 0;  // ranks, and the identities of each, ascend
  for (const Bytes& bytes : ranks.gather(mine)) {
    for (Taker taker(bytes); !taker.done(); ++owner) {
      AFACE_CHECK(owner < queues.size(), "more prototypes than owners");
      taker.take(all.rows.data() + owner * dim, dim);
      taker.take(&all.inverse_lengths[owner], 1);
    }
  }
  AFACE_CHECK(owner == queues.size(), "{} prototypes for {} owners", owner, queues.size());
  return all;
}

// Pairs that can change the queue: those in it, and of the others the most similar ones.
std::vector<Entry> worth_telling(const OwnerPairs& owner, const std::vector<Entry>& queue, double threshold,
                                 std::int64_t longest) {
  std::vector<std::uint32_t> queued;
  for (const Entry& entry : queue) queued.push_back(entry.id);
  std::sort(queued.begin(), queued.end());
  std::vector<Entry> in_queue, others;
  for (const Entry& pair : owner.pairs) {
    if (std::binary_search(queued.begin(), queued.end(), pair.id)) {
      in_queue.push_back(pair);
    } else if (holds(pair.similarity, threshold)) {
      others.push_back(pair);
    }
  }
  sort_and_cut(others, longest);
  in_queue.insert(in_queue.end(), others.begin(), others.end());
  return in_queue;
}

}  // namespace

std::vector<OwnedQueue> gather_queues(const std::vector<std::int64_t>& owners, const QueueOf& queue_of,
                                      const Shard& shard, AcrossRanks& ranks) {
  Bytes mine;
  for (const std::int64_t owner : owners) {
    if (!shard.has(owner)) continue;
    const Span<const Entry> queue = queue_of(owner);
    put_list(mine, {queue.begin(), queue.end()});
  }
  std::vector<OwnedQueue> queues;
  for (const Bytes& bytes : ranks.gather(mine)) {
    for (Taker taker(bytes); !taker.done();) {
      AFACE_CHECK(queues.size() < owners.size(), "more queues than owners");
      queues.push_back({owners[queues.size()], take_list(taker)});
    }
  }
  AFACE_CHECK(queues.size() == owners.size(), "{} queues of {} owners", queues.size(), owners.size());
  return queues;
}

std::vector<QueueUpdate> updates_across_ranks(const ScoreFeedback& feedback,
                                              const std::vector<OwnedQueue>& queues, const Shard& shard,
                                              double threshold, std::int64_t longest, int threads,
                                              AcrossRanks& ranks) {
  const GatheredRows rows = gather_owner_rows(feedback, queues, shard, ranks);
  const OwnerRows owner_rows = {{rows.rows.data(), queues.size(), feedback.prototypes.dim},
                                rows.inverse_lengths};
  const QueueOf queue_of = [&](std::int64_t owner) {
    const auto found =
        std::lower_bound(queues.begin(), queues.end(), owner,
                         [](const OwnedQueue& queue, std::int64_t id) { return queue.owner < id; });
    AFACE_CHECK(found != queues.end() && found->owner == owner, "no queue of owner {}", owner);
    return Span<const Entry>(found->entries);
  };
  const std::vector<OwnerPairs> here = pairs_from(feedback, queue_of, owner_rows, threads);
  Bytes mine;
  for (std::size_t i = 0; i < here.size(); ++i) {
    put_list(mine, worth_telling(here[i], queues[i].entries, threshold, longest));
  }
  std::vector<OwnerPairs> all(queues.size());
  for (const Bytes& bytes : ranks.gather(mine)) {
    Taker taker(bytes);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::vector<Entry> pairs = take_list(taker);
      all[i].pairs.insert(all[i].pairs.end(), pairs.begin(), pairs.end());
    }
  }
  std::vector<QueueUpdate> updates;
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].owner = queues[i].owner;
    if (!shard.has(all[i].owner)) continue;
    std::sort(all[i].pairs.begin(), all[i].pairs.end(),
              [](const Entry& a, const Entry& b) { return a.id < b.id; });
    updates.push_back(update_of(all[i], queues[i].entries, threshold, longest));
  }
  return updates;
}

std::vector<float> gather_rows(const std::vector<float>& own, std::size_t dim, AcrossRanks& ranks) {
  // In rounds, so that messages stay small beside the table.
  constexpr std::size_t kRows = 8192;
  std::vector<double> most = {static_cast<double>(own.size() / dim)};
  ranks.highest(most);
  std::vector<std::vector<float>> of_rank(static_cast<std::size_t>(ranks.size()));
  for (std::size_t first = 0; first < static_cast<std::size_t>(most[0]); first += kRows) {
    const std::size_t begin = std::min(own.size(), first * dim),
                      end = std::min(own.size(), (first + kRows) * dim);
    const auto parts = ranks.gather(
        {reinterpret_cast<const unsigned char*>(own.data() + begin), (end - begin) * sizeof(float)});
    for (std::size_t rank = 0; rank < parts.size(); ++rank) {
      std::vector<float>& rows = of_rank[rank];
      const std::size_t before = rows.size();
      rows.resize(before + parts[rank].size() / sizeof(float));
      std::memcpy(rows.data() + before, parts[rank].data(), parts[rank].size());
    }
  }
  std::vector<float> all;
  for (std::vector<float>& rows : of_rank) {
    all.insert(all.end(), rows.begin(), rows.end());
    rows = {};
  }
  return all;
}

}  // namespace aface
