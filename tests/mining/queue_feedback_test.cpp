#include "aface/mining/queue_feedback.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "aface/core/random.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

using Entry = CandidateQueues::Entry;

constexpr std::size_t kActive = 700;  // more than one block of rows
constexpr std::size_t kDim = 24;
constexpr std::int64_t kIdentities = 2000;

// A step in which, as in the first ones of a training, many prototypes outscore the own one.
struct Step {
  std::vector<float> rows, inverse_lengths;
  std::vector<std::int64_t> active, identities;
  Rivals rivals;

  ScoreFeedback feedback() const {
    ScoreFeedback told;
    told.identities = identities;
    told.active_ids = active;
    told.rivals = &rivals;
    told.prototypes = {rows.data(), kActive, kDim};
    told.inverse_lengths = inverse_lengths;
    return told;
  }
};

Step many_rivals(std::uint64_t seed) {
  Step step;
  step.rows = clustered_unit_rows(kActive, kDim, 40, 0.7, seed);
  Random random(seed);
  for (std::size_t i = 0; i < kActive; ++i) {
    const auto length = static_cast<float>(0.5 + random.uniform());
    for (std::size_t d = 0; d < kDim; ++d) step.rows[i * kDim + d] *= length;
    step.inverse_lengths.push_back(1 / length);
    step.active.push_back(static_cast<std::int64_t>(2 * i + 1));
  }
  step.rivals.begins = {0};
  for (int sample = 0; sample < 40; ++sample) {
    const std::int64_t own = random.below(20);  // few identities: several samples each
    step.identities.push_back(step.active[static_cast<std::size_t>(own)]);
    for (std::int32_t c = 0; c < static_cast<std::int32_t>(kActive); ++c) {
      if (c == own || !random.chance(0.5)) continue;
      step.rivals.columns.push_back(c);
      step.rivals.cosines.push_back(0.5F);
    }
    step.rivals.begins.push_back(step.rivals.columns.size());
  }
  return step;
}

double cosine(const Step& step, std::size_t a, std::size_t b) {
  double product = 0, aa = 0, bb = 0;
  for (std::size_t d = 0; d < kDim; ++d) {
    const double x = step.rows[a * kDim + d], y = step.rows[b * kDim + d];
    product += x * y;
    aa += x * x;
    bb += y * y;
  }
  return product / std::sqrt(aa * bb);
}

CandidateQueues some_queues(const Step& step, std::uint64_t seed) {
  Random random(seed);
  CandidateQueues queues(kIdentities);
  for (const std::int64_t owner : std::set<std::int64_t>(step.identities.begin(), step.identities.end())) {
    std::vector<Entry> queue;
    std::vector<std::int64_t> ids(kIdentities);
    std::iota(ids.begin(), ids.end(), 0);
    random.shuffle(ids);
    for (const std::int64_t id : ids) {
      if (id == owner || queue.size() == 12) continue;
      Entry entry;
      entry.id = static_cast<std::uint32_t>(id) & 0x7fffffffU;
      entry.admitted = 0;
      entry.similarity = static_cast<float>(random.uniform());
      queue.push_back(entry);
    }
    queues.assign(owner, queue);
  }
  return queues;
}

TEST(QueueFeedback, ManyRivalsGiveWhatComparingAllAtOnceGives) {
  constexpr double kThreshold = 0.1;
  constexpr std::int64_t kLongest = 50;
  const Step step = many_rivals(5);
  const CandidateQueues queues = some_queues(step, 6);
  const auto queue_of = [&](std::int64_t owner) { return queues.of(owner); };
  const auto updates = updates_from(step.feedback(), queue_of, kThreshold, kLongest, 1);
  const std::set<std::int64_t> owners(step.identities.begin(), step.identities.end());
  ASSERT_EQ(updates.size(), owners.size());

  std::size_t at = 0;
  for (const std::int64_t owner : owners) {
    const QueueUpdate& update = updates[at++];
    ASSERT_EQ(update.owner, owner);
    const auto own = static_cast<std::size_t>((owner - 1) / 2);
    std::map<std::int64_t, double> expected;
    std::set<std::int64_t> rivals, old;
    for (const Entry& entry : queues.of(owner)) {
      old.insert(entry.id);
      const bool active = entry.id % 2 == 1 && entry.id < 2 * kActive;
      expected[entry.id] = active ? cosine(step, own, (entry.id - 1) / 2) : double(entry.similarity);
    }
    for (std::size_t j = 0; j < step.identities.size(); ++j) {
      if (step.identities[j] != owner) continue;
      for (std::size_t i = step.rivals.begins[j]; i < step.rivals.begins[j + 1]; ++i) {
        const auto column = static_cast<std::size_t>(step.rivals.columns[i]);
        rivals.insert(step.active[column]);
        expected[step.active[column]] = cosine(step, own, column);
      }
    }
    std::vector<std::pair<double, std::int64_t>> ranked;
    for (const auto& [id, similarity] : expected) {
      if (similarity >= kThreshold) ranked.emplace_back(-similarity, id);
    }
    std::sort(ranked.begin(), ranked.end());
    if (ranked.size() > kLongest) ranked.resize(kLongest);
    ASSERT_EQ(update.queue.size(), ranked.size());
    std::int64_t kept = 0;
    for (std::size_t i = 0; i < ranked.size(); ++i) {
      ASSERT_EQ(update.queue[i].id, ranked[i].second);
      ASSERT_NEAR(update.queue[i].similarity, -ranked[i].first, 1e-5);
      ASSERT_EQ(update.queue[i].admitted == 1, rivals.count(ranked[i].second) == 1);
      kept += static_cast<std::int64_t>(old.count(ranked[i].second));
    }
    EXPECT_EQ(update.admitted, static_cast<std::int64_t>(ranked.size()) - kept);
    EXPECT_EQ(update.popped, static_cast<std::int64_t>(old.size()) - kept);
  }
}

TEST(QueueFeedback, ThreadsDoNotChangeABit) {
  const Step step = many_rivals(7);
  const CandidateQueues queues = some_queues(step, 8);
  const auto queue_of = [&](std::int64_t owner) { return queues.of(owner); };
  const auto one = updates_from(step.feedback(), queue_of, -1, 100, 1);
  const auto four = updates_from(step.feedback(), queue_of, -1, 100, 4);
  ASSERT_EQ(one.size(), four.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    ASSERT_EQ(one[i].queue.size(), four[i].queue.size());
    for (std::size_t e = 0; e < one[i].queue.size(); ++e) {
      ASSERT_EQ(one[i].queue[e].id, four[i].queue[e].id);
      ASSERT_EQ(one[i].queue[e].similarity, four[i].queue[e].similarity);
    }
  }
}

}  // namespace
}  // namespace aface
