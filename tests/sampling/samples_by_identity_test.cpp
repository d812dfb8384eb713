#include "aface/sampling/samples_by_identity.h"

#include <gtest/gtest.h>

#include <map>

#include "aface/core/random.h"

namespace aface {
namespace {

void expect_all(const std::vector<std::int64_t>& identities, std::int64_t num_identities) {
  std::map<std::int64_t, std::vector<std::uint32_t>> expected;
  for (std::size_t i = 0; i < identities.size(); ++i) expected[identities[i]].push_back(static_cast<std::uint32_t>(i));
  const SamplesByIdentity samples(identities, num_identities);
  EXPECT_EQ(samples.num_samples(), identities.size());
  ASSERT_EQ(samples.num_identities(), static_cast<std::size_t>(num_identities));
  for (std::int64_t identity = 0; identity < num_identities; ++identity) {
    const SamplesByIdentity::Samples own = samples.of(static_cast<std::size_t>(identity));
    std::vector<std::uint32_t> listed;
    for (std::size_t i = 0; i < own.size(); ++i) listed.push_back(own[i]);
    EXPECT_EQ(listed, expected[identity]) << identity;
  }
}

TEST(SamplesByIdentity, FindsAllInWhateverOrderTheyCome) {
  expect_all({0, 0, 0, 1, 3, 3}, 5);     // side by side and in order; 2 and 4 have none
  expect_all({3, 3, 0, 0, 0, 1}, 5);     // side by side
  expect_all({0, 1, 0, 3, 0, 3}, 5);     // scattered
  expect_all({0, 0, 1, 1, 0}, 2);        // begins as if in order
  expect_all({2, 2, 2}, 3);
  Random random(1);
  std::vector<std::int64_t> many;
  for (int i = 0; i < 500; ++i) many.push_back(random.below(40));
  expect_all(many, 40);
}

}  // namespace
}  // namespace aface
