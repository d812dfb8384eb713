#include "aface/mining/queue_layers.h"

#include <gtest/gtest.h>

#include "aface/core/error.h"
#include "aface/mining/queue_rules.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;
using Ids = std::vector<std::int64_t>;

Ids ids_of(Span<const Entry> queue) {
  Ids ids;
  for (const Entry& entry : queue) ids.push_back(entry.id);
  return ids;
}

std::vector<Entry> queue(const Ids& ids, bool admitted = false) {
  std::vector<Entry> entries;
  for (const std::int64_t id : ids) entries.push_back(make_entry(id, admitted, 1.0F - 0.01F * static_cast<float>(id)));
  return entries;
}

TEST(QueueLayers, ChangesAfterFreezingLeaveTheReaderAlone) {
  QueueLayers queues(5);
  queues.assign(0, queue({1, 2}));
  queues.assign(3, queue({4}));
  const auto frozen = queues.freeze();
  queues.assign(0, queue({3}));
  queues.assign(1, queue({2, 3, 4}));
  EXPECT_EQ(ids_of(queues.of(0)), (Ids{3}));
  EXPECT_EQ(ids_of(queues.of(1)), (Ids{2, 3, 4}));
  EXPECT_EQ(ids_of(queues.of(3)), (Ids{4}));
  EXPECT_EQ(ids_of(frozen->of(0)), (Ids{1, 2}));
  EXPECT_TRUE(frozen->of(1).empty());
  EXPECT_EQ(queues.total_length(), 5);
  EXPECT_EQ(queues.longest(), 3);
  EXPECT_THROW(queues.freeze(), Error);
  EXPECT_THROW(queues.assign(5, queue({1})), Error);
}

TEST(QueueLayers, AdoptingTakesTheFreshQueuesAndMergesWhatWasChanged) {
  QueueLayers queues(5);
  queues.assign(0, queue({1, 2}));
  queues.assign(2, queue({1}));
  const auto frozen = queues.freeze();
  queues.assign(0, queue({4}, true));
  CandidateQueues fresh(5);
  fresh.assign(0, queue({3}));
  fresh.assign(1, queue({2}));
  queues.adopt(std::move(fresh), [](Span<const Entry> made, Span<const Entry> present) {
    return merged(made, present, -1, 10);
  });
  EXPECT_EQ(ids_of(queues.of(0)), (Ids{3, 4}));
  EXPECT_EQ(ids_of(queues.of(1)), (Ids{2}));
  EXPECT_TRUE(queues.of(2).empty());
  EXPECT_EQ(queues.total_length(), 3);
  queues.assign(2, queue({4}));  // not frozen any more
  EXPECT_EQ(ids_of(queues.freeze()->of(2)), (Ids{4}));
}

TEST(QueueLayers, ThawingKeepsTheChanges) {
  QueueLayers queues(3);
  queues.assign(0, queue({1}));
  queues.freeze();
  queues.assign(0, queue({2}));
  queues.assign(2, queue({0, 1}));
  queues.thaw();
  EXPECT_EQ(ids_of(queues.of(0)), (Ids{2}));
  EXPECT_EQ(ids_of(queues.of(2)), (Ids{0, 1}));
  EXPECT_EQ(queues.total_length(), 3);
}

TEST(QueueRules, MergingKeepsFreshEntriesAndAdmittedOnesThatHold) {
  // By hand: 1 and 2 are fresh, 2 was admitted meanwhile too, 3 was admitted and holds, 4 was admitted and does not,
  // 5 is an old neighbour that nobody admitted.
  const std::vector<Entry> fresh = {make_entry(1, false, 0.9F), make_entry(2, false, 0.5F)};
  const std::vector<Entry> present = {make_entry(5, false, 0.95F), make_entry(3, true, 0.7F), make_entry(2, true, 0.6F),
                                      make_entry(4, true, 0.1F)};
  const std::vector<Entry> all = merged(fresh, present, 0.2, 10);
  EXPECT_EQ(ids_of(all), (Ids{1, 3, 2}));
  EXPECT_EQ(all[2].similarity, 0.6F);  // the newer one
  EXPECT_EQ(all[2].admitted, 1U);
  EXPECT_EQ(ids_of(merged(fresh, present, 0.2, 2)), (Ids{1, 3}));
  EXPECT_EQ(ids_of(merged(fresh, present, 0.65, 10)), (Ids{1, 3}));
}

}  // namespace
}  // namespace aface
