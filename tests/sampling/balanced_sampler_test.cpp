#include "aface/sampling/balanced_sampler.h"

#include <gtest/gtest.h>

#include "tests/support/chi_square.h"

namespace aface {
namespace {

// Identity 0 has 1 sample, identity 1 none, identity 2 has 4, identity 3 has 25; in mixed order.
std::vector<std::int64_t> mixed_identities() {
  std::vector<std::int64_t> identities(30, 3);
  identities[7] = 0;
  for (const std::size_t i : {2U, 11U, 12U, 29U}) identities[i] = 2;
  return identities;
}

class BalancedSamplerOfPower : public testing::TestWithParam<double> {};

TEST_P(BalancedSamplerOfPower, DrawsIdentitiesByTheirPowerAndSamplesAlike) {
  SamplerOptions options;
  options.identity_power = GetParam();
  const std::vector<std::int64_t> identities = mixed_identities();
  BalancedSampler sampler(options, identities, 4, 17);
  const double sizes[] = {1, 0, 4, 25};
  double total = 0;
  for (const double size : sizes) total += size > 0 ? std::pow(size, 1 - GetParam()) : 0;
  constexpr int kDraws = 200000;
  std::vector<double> counts(30), expected(30);
  for (const std::int64_t id : sampler.draw(kDraws)) ++counts[std::size_t(id)];
  for (std::size_t i = 0; i < 30; ++i) {
    expected[i] = kDraws * std::pow(sizes[identities[i]], -GetParam()) / total;
  }
  EXPECT_LT(std::abs(chi_square_deviation(counts, expected)), 4);
}

INSTANTIATE_TEST_SUITE_P(Powers, BalancedSamplerOfPower, testing::Values(0.0, 0.5, 1.0, 2.0));

TEST(BalancedSampler, RestoredStateContinuesTheStream) {
  const std::vector<std::int64_t> identities = mixed_identities();
  BalancedSampler original({}, identities, 4, 1), copy({}, identities, 4, 2);
  original.draw(33);
  NamedArrays state;
  original.save(state);
  copy.restore(state);
  EXPECT_EQ(copy.draw(100), original.draw(100));
}

}  // namespace
}  // namespace aface
