#include "aface/kernel/channel_moments.h"

#include <gtest/gtest.h>

#include <cmath>

#include "aface/core/random.h"
#include "tests/kernel/slices_on_threads.h"

namespace aface {
namespace {

using test::on_threads;

std::vector<float> draws(std::int64_t count, double mean, double deviation) {
  Random random(11);
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(static_cast<float>(mean + deviation * random.normal()));
  return values;
}

// The definition, in float64.
ChannelMoments plain_moments(const std::vector<float>& x, std::int64_t rows, std::int64_t channels) {
  ChannelMoments moments;
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    const auto at = [&](std::int64_t row) {
      return static_cast<double>(x[static_cast<std::size_t>(row * channels + c)]);
    };
    for (std::int64_t row = 0; row < rows; ++row) sum += at(row);
    const double mean = sum / static_cast<double>(rows);
    for (std::int64_t row = 0; row < rows; ++row) squares += (at(row) - mean) * (at(row) - mean);
    moments.mean.push_back(mean);
    moments.variance.push_back(squares / static_cast<double>(rows));
  }
  return moments;
}

TEST(ChannelMoments, AreTheDefinitionForEveryShape) {
  for (const std::int64_t channels : {1, 3, 16, 24, 100, 513}) {
    for (const std::int64_t rows : {1, 2, 5, 513, 4001}) {
      const std::vector<float> x = draws(rows * channels, 0.7, 1.3);
      const ChannelMoments plain = plain_moments(x, rows, channels);
      const ChannelMoments moments = channel_moments(x.data(), rows, channels, on_threads(1));
      ASSERT_EQ(moments.mean.size(), static_cast<std::size_t>(channels));
      for (std::size_t c = 0; c < moments.mean.size(); ++c) {
        ASSERT_NEAR(moments.mean[c], plain.mean[c], 1e-7) << rows << " x " << channels;
        ASSERT_NEAR(moments.variance[c], plain.variance[c], 2e-6 * plain.variance[c] + 1e-12)
            << rows << " x " << channels;
      }
    }
  }
}

// Sums of squares in float32 would leave nothing of a variance of 1 beside a mean of 30,000.
TEST(ChannelMoments, ALargeMeanCostsNoDigits) {
  constexpr std::int64_t kRows = 20'000, kChannels = 5;
  const std::vector<float> x = draws(kRows * kChannels, 30'000, 1);
  const ChannelMoments plain = plain_moments(x, kRows, kChannels);
  const ChannelMoments moments = channel_moments(x.data(), kRows, kChannels, on_threads(2));
  for (std::size_t c = 0; c < kChannels; ++c) {
    EXPECT_NEAR(moments.mean[c], plain.mean[c], 1e-5);
    EXPECT_NEAR(moments.variance[c], plain.variance[c], 1e-5);
  }
}

// Values are centred on those that come first.
TEST(ChannelMoments, FirstRowsMayLieFarFromTheRest) {
  constexpr std::int64_t kRows = 20'000, kChannels = 3;
  std::vector<float> x = draws(kRows * kChannels, 0, 1);
  for (std::size_t i = 0; i < kChannels * kRows / 3; ++i) x[i] += 50;
  x[0] = 1000;
  const ChannelMoments plain = plain_moments(x, kRows, kChannels);
  const ChannelMoments moments = channel_moments(x.data(), kRows, kChannels, on_threads(1));
  for (std::size_t c = 0; c < kChannels; ++c) {
    EXPECT_NEAR(moments.mean[c], plain.mean[c], 1e-6 * plain.mean[c]);
    EXPECT_NEAR(moments.variance[c], plain.variance[c], 1e-6 * plain.variance[c]);
  }
}

TEST(ChannelMoments, AConstantChannelHasNoVariance) {
  constexpr std::int64_t kRows = 70'001, kChannels = 3;
  std::vector<float> x;
  for (std::int64_t row = 0; row < kRows; ++row)
    x.insert(x.end(), {0.1F, static_cast<float>(row % 2), -1234.5F});
  const ChannelMoments moments = channel_moments(x.data(), kRows, kChannels, on_threads(1));
  EXPECT_NEAR(moments.mean[0], static_cast<double>(0.1F), 1e-12);
  EXPECT_NEAR(moments.variance[0], 0, 1e-15);
  EXPECT_NEAR(moments.variance[1], 0.25, 1e-6);
  EXPECT_EQ(moments.mean[2], -1234.5);
  EXPECT_EQ(moments.variance[2], 0);
}

TEST(ChannelMoments, HaveTheSameBitsOnAnyNumberOfThreads) {
  constexpr std::int64_t kRows = 30'011, kChannels = 24;
  const std::vector<float> x = draws(kRows * kChannels, 1, 2);
  const ChannelMoments one = channel_moments(x.data(), kRows, kChannels, on_threads(1));
  for (const int threads : {2, 3}) {
    const ChannelMoments other = channel_moments(x.data(), kRows, kChannels, on_threads(threads));
    EXPECT_EQ(one.mean, other.mean);
    EXPECT_EQ(one.variance, other.variance);
  }
}

TEST(ChannelMoments, OfBfloat16AreThoseOfTheRoundedValues) {
  constexpr std::int64_t kRows = 777, kChannels = 17;
  std::vector<float> x = draws(kRows * kChannels, 3, 1);
  std::vector<Bf16> rounded;
  for (float& value : x) {
    rounded.push_back(from_float<Bf16>(value));
    value = to_float(rounded.back());
  }
  const ChannelMoments exact = channel_moments(x.data(), kRows, kChannels, on_threads(1));
  const ChannelMoments moments = channel_moments(rounded.data(), kRows, kChannels, on_threads(1));
  EXPECT_EQ(exact.mean, moments.mean);
  EXPECT_EQ(exact.variance, moments.variance);
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  const auto bits = [](float value) { return from_float<Bf16>(value).bits; };
  EXPECT_EQ(bits(1.0F), 0x3F80);
  EXPECT_EQ(bits(1.0F + 1.0F / 256), 0x3F80);  // a tie, the even one is below
  EXPECT_EQ(bits(1.0F + 3.0F / 256), 0x3F82);  // a tie, the even one is above
  EXPECT_EQ(bits(1.0F + 1.001F / 256), 0x3F81);
  EXPECT_EQ(bits(-2.5F), 0xC020);
  EXPECT_EQ(bits(INFINITY), 0x7F80);
  EXPECT_EQ(bits(3.4028235e38F), 0x7F80);  // nearer to the next power than to the largest bfloat16
  EXPECT_TRUE(std::isnan(to_float(from_float<Bf16>(std::nanf("")))));
  for (std::uint32_t i = 0; i < 0x7F80; ++i) {
    const Bf16 value{static_cast<std::uint16_t>(i)};
    ASSERT_EQ(bits(to_float(value)), i);
  }
}

}  // namespace
}  // namespace aface
