#include "aface/mining/candidate_queues.h"

#include <gtest/gtest.h>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;

std::vector<Entry> random_queue(Random& random, std::int64_t length) {
  std::vector<Entry> queue(static_cast<std::size_t>(length));
  for (Entry& entry : queue) {
    entry.id = static_cast<std::uint32_t>(random.next() >> 33);
    entry.admitted = random.chance(0.5) ? 1 : 0;
    entry.similarity = static_cast<float>(random.uniform());
  }
  return queue;
}

TEST(CandidateQueues, HoldWhatPlainVectorsHoldThroughManyChanges) {
  Random random(41);
  constexpr std::int64_t kIdentities = 300;
  CandidateQueues queues(kIdentities);
  std::vector<std::vector<Entry>> plain(kIdentities);
  for (int change = 0; change < 20000; ++change) {
    const std::int64_t identity = random.below(kIdentities);
    auto queue = random_queue(random, random.below(6) == 0 ? 0 : random.below(130));
    queues.assign(identity, queue);
    plain[static_cast<std::size_t>(identity)] = std::move(queue);
  }
  std::int64_t total = 0;
  std::size_t longest = 0;
  for (std::int64_t identity = 0; identity < kIdentities; ++identity) {
    const auto& expected = plain[static_cast<std::size_t>(identity)];
    const auto found = queues.of(identity);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].id, expected[i].id);
      ASSERT_EQ(found[i].admitted, expected[i].admitted);
      ASSERT_EQ(found[i].similarity, expected[i].similarity);
    }
    total += static_cast<std::int64_t>(expected.size());
    longest = std::max(longest, expected.size());
  }
  EXPECT_EQ(queues.total_length(), total);
  EXPECT_EQ(queues.longest(), static_cast<std::int64_t>(longest));
}

TEST(CandidateQueues, FreedBlocksAreUsedAgain) {
  Random random(42);
  CandidateQueues queues(1000);
  for (std::int64_t i = 0; i < 1000; ++i) queues.assign(i, random_queue(random, 30));
  const std::size_t once = queues.allocated_bytes();
  EXPECT_LT(once, 1000 * (8 + 32 * 8) + 3 * 8192 * 8U);
  for (int round = 0; round < 20; ++round) {
    for (std::int64_t i = 0; i < 1000; ++i) queues.assign(i, {});
    for (std::int64_t i = 0; i < 1000; ++i) queues.assign(i, random_queue(random, 30));
  }
  EXPECT_LE(queues.allocated_bytes(), once + 2 * 1000 * sizeof(std::uint32_t) + 4096);
}

TEST(CandidateQueues, UnknownIdentitiesAreRefused) {
  CandidateQueues queues(2);
  EXPECT_TRUE(queues.of(1).empty());
  EXPECT_THROW(queues.of(2), Error);
  EXPECT_THROW(queues.assign(-1, {}), Error);
}

}  // namespace
}  // namespace aface
