#include "aface/mining/dominant_queue_selector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "aface/core/error.h"

namespace aface {
namespace {

// Prototypes on the unit circle, so that a similarity is the cosine of an angle one can see.
std::vector<float> on_circle(const std::vector<double>& degrees) {
  std::vector<float> rows;
  for (const double angle : degrees) {
    rows.push_back(static_cast<float>(std::cos(angle * M_PI / 180)));
    rows.push_back(static_cast<float>(std::sin(angle * M_PI / 180)));
  }
  return rows;
}

double cosine_of(double degrees) { return std::cos(degrees * M_PI / 180); }

MinerOptions options_with(std::int64_t queue_length, std::int64_t max_queue_length, double similarity_start,
                          double similarity_end) {
  MinerOptions options;
  options.kind = "dominant_queue";
  options.queue_length = queue_length;
  options.max_queue_length = max_queue_length;
  options.similarity_start = similarity_start;
  options.similarity_end = similarity_end;
  options.similarity_steps = 100;
  options.rebuild_steps = 50;
  return options;
}

class DominantQueues : public testing::Test {
 protected:
  //                                  id: 0  1   2   3   4    5
  std::vector<double> degrees_ = {0, 10, 25, 45, 120, 200};

  DominantQueueSelector built(const MinerOptions& options, std::int64_t step = 0) {
    DominantQueueSelector selector(options, 6, 1, 1);
    rebuild(selector, step);
    return selector;
  }
  void rebuild(DominantQueueSelector& selector, std::int64_t step) const {
    const std::vector<float> rows = on_circle(degrees_);
    selector.rebuild(step, unit_rows_of({rows.data(), degrees_.size(), 2}));
  }
  static std::vector<std::int64_t> ids(const DominantQueueSelector& selector, std::int64_t identity) {
    std::vector<std::int64_t> found;
    for (const auto& entry : selector.queue(identity)) found.push_back(entry.id);
    return found;
  }
  static MinerOptions in_background(MinerOptions options) {
    options.rebuild = "background";
    return options;
  }
  // Steps until the set in the making is adopted.
  static void await(DominantQueueSelector& selector, std::int64_t step) {
    SelectionRequest request;
    request.step = step;
    while (selector.is_rebuilding()) {
      selector.select(request);
      std::this_thread::yield();
    }
  }
  static std::vector<std::int64_t> select(DominantQueueSelector& selector, const std::vector<std::int64_t>& identities) {
    SelectionRequest request;
    request.identities = identities;
    return selector.select(request);
  }
  // Embeddings at these angles, of these identities, were scored against `active`.
  void feed(DominantQueueSelector& selector, std::int64_t step, const std::vector<std::int64_t>& identities,
            const std::vector<double>& embeddings, const std::vector<std::int64_t>& active) const {
    std::vector<double> angles;
    for (const std::int64_t id : active) angles.push_back(degrees_[static_cast<std::size_t>(id)]);
    std::vector<float> rows = on_circle(angles), inverse_lengths;
    for (std::size_t i = 0; i < angles.size(); ++i) {
      const float length = 0.5F + static_cast<float>(i);  // rows come as they are used, of any length
      rows[2 * i] *= length;
      rows[2 * i + 1] *= length;
      inverse_lengths.push_back(1 / length);
    }
    Rivals rivals;
    rivals.begins = {0};
    for (std::size_t j = 0; j < embeddings.size(); ++j) {
      const double own = cosine_of(embeddings[j] - degrees_[static_cast<std::size_t>(identities[j])]);
      for (std::size_t c = 0; c < angles.size(); ++c) {
        const double cosine = cosine_of(embeddings[j] - angles[c]);
        if (cosine <= own) continue;
        rivals.columns.push_back(static_cast<std::int32_t>(c));
        rivals.cosines.push_back(static_cast<float>(cosine));
      }
      rivals.begins.push_back(rivals.columns.size());
    }
    ScoreFeedback feedback;
    feedback.step = step;
    feedback.identities = identities;
    feedback.active_ids = active;
    feedback.rivals = &rivals;
    feedback.prototypes = {rows.data(), active.size(), 2};
    feedback.inverse_lengths = inverse_lengths;
    selector.take_feedback(feedback);
  }
};

using Ids = std::vector<std::int64_t>;
const Ids kAll = {0, 1, 2, 3, 4, 5};

TEST_F(DominantQueues, StartAsTheNearestPrototypesWithoutTheOwner) {
  const auto selector = built(options_with(2, 10, -1, -1));
  EXPECT_EQ(ids(selector, 0), (Ids{1, 2}));
  EXPECT_EQ(ids(selector, 3), (Ids{2, 1}));
  EXPECT_EQ(ids(selector, 5), (Ids{4, 3}));
  EXPECT_NEAR(selector.queue(0)[1].similarity, cosine_of(25), 1e-6);
  EXPECT_EQ(selector.queue(0)[1].admitted, 0U);
  const auto numbers = selector.report();
  EXPECT_EQ(numbers.at("queue_mean_length"), 2);
  EXPECT_EQ(numbers.at("queue_max_length"), 2);
}

TEST_F(DominantQueues, RebuildLeavesOutNeighboursUnderTheThreshold) {
  // h = cos 50: only neighbours within 50 degrees.
  const auto selector = built(options_with(5, 10, cosine_of(50), cosine_of(50)));
  EXPECT_EQ(ids(selector, 0), (Ids{1, 2, 3}));
  EXPECT_TRUE(ids(selector, 5).empty());
}

TEST_F(DominantQueues, ThresholdGrowsLinearlyThenStays) {
  const DominantQueueSelector selector(options_with(2, 10, -1, 0.5), 6, 1, 1);
  EXPECT_DOUBLE_EQ(selector.similarity_threshold(0), -1);
  EXPECT_DOUBLE_EQ(selector.similarity_threshold(50), -0.25);
  EXPECT_DOUBLE_EQ(selector.similarity_threshold(100), 0.5);
  EXPECT_DOUBLE_EQ(selector.similarity_threshold(100000), 0.5);
}

TEST_F(DominantQueues, SelectTakesOwnAndQueuesOnly) {
  auto selector = built(options_with(1, 10, -1, -1));
  EXPECT_EQ(select(selector, {0, 5, 0}), (Ids{0, 1, 4, 5}));
}

TEST_F(DominantQueues, BudgetKeepsOwnAndTheMostSimilarEntries) {
  MinerOptions options = options_with(2, 10, -1, -1);
  options.budget = 4;
  auto selector = built(options);
  // Own 0 and 5; entries 1 (10 deg), 2 (25), 4 (80), 3 (155).
  EXPECT_EQ(select(selector, {5, 0}), (Ids{0, 1, 2, 5}));
  options.budget = 1;
  auto tight = built(options);
  EXPECT_THROW(select(tight, {5, 0}), Error);
  EXPECT_EQ(select(tight, {5, 5}), (Ids{5}));  // nothing is left of the batch that was refused
}

TEST_F(DominantQueues, BudgetIsFilledAtRandom) {
  MinerOptions options = options_with(1, 10, -1, -1);
  options.budget = 3;
  auto selector = built(options);
  std::vector<int> third(6);
  for (int i = 0; i < 4000; ++i) {
    const Ids active = select(selector, {0});
    ASSERT_EQ(active.size(), 3U);
    ASSERT_EQ(active[0], 0);
    ASSERT_EQ(active[1], 1);
    ++third[static_cast<std::size_t>(active[2])];
  }
  for (const int id : {2, 3, 4, 5}) EXPECT_NEAR(third[static_cast<std::size_t>(id)], 1000, 150) << id;
}

TEST_F(DominantQueues, ASampleClassifiedRightAdmitsNothing) {
  auto selector = built(options_with(1, 10, -1, -1));
  feed(selector, 1, {0}, {2}, kAll);
  EXPECT_EQ(ids(selector, 0), (Ids{1}));
  EXPECT_EQ(selector.report().at("admitted_last_step"), 0);
}

TEST_F(DominantQueues, EveryActiveIdentityThatOutscoresTheOwnIsAdmitted) {
  auto selector = built(options_with(1, 10, -1, -1));
  // An embedding of identity 0 at 30 degrees: 2 (5 away), 3 (15) and 1 (20) beat 0 (30); 4 and 5 do not.
  feed(selector, 1, {0}, {30}, kAll);
  EXPECT_EQ(ids(selector, 0), (Ids{1, 2, 3}));
  EXPECT_NEAR(selector.queue(0)[2].similarity, cosine_of(45), 1e-6);  // of prototypes, not of the embedding
  for (const auto& entry : selector.queue(0)) EXPECT_EQ(entry.admitted, 1U);
  EXPECT_EQ(selector.report().at("admitted_last_step"), 2);
  EXPECT_EQ(ids(selector, 1), (Ids{0}));  // no one else's queue moved
}

TEST_F(DominantQueues, IdentitiesThatWereNotActiveAreNotAdmitted) {
  auto selector = built(options_with(1, 10, -1, -1));
  feed(selector, 1, {0}, {30}, {0, 3});
  EXPECT_EQ(ids(selector, 0), (Ids{1, 3}));
}

TEST_F(DominantQueues, SamplesOfOneIdentityAdmitTogether) {
  auto selector = built(options_with(1, 10, -1, -1));
  feed(selector, 1, {0, 3, 0}, {200, 45, 100}, {0, 3, 4, 5});
  EXPECT_EQ(ids(selector, 0), (Ids{1, 3, 4, 5}));
  EXPECT_EQ(ids(selector, 3), (Ids{2}));
}

TEST_F(DominantQueues, EntriesUnderTheThresholdArePoppedAndNotAdmitted) {
  auto selector = built(options_with(3, 10, -1, cosine_of(30)));
  ASSERT_EQ(ids(selector, 0), (Ids{1, 2, 3}));
  // At step 100 h = cos 30: 3 (45 degrees) goes, and 4, though it outscores, is too far to come in.
  feed(selector, 100, {0}, {100}, {0, 1, 4});
  EXPECT_EQ(ids(selector, 0), (Ids{1, 2}));
  EXPECT_EQ(selector.report().at("popped_last_step"), 1);
  EXPECT_EQ(selector.report().at("admitted_last_step"), 0);
  EXPECT_NEAR(selector.report().at("similarity_threshold"), cosine_of(30), 1e-9);
  EXPECT_EQ(ids(selector, 3).size(), 3U);  // owners outside the batch wait for their turn
}

TEST_F(DominantQueues, ActiveEntriesAreJudgedByTheirPresentSimilarity) {
  auto selector = built(options_with(2, 10, cosine_of(30), cosine_of(30)));
  ASSERT_EQ(ids(selector, 0), (Ids{1, 2}));
  degrees_[1] = 40;  // drifted away
  degrees_[2] = 5;   // drifted near
  feed(selector, 1, {0}, {0}, {0, 1, 2});
  EXPECT_EQ(ids(selector, 0), (Ids{2}));
  EXPECT_NEAR(selector.queue(0)[0].similarity, cosine_of(5), 1e-6);
}

TEST_F(DominantQueues, TheLeastSimilarLeavesAFullQueue) {
  auto selector = built(options_with(2, 2, -1, -1));
  ASSERT_EQ(ids(selector, 3), (Ids{2, 1}));
  // 4 (75 away) outscores but is less similar than both; then 0 comes nearer and displaces 1.
  feed(selector, 1, {3}, {120}, {3, 4});
  EXPECT_EQ(ids(selector, 3), (Ids{2, 1}));
  EXPECT_EQ(selector.report().at("admitted_last_step"), 0);
  EXPECT_EQ(selector.report().at("popped_last_step"), 0);
  degrees_[0] = 50;
  feed(selector, 2, {3}, {60}, {0, 3});
  EXPECT_EQ(ids(selector, 3), (Ids{0, 2}));
  EXPECT_EQ(selector.report().at("admitted_last_step"), 1);
  EXPECT_EQ(selector.report().at("popped_last_step"), 1);
}

TEST_F(DominantQueues, RebuildKeepsAdmittedEntriesWhileTheyAreSimilarAndDropsOldNeighbours) {
  auto selector = built(options_with(1, 10, -1, 0));
  feed(selector, 1, {0}, {200}, {0, 3, 4, 5});  // admits 3 (45 degrees), 4 (120) and 5 (200)
  ASSERT_EQ(ids(selector, 0), (Ids{1, 3, 4, 5}));
  degrees_[2] = 3;     // a nearer neighbour than 1
  rebuild(selector, 100);  // h = 0
  EXPECT_EQ(ids(selector, 0), (Ids{2, 3}));
  EXPECT_EQ(selector.queue(0)[0].admitted, 0U);
  EXPECT_EQ(selector.queue(0)[1].admitted, 1U);
}

TEST_F(DominantQueues, WantsARebuildAtTheStartAndAtEveryMultiple) {
  DominantQueueSelector selector(options_with(1, 10, -1, -1), 6, 1, 1);
  EXPECT_TRUE(selector.wants_rebuild(7));
  rebuild(selector, 7);
  EXPECT_FALSE(selector.wants_rebuild(49));
  EXPECT_TRUE(selector.wants_rebuild(50));
}

TEST_F(DominantQueues, ApproximateSearchGivesTheSameQueuesOnEasyRows) {
  MinerOptions options = options_with(2, 10, -1, -1);
  options.index = "graph";
  const auto approximate = built(options);
  const auto exact = built(options_with(2, 10, -1, -1));
  for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(ids(approximate, i), ids(exact, i));
}

TEST_F(DominantQueues, ASingleIdentityHasNoNeighbours) {
  DominantQueueSelector selector(options_with(3, 10, -1, -1), 1, 1, 1);
  const std::vector<float> row = {1, 0};
  selector.rebuild(0, unit_rows_of({row.data(), 1, 2}));
  EXPECT_EQ(select(selector, {0}), (Ids{0}));
}

TEST_F(DominantQueues, ABackgroundRebuildEndsInTheQueuesThatWaitingGives) {
  auto selector = built(in_background(options_with(2, 10, -1, 0)), 10);
  EXPECT_TRUE(selector.is_rebuilding());
  EXPECT_FALSE(selector.wants_rebuild(60));  // one at a time
  await(selector, 25);
  const auto waited = built(options_with(2, 10, -1, 0), 10);
  for (std::int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(ids(selector, i), ids(waited, i));
    for (std::size_t e = 0; e < selector.queue(i).size(); ++e) {
      EXPECT_NEAR(selector.queue(i)[e].similarity, waited.queue(i)[e].similarity, 0.02);  // eight bits
    }
  }
  EXPECT_FALSE(selector.wants_rebuild(49));
  EXPECT_TRUE(selector.wants_rebuild(50));
  feed(selector, 31, {0}, {0}, kAll);
  EXPECT_EQ(selector.report().at("queue_age"), 21);  // since the snapshot, not since the adoption
  EXPECT_GE(selector.report().at("rebuild_seconds"), 0);
}

TEST_F(DominantQueues, TrainingGoesOnAtRandomUntilTheFirstQueuesAreThere) {
  MinerOptions options = in_background(options_with(2, 10, -1, -1));
  auto selector = built(options);
  const Ids active = select(selector, {0, 0});
  EXPECT_EQ(active.size(), 3U);  // one owner and as many as its queue will hold, whether the queues are there or not
  EXPECT_EQ(active[0], 0);
  options.budget = 5;
  auto with_budget = built(options);
  EXPECT_EQ(select(with_budget, {0, 3}).size(), 5U);
}

TEST_F(DominantQueues, EntriesAdmittedDuringABackgroundRebuildStay) {
  auto selector = built(in_background(options_with(1, 10, -1, -1)));
  feed(selector, 1, {0}, {70}, {0, 3, 4});  // admits 3 and 4
  EXPECT_EQ(ids(selector, 0), (Ids{3, 4}));
  await(selector, 2);
  EXPECT_EQ(ids(selector, 0), (Ids{1, 3, 4}));
  EXPECT_EQ(ids(selector, 1), (Ids{0}));
  // And those admitted before it, by the rebuild rule.
  degrees_[4] = 5;
  rebuild(selector, 50);
  await(selector, 51);
  EXPECT_EQ(ids(selector, 0), (Ids{4, 3}));
}

TEST_F(DominantQueues, AStateSavedDuringABackgroundRebuildHoldsThePresentQueues) {
  auto selector = built(in_background(options_with(1, 10, -1, -1)));
  await(selector, 1);
  rebuild(selector, 50);
  feed(selector, 51, {0}, {70}, {0, 3, 4});
  NamedArrays state;
  selector.save(state);
  DominantQueueSelector copy(in_background(options_with(1, 10, -1, -1)), 6, 1, 1);
  copy.restore(state);
  EXPECT_EQ(ids(copy, 0), (Ids{1, 3, 4}));
  EXPECT_EQ(ids(copy, 5), (Ids{4}));
  EXPECT_TRUE(copy.wants_rebuild(52));  // the set of step 50 was never finished
}

TEST_F(DominantQueues, ARunningRebuildEndsWithItsOwner) {
  const std::vector<float> rows = on_circle(std::vector<double>(20000, 1));
  DominantQueueSelector selector(in_background(options_with(50, 100, -1, -1)), 20000, 1, 1);
  selector.rebuild(0, unit_rows_of({rows.data(), 20000, 2}));
  EXPECT_TRUE(selector.is_rebuilding());
}

TEST_F(DominantQueues, BrokenStateIsRefused) {
  const auto selector = built(options_with(2, 10, -1, -1));
  NamedArrays good;
  selector.save(good);
  const auto refused = [&](const char* name, auto values) {
    NamedArrays state = good;
    state.put(name, values);
    DominantQueueSelector copy(options_with(2, 10, -1, -1), 6, 1, 1);
    EXPECT_THROW(copy.restore(state), Error) << name;
  };
  auto ids_of = good.get<std::int32_t>("miner.queue_ids");
  ids_of[3] = 6;
  refused("miner.queue_ids", ids_of);
  ids_of[3] = -1;
  refused("miner.queue_ids", ids_of);
  ids_of = good.get<std::int32_t>("miner.queue_ids");
  ids_of[0] = 0;  // owner in its own queue
  refused("miner.queue_ids", ids_of);
  ids_of.pop_back();
  refused("miner.queue_ids", ids_of);
  refused("miner.queue_lengths", std::vector<std::int32_t>{2, 2, 2, 2, 2, 1});
  refused("miner.queue_lengths", std::vector<std::int32_t>{2, 2, 2, 2, 2, 3});
  refused("miner.queue_lengths", std::vector<std::int32_t>{-1, 5, 2, 2, 2, 2});
  refused("miner.queue_lengths", std::vector<std::int32_t>{12, 0, 0, 0, 0, 0});
  refused("miner.random", std::vector<std::uint64_t>{1, 2, 3});
}

TEST_F(DominantQueues, FeedbackThatDoesNotFitIsRefused) {
  auto selector = built(options_with(1, 10, -1, -1));
  EXPECT_THROW(feed(selector, 1, {0}, {0}, {1, 2}), Error);  // own prototype not active
  EXPECT_THROW(feed(selector, 1, {0, 1}, {0}, {0, 1}), Error);
}

}  // namespace
}  // namespace aface
