#include "aface/sampling/adaptive_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "tests/support/chi_square.h"

namespace aface {
namespace {

SamplerOptions adaptive_options() {
  SamplerOptions options;
  options.kind = "adaptive";
  options.min_weight = 0.05;
  options.max_weight = 4;
  options.down = 0.9;
  options.up = 1.25;
  options.noise_threshold = 0.1;
  options.noise_start_step = 100;
  return options;
}

void feed(AdaptiveSampler& sampler, std::int64_t sample, float cosine, bool correct, std::int64_t step) {
  SampleFeedback feedback;
  feedback.sample_id = sample;
  feedback.own_cosine = cosine;
  feedback.correct = correct;
  sampler.take_feedback({&feedback, 1}, step);
}

std::vector<std::int64_t> one_identity(std::size_t samples) { return std::vector<std::int64_t>(samples, 0); }

TEST(AdaptiveSampler, RightLowersWrongRaisesWithinTheBounds) {
  AdaptiveSampler sampler(adaptive_options(), one_identity(3), 1, 1);
  EXPECT_NEAR(sampler.relative_weight(0), 1, 1e-8);
  feed(sampler, 0, 0.5F, true, 1);
  feed(sampler, 1, 0.5F, false, 1);
  EXPECT_NEAR(sampler.relative_weight(0), 0.9, 1e-8);
  EXPECT_NEAR(sampler.relative_weight(1), 1.25, 1e-8);
  EXPECT_NEAR(sampler.relative_weight(2), 1, 1e-8);
  for (int i = 0; i < 100; ++i) {
    feed(sampler, 0, 0.5F, true, 1);
    feed(sampler, 1, 0.5F, false, 1);
  }
  EXPECT_NEAR(sampler.relative_weight(0), 0.05, 1e-8);
  EXPECT_NEAR(sampler.relative_weight(1), 4, 1e-8);
}

TEST(AdaptiveSampler, NoiseDropsToTheFloorAfterTheStartStepOnly) {
  AdaptiveSampler sampler(adaptive_options(), one_identity(2), 1, 1);
  feed(sampler, 0, 0.05F, false, 99);
  EXPECT_NEAR(sampler.relative_weight(0), 1.25, 1e-8);
  EXPECT_EQ(sampler.report().at("noise_samples"), 0);
  feed(sampler, 0, 0.05F, false, 100);
  EXPECT_NEAR(sampler.relative_weight(0), 0.05, 1e-8);
  EXPECT_EQ(sampler.report().at("noise_samples"), 1);
  ASSERT_EQ(sampler.noise_suspects(0).size(), 1U);
  EXPECT_EQ(sampler.noise_suspects(0)[0].sample_id, 0);
  // The threshold itself is not noise, and a sample may recover.
  feed(sampler, 0, 0.11F, false, 101);
  EXPECT_NEAR(sampler.relative_weight(0), 0.05 * 1.25, 1e-8);
  EXPECT_EQ(sampler.report().at("noise_samples"), 0);
}

TEST(AdaptiveSampler, ThresholdMinusOneTurnsTheNoiseRuleOff) {
  SamplerOptions options = adaptive_options();
  options.noise_threshold = -1;
  AdaptiveSampler sampler(options, one_identity(2), 1, 1);
  feed(sampler, 0, -1.0F, false, 1000);
  EXPECT_NEAR(sampler.relative_weight(0), 1.25, 1e-8);
  EXPECT_EQ(sampler.report().count("noise_samples"), 0U);
  EXPECT_TRUE(sampler.noise_suspects(0).empty());
}

TEST(AdaptiveSampler, FirstDrawsFollowStartWeights) {
  SamplerOptions options = adaptive_options();
  options.base_power = 0.5;
  std::vector<std::int64_t> identities = {0};  // 1 sample, then identities of 4 and of 16
  identities.insert(identities.end(), 4, 1);
  identities.insert(identities.end(), 16, 2);
  AdaptiveSampler sampler(options, identities, 3, 5);
  std::vector<double> counts(21), expected(21);
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) ++counts[std::size_t(sampler.draw(1)[0])];
  const double total = 1 + 4 / 2.0 + 16 / 4.0;
  for (std::size_t i = 0; i < 21; ++i) expected[i] = kDraws / (i == 0 ? 1.0 : i < 5 ? 2.0 : 4.0) / total;
  EXPECT_LT(std::abs(chi_square_deviation(counts, expected)), 4);
}

TEST(AdaptiveSampler, OrderedDrawsWithoutReplacementMatchEnumeration) {
  AdaptiveSampler sampler(adaptive_options(), one_identity(5), 1, 7);
  // Weights 4, 1.25, 1, 0.9, 0.05.
  for (int i = 0; i < 20; ++i) feed(sampler, 0, 0.5F, false, 1);
  feed(sampler, 1, 0.5F, false, 1);
  feed(sampler, 3, 0.5F, true, 1);
  feed(sampler, 4, 0.0F, true, 100);
  std::vector<double> weights;
  for (int i = 0; i < 5; ++i) weights.push_back(sampler.relative_weight(i));
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);

  constexpr int kDraws = 300000;
  std::map<std::vector<std::int64_t>, double> seen;
  for (int i = 0; i < kDraws; ++i) ++seen[sampler.draw(3)];
  std::vector<double> counts, expected;
  for (std::int64_t a = 0; a < 5; ++a) {
    for (std::int64_t b = 0; b < 5; ++b) {
      for (std::int64_t c = 0; c < 5; ++c) {
        if (a == b || b == c || a == c) {
          EXPECT_EQ(seen.count({a, b, c}), 0U);
          continue;
        }
        const double wa = weights[std::size_t(a)], wb = weights[std::size_t(b)], wc = weights[std::size_t(c)];
        counts.push_back(seen[{a, b, c}]);
        expected.push_back(kDraws * wa / total * wb / (total - wa) * wc / (total - wa - wb));
      }
    }
  }
  EXPECT_LT(std::abs(chi_square_deviation(counts, expected)), 4);
}

TEST(AdaptiveSampler, AskingForMoreThanThereAreGoesRoundAgain) {
  AdaptiveSampler sampler(adaptive_options(), one_identity(4), 1, 3);
  const auto ids = sampler.draw(10);
  for (std::size_t begin = 0; begin < 8; begin += 4) {
    EXPECT_EQ(std::set<std::int64_t>(ids.begin() + long(begin), ids.begin() + long(begin) + 4).size(), 4U);
  }
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(sampler.relative_weight(i), 1, 1e-8);
}

TEST(AdaptiveSampler, RestoredStateContinuesTheStream) {
  std::vector<std::int64_t> identities;
  for (int i = 0; i < 300; ++i) identities.push_back(i * i / 900);
  const auto run = [](AdaptiveSampler& sampler, int first, int last) {
    std::vector<std::int64_t> drawn;
    for (int step = first; step < last; ++step) {
      std::vector<SampleFeedback> feedback;
      for (const std::int64_t id : sampler.draw(32)) {
        drawn.push_back(id);
        SampleFeedback one;
        one.sample_id = id;
        one.own_cosine = static_cast<float>(std::sin(0.37 * double(id)));
        one.correct = id % 3 != 0;
        feedback.push_back(one);
      }
      sampler.take_feedback(feedback, step);
    }
    return drawn;
  };
  AdaptiveSampler original(adaptive_options(), identities, 100, 8), copy(adaptive_options(), identities, 100, 9);
  run(original, 0, 150);
  NamedArrays state;
  original.save(state);
  copy.restore(state);
  EXPECT_EQ(copy.report(), original.report());
  EXPECT_EQ(run(copy, 150, 250), run(original, 150, 250));
  EXPECT_EQ(copy.report(), original.report());
}

TEST(AdaptiveSampler, StateWithImpossibleWeightsIsRefusedAndChangesNothing) {
  AdaptiveSampler sampler(adaptive_options(), one_identity(3), 1, 1);
  NamedArrays state;
  sampler.save(state);
  auto weights = state.get<std::int32_t>("sampler.weights");
  weights[1] = 0;
  state.put("sampler.weights", weights);
  EXPECT_THROW(sampler.restore(state), Error);
  EXPECT_NEAR(sampler.relative_weight(1), 1, 1e-8);
  weights.pop_back();
  state.put("sampler.weights", weights);
  EXPECT_THROW(sampler.restore(state), Error);
}

TEST(AdaptiveSampler, ReportGivesEffectiveSamplesAndBands) {
  std::vector<std::int64_t> identities = {0, 1, 1, 2, 2, 2, 2};
  identities.insert(identities.end(), 10, 3);
  identities.insert(identities.end(), 120, 4);
  AdaptiveSampler sampler(adaptive_options(), identities, 5, 1);
  EXPECT_NEAR(sampler.report().at("effective_samples"), 137, 1e-6);
  EXPECT_EQ(sampler.report().at("weight_at_min"), 0);
  EXPECT_EQ(sampler.report().at("weight_at_max"), 0);
  for (int i = 0; i < 100; ++i) feed(sampler, 0, 0.5F, false, 1);  // 4
  for (int i = 0; i < 100; ++i) feed(sampler, 3, 0.5F, true, 1);   // 0.05
  const auto numbers = sampler.report();
  EXPECT_NEAR(numbers.at("weight_band_1_2"), (4 + 1 + 1) / 3.0, 1e-6);
  EXPECT_NEAR(numbers.at("weight_band_3_9"), (0.05 + 3) / 4.0, 1e-6);
  EXPECT_NEAR(numbers.at("weight_band_10_29"), 1, 1e-6);
  EXPECT_EQ(numbers.count("weight_band_30_99"), 0U);
  EXPECT_NEAR(numbers.at("weight_band_100_up"), 1, 1e-6);
  EXPECT_NEAR(numbers.at("weight_at_min"), 1 / 137.0, 1e-12);
  EXPECT_NEAR(numbers.at("weight_at_max"), 1 / 137.0, 1e-12);
  const double sum = 135 + 4 + 0.05;
  EXPECT_NEAR(numbers.at("effective_samples"), sum * sum / (135 + 16 + 0.05 * 0.05), 1e-4);
}

TEST(AdaptiveSampler, SmallWeightsDoNotGetStuckOnRounding) {
  SamplerOptions options = adaptive_options();
  options.min_weight = 5e-9;
  options.max_weight = 1;
  options.down = 0.9;
  options.up = 1.0001;
  AdaptiveSampler sampler(options, one_identity(1), 1, 1);
  for (int i = 0; i < 300; ++i) feed(sampler, 0, 0.5F, true, 1);
  const double floor = sampler.relative_weight(0);
  EXPECT_NEAR(floor, 5e-9, 2e-10);
  feed(sampler, 0, 0.5F, false, 1);
  EXPECT_GT(sampler.relative_weight(0), floor);
}

TEST(AdaptiveSampler, WrongOptionsAndFeedbackAreRefused) {
  SamplerOptions options = adaptive_options();
  options.min_weight = 0;
  EXPECT_THROW(AdaptiveSampler(options, one_identity(2), 1, 1), Error);
  options = adaptive_options();
  options.min_weight = 1e-6;
  options.max_weight = 1e6;
  try {
    AdaptiveSampler(options, one_identity(2), 1, 1);
    FAIL() << "a spread of 1e12 does not fit";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("1e+12"), std::string::npos) << error.what();
  }
  AdaptiveSampler sampler(adaptive_options(), one_identity(2), 1, 1);
  EXPECT_THROW(feed(sampler, 2, 0.5F, true, 1), Error);
  EXPECT_THROW(feed(sampler, 0, std::nanf(""), true, 1), Error);
}

}  // namespace
}  // namespace aface
