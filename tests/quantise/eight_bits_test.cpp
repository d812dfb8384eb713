#include "aface/quantise/eight_bits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "aface/core/random.h"
#include "tests/quantise/decoded.h"
#include "tests/support/expect_error.h"
#include "tests/support/plain_graph.h"

namespace aface {
namespace {

using test::decoded;
using test::error_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ValueCode, EveryValueInItsRangeComesBackWithinHalfAStep) {
  Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const double size = std::pow(10, random.uniform(-6, 6));
    const CodeRange range{-size * random.uniform(), size * random.uniform()};
    const ValueCode code = code_for(range);
    EXPECT_EQ(decoded(code, 0), 0);
    EXPECT_NEAR(code.scale * 255, range.high - range.low, 1e-5 * size);
    for (int i = 0; i <= 100; ++i) {
      const double value = range.low + (range.high - range.low) * i / 100;
      EXPECT_LE(std::abs(decoded(code, value) - value), 0.501 * code.scale);
    }
  }
}

TEST(ValueCode, RangesOfOneSignBeginOrEndAtZero) {
  EXPECT_EQ(code_for({0, 5}).zero_point, 0);
  EXPECT_EQ(code_for({-5, 0}).zero_point, 255);
  EXPECT_EQ(code_for({0, 0}).zero_point, 0);
  EXPECT_GT(code_for({0, 0}).scale, 0);
}

TEST(ValueCode, RangesWithoutZeroOrWithoutEndsAreRefused) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const CodeRange& range : {CodeRange{1, 2}, CodeRange{-2, -1}, CodeRange{-1, infinity},
                                 CodeRange{std::nan(""), 1}, CodeRange{-1, std::nan("")}}) {
    EXPECT_THAT(error_of(ErrorKind::kNumeric, [&] { code_for(range); }), HasSubstr("no code"));
  }
}

TEST(LayerCode, EveryWeightAndBiasComesBackWithinHalfAStepOfItsChannel) {
  Random random(2);
  constexpr std::size_t kChannels = 30, kRow = 27;
  std::vector<float> weight, bias;
  for (std::size_t c = 0; c < kChannels; ++c) {
    const double size = std::pow(10, random.uniform(-5, 3));  // channels differ widely
    for (std::size_t i = 0; i < kRow; ++i) weight.push_back(static_cast<float>(size * random.normal()));
    bias.push_back(static_cast<float>(size * random.normal()));
  }
  const float input_scale = 0.02F;
  const LayerCode code = code_layer(weight, bias, input_scale);
  ASSERT_EQ(code.weight.size(), weight.size());
  for (std::size_t c = 0; c < kChannels; ++c) {
    const double step = code.weight_scale[c], bias_step = step * input_scale;
    int most = 0;
    for (std::size_t i = c * kRow; i < (c + 1) * kRow; ++i) {
      EXPECT_LE(std::abs(code.weight[i] * step - weight[i]), 0.501 * step);
      most = std::max(most, std::abs(static_cast<int>(code.weight[i])));
    }
    EXPECT_EQ(most, 127) << "the channel's own largest weight has the largest code";
    EXPECT_LE(std::abs(code.bias[c] * bias_step - bias[c]), 0.501 * bias_step);
  }
}

TEST(LayerCode, ABiasBesideWeightsOfAlmostNothingStillFits) {
  const LayerCode code =
      code_layer(std::vector<float>{1e-20F, 0, 0, 0, 1, 1}, std::vector<float>{3, 2, 0}, 0.1F);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_LE(std::abs(code.bias[c]), 1 << 30);
    EXPECT_NEAR(code.bias[c] * static_cast<double>(code.weight_scale[c]) * 0.1F, c == 0 ? 3 : 2, 1e-6);
  }
}

TEST(LayerCode, WeightsThatAreNoNumbersAreRefused) {
  const float nan = std::nanf("");
  EXPECT_THAT(error_of(ErrorKind::kNumeric,
                       [&] {
                         code_layer(std::vector<float>{1, nan}, std::vector<float>{0}, 1);
                       }),
              HasSubstr("not finite"));
  error_of(ErrorKind::kNumeric, [&] { code_layer(std::vector<float>{1, 1}, std::vector<float>{nan}, 1); });
}

TEST(EightBits, LayersBehindTheFirstAndTheirInputsHaveCodesAndNothingElse) {
  const Graph graph = test::graph_of_every_kind();
  Activations activations(graph, 1);
  test::RandomGraph random(8);
  const std::vector<float> chips = random.draw(2 * 3 * 8 * 8, 1);
  std::vector<float> rows(2 * 6);
  activations.add(chips.data(), 2, rows.data());
  const EightBits bits = quantise(graph, activations, RangeRule::kAll);
  std::vector<int> layers, values;
  for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
    if (bits.layers[static_cast<std::size_t>(i)]) layers.push_back(i);
    if (bits.values[static_cast<std::size_t>(i)]) values.push_back(i);
  }
  // Convolution 0 sees the chips, 8 has groups of two channels. The sum is of 5 and 1.
  EXPECT_THAT(layers, ElementsAre(3, 5, 10));
  EXPECT_THAT(values, ElementsAre(2, 3, 4, 5, 9, 10));
}

TEST(EightBits, AReLUThatAloneFollowsALayerIsInTheLayersCode) {
  test::RandomGraph g(8);
  const int alone = g.convolution(g.convolution(Node::kChips, 4), 4), relu = g.relu(alone);
  const int shared = g.convolution(relu, 4), rectified = g.relu(shared);
  g.fully_connected(g.add(shared, rectified), 3);
  Activations activations(g.graph(), 1);
  const std::vector<float> chips = g.draw(3 * 8 * 8, 1);
  std::vector<float> rows(3);
  activations.add(chips.data(), 1, rows.data());
  const EightBits bits = quantise(g.graph(), activations, RangeRule::kAll);
  const auto code = [&](int i) { return *bits.values[static_cast<std::size_t>(i)]; };
  EXPECT_EQ(code(alone).zero_point, 0);
  EXPECT_EQ(code(alone).scale, code(relu).scale);
  EXPECT_GT(code(shared).zero_point, 0) << "its negative values are needed";
}

}  // namespace
}  // namespace aface
