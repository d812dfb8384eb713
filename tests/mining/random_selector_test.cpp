#include "aface/mining/random_selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "aface/core/error.h"
#include "tests/support/chi_square.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(RandomSelector, OthersAreDrawnEvenly) {
  MinerOptions options;
  options.kind = "random";
  options.budget = 12;
  RandomSelector selector(options, 100, 61);
  const std::vector<std::int64_t> own = {5, 50, 5};
  SelectionRequest request;
  request.identities = own;
  std::vector<double> counts(100);
  constexpr int kSteps = 30000;
  for (int step = 0; step < kSteps; ++step) {
    const auto active = selector.select(request);
    ASSERT_EQ(active.size(), 12U);
    for (const std::int64_t id : active) ++counts[static_cast<std::size_t>(id)];
  }
  EXPECT_EQ(counts[5], kSteps);
  EXPECT_EQ(counts[50], kSteps);
  counts.erase(counts.begin() + 50);
  counts.erase(counts.begin() + 5);
  // Ten of 98 without replacement: counts vary a factor 1 - 10/98 (times 98/97) less than independent draws.
  const double expected = kSteps * 10.0 / 98;
  double chi = 0;
  for (const double count : counts) chi += (count - expected) * (count - expected) / expected;
  chi /= (1 - 10.0 / 98) * 98 / 97;
  EXPECT_NEAR(chi, 97, 4.5 * std::sqrt(2 * 97.0));
}

TEST(RandomSelector, ABatchBeyondTheBudgetIsRefused) {
  MinerOptions options;
  options.budget = 2;
  RandomSelector selector(options, 10, 1);
  const std::vector<std::int64_t> own = {9, 1, 4};
  SelectionRequest request;
  request.identities = own;
  EXPECT_THAT([&] { selector.select(request); },
              ThrowsMessage<Error>(HasSubstr("the batch holds 3 identities, which must all be active, but mining.budget is 2")));
  const std::vector<std::int64_t> fits = {9, 1, 9};
  request.identities = fits;
  EXPECT_EQ(selector.select(request), (std::vector<std::int64_t>{1, 9}));
}

}  // namespace
}  // namespace aface
