#include "aface/sampling/noise_log.h"

#include <gtest/gtest.h>

#include <cmath>

namespace aface {
namespace {

// Means are kept in steps of 1/1023, and rounded at each sighting.
constexpr double kNear = 2e-3;

TEST(NoiseLog, ListsThoseUnderTheThresholdWorstFirst) {
  NoiseLog log(5, 0.1);
  log.record(0, 0.05F);   // mean 0.05
  log.record(1, -0.20F);  // mean -0.10 ...
  log.record(1, 0.00F);
  log.record(2, 0.50F);   // never under
  log.record(3, -0.30F);  // under once, back above: mean 0.12, not a suspect any more
  log.record(3, 0.54F);
  EXPECT_EQ(log.noise_samples(), 2);
  const auto suspects = log.suspects();
  ASSERT_EQ(suspects.size(), 2U);
  EXPECT_EQ(suspects[0].sample_id, 1);
  EXPECT_NEAR(suspects[0].mean_cosine, -0.10, kNear);
  EXPECT_EQ(suspects[0].times_seen, 2);
  EXPECT_TRUE(suspects[0].last_was_under);
  EXPECT_EQ(suspects[1].sample_id, 0);
  // m0 = (0.05 - 0.10 + 0.50 + 0.12) / 4 = 0.1425, half a sighting of it.
  EXPECT_NEAR(suspects[0].score, (2 * -0.10 + 0.5 * 0.1425) / 2.5, kNear);
  EXPECT_NEAR(suspects[1].score, (0.05 + 0.5 * 0.1425) / 1.5, kNear);
}

TEST(NoiseLog, LowMeanIsListedThoughTheLastSightingWasGood) {
  NoiseLog log(1, 0.1);
  log.record(0, -0.5F);
  log.record(0, -0.5F);
  log.record(0, 0.3F);
  EXPECT_EQ(log.noise_samples(), 0);
  ASSERT_EQ(log.suspects().size(), 1U);
  EXPECT_FALSE(log.suspects()[0].last_was_under);
}

TEST(NoiseLog, ManyLowSightingsWeighMoreThanOne) {
  NoiseLog log(3, 0.1);
  for (int i = 0; i < 5; ++i) log.record(0, 0.0F);
  log.record(1, -0.02F);
  log.record(2, 0.8F);
  const auto suspects = log.suspects();
  ASSERT_EQ(suspects.size(), 2U);
  EXPECT_EQ(suspects[0].sample_id, 0);
  EXPECT_LT(suspects[1].mean_cosine, suspects[0].mean_cosine);
}

TEST(NoiseLog, MeanIsPlainAtFirstAndForgetsLater) {
  NoiseLog log(1, 0.9);
  double mean = 0;
  for (int i = 0; i < 40; ++i) {
    const double cosine = 0.8 * std::sin(i);
    log.record(0, static_cast<float>(cosine));
    mean += (cosine - mean) / std::min(i + 1, NoiseLog::kMemory);
    ASSERT_NEAR(log.suspects()[0].mean_cosine, mean, 6e-3) << "after " << i + 1;
  }
}

TEST(NoiseLog, CounterStopsAtItsLimitAndTheMeanGoesOn) {
  NoiseLog log(2, 0.1);
  for (int i = 0; i < 1000; ++i) log.record(1, i < 900 ? 1.0F : -1.0F);
  const NoiseSuspect suspect = log.suspects()[0];
  EXPECT_EQ(suspect.sample_id, 1);
  EXPECT_EQ(suspect.times_seen, NoiseLog::kMostSeen);
  EXPECT_NEAR(suspect.mean_cosine, -1, 6e-3);
  EXPECT_EQ(log.noise_samples(), 1);
}

TEST(NoiseLog, CosinesBeyondOneByRoundingAreTakenForOne) {
  NoiseLog log(2, 1.0);
  log.record(0, 1.0000005F);
  log.record(1, -1.0000005F);
  const auto suspects = log.suspects(2);
  ASSERT_EQ(suspects.size(), 2U);
  EXPECT_EQ(suspects[0].mean_cosine, -1.0F);
  EXPECT_EQ(suspects[1].mean_cosine, 1.0F);
}

TEST(NoiseLog, EqualScoresComeByLowerId) {
  NoiseLog log(4, 0.5);
  for (const int sample : {3, 1, 2}) log.record(sample, 0.25F);
  const auto suspects = log.suspects();
  ASSERT_EQ(suspects.size(), 3U);
  EXPECT_EQ(suspects[0].sample_id, 1);
  EXPECT_EQ(suspects[2].sample_id, 3);
}

TEST(NoiseLog, FillsUpWithTheNextWorst) {
  NoiseLog log(6, 0.0);
  const float cosines[] = {0.9F, -0.1F, 0.2F, 0.4F, 0.3F};  // sample 5 is never seen
  for (int i = 0; i < 5; ++i) log.record(i, cosines[i]);
  const auto ids_of = [&](std::size_t at_least) {
    std::vector<std::int64_t> ids;
    for (const NoiseSuspect& suspect : log.suspects(at_least)) ids.push_back(suspect.sample_id);
    return ids;
  };
  EXPECT_EQ(ids_of(0), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(ids_of(1), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(ids_of(3), (std::vector<std::int64_t>{1, 2, 4}));
  EXPECT_EQ(ids_of(100), (std::vector<std::int64_t>{1, 2, 4, 3, 0}));
}

TEST(NoiseLog, RoundTripKeepsEverythingAndOtherSizesAreRefused) {
  NoiseLog log(3, 0.1);
  log.record(0, -1.0F);
  log.record(2, 0.05F);
  NamedArrays state;
  log.save(state, "log");
  NoiseLog copy(3, 0.1);
  copy.restore(state, "log");
  EXPECT_EQ(copy.noise_samples(), 2);
  ASSERT_EQ(copy.suspects().size(), 2U);
  EXPECT_FLOAT_EQ(copy.suspects()[0].mean_cosine, -1.0F);
  NoiseLog other(4, 0.1);
  EXPECT_THROW(other.restore(state, "log"), Error);
}

TEST(NoiseLog, NotANumberAndUnknownSamplesAreRefused) {
  NoiseLog log(3, 0.1);
  EXPECT_THROW(log.record(0, std::nanf("")), Error);
  EXPECT_THROW(log.record(3, 0.5F), Error);
  EXPECT_THROW(log.record(-1, 0.5F), Error);
}

}  // namespace
}  // namespace aface
