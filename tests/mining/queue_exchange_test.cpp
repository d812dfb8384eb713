// Queues that ranks (threads here) have shared out are those of one selector with all of them.
#include "aface/mining/queue_exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "aface/core/random.h"
#include "aface/kernel/inner_products.h"
#include "aface/kernel/unit_batch.h"
#include "aface/mining/dominant_queue_selector.h"
#include "tests/support/thread_ranks.h"

namespace aface {
namespace {

constexpr std::int64_t kIdentities = 61, kDim = 16, kBatch = 12;

// A table that moves from step to step, the same for everybody.
std::vector<float> table_at(std::int64_t step) {
  std::vector<float> rows;
  for (std::int64_t id = 0; id < kIdentities; ++id) {
    Random start(1, static_cast<std::uint64_t>(id / 3)), own(2, static_cast<std::uint64_t>(id)),
        move(3, static_cast<std::uint64_t>(id), static_cast<std::uint64_t>(step));
    for (std::int64_t d = 0; d < kDim; ++d) {
      rows.push_back(static_cast<float>(start.normal() + 0.7 * own.normal() + 0.3 * move.normal()));
    }
  }
  return rows;
}

std::vector<float> units_of(const std::vector<float>& rows) {
  std::vector<float> units = rows;
  for (std::size_t at = 0; at < units.size(); at += kDim) {
    const float inverse = inverse_length(rows.data() + at, kDim);
    for (std::size_t d = 0; d < kDim; ++d) units[at + d] *= inverse;
  }
  return units;
}

std::vector<std::int64_t> batch_at(std::int64_t step) {
  Random random(4, static_cast<std::uint64_t>(step));
  std::vector<std::int64_t> identities;
  for (std::int64_t i = 0; i < kBatch; ++i) identities.push_back(random.below(kIdentities));
  identities[1] = identities[0];
  return identities;
}

// What one step tells a selector that has the identities of `shard`.
class Step {
 public:
  Step(std::int64_t step, const std::vector<std::int64_t>& selected, const Shard& shard)
      : step_(step), identities_(batch_at(step)) {
    const std::vector<float> table = table_at(step);
    for (const std::int64_t id : selected) {
      if (!shard.has(id)) continue;
      active_.push_back(id);
      rows_.insert(rows_.end(), table.begin() + id * kDim, table.begin() + (id + 1) * kDim);
      inverse_.push_back(inverse_length(table.data() + id * kDim, kDim));
    }
    Random random(5, static_cast<std::uint64_t>(step));
    rivals_.begins.push_back(0);
    for (const std::int64_t own : identities_) {
      std::vector<float> embedding;
      for (std::int64_t d = 0; d < kDim; ++d) {
        embedding.push_back(
            static_cast<float>(table[static_cast<std::size_t>(own * kDim + d)] + 1.5 * random.normal()));
      }
      const auto cosine = [&](const float* row) {
        return inner_product(embedding.data(), row, kDim) * inverse_length(row, kDim);
      };
      const float bar = cosine(table.data() + own * kDim);
      for (std::size_t c = 0; c < active_.size(); ++c) {
        const float score = cosine(rows_.data() + c * kDim);
        if (active_[c] == own || !(score > bar)) continue;
        rivals_.columns.push_back(static_cast<std::int32_t>(c));
        rivals_.cosines.push_back(score);
      }
      rivals_.begins.push_back(rivals_.columns.size());
    }
  }

  ScoreFeedback feedback() const {
    ScoreFeedback feedback;
    feedback.step = step_;
    feedback.identities = identities_;
    feedback.active_ids = active_;
    feedback.rivals = &rivals_;
    feedback.prototypes = {rows_.data(), active_.size(), kDim};
    feedback.inverse_lengths = inverse_;
    return feedback;
  }
  std::size_t rivals() const { return rivals_.columns.size(); }

 private:
  std::int64_t step_;
  std::vector<std::int64_t> identities_, active_;
  std::vector<float> rows_, inverse_;
  Rivals rivals_;
};

using Queue = std::vector<std::pair<std::int64_t, float>>;

struct Outcome {
  std::vector<std::vector<std::int64_t>> selections;  // of each step
  std::vector<Queue> queues;                          // at the end, of every identity
  double admitted = 0, popped = 0;
  std::size_t rivals = 0;
};

Outcome outcome_of(const MinerOptions& options, int steps, AcrossRanks* ranks) {
  const Shard shard =
      ranks == nullptr ? Shard{0, kIdentities} : shard_of(kIdentities, ranks->rank(), ranks->size());
  DominantQueueSelector selector(options, kIdentities, 7, 1, ranks);
  Outcome result;
  for (std::int64_t step = 0; step < steps; ++step) {
    if (selector.wants_rebuild(step)) {
      const std::vector<float> units = units_of(table_at(step));
      selector.rebuild(step, unit_rows_of({units.data() + shard.first * kDim,
                                           static_cast<std::size_t>(shard.count()), kDim}));
    }
    SelectionRequest request;
    request.step = step;
    const std::vector<std::int64_t> batch = batch_at(step);
    request.identities = batch;
    result.selections.push_back(selector.select(request));
    const Step told(step, result.selections.back(), shard);
    selector.take_feedback(told.feedback());
    result.admitted += selector.report().at("admitted_last_step");
    result.popped += selector.report().at("popped_last_step");
    result.rivals += told.rivals();
  }
  result.queues.resize(kIdentities);
  for (std::int64_t id = shard.first; id < shard.end; ++id) {
    for (const auto& entry : selector.queue(id)) {
      result.queues[static_cast<std::size_t>(id)].emplace_back(static_cast<std::int64_t>(entry.id),
                                                               entry.similarity);
    }
  }
  return result;
}

TEST(QueueExchange, QueuesAndSelectionsAreThoseOfOneRank) {
  for (const std::int64_t budget : {0, 30}) {
    for (const int size : {2, 3, 5}) {
      SCOPED_TRACE("budget " + std::to_string(budget) + ", " + std::to_string(size) + " ranks");
      MinerOptions options;
      options.kind = "dominant_queue";
      options.queue_length = 4;
      options.max_queue_length = 7;
      options.similarity_start = 0.1;
      options.similarity_end = 0.5;
      options.similarity_steps = 40;
      options.rebuild_steps = 17;
      options.budget = budget;
      const Outcome one = outcome_of(options, 50, nullptr);
      EXPECT_GT(one.rivals, 100U);
      EXPECT_GT(one.admitted, 20);
      EXPECT_GT(one.popped, 20);
      std::vector<Outcome> parts(static_cast<std::size_t>(size));
      test::ThreadRanks::run(size, [&](AcrossRanks& ranks) {
        parts[static_cast<std::size_t>(ranks.rank())] = outcome_of(options, 50, &ranks);
      });
      double admitted = 0, popped = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Outcome& part = parts[static_cast<std::size_t>(rank)];
        EXPECT_EQ(part.selections, one.selections) << "rank " << rank;
        const Shard shard = shard_of(kIdentities, rank, size);
        for (auto id = static_cast<std::size_t>(shard.first); id < static_cast<std::size_t>(shard.end);
             ++id) {
          EXPECT_EQ(part.queues[id], one.queues[id]) << "identity " << id;
        }
        admitted += part.admitted;
        popped += part.popped;
      }
      EXPECT_EQ(admitted, one.admitted);
      EXPECT_EQ(popped, one.popped);
    }
  }
}

TEST(QueueExchange, RebuildsInTheBackgroundAreRefused) {
  MinerOptions options;
  options.kind = "dominant_queue";
  options.rebuild = "background";
  EXPECT_THROW(test::ThreadRanks::run(
                   2, [&](AcrossRanks& ranks) { DominantQueueSelector(options, 100, 1, 1, &ranks); }),
               Error);
}

TEST(QueueExchange, FeatureQueriesAreRefused) {
  MinerOptions options;
  options.kind = "feature_query";
  options.budget = 10;
  EXPECT_THROW(
      test::ThreadRanks::run(2, [&](AcrossRanks& ranks) { make_class_selector(options, 100, 1, 1, &ranks); }),
      Error);
}

}  // namespace
}  // namespace aface
