#include "aface/head/margin_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "aface/core/error.h"

namespace aface {
namespace {

HeadOptions options() {
  HeadOptions o;
  o.logit_scale = 20;
  o.margin_weight = 10;  // lambda / s = 0.5
  return o;
}

// Five identities of 2, 4, 9, 50 and 135 images: 200 in all, 40 on average.
const std::vector<std::int64_t> kImages = {2, 4, 9, 50, 135};

TEST(MarginHealth, BandsHoldTheirIdentitiesAndTheEquilibriumOfTheirSizes) {
  const MarginHealth health(kImages, options());
  const std::vector<float> margins = {1, 0.5, 0.7, 0.25, 0};
  const MarginHealthReport report = health.report(margins);
  ASSERT_EQ(report.bands.size(), 4u);  // nobody has 10 to 29
  EXPECT_EQ(report.bands[0].name, "1_2");
  EXPECT_EQ(report.bands[1].identities, 2);
  EXPECT_NEAR(report.bands[1].margin_mean, 0.6, 1e-6);
  EXPECT_NEAR(report.bands[0].equilibrium, 0.5 * 40 / 2, 1e-12);
  EXPECT_NEAR(report.bands[1].equilibrium, 0.5 * 40 / 6.5, 1e-12);
  EXPECT_NEAR(report.bands[3].equilibrium, 0.5 * 40 / 135, 1e-12);
  EXPECT_EQ(report.bands[0].share_at_max, 1);
  EXPECT_EQ(report.bands[3].share_at_min, 1);
  EXPECT_NEAR(report.share_at_max, 0.2, 1e-12);
  EXPECT_NEAR(report.numbers().at("share_at_max"), 0.2, 1e-12);
  EXPECT_NEAR(report.numbers().at("share_at_min"), 0.2, 1e-12);
  EXPECT_EQ(health.report({}).numbers().count("share_at_min"), 0u);  // a head that learns no margins
  EXPECT_EQ(report.warning, "");
}

TEST(MarginHealth, MeasuresProbabilityOverTheInterval) {
  MarginHealth health(kImages, options());
  const std::vector<std::int64_t> identities = {1, 2, 1, 4};
  const std::vector<float> probability = {0.5F, 0.25F, 0.75F, 1.0F};
  health.add(identities, probability);
  const std::vector<float> margins(5, 0.3F);
  MarginHealthReport report = health.report(margins);
  EXPECT_EQ(report.bands[1].draws, 3);
  EXPECT_NEAR(report.bands[1].one_minus_p, (0.5 + 0.75 + 0.25) / 3, 1e-7);
  EXPECT_NEAR(report.bands[1].equilibrium_drawn, 0.5 * (2.0 / 5) / (3.0 / 4), 1e-12);
  EXPECT_EQ(report.numbers().count("one_minus_p_1_2"), 0u);  // never drawn
  EXPECT_THAT(report.line(), ::testing::HasSubstr("lambda/s 0.5"));
  EXPECT_NEAR(report.numbers().at("one_minus_p_100_up"), 0, 1e-12);
  health.reset();
  EXPECT_EQ(health.report(margins).bands[1].draws, 0);
}

TEST(MarginHealth, DrawsInProportionToImagesGiveTheSameEquilibrium) {
  MarginHealth health(kImages, options());
  for (std::size_t identity = 0; identity < kImages.size(); ++identity) {
    const std::vector<std::int64_t> ids(static_cast<std::size_t>(kImages[identity]), static_cast<std::int64_t>(identity));
    health.add(ids, std::vector<float>(ids.size(), 0.5F));
  }
  for (const MarginBand& band : health.report(std::vector<float>(5, 0.3F)).bands) {
    EXPECT_NEAR(band.equilibrium_drawn, band.equilibrium, 1e-12) << band.name;
  }
}

TEST(MarginHealth, PullPowerMovesTheEquilibrium) {
  HeadOptions powered = options();
  powered.margin_pull_power = 0.5;
  const MarginHealth health(kImages, powered);
  const MarginHealthReport report = health.report(std::vector<float>(5, 0.3F));
  EXPECT_NEAR(report.bands[0].equilibrium, 0.5 * std::sqrt(40.0 / 2), 1e-12);
  EXPECT_NEAR(report.bands[3].equilibrium, 0.5 * std::sqrt(40.0 / 135), 1e-12);
}

TEST(MarginHealth, MarginsThatAreNotLearntHaveNoRest) {
  HeadOptions kappa = options();
  kappa.kind = "kappaface";
  const MarginHealthReport report = MarginHealth(kImages, kappa).report(std::vector<float>(5, 0.3F));
  EXPECT_NEAR(report.numbers().at("margin_mean_3_9"), 0.3, 1e-6);
  EXPECT_EQ(report.numbers().count("equilibrium_3_9") + report.numbers().count("share_at_min"), 0u);
  EXPECT_THAT(report.line(), ::testing::HasSubstr("3_9: m 0.300"));
  EXPECT_EQ(report.line().find("lambda"), std::string::npos);
}

TEST(MarginHealth, WarnsWhenMostMarginsSitAtABound) {
  const MarginHealth health(kImages, options());
  EXPECT_THAT(health.report(std::vector<float>{1, 1, 1, 0.5F, 0}).warning, ::testing::HasSubstr("60 % of the margins sit at margin_max"));
  const std::string fallen = health.report(std::vector<float>{0, 0, 0, 0.5F, 1}).warning;
  EXPECT_THAT(fallen, ::testing::HasSubstr("60 % of the margins sit at margin_min"));
  EXPECT_EQ(fallen.find("too small"), std::string::npos);
}

// At a small scale the softmax over many identities cannot bring 1 - p down to where margins rest.
TEST(MarginHealth, WarningSaysWhenTheScaleMayBeTooSmall) {
  MarginHealth health(kImages, options());
  health.add(std::vector<std::int64_t>{1, 2}, std::vector<float>{0.1F, 0.04F});
  const std::string warning = health.report(std::vector<float>{0, 0, 0, 0.5F, 1}).warning;
  EXPECT_THAT(warning, ::testing::HasSubstr("1 - p is 0.93 on average"));
  EXPECT_THAT(warning, ::testing::HasSubstr("head.logit_scale = 20 is too small for 5 identities"));
}

TEST(MarginHealth, HeadsWithoutLearntMarginsReportProbabilitiesOnly) {
  MarginHealth health(kImages, options());
  health.add(std::vector<std::int64_t>{3}, std::vector<float>{0.25F});
  const auto numbers = health.report({}).numbers();
  EXPECT_EQ(health.report({}).line(), "");
  EXPECT_NEAR(numbers.at("one_minus_p_30_99"), 0.75, 1e-7);
  EXPECT_EQ(numbers.count("margin_mean_30_99") + numbers.count("equilibrium_30_99"), 0u);
}

TEST(MarginHealth, IdentitiesWithoutImagesCountButBelongToNoBand) {
  const MarginHealth health({0, 5}, options());
  const MarginHealthReport report = health.report(std::vector<float>{1, 0.5F});
  ASSERT_EQ(report.bands.size(), 1u);
  EXPECT_NEAR(report.bands[0].equilibrium, 0.5 * (5.0 / 2) / 5, 1e-12);
  EXPECT_NEAR(report.share_at_max, 0.5, 1e-12);
  EXPECT_THROW(health.report(std::vector<float>{1}), Error);
}

}  // namespace
}  // namespace aface
