#include "aface/mining/class_selector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "aface/kernel/inner_products.h"
#include "tests/support/brute_force.h"

namespace aface {
namespace {

constexpr std::int64_t kIdentities = 400;
constexpr std::size_t kDim = 16;
constexpr std::size_t kBatch = 24;
constexpr std::int64_t kBudget = 60;

MinerOptions options_of(const std::string& kind) {
  MinerOptions options;
  options.kind = kind;
  options.budget = kBudget;
  options.queue_length = 8;
  options.max_queue_length = 12;
  options.similarity_start = -1;
  options.similarity_end = 0.3;
  options.similarity_steps = 40;
  options.rebuild_steps = 10;
  return options;
}

std::unique_ptr<ClassSelector> make(const std::string& kind, std::uint64_t seed = 3, int threads = 1) {
  return make_class_selector(options_of(kind), kIdentities, seed, threads);
}

std::vector<std::int64_t> places_of(const std::vector<std::int64_t>& identities, const std::vector<std::int64_t>& active) {
  std::vector<std::int64_t> places;
  for (const std::int64_t identity : identities) {
    places.push_back(std::lower_bound(active.begin(), active.end(), identity) - active.begin());
  }
  return places;
}

// One step of a training in which prototypes stay where they are and embeddings are prototypes with chance added.
class World {
 public:
  World() : prototypes_(clustered_unit_rows(kIdentities, kDim, 40, 0.6, 51)) {}
  RowMatrix prototypes() const { return {prototypes_.data(), kIdentities, kDim}; }

  std::vector<std::int64_t> step(ClassSelector& selector, std::int64_t step) const {
    Random random(52, static_cast<std::uint64_t>(step));
    std::vector<std::int64_t> identities;
    std::vector<float> embeddings;
    for (std::size_t i = 0; i < kBatch; ++i) {
      identities.push_back(random.below(kIdentities));
      double squares = 0;
      for (std::size_t d = 0; d < kDim; ++d) {
        const double value = prototypes().row(std::size_t(identities[i]))[d] + 0.25 * random.normal();
        embeddings.push_back(static_cast<float>(value));
        squares += value * value;
      }
      for (std::size_t d = 0; d < kDim; ++d) embeddings[i * kDim + d] /= static_cast<float>(std::sqrt(squares));
    }
    if (selector.wants_rebuild(step)) selector.rebuild(step, unit_rows_of(prototypes()));
    SelectionRequest request;
    request.step = step;
    request.identities = identities;
    if (selector.needs_embeddings()) request.unit_embeddings = {embeddings.data(), kBatch, kDim};
    const std::vector<std::int64_t> active = selector.select(request);
    for (const std::int64_t identity : identities) {
      EXPECT_TRUE(std::binary_search(active.begin(), active.end(), identity)) << "own identity " << identity;
    }
    if (selector.needs_feedback()) {
      std::vector<float> rows;
      for (const std::int64_t id : active) {
        const float* row = prototypes().row(std::size_t(id));
        rows.insert(rows.end(), row, row + kDim);
      }
      std::vector<float> cosines(kBatch * active.size());
      inner_products({embeddings.data(), kBatch, kDim}, {rows.data(), active.size(), kDim}, cosines.data(), active.size());
      ScoreFeedback feedback;
      feedback.step = step;
      feedback.identities = identities;
      feedback.active_ids = active;
      const Rivals rivals = rivals_in({cosines.data(), kBatch, active.size()}, places_of(identities, active));
      const std::vector<float> inverse_lengths(active.size(), 1.0F);
      feedback.rivals = &rivals;
      feedback.prototypes = {rows.data(), active.size(), kDim};
      feedback.inverse_lengths = inverse_lengths;
      selector.take_feedback(feedback);
    }
    return active;
  }

 private:
  std::vector<float> prototypes_;
};

class KindOfOptions {
 public:
  std::vector<std::string> choices;
  template <class T>
  void field(const std::string& name, T&, const FieldInfo& info) {
    if (name == "kind") choices = info.choices;
  }
};

TEST(MakeClassSelector, TableAndOptionsNameTheSameKinds) {
  MinerOptions options;
  KindOfOptions visitor;
  describe(visitor, options);
  std::vector<std::string> names;
  for (const auto& row : class_selector_table()) names.push_back(row.name);
  EXPECT_EQ(names, visitor.choices);
}

TEST(MakeClassSelector, EveryKindGivesAscendingIdsWithoutRepeatsWithinTheBudget) {
  const World world;
  for (const auto& row : class_selector_table()) {
    SCOPED_TRACE(row.name);
    const auto selector = make(row.name);
    for (std::int64_t step = 0; step < 30; ++step) {
      const auto active = world.step(*selector, step);
      EXPECT_TRUE(std::is_sorted(active.begin(), active.end()));
      EXPECT_EQ(std::adjacent_find(active.begin(), active.end()), active.end());
      EXPECT_EQ(static_cast<std::int64_t>(active.size()), row.name == "all" ? kIdentities : kBudget);
    }
  }
}

TEST(MakeClassSelector, RestoredStateGivesTheSameSelectionsAtAnyThreadCount) {
  const World world;
  for (const auto& row : class_selector_table()) {
    SCOPED_TRACE(row.name);
    const auto original = make(row.name), copy = make(row.name, 99, 3);
    for (std::int64_t step = 0; step < 20; ++step) world.step(*original, step);
    NamedArrays state;
    original->save(state);
    copy->restore(state);
    for (std::int64_t step = 20; step < 45; ++step) {
      ASSERT_EQ(world.step(*copy, step), world.step(*original, step)) << "step " << step;
    }
    EXPECT_EQ(copy->report(), original->report());
  }
}

TEST(MakeClassSelector, QueuesSurviveBetweenRebuildsToo) {
  const World world;
  const auto original = make("dominant_queue"), copy = make("dominant_queue", 99);
  for (std::int64_t step = 0; step < 17; ++step) world.step(*original, step);
  NamedArrays state;
  original->save(state);
  copy->restore(state);
  EXPECT_FALSE(copy->wants_rebuild(17));
  for (std::int64_t step = 17; step < 25; ++step) {
    ASSERT_EQ(world.step(*copy, step), world.step(*original, step)) << "step " << step;
  }
}

TEST(MakeClassSelector, StateOfAnotherKindOrSizeIsRefused) {
  const World world;
  for (const auto& saved : class_selector_table()) {
    const auto selector = make(saved.name);
    world.step(*selector, 0);
    NamedArrays state;
    selector->save(state);
    for (const auto& row : class_selector_table()) {
      SCOPED_TRACE(saved.name + " into " + row.name);
      EXPECT_THROW(make(row.name)->restore(NamedArrays()), Error);
      if (row.name == saved.name) {
        EXPECT_THROW(make_class_selector(options_of(row.name), kIdentities + 1, 1, 1)->restore(state), Error);
      } else {
        EXPECT_THROW(make(row.name)->restore(state), Error);
      }
    }
  }
}

TEST(MakeClassSelector, WrongOptionsAreUsageErrors) {
  const auto kind_of_error = [](const MinerOptions& options) {
    try {
      make_class_selector(options, 10, 1, 1);
    } catch (const Error& error) {
      return error.kind();
    }
    return ErrorKind::kInternal;
  };
  MinerOptions options = options_of("nearest");
  EXPECT_EQ(kind_of_error(options), ErrorKind::kUsage);
  for (const char* kind : {"random", "feature_query"}) {
    options = options_of(kind);
    options.budget = 0;
    EXPECT_EQ(kind_of_error(options), ErrorKind::kUsage) << kind;
  }
  options = options_of("dominant_queue");
  options.queue_length = 13;
  EXPECT_EQ(kind_of_error(options), ErrorKind::kUsage);
  EXPECT_THROW(make_class_selector(options_of("all"), 0, 1, 1), Error);
}

}  // namespace
}  // namespace aface
