#include <gtest/gtest.h>

#include <cmath>

#include "aface/head/identity_concentration.h"
#include "tests/head/head_cases.h"

namespace aface {
namespace {

HeadOptions kappaface() {
  HeadOptions options;
  options.kind = "kappaface";
  options.margin = 0.5;
  options.kappa_refresh_steps = 4;
  return options;
}

std::unique_ptr<Head> with_sizes(const HeadOptions& options, const std::vector<double>& relative) {
  return make_head(options, kIdentities, at::kCPU, 0, relative);
}

// Before any embedding is known only image counts speak: the fewer, the larger the margin.
TEST(KappaMarginHead, StartsFromImageCounts) {
  std::vector<double> relative(kIdentities, 0.5);
  relative[2] = 6;
  relative[3] = 3;
  const std::vector<double> margins = read_margins(*with_sizes(kappaface(), relative));
  const auto expected = [](double share) { return 0.5 * (0.7 / 2 + 0.3 * (std::cos(M_PI * share / 1.05) + 1) / 2); };
  EXPECT_NEAR(margins[0], expected(0.5 / 6), 1e-15);
  EXPECT_NEAR(margins[2], expected(1), 1e-15);
  EXPECT_NEAR(margins[3], expected(0.5), 1e-15);
}

// After some steps margins are those of the formula, with z over the identities that were seen.
TEST(KappaMarginHead, MarginsFollowTheFormula) {
  const HeadOptions options = kappaface();
  const auto head = with_sizes(options, {});
  IdentityConcentration concentration(kIdentities, options.kappa_rate);
  for (std::int64_t step = 0; step < 8; ++step) {
    HeadInput input = with_grad(random_input(30 + static_cast<std::uint64_t>(step), kSubset));
    input.step = step;
    head->forward(input).loss.backward();
    const std::vector<double> before = read_margins(*head);
    head->update(step, 1);
    const at::Tensor embeddings = input.embeddings.detach().to(at::kFloat).contiguous();
    for (std::int64_t i = 0; i < kBatch; ++i) {
      concentration.add(input.active_ids[input.targets[i].item<std::int64_t>()].item<std::int64_t>(),
                        embeddings.data_ptr<float>() + i * kDim, kDim);
    }
    if (step % 4 != 3) {
      EXPECT_EQ(read_margins(*head), before) << step;
    }
  }
  const std::vector<double> kappa = concentration.kappa();
  std::vector<double> known;
  for (const double value : kappa) {
    if (!std::isnan(value)) known.push_back(value);
  }
  ASSERT_GE(known.size(), 4u);
  ASSERT_LT(known.size(), kappa.size());
  const double mean = std::accumulate(known.begin(), known.end(), 0.0) / static_cast<double>(known.size());
  double squares = 0;
  for (const double value : known) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / static_cast<double>(known.size()));
  const double by_size = (std::cos(M_PI / 1.05) + 1) / 2;
  const std::vector<double> margins = read_margins(*head);
  for (std::size_t c = 0; c < kappa.size(); ++c) {
    const double z = std::isnan(kappa[c]) ? 0 : (kappa[c] - mean) / deviation;
    EXPECT_NEAR(margins[c], 0.5 * (0.7 * (1 - 1 / (1 + std::exp(-0.4 * z))) + 0.3 * by_size), 1e-12) << c;
  }
}

TEST(KappaMarginHead, SpreadOutIdentitiesGetLargerMargins) {
  const auto head = with_sizes(kappaface(), {});
  const at::Tensor axis = normal(*std::make_unique<Random>(3), {1, kDim});
  for (std::int64_t step = 0; step < 40; ++step) {
    HeadInput input = random_input(40 + static_cast<std::uint64_t>(step), everyone());
    input.targets = ids({0, 0, 0, 1, 1, 1, 1});
    input.embeddings.narrow(0, 0, 3).mul_(0.1).add_(axis);  // identity 0 keeps to a direction
    input = with_grad(input);
    head->forward(input).loss.backward();
    head->update(step, 1);
  }
  const std::vector<double> margins = read_margins(*head);
  EXPECT_LT(margins[0], margins[2]);
  EXPECT_LT(margins[2], margins[1]);
}

TEST(KappaMarginHead, GoesOnExactlyAfterARestore) {
  const auto head = with_sizes(kappaface(), {}), restored = with_sizes(kappaface(), {});
  const auto train = [](Head& h, std::int64_t step) {
    const HeadInput input = with_grad(random_input(50 + static_cast<std::uint64_t>(step), everyone()));
    h.forward(input).loss.backward();
    h.update(step, 1);
  };
  for (std::int64_t step = 0; step < 6; ++step) train(*head, step);
  NamedArrays state;
  head->save(state);
  restored->restore(state);
  for (std::int64_t step = 6; step < 8; ++step) train(*head, step), train(*restored, step);
  EXPECT_EQ(read_margins(*head), read_margins(*restored));
}

TEST(KappaMarginHead, SeveralRanksAreRefused) {
  try {
    make_head(kappaface(), kIdentities, at::kCPU, 2 * kIdentities);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_NE(std::string(error.what()).find("several ranks"), std::string::npos);
  }
}

}  // namespace
}  // namespace aface
