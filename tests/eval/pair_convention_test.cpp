#include "aface/eval/pair_convention.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"
#include "aface/eval/pair_figures.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

struct Case {
  std::vector<float> scores;
  std::vector<std::uint8_t> same;
  std::int64_t folds = 10;
  FoldedPairs pairs() const { return {scores, same, {}, folds}; }
};

// Cosines, in part on the grid of the conventions, so that ties with thresholds are common.
Case random_case(std::uint64_t seed, std::int64_t folds, std::size_t fold_size) {
  Random random(seed);
  Case c;
  c.folds = folds;
  for (std::size_t i = 0; i < static_cast<std::size_t>(folds) * fold_size; ++i) {
    const bool is_same = i % fold_size < 2 ? i % fold_size == 0 : random.chance(0.5);
    double score = std::clamp(0.25 * random.normal() + (is_same ? 0.45 : 0.05), -1.0, 1.0);
    if (seed % 2 == 0) score = std::round(score * 64) / 64;  // exact in float32, and so are the distances
    c.scores.push_back(static_cast<float>(score));
    c.same.push_back(is_same);
  }
  return c;
}

std::vector<std::size_t> pairs_of_fold(const Case& c, std::int64_t fold, bool inside) {
  const std::size_t fold_size = c.scores.size() / static_cast<std::size_t>(c.folds);
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < c.scores.size(); ++i) {
    if ((i / fold_size == static_cast<std::size_t>(fold)) == inside) chosen.push_back(i);
  }
  return chosen;
}

// --- insightface, threshold by threshold

std::vector<double> arange(double step) {
  std::vector<double> values;
  for (int k = 0; k < std::lround(4 / step); ++k) values.push_back(k * step);
  return values;
}

double accuracy_at(const Case& c, const std::vector<std::size_t>& chosen, double threshold) {
  int right = 0;
  for (const std::size_t i : chosen) right += (2 - 2 * double{c.scores[i]} < threshold) == (c.same[i] != 0);
  return static_cast<double>(right) / static_cast<double>(chosen.size());
}

std::pair<double, double> tar_and_far(const Case& c, const std::vector<std::size_t>& chosen,
                                      double threshold) {
  double accepted[2] = {0, 0}, all[2] = {0, 0};
  for (const std::size_t i : chosen) {
    ++all[c.same[i]];
    accepted[c.same[i]] += 2 - 2 * double{c.scores[i]} < threshold;
  }
  return {accepted[1] / all[1], accepted[0] / all[0]};
}

TEST(PairConvention, InsightfaceIsTheFirstBestOfItsThresholds) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const Case c = random_case(seed, 2 + static_cast<std::int64_t>(seed % 9), 30);
    const std::vector<FoldResult> got = find_pair_convention("insightface").judge(c.pairs());
    ASSERT_EQ(got.size(), static_cast<std::size_t>(c.folds));
    for (std::int64_t fold = 0; fold < c.folds; ++fold) {
      double most = -1, best = -1;
      for (const double threshold : arange(0.01)) {
        const double accuracy = accuracy_at(c, pairs_of_fold(c, fold, false), threshold);
        if (accuracy > most) {
          most = accuracy;
          best = threshold;
        }
      }
      EXPECT_EQ(got[static_cast<std::size_t>(fold)].threshold, best) << seed;
      EXPECT_EQ(got[static_cast<std::size_t>(fold)].accuracy,
                accuracy_at(c, pairs_of_fold(c, fold, true), best))
          << seed;
    }
  }
}

TEST(PairConvention, InsightfaceTarLiesOnTheLineBetweenThresholds) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const Case c = random_case(seed, 5, 60);
    const double target = seed % 3 == 2 ? 0.9 : 0.02;
    std::vector<double> tars, fars;
    for (std::int64_t fold = 0; fold < c.folds; ++fold) {
      const std::vector<double> thresholds = arange(0.001);
      std::vector<double> far;
      for (const double threshold : thresholds) {
        far.push_back(tar_and_far(c, pairs_of_fold(c, fold, false), threshold).second);
      }
      double threshold = 0;
      for (std::size_t k = 0; k + 1 < far.size(); ++k) {
        if (far.back() >= target && far[k] <= target && far[k + 1] > target) {
          threshold =
              thresholds[k] + (target - far[k]) / (far[k + 1] - far[k]) * (thresholds[k + 1] - thresholds[k]);
        }
      }
      const auto [tar, far_here] = tar_and_far(c, pairs_of_fold(c, fold, true), threshold);
      tars.push_back(tar);
      fars.push_back(far_here);
    }
    double mean = 0, far_mean = 0, squares = 0;
    for (std::size_t i = 0; i < tars.size(); ++i) {
      mean += tars[i] / 5;
      far_mean += fars[i] / 5;
    }
    for (const double tar : tars) squares += (tar - mean) * (tar - mean);
    const FoldedTar got = insightface_tar(c.pairs(), target);
    EXPECT_NEAR(got.tar_mean, mean, 1e-12) << seed;
    EXPECT_NEAR(got.far_mean, far_mean, 1e-12) << seed;
    EXPECT_NEAR(got.tar_deviation, std::sqrt(squares / 5), 1e-12) << seed;
  }
}

TEST(PairConvention, InsightfaceAcceptsNothingWhenFarStaysBelowTheTarget) {
  // Opposite vectors have distance 4, which none of the thresholds passes, so FAR is 0 everywhere.
  Case c{{0.9f, -1, 0.9f, -1}, {1, 0, 1, 0}, 2};
  EXPECT_EQ(insightface_tar(c.pairs(), 1e-3).tar_mean, 0);
}

// --- FaceX-Zoo, threshold by threshold

TEST(PairConvention, FacexzooIsTheFirstThresholdOfTheHighestTprMinusFpr) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const Case c = random_case(seed, 2 + static_cast<std::int64_t>(seed % 9), 30);
    const std::vector<FoldResult> got = find_pair_convention("facexzoo").judge(c.pairs());
    for (std::int64_t fold = 0; fold < c.folds; ++fold) {
      const std::vector<std::size_t> others = pairs_of_fold(c, fold, false);
      float low = 2, high = -2;
      double genuine = 0, impostor = 0;
      for (const std::size_t i : others) {
        low = std::min(low, c.scores[i]);
        high = std::max(high, c.scores[i]);
        (c.same[i] ? genuine : impostor) += 1;
      }
      const double step = double{high - low} / 1000;
      double most = -2, best = 0;
      for (int k = 1; k <= 1000; ++k) {
        const double threshold = low + step * k;
        double accepted_genuine = 0, accepted_impostor = 0;
        for (const std::size_t i : others) {
          if (c.scores[i] > threshold) (c.same[i] ? accepted_genuine : accepted_impostor) += 1;
        }
        const double gain = accepted_genuine / genuine - accepted_impostor / impostor;
        if (gain > most) {
          most = gain;
          best = threshold;
        }
      }
      int right = 0;
      for (const std::size_t i : pairs_of_fold(c, fold, true)) {
        right += c.same[i] ? c.scores[i] > best : c.scores[i] < best;
      }
      EXPECT_EQ(got[static_cast<std::size_t>(fold)].threshold, best) << seed;
      EXPECT_EQ(got[static_cast<std::size_t>(fold)].accuracy, right / 30.0) << seed;
    }
  }
}

TEST(PairConvention, TheThreeTreatATieInThreeWays) {
  // Both folds alike. insightface: distances 0.5, 0.5, 1.5; the first best threshold is 0.51.
  const Case c{{0.75f, 0.75f, 0.25f, /**/ 0.75f, 0.75f, 0.25f}, {1, 1, 0, 1, 1, 0}, 2};
  EXPECT_NEAR(find_pair_convention("insightface").judge(c.pairs())[0].threshold, 0.51, 1e-12);
  EXPECT_EQ(find_pair_convention("exact").judge(c.pairs())[0].threshold, 0.75);
  EXPECT_NEAR(find_pair_convention("facexzoo").judge(c.pairs())[0].threshold, 0.2505, 1e-12);
  // All scores equal: facexzoo is wrong about every pair.
  const Case tied{std::vector<float>(4, 0.5f), {1, 0, 1, 0}, 2};
  EXPECT_EQ(find_pair_convention("facexzoo").judge(tied.pairs())[0].accuracy, 0);
  EXPECT_EQ(find_pair_convention("exact").judge(tied.pairs())[0].accuracy, 0.5);
  EXPECT_EQ(find_pair_convention("insightface").judge(tied.pairs())[0].accuracy, 0.5);
}

TEST(PairConvention, WeightsAreRepetitions) {
  for (const PairConvention& convention : pair_conventions()) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const Case c = random_case(seed, 2, 20);
      Random random(seed + 100);
      std::vector<std::uint64_t> weights;
      for (std::size_t i = 0; i < c.scores.size(); ++i)
        weights.push_back(static_cast<std::uint64_t>(random.below(3)));
      for (const std::size_t half : {0u, 20u}) {  // equal folds when repeated
        std::uint64_t sum = 0;
        for (std::size_t i = half; i < half + 19; ++i) sum += weights[i];
        weights[half + 19] = 60 - sum;
      }
      Case repeated;
      repeated.folds = 2;
      for (std::size_t i = 0; i < c.scores.size(); ++i) {
        for (std::uint64_t k = 0; k < weights[i]; ++k) {
          repeated.scores.push_back(c.scores[i]);
          repeated.same.push_back(c.same[i]);
        }
      }
      const std::vector<FoldResult> got = convention.judge({c.scores, c.same, weights, 2});
      const std::vector<FoldResult> expected = convention.judge(repeated.pairs());
      for (std::size_t fold = 0; fold < 2; ++fold) {
        EXPECT_NEAR(got[fold].accuracy, expected[fold].accuracy, 1e-12) << convention.name << seed;
        EXPECT_EQ(got[fold].threshold, expected[fold].threshold) << convention.name << seed;
      }
    }
  }
}

TEST(PairConvention, FoldsWithoutWeightHaveNoAccuracy) {
  const Case c = random_case(1, 2, 10);
  std::vector<std::uint64_t> weights(20, 1);
  std::fill(weights.begin(), weights.begin() + 10, 0);
  for (const PairConvention& convention : pair_conventions()) {
    const std::vector<FoldResult> results = convention.judge({c.scores, c.same, weights, 2});
    EXPECT_TRUE(std::isnan(results[0].accuracy)) << convention.name;  // nothing to judge
    EXPECT_TRUE(std::isnan(results[1].accuracy)) << convention.name;  // nothing to learn from
  }
}

TEST(PairConvention, UnknownNamesListTheKnownOnes) {
  EXPECT_THAT(test::error_of(ErrorKind::kUsage, [] { find_pair_convention("lfw"); }),
              ::testing::HasSubstr("unknown convention 'lfw'; choose one of: exact, insightface, facexzoo"));
}

}  // namespace
}  // namespace aface
