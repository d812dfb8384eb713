#include "aface/quantise/activations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/expect_error.h"
#include "tests/support/plain_graph.h"

namespace aface {
namespace {

using test::error_of;
using ::testing::HasSubstr;

constexpr std::int64_t kCount = 11, kChipValues = 3 * 8 * 8, kDim = 6;  // 11 chips: a whole piece and a rest

struct OnAGraphOfEveryKind : ::testing::Test {
  const Graph graph = test::graph_of_every_kind();
  const std::vector<float> chips = test::RandomGraph(8).draw(kCount * kChipValues, 1);
  std::vector<float> rows = std::vector<float>(kCount * kDim);

  std::vector<double> chip(std::int64_t i) const {
    return {chips.begin() + i * kChipValues, chips.begin() + (i + 1) * kChipValues};
  }
};

TEST_F(OnAGraphOfEveryKind, AnEngineThatIsWatchedShowsWhatEveryNodePutsOut) {
  const Engine engine(graph, 1);
  std::vector<std::vector<float>> seen(graph.nodes.size());
  engine.observe(chips.data(), kCount, rows.data(), [&](int node, Span<const float> values) {
    auto& of_node = seen[static_cast<std::size_t>(node)];
    of_node.insert(of_node.end(), values.begin(), values.end());
  });
  for (std::int64_t i = 0; i < kCount; ++i) {
    const auto expected = test::plain_graph(graph, chip(i));
    for (std::size_t node = 0; node < expected.size(); ++node) {
      const std::size_t size = expected[node].size();
      ASSERT_EQ(seen[node].size(), size * kCount);
      for (std::size_t k = 0; k < size; ++k)
        ASSERT_NEAR(seen[node][static_cast<std::size_t>(i) * size + k], expected[node][k], 1e-4)
            << graph.nodes[node].name;
    }
  }
  std::vector<float> unwatched(rows.size());
  engine.run(chips.data(), kCount, unwatched.data());
  for (std::size_t k = 0; k < rows.size(); ++k) EXPECT_NEAR(rows[k], unwatched[k], 1e-5);
}

TEST_F(OnAGraphOfEveryKind, ExtentsAreThoseOfAllChipsHoweverTheyCome) {
  Activations activations(graph, 1);
  activations.add(chips.data(), 4, rows.data());
  activations.add(chips.data() + 4 * kChipValues, kCount - 4, rows.data() + 4 * kDim);
  EXPECT_EQ(activations.chips(), kCount);
  std::vector<double> least(graph.nodes.size()), most(graph.nodes.size());
  for (std::int64_t i = 0; i < kCount; ++i) {
    const auto values = test::plain_graph(graph, chip(i));
    for (std::size_t node = 0; node < values.size(); ++node) {
      least[node] = std::min(least[node], *std::min_element(values[node].begin(), values[node].end()));
      most[node] = std::max(most[node], *std::max_element(values[node].begin(), values[node].end()));
    }
  }
  for (std::size_t node = 0; node < least.size(); ++node) {
    EXPECT_NEAR(activations.of(static_cast<int>(node)).least(), least[node], 1e-4);
    EXPECT_NEAR(activations.of(static_cast<int>(node)).most(), most[node], 1e-4);
  }
}

TEST_F(OnAGraphOfEveryKind, WhatIsNotFiniteIsRefusedWithThePlace) {
  std::vector<float> damaged(chips.begin(), chips.begin() + kChipValues);
  damaged[5] = std::nanf("");
  Activations activations(graph, 1);
  EXPECT_THAT(error_of(ErrorKind::kNumeric, [&] { activations.add(damaged.data(), 1, rows.data()); }),
              HasSubstr("'node0'"));
  Graph exploding = graph;
  for (float& weight : exploding.nodes[0].weight) weight *= 1e38F;
  Activations of_exploding(exploding, 1);
  EXPECT_THAT(error_of(ErrorKind::kNumeric, [&] { of_exploding.add(chips.data(), 1, rows.data()); }),
              HasSubstr("'node0'"));
}

}  // namespace
}  // namespace aface
