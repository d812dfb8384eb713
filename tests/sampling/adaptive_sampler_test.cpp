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
  options.keep_shares = false;
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

// Lives as long as the tests do, as the samplers look into it.
Span<const std::int64_t> one_identity(std::size_t samples) {
  static const std::vector<std::int64_t> zeros(1000, 0);
  return {zeros.data(), samples};
}

// Weights are on a scale whose steps are 7e-5 here.
constexpr double kNear = 1e-3;

TEST(AdaptiveSampler, RightLowersWrongRaisesWithinTheBounds) {
  AdaptiveSampler sampler(adaptive_options(), one_identity(3), 1, 1);
  EXPECT_NEAR(sampler.relative_weight(0), 1, 1e-8);
  feed(sampler, 0, 0.5F, true, 1);
  feed(sampler, 1, 0.5F, false, 1);
  EXPECT_NEAR(sampler.relative_weight(0), 0.9, kNear * 0.9);
  EXPECT_NEAR(sampler.relative_weight(1), 1.25, kNear * 1.25);
  EXPECT_NEAR(sampler.relative_weight(2), 1, 1e-8);
  for (int i = 0; i < 100; ++i) {
    feed(sampler, 0, 0.5F, true, 1);
    feed(sampler, 1, 0.5F, false, 1);
  }
  EXPECT_NEAR(sampler.relative_weight(0), 0.05, kNear * 0.05);
  EXPECT_NEAR(sampler.relative_weight(1), 4, kNear * 4);
}

TEST(AdaptiveSampler, NoiseDropsToTheFloorAfterTheStartStepOnly) {
  AdaptiveSampler sampler(adaptive_options(), one_identity(2), 1, 1);
  feed(sampler, 0, 0.05F, false, 99);
  EXPECT_NEAR(sampler.relative_weight(0), 1.25, kNear * 1.25);
  EXPECT_EQ(sampler.report().at("noise_samples"), 0);
  feed(sampler, 0, 0.05F, false, 100);
  EXPECT_NEAR(sampler.relative_weight(0), 0.05, kNear * 0.05);
  EXPECT_EQ(sampler.report().at("noise_samples"), 1);
  ASSERT_EQ(sampler.noise_suspects(0).size(), 1U);
  EXPECT_EQ(sampler.noise_suspects(0)[0].sample_id, 0);
  // The threshold itself is not noise, and a sample may recover.
  feed(sampler, 0, 0.11F, false, 101);
  EXPECT_NEAR(sampler.relative_weight(0), 0.05 * 1.25, kNear * 0.05 * 1.25);
  EXPECT_EQ(sampler.report().at("noise_samples"), 0);
}

TEST(AdaptiveSampler, ThresholdMinusOneTurnsTheNoiseRuleOff) {
  SamplerOptions options = adaptive_options();
  options.noise_threshold = -1;
  AdaptiveSampler sampler(options, one_identity(2), 1, 1);
  feed(sampler, 0, -1.0F, false, 1000);
  EXPECT_NEAR(sampler.relative_weight(0), 1.25, kNear * 1.25);
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
  feed(sampler, 1, 0.5F, false, 1);
  const double before = sampler.relative_weight(1);
  NamedArrays state;
  sampler.save(state);
  state.own_all();
  auto bytes = state.get<std::uint8_t>("sampler.weight_codes");
  bytes[4] = bytes[5] = 0;  // the third sample could never be drawn again
  state.put("sampler.weight_codes", bytes);
  EXPECT_THROW(sampler.restore(state), Error);
  EXPECT_EQ(sampler.relative_weight(1), before);
  EXPECT_EQ(sampler.relative_weight(2), 1);
  bytes.resize(4);
  state.put("sampler.weight_codes", bytes);
  EXPECT_THROW(sampler.restore(state), Error);
}

TEST(AdaptiveSampler, SavedWeightsComeBackBitByBit) {
  std::vector<std::int64_t> identities;
  for (int i = 0; i < 3000; ++i) identities.push_back(i % 40 + i % 7);
  SamplerOptions options = adaptive_options();
  options.base_power = 0.5;
  AdaptiveSampler original(options, identities, 46, 8), copy(options, identities, 46, 9);
  Random random(5);
  for (int i = 0; i < 20000; ++i) {
    feed(original, random.below(3000), static_cast<float>(random.uniform()), random.chance(0.5), 200);
  }
  NamedArrays state;
  original.save(state);
  copy.restore(state);
  for (int i = 0; i < 3000; ++i) ASSERT_EQ(copy.relative_weight(i), original.relative_weight(i)) << i;
  NamedArrays again;
  copy.save(again);
  ASSERT_EQ(state.arrays.size(), again.arrays.size());
  for (const auto& [name, array] : state.arrays) EXPECT_TRUE(array.bytes == again.at(name).bytes) << name;
  EXPECT_EQ(copy.draw(100), original.draw(100));
}

// How often each sample is among `count` drawn one after another without replacement, by going through all orders.
std::vector<double> inclusion_chances(const std::vector<double>& weights, int count) {
  const std::size_t n = weights.size();
  std::vector<double> chance_of_set(std::size_t{1} << n), included(n);
  chance_of_set[0] = 1;
  for (std::size_t set = 0; set < chance_of_set.size(); ++set) {  // a set comes after all that it holds
    double left = 0;
    int members = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (set >> i & 1) ++members; else left += weights[i];
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (members == count && set >> i & 1) included[i] += chance_of_set[set];
      if (members < count && !(set >> i & 1)) chance_of_set[set | std::size_t{1} << i] += chance_of_set[set] * weights[i] / left;
    }
  }
  return included;
}

TEST(AdaptiveSampler, SamplesAreAmongTheDrawnAsOftenAsTheyShould) {
  SamplerOptions options = adaptive_options();
  options.base_power = 0.5;
  const std::vector<std::int64_t> identities = {0, 0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 4};
  AdaptiveSampler sampler(options, identities, 5, 11);
  const double sizes[] = {4, 2, 3, 1, 2};
  for (std::int64_t i = 0; i < 12; ++i) {
    for (std::int64_t times = 0; times < 3 * (i % 4); ++times) feed(sampler, i, 0.5F, i % 3 == 0, 1);
  }
  std::vector<double> weights;
  for (std::size_t i = 0; i < 12; ++i) {
    weights.push_back(sampler.relative_weight(std::int64_t(i)) / std::sqrt(sizes[identities[i]]));
  }
  constexpr int kDraws = 200000, kCount = 4;
  std::vector<double> first(12), among(12);
  for (int i = 0; i < kDraws; ++i) {
    const auto ids = sampler.draw(kCount);
    ++first[std::size_t(ids[0])];
    for (const std::int64_t id : ids) ++among[std::size_t(id)];
  }
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<double> expected_first;
  for (const double weight : weights) expected_first.push_back(kDraws * weight / total);
  EXPECT_LT(std::abs(chi_square_deviation(first, expected_first)), 4);
  // Being among the four is a yes or no for each sample: binomial, but not independent of the others.
  const std::vector<double> chances = inclusion_chances(weights, kCount);
  EXPECT_NEAR(std::accumulate(chances.begin(), chances.end(), 0.0), kCount, 1e-9);
  for (std::size_t i = 0; i < 12; ++i) {
    EXPECT_LT(std::abs(among[i] - kDraws * chances[i]) / std::sqrt(kDraws * chances[i] * (1 - chances[i])), 4.5) << i;
  }
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
  EXPECT_NEAR(numbers.at("weight_band_1_2"), (4 + 1 + 1) / 3.0, 2 * kNear);
  EXPECT_NEAR(numbers.at("weight_band_3_9"), (0.05 + 3) / 4.0, kNear);
  EXPECT_NEAR(numbers.at("weight_band_10_29"), 1, 1e-6);
  EXPECT_EQ(numbers.count("weight_band_30_99"), 0U);
  EXPECT_NEAR(numbers.at("weight_band_100_up"), 1, 1e-6);
  EXPECT_NEAR(numbers.at("weight_at_min"), 1 / 137.0, 1e-12);
  EXPECT_NEAR(numbers.at("weight_at_max"), 1 / 137.0, 1e-12);
  const double sum = 135 + 4 + 0.05;
  EXPECT_NEAR(numbers.at("effective_samples"), sum * sum / (135 + 16 + 0.05 * 0.05), 0.1);
}

// Photos compete within their identity: what is taken from one goes to its others, and identities are drawn as at the start.
TEST(AdaptiveSampler, KeptSharesStayWhateverTheFeedback) {
  SamplerOptions options = adaptive_options();
  options.keep_shares = true;
  options.base_power = 0.5;
  std::vector<std::int64_t> identities;  // 2, 8 and 90 samples, scattered
  for (std::int64_t i = 0; i < 100; ++i) identities.push_back(i % 50 == 7 ? 0 : i % 12 == 3 ? 1 : 2);
  std::map<std::int64_t, double> counts;
  for (const std::int64_t identity : identities) ++counts[identity];
  AdaptiveSampler sampler(options, identities, 3, 1);
  Random random(4);
  for (int i = 0; i < 3000; ++i) feed(sampler, random.below(100), static_cast<float>(random.uniform(-0.2, 1)), random.below(3) > 0, 200);

  std::map<std::int64_t, double> sums;
  for (std::int64_t i = 0; i < 100; ++i) sums[identities[static_cast<std::size_t>(i)]] += sampler.relative_weight(i);
  for (const auto& [identity, count] : counts) EXPECT_NEAR(sums[identity], count, 1e-4 * count) << identity;
  EXPECT_LT(sampler.report().at("effective_samples"), 70);  // they do differ within identities
  EXPECT_NEAR(sampler.report().at("weight_band_1_2"), 1, 1e-4);

  double all = 0;
  for (const auto& [identity, count] : counts) all += std::sqrt(count);
  std::map<std::int64_t, double> drawn;
  std::vector<double> drawn_samples(100);
  constexpr int kDraws = 30000;
  for (int i = 0; i < kDraws; ++i) {
    const std::int64_t sample = sampler.draw(1)[0];
    ++drawn[identities[static_cast<std::size_t>(sample)]];
    ++drawn_samples[static_cast<std::size_t>(sample)];
  }
  for (const auto& [identity, count] : counts) {
    const double p = std::sqrt(count) / all;
    EXPECT_NEAR(drawn[identity], kDraws * p, 4.5 * std::sqrt(kDraws * p * (1 - p))) << identity;
  }
  for (std::size_t i = 0; i < 100; ++i) {
    const double p = sampler.relative_weight(static_cast<std::int64_t>(i)) / std::sqrt(counts[identities[i]]) / all;
    EXPECT_NEAR(drawn_samples[i], kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p)) + 1) << i;
  }

  NamedArrays state;
  sampler.save(state);
  AdaptiveSampler restored(options, identities, 3, 2);
  restored.restore(state);
  for (int round = 0; round < 20; ++round) {
    const std::vector<std::int64_t> ids = sampler.draw(10);
    EXPECT_EQ(ids, restored.draw(10));
    for (const std::int64_t id : ids) feed(sampler, id, 0.5F, id % 2 == 0, 300), feed(restored, id, 0.5F, id % 2 == 0, 300);
  }
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
  EXPECT_NEAR(floor, 5e-9, 5e-12);
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
