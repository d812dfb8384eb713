#include "aface/mining/queue_rules.h"

#include <algorithm>

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

std::int64_t place_of(Span<const std::int64_t> ascending_ids, std::int64_t identity) {
  const std::int64_t* found = std::lower_bound(ascending_ids.begin(), ascending_ids.end(), identity);
  return found != ascending_ids.end() && *found == identity ? found - ascending_ids.begin() : -1;
}

}  // namespace aface
