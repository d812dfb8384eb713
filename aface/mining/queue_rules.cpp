#include "aface/mining/queue_rules.h"

#include <algorithm>

#include "aface/nearest/neighbour_index.h"

namespace aface {

using Entry = CandidateQueues::Entry;

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

void sort_and_cut(std::vector<Entry>& queue, std::int64_t longest) {
  if (static_cast<std::int64_t>(queue.size()) > longest) {
    // Thousands arrive in the first steps of a training, and a hundred stay.
    std::nth_element(queue.begin(), queue.begin() + longest, queue.end(), more_similar);
    queue.resize(static_cast<std::size_t>(longest));
  }
  std::sort(queue.begin(), queue.end(), more_similar);
}

std::vector<ScoredId> neighbours_of(std::int64_t owner, Span<const std::int32_t> ids, Span<const float> similarities,
                                    std::size_t most) {
  std::vector<ScoredId> nearest;
  for (std::size_t i = 0; i < ids.size() && nearest.size() < most; ++i) {
    if (ids[i] != owner && ids[i] != NeighbourLists::kNone) nearest.push_back({similarities[i], ids[i]});
  }
  return nearest;
}

std::vector<Entry> refilled(const std::vector<ScoredId>& nearest, Span<const Entry> old,
                            const std::function<float(std::int64_t id)>& similarity, double threshold) {
  std::vector<Entry> queue;
  for (const ScoredId& near : nearest) {
    if (holds(near.score, threshold)) queue.push_back(make_entry(near.id, false, near.score));
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
    const float present = similarity(entry.id);
    if (holds(present, threshold)) queue.push_back(make_entry(entry.id, true, present));
  }
  return queue;
}

std::vector<Entry> merged(Span<const Entry> fresh, Span<const Entry> present, double threshold, std::int64_t longest) {
  std::vector<Entry> queue;
  for (const Entry& entry : fresh) {
    if (holds(entry.similarity, threshold)) queue.push_back(entry);
  }
  const std::size_t known = queue.size();
  for (const Entry& entry : present) {
    if (entry.admitted == 0 || !holds(entry.similarity, threshold)) continue;
    std::size_t at = 0;
    while (at < known && queue[at].id != entry.id) ++at;
    if (at < known) {
      queue[at] = entry;  // the present similarity is the newer one
    } else {
      queue.push_back(entry);
    }
  }
  sort_and_cut(queue, longest);
  return queue;
}

std::int64_t place_of(Span<const std::int64_t> ascending_ids, std::int64_t identity) {
  const std::int64_t* found = std::lower_bound(ascending_ids.begin(), ascending_ids.end(), identity);
  return found != ascending_ids.end() && *found == identity ? found - ascending_ids.begin() : -1;
}

}  // namespace aface
