// Several ranks (threads here) that together are one sampler.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>

#include "aface/sampling/adaptive_sampler.h"
#include "tests/support/chi_square.h"
#include "tests/support/thread_ranks.h"

namespace aface {
namespace {

struct Drawn {
  std::vector<std::vector<std::int64_t>> batches;
  std::map<std::string, double> report;
  std::vector<std::int64_t> suspects;
  NamedArrays state;
};

std::vector<std::int64_t> identities_of(std::int64_t samples) {
  std::vector<std::int64_t> identities;
  for (std::int64_t i = 0; i < samples; ++i) identities.push_back(i * i % 37);
  return identities;
}

// Feedback that depends on the sample alone.
std::vector<SampleFeedback> feedback_of(const std::vector<std::int64_t>& batch, std::int64_t step) {
  std::vector<SampleFeedback> feedback;
  for (const std::int64_t id : batch) {
    Random random(99, static_cast<std::uint64_t>(id), static_cast<std::uint64_t>(step));
    SampleFeedback one;
    one.sample_id = id;
    one.own_cosine = static_cast<float>(random.uniform(-0.2, 0.9));
    one.correct = id % 3 != 0;
    feedback.push_back(one);
  }
  return feedback;
}

Drawn draw_on(Sampler& sampler, int steps, std::int64_t batch) {
  Drawn drawn;
  for (int step = 0; step < steps; ++step) {
    drawn.batches.push_back(sampler.draw(batch));
    sampler.take_feedback(feedback_of(drawn.batches.back(), step), step);
  }
  drawn.report = sampler.report();
  for (const NoiseSuspect& suspect : sampler.noise_suspects(20)) drawn.suspects.push_back(suspect.sample_id);
  sampler.save(drawn.state);
  drawn.state.own_all();
  return drawn;
}

SamplerOptions lively() {
  SamplerOptions options;
  options.kind = "adaptive";
  options.keep_shares = false;
  options.base_power = 0.5;
  options.noise_start_step = 5;
  options.noise_threshold = 0.1;
  return options;
}

class AdaptiveSamplerOfRanks : public ::testing::TestWithParam<bool> {};

TEST_P(AdaptiveSamplerOfRanks, OwnTheirSamplesAndDrawWhatOneDraws) {
  SamplerOptions options = lively();
  options.keep_shares = GetParam();
  for (const std::int64_t samples : {std::int64_t{50}, std::int64_t{1000}}) {
    const std::vector<std::int64_t> identities = identities_of(samples);
    const std::int64_t batch = 48;  // of 50: most have been drawn before
    const auto alone = make_sampler(options, identities, 37, 5);
    const Drawn expected = draw_on(*alone, 60, batch);
    for (const int size : {2, 3, 4}) {
      SCOPED_TRACE(std::to_string(samples) + " samples, " + std::to_string(size) + " ranks");
      std::vector<Drawn> of_ranks(static_cast<std::size_t>(size));
      test::ThreadRanks::run(size, [&](AcrossRanks& ranks) {
        const auto own = make_sampler(options, identities, 37, 5, &ranks);
        of_ranks[static_cast<std::size_t>(ranks.rank())] = draw_on(*own, 60, batch);
      });
      std::vector<std::uint8_t> codes, log;
      for (int rank = 0; rank < size; ++rank) {
        const Drawn& drawn = of_ranks[static_cast<std::size_t>(rank)];
        EXPECT_EQ(drawn.batches, expected.batches);
        EXPECT_EQ(drawn.suspects, expected.suspects);
        for (const auto& [name, value] : expected.report) EXPECT_NEAR(drawn.report.at(name), value, 1e-9 * std::abs(value)) << name;
        const Shard own = samples_of_rank(samples, rank, size);
        for (const auto& [name, whole] : {std::pair{"sampler.weight_codes", &codes}, {"sampler.noise_log", &log}}) {
          const std::vector<std::uint8_t> part = drawn.state.get<std::uint8_t>(name);
          EXPECT_EQ(static_cast<std::int64_t>(part.size()), 2 * own.count()) << "holds others' samples too";
          whole->insert(whole->end(), part.begin(), part.end());
        }
      }
      EXPECT_EQ(codes, expected.state.get<std::uint8_t>("sampler.weight_codes"));
      EXPECT_EQ(log, expected.state.get<std::uint8_t>("sampler.noise_log"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(KeepShares, AdaptiveSamplerOfRanks, ::testing::Bool());

// Drawn by ranks that own parts: each sample as often as its weight says, whoever owns it.
TEST(AdaptiveSamplerOnRanks, DrawsInProportionToTheWeights) {
  constexpr std::int64_t kSamples = 200, kDraws = 40000;
  const std::vector<std::int64_t> identities = identities_of(kSamples);
  SamplerOptions options = lively();
  options.base_power = 0;
  std::vector<std::int64_t> seen(kSamples);
  std::vector<double> weights(kSamples);
  std::mutex mutex;
  test::ThreadRanks::run(3, [&](AcrossRanks& ranks) {
    AdaptiveSampler sampler(options, identities, 37, 8, &ranks);
    for (std::int64_t step = 0; step < 10; ++step) {
      std::vector<std::int64_t> all(kSamples);
      std::iota(all.begin(), all.end(), 0);
      sampler.take_feedback(feedback_of(all, step), step);
    }
    const Shard own = samples_of_rank(kSamples, ranks.rank(), ranks.size());
    for (std::int64_t draw = 0; draw < kDraws; ++draw) {
      const std::int64_t id = sampler.draw(1)[0];
      if (ranks.rank() == 0) ++seen[static_cast<std::size_t>(id)];
    }
    const std::lock_guard<std::mutex> lock(mutex);
    for (std::int64_t i = own.first; i < own.end; ++i) weights[static_cast<std::size_t>(i)] = sampler.relative_weight(i);
  });
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  EXPECT_GT(*std::max_element(weights.begin(), weights.end()), 3 * *std::min_element(weights.begin(), weights.end()));
  std::vector<double> counts(seen.begin(), seen.end()), expected;
  for (const double weight : weights) expected.push_back(kDraws * weight / total);
  EXPECT_LT(chi_square_deviation(counts, expected), 3.5);
}

}  // namespace
}  // namespace aface
