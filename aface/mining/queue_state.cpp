#include "aface/mining/queue_state.h"

#include <fmt/core.h>

#include <string>
#include <vector>

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorKind::kFormat,
              fmt::format("miner state: {}; it belongs to other options or another data set", what));
}

}  // namespace

void put_queues(NamedArrays& state, const QueueLayers& queues) {
  std::vector<std::int32_t> lengths, ids;
  std::vector<std::uint8_t> admitted;
  std::vector<float> similarities;
  for (std::int64_t owner = 0; owner < queues.num_identities(); ++owner) {
    const Span<const Entry> queue = queues.of(owner);
    lengths.push_back(static_cast<std::int32_t>(queue.size()));
    for (const Entry& entry : queue) {
      ids.push_back(static_cast<std::int32_t>(entry.id));
      admitted.push_back(static_cast<std::uint8_t>(entry.admitted));
      similarities.push_back(entry.similarity);
    }
  }
  state.put("miner.queue_lengths", lengths);
  state.put("miner.queue_ids", ids);
  state.put("miner.queue_admitted", admitted);
  state.put("miner.queue_similarities", similarities);
}

QueueLayers get_queues(const NamedArrays& state, const Shard& owners, std::int64_t num_identities,
                       std::int64_t max_length) {
  const auto lengths = state.get<std::int32_t>("miner.queue_lengths");
  const auto ids = state.get<std::int32_t>("miner.queue_ids");
  const auto admitted = state.get<std::uint8_t>("miner.queue_admitted");
  const auto similarities = state.get<float>("miner.queue_similarities");
  if (static_cast<std::int64_t>(lengths.size()) != owners.count()) {
    refuse(fmt::format("expected {} queues, got {}", owners.count(), lengths.size()));
  }
  if (admitted.size() != ids.size() || similarities.size() != ids.size()) {
    refuse(fmt::format("{} ids, {} marks and {} similarities", ids.size(), admitted.size(), similarities.size()));
  }
  QueueLayers queues(owners.count());
  std::vector<Entry> queue;
  std::size_t at = 0;
  for (std::int64_t owner = owners.first; owner < owners.end; ++owner) {
    const std::int32_t length = lengths[static_cast<std::size_t>(owner - owners.first)];
    if (length < 0 || length > max_length || static_cast<std::size_t>(length) > ids.size() - at) {
      refuse(fmt::format("queue {} has length {}", owner, length));
    }
    queue.clear();
    for (std::int32_t i = 0; i < length; ++i, ++at) {
      if (ids[at] < 0 || ids[at] >= num_identities || ids[at] == owner) {
        refuse(fmt::format("queue {} holds identity {} of {}", owner, ids[at], num_identities));
      }
      Entry entry;
      entry.id = static_cast<std::uint32_t>(ids[at]) & 0x7fffffffU;
      entry.admitted = admitted[at] != 0 ? 1 : 0;
      entry.similarity = similarities[at];
      queue.push_back(entry);
    }
    queues.assign(owner - owners.first, queue);
  }
  if (at != ids.size()) refuse(fmt::format("{} entries are left over", ids.size() - at));
  return queues;
}

}  // namespace aface
