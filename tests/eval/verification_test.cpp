#include "aface/eval/verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "aface/core/error.h"
#include "aface/core/random.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::vector<float> scores;
  std::vector<std::uint8_t> same;
};

// Folds of equal size with at least one pair of each kind; scores on a grid of 1/grid so that ties are
// common.
Case random_case(std::uint64_t seed, std::size_t folds, std::size_t fold_size, double shift, double grid) {
  Random random(seed);
  Case c;
  for (std::size_t i = 0; i < folds * fold_size; ++i) {
    const std::size_t place = i % fold_size;
    const bool is_same = place == 0 || (place != 1 && random.chance(0.4));
    c.same.push_back(is_same);
    c.scores.push_back(
        static_cast<float>(std::round((random.normal() + (is_same ? shift : 0)) * grid) / grid));
  }
  return c;
}

std::size_t right_decisions(const Case& c, const std::vector<std::size_t>& pairs, double threshold) {
  return static_cast<std::size_t>(std::count_if(pairs.begin(), pairs.end(), [&](std::size_t i) {
    return (c.scores[i] >= threshold) == (c.same[i] != 0);
  }));
}

// The rule of the header, tried threshold by threshold.
VerificationReport brute_force(const Case& c, std::size_t folds) {
  const std::size_t fold_size = c.scores.size() / folds;
  VerificationReport report;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<std::size_t> inside, outside;
    std::vector<float> candidates;
    for (std::size_t i = 0; i < c.scores.size(); ++i) {
      (i / fold_size == fold ? inside : outside).push_back(i);
      if (i / fold_size != fold) candidates.push_back(c.scores[i]);
    }
    std::sort(candidates.begin(), candidates.end(), std::greater<float>());
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
    candidates.insert(candidates.begin(),
                      std::nextafter(candidates[0], std::numeric_limits<float>::infinity()));
    std::size_t most = 0;
    for (const float t : candidates) most = std::max(most, right_decisions(c, outside, t));
    std::vector<float> best;
    for (const float t : candidates) {
      if (right_decisions(c, outside, t) == most) best.push_back(t);
    }
    const float threshold = best[(best.size() - 1) / 2];
    report.fold_threshold.push_back(threshold);
    report.fold_accuracy.push_back(static_cast<double>(right_decisions(c, inside, threshold)) /
                                   static_cast<double>(fold_size));
  }
  return report;
}

TEST(VerifyPairs, AgreesWithTryingEveryThreshold) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const std::size_t folds = 2 + seed % 9;
    const Case c = random_case(seed, folds, 3 + seed % 20, seed % 3, seed % 2 ? 4 : 1e4);
    const VerificationReport got = verify_pairs(c.scores, c.same, static_cast<std::int64_t>(folds));
    const VerificationReport expected = brute_force(c, folds);
    EXPECT_EQ(got.fold_threshold, expected.fold_threshold);
    EXPECT_EQ(got.fold_accuracy, expected.fold_accuracy);
  }
}

TEST(VerifyPairs, HandMadeFolds) {
  // Fold 1 is judged by fold 2's best threshold 0.6 (only 0.6 separates it), fold 2 by fold 1's 0.4.
  const std::vector<float> scores = {0.4f, 0.8f, 0.3f, 0.1f, /**/ 0.6f, 0.9f, 0.5f, 0.2f};
  const std::vector<std::uint8_t> same = {1, 1, 0, 0, 1, 1, 0, 0};
  const VerificationReport report = verify_pairs(scores, same, 2);
  EXPECT_EQ(report.fold_threshold, (std::vector<double>{0.6f, 0.4f}));
  EXPECT_EQ(report.fold_accuracy, (std::vector<double>{0.75, 0.75}));
  EXPECT_EQ(report.accuracy_mean, 0.75);
  EXPECT_EQ(report.accuracy_std_error, 0);
  EXPECT_EQ(report.pairs, 8);
}

TEST(VerifyPairs, StandardErrorDividesByFoldsMinusOneAndRootOfFolds) {
  // Fold accuracies 1, 1/2 and 1/2: standard deviation sqrt(1/12), over sqrt(3) gives 1/6.
  const std::vector<float> scores = {0.9f, 0.1f, 0.2f, 0.1f, 0.9f, 0.8f};
  const std::vector<std::uint8_t> same = {1, 0, 1, 0, 1, 0};
  const VerificationReport report = verify_pairs(scores, same, 3);
  EXPECT_EQ(report.fold_accuracy, (std::vector<double>{1, 0.5, 0.5}));
  EXPECT_NEAR(report.accuracy_mean, 2.0 / 3, 1e-15);
  EXPECT_NEAR(report.accuracy_std_error, 1.0 / 6, 1e-15);
}

TEST(VerifyPairs, AFoldHasNoSayInItsOwnThreshold) {
  // 0.9 is best on fold 1 and refuses all of fold 2; 0.3 is best on fold 2 and accepts all of fold 1. A
  // threshold chosen on all pairs would reach 0.75.
  const std::vector<float> scores = {0.9f, 0.8f, 0.9f, 0.8f, /**/ 0.3f, 0.2f, 0.3f, 0.2f};
  const std::vector<std::uint8_t> same = {1, 0, 1, 0, 1, 0, 1, 0};
  EXPECT_EQ(verify_pairs(scores, same, 2).accuracy_mean, 0.5);
}

TEST(VerifyPairs, StrictlyIncreasingMapsChangeNoShare) {
  const std::vector<std::function<float(float)>> maps = {
      [](float s) { return std::exp(s); },
      [](float s) { return s * s * s + 5 * s - 100; },
      [](float s) { return std::atan(s) * 1e-3f; },
  };
  const Case c = random_case(3, 10, 40, 1.0, 8);
  const VerificationReport before = verify_pairs(c.scores, c.same, 10);
  for (const auto& map : maps) {
    Case mapped = c;
    for (float& score : mapped.scores) score = map(score);
    const VerificationReport after = verify_pairs(mapped.scores, mapped.same, 10);
    EXPECT_EQ(after.fold_accuracy, before.fold_accuracy);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(after.tar_at_far[i].tar, before.tar_at_far[i].tar);
  }
}

TEST(VerifyPairs, WellSeparatedScoresArePerfect) {
  Case c = random_case(4, 10, 20, 0, 1e4);
  for (std::size_t i = 0; i < c.scores.size(); ++i) c.scores[i] = c.same[i] ? 0.7f : 0.1f;
  const VerificationReport report = verify_pairs(c.scores, c.same, 10);
  EXPECT_EQ(report.accuracy_mean, 1);
  EXPECT_EQ(report.accuracy_std_error, 0);
  EXPECT_EQ(report.tar_at_far[0].tar, 1);
  EXPECT_EQ(report.tar_at_far[1].tar, 1);
}

TEST(VerifyPairs, FarTargetsBelowOneImpostorPairAreNotMeasured) {
  const Case c = random_case(5, 10, 20, 1, 1e4);
  const auto impostors = static_cast<double>(std::count(c.same.begin(), c.same.end(), 0));
  VerificationOptions options;
  options.far_targets = {1 / impostors, 0.99 / impostors};
  const VerificationReport report = verify_pairs(c.scores, c.same, 10, options);
  EXPECT_TRUE(std::isfinite(report.tar_at_far[0].tar));
  EXPECT_TRUE(std::isnan(report.tar_at_far[1].tar));
  EXPECT_TRUE(std::isnan(report.tar_at_far[1].threshold));
}

TEST(VerifyPairs, ScoresThatSayNothingGiveHalf) {
  Random random(6);
  Case c;
  for (int i = 0; i < 6000; ++i) {
    c.scores.push_back(static_cast<float>(random.normal()));
    c.same.push_back(i % 600 < 300);
  }
  const VerificationReport report = verify_pairs(c.scores, c.same, 10);
  EXPECT_NEAR(report.accuracy_mean, 0.5, 0.03);
  EXPECT_NEAR(report.tar_at_far[0].tar, 0.1, 0.03);
  EXPECT_LE(report.tar_at_far[2].tar, report.tar_at_far[1].tar);
  EXPECT_LE(report.tar_at_far[1].tar, report.tar_at_far[0].tar);
}

TEST(VerifyPairs, EqualScoresAreCalledDifferentWhenThatIsMoreOftenRight) {
  const std::vector<float> scores(6, 0.5f);
  const VerificationReport report = verify_pairs(scores, std::vector<std::uint8_t>{1, 0, 0, 1, 0, 0}, 2);
  EXPECT_NEAR(report.accuracy_mean, 2.0 / 3, 1e-15);
  EXPECT_GT(report.fold_threshold[0], 0.5);
}

TEST(VerifyPairs, RefusesWhatHasNoAnswer) {
  const auto message = [](const std::vector<float>& scores, const std::vector<std::uint8_t>& same,
                          std::int64_t folds) -> std::string {
    try {
      verify_pairs(scores, same, folds);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
      return error.what();
    }
    return "";
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message({}, {}, 2), HasSubstr("no pairs"));
  EXPECT_THAT(message({1, 2, 3, 4}, {1, 0, 1}, 2), HasSubstr("4 scores but 3 pairs"));
  EXPECT_THAT(message({1, 2, 3, 4}, {1, 0, 1, 0}, 1), HasSubstr("at least 2"));
  EXPECT_THAT(message({1, 2, 3, 4}, {1, 0, 1, 0}, 3), HasSubstr("equal folds"));
  EXPECT_THAT(message({1, 2, nan, 4}, {1, 0, 1, 0}, 2), HasSubstr("pair 3"));
  EXPECT_THAT(message({1, 2, 3, 4}, {1, 0, 1, 1}, 2), HasSubstr("fold 2"));
}

TEST(VerifyPairs, JsonHoldsTheNumbersExactly) {
  const Case c = random_case(8, 10, 30, 1.0, 1e4);
  const VerificationReport report = verify_pairs(c.scores, c.same, 10);
  const auto json = nlohmann::json::parse(to_json(report, {{"model", "a\"b.safetensors"}}));
  EXPECT_EQ(json["model"], "a\"b.safetensors");
  EXPECT_EQ(json["pairs"], 300);
  EXPECT_EQ(json["accuracy_mean"].get<double>(), report.accuracy_mean);
  EXPECT_EQ(json["accuracy_std_error"].get<double>(), report.accuracy_std_error);
  ASSERT_EQ(json["folds"].size(), 10u);
  EXPECT_EQ(json["folds"][9]["accuracy"].get<double>(), report.fold_accuracy[9]);
  EXPECT_EQ(json["folds"][9]["threshold"].get<double>(), report.fold_threshold[9]);
  EXPECT_EQ(json["tar_at_far"]["0.1"].get<double>(), report.tar_at_far[0].tar);
  EXPECT_TRUE(json["tar_at_far"]["0.001"].is_null());
  EXPECT_EQ(json["convention"], "exact");
  EXPECT_THAT(to_table(report), HasSubstr("TAR@FAR 0.01"));
  EXPECT_THAT(to_table(report), HasSubstr("TAR@FAR 0.001            -  too few impostor pairs"));
  EXPECT_EQ(json.count("folded_tar"), 0u);
}

}  // namespace
}  // namespace aface
