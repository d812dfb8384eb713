#include "aface/eval/weighted_roc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "aface/core/random.h"
#include "aface/eval/far_targets.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

const std::vector<double> kTargets = {0.5, 0, 1e-3, 0.1, 1, 0.03};

struct Case {
  std::vector<PairScore> genuine, impostor;
  std::int64_t people = 0;
};

std::uint32_t person(Random& random, std::int64_t people) {
  return static_cast<std::uint32_t>(random.below(people));
}

// Scores on a grid so that ties are common, within and between the two kinds.
Case random_case(std::uint64_t seed) {
  Random random(seed);
  Case c;
  c.people = 2 + random.below(12);
  const double grid = seed % 2 ? 4 : 1e4;
  const auto score = [&](double shift) {
    return static_cast<float>(std::round((random.normal() + shift) * grid) / grid);
  };
  for (std::int64_t i = 1 + random.below(60); i > 0; --i) {
    const std::uint32_t a = person(random, c.people);
    c.genuine.push_back({score(1), {a, a}});
  }
  for (std::int64_t i = 1 + random.below(200); i > 0; --i) {
    std::uint32_t a = person(random, c.people), b = person(random, c.people);
    if (a == b || random.chance(0.1)) b = kNotDrawn;
    c.impostor.push_back({score(0), {a, b}});
  }
  return c;
}

// Each score as often as its people were drawn, by the table in pair_weights.h.
std::vector<float> repeated(const std::vector<PairScore>& pairs, const std::vector<std::uint16_t>& drawn) {
  std::vector<float> scores;
  for (const PairScore& pair : pairs) {
    int times = pair.people.a == kNotDrawn ? 1 : drawn[pair.people.a];
    if (pair.people.b != kNotDrawn && pair.people.b != pair.people.a) times *= drawn[pair.people.b];
    scores.insert(scores.end(), static_cast<std::size_t>(times), pair.score);
  }
  return scores;
}

void expect_equal(const TarAtFar& got, const TarAtFar& expected) {
  EXPECT_EQ(got.far, expected.far);
  EXPECT_EQ(got.threshold, expected.threshold);
  EXPECT_EQ(got.tar, expected.tar);
}

TEST(WeightedRoc, IsTheRuleOnTheListWithRepeatedPairs) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const Case c = random_case(seed);
    const WeightedRoc roc(c.genuine, c.impostor, c.people);
    for (std::int64_t replicate = 0; replicate < 4; ++replicate) {
      const auto drawn = draw_identities(c.people, seed, replicate);
      const std::vector<TarAtFar> got = roc.at(drawn, kTargets);
      const auto genuine = repeated(c.genuine, drawn), impostor = repeated(c.impostor, drawn);
      if (genuine.empty() || impostor.empty()) {
        for (const TarAtFar& point : got) EXPECT_TRUE(std::isnan(point.tar) && std::isnan(point.threshold));
        continue;
      }
      const std::vector<TarAtFar> expected = tar_at_far(genuine, impostor, kTargets);
      for (std::size_t i = 0; i < kTargets.size(); ++i) expect_equal(got[i], expected[i]);
      ++compared;
    }
  }
  EXPECT_GT(compared, 900);
}

TEST(WeightedRoc, EverybodyOnceIsTheUnweightedRule) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Case c = random_case(seed);
    const WeightedRoc roc(c.genuine, c.impostor, c.people);
    const std::vector<std::uint16_t> once(static_cast<std::size_t>(c.people), 1);
    const auto expected = tar_at_far(repeated(c.genuine, once), repeated(c.impostor, once), kTargets);
    const auto got = roc.at(kTargets);
    for (std::size_t i = 0; i < kTargets.size(); ++i) expect_equal(got[i], expected[i]);
    EXPECT_EQ(roc.impostor_pairs(), c.impostor.size());
  }
}

TEST(WeightedRoc, KthImpostorIsBlufrsRule) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const Case c = random_case(seed);
    const WeightedRoc roc(c.genuine, c.impostor, c.people, ThresholdRule::kKthImpostor);
    const auto drawn = draw_identities(c.people, seed, 0);
    auto genuine = repeated(c.genuine, drawn), impostor = repeated(c.impostor, drawn);
    if (genuine.empty() || impostor.empty()) continue;
    std::sort(impostor.begin(), impostor.end(), std::greater<float>());
    for (const TarAtFar& point : roc.at(drawn, kTargets)) {
      const auto k = static_cast<std::size_t>(std::round(point.far * static_cast<double>(impostor.size())));
      if (k == 0) {
        EXPECT_TRUE(std::isnan(point.tar) && std::isnan(point.threshold));
        continue;
      }
      EXPECT_EQ(point.threshold, impostor[k - 1]);
      const auto accepted = std::count_if(genuine.begin(), genuine.end(),
                                          [&](float score) { return score >= point.threshold; });
      EXPECT_EQ(point.tar, static_cast<double>(accepted) / static_cast<double>(genuine.size()));
    }
  }
}

TEST(WeightedRoc, HalvesRoundUpInBlufrsRule) {
  // FAR 0.5 of 5 impostor pairs: k = round(2.5) = 3, where roc.h accepts two.
  std::vector<PairScore> impostor;
  for (int i = 0; i < 5; ++i) impostor.push_back({static_cast<float>(i), {0, 1}});
  const std::vector<PairScore> genuine = {{2.5f, {0, 0}}, {1.5f, {1, 1}}};
  const auto blufr = WeightedRoc(genuine, impostor, 2, ThresholdRule::kKthImpostor).at({0.5})[0];
  EXPECT_EQ(blufr.threshold, 2);
  EXPECT_EQ(blufr.tar, 0.5);
  EXPECT_EQ(WeightedRoc(genuine, impostor, 2).at({0.5})[0].threshold, 2.5f);
}

// All pairs of a small set of people, of which only the highest are kept; the weight of all has a closed
// form: half of (sum n w)^2 - sum (n w)^2 for n images each.
TEST(WeightedRoc, TheTailGivesTheSameAsAllPairsOrNothing) {
  const std::int64_t people = 12, images = 3;
  int measured = 0, not_measured = 0;
  for (const ThresholdRule rule : {ThresholdRule::kWithinTarget, ThresholdRule::kKthImpostor}) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      Random random(seed);
      std::vector<PairScore> genuine, impostor;
      for (std::uint32_t a = 0; a < people; ++a) {
        for (int i = 0; i < 3; ++i) genuine.push_back({static_cast<float>(random.normal() + 2), {a, a}});
        for (std::uint32_t b = 0; b < a; ++b) {
          for (int i = 0; i < images * images; ++i) {
            impostor.push_back({static_cast<float>(std::round(random.normal() * 20) / 20), {b, a}});
          }
        }
      }
      const WeightedRoc whole(genuine, impostor, people, rule);
      std::sort(impostor.begin(), impostor.end(),
                [](const PairScore& left, const PairScore& right) { return left.score > right.score; });
      impostor.resize(60);  // of 594
      const auto all_impostors = [&](Span<const std::uint16_t> drawn) {
        std::uint64_t sum = 0, squares = 0;
        for (const std::uint64_t w : drawn) {
          sum += images * w;
          squares += images * w * images * w;
        }
        return (sum * sum - squares) / 2;
      };
      const WeightedRoc tail(genuine, impostor, people, rule, all_impostors);
      EXPECT_EQ(tail.impostor_pairs(), 594u);
      const auto drawn = draw_identities(people, seed, 1);
      const std::vector<double> targets = {0.1, 0.01, 0.3, 0.02};
      const auto got = tail.at(drawn, targets), expected = whole.at(drawn, targets);
      const std::uint64_t kept = repeated(impostor, drawn).size();
      for (std::size_t i = 0; i < targets.size(); ++i) {
        const double needed = targets[i] * static_cast<double>(all_impostors(drawn));
        if (std::isnan(got[i].tar)) {
          EXPECT_TRUE(std::isnan(got[i].threshold));
          EXPECT_GE(needed + 1, static_cast<double>(kept));
          ++not_measured;
        } else {
          expect_equal(got[i], expected[i]);
          EXPECT_LE(needed, static_cast<double>(kept) + 1);
          ++measured;
        }
      }
    }
  }
  EXPECT_GT(measured, 100);
  EXPECT_GT(not_measured, 50);
}

TEST(WeightedRoc, TheOrderOfPairsDoesNotMatter) {
  Case c = random_case(17);
  const auto drawn = draw_identities(c.people, 3, 3);
  const auto before = WeightedRoc(c.genuine, c.impostor, c.people).at(drawn, kTargets);
  Random random(1);
  random.shuffle(c.genuine);
  random.shuffle(c.impostor);
  const auto after = WeightedRoc(c.genuine, c.impostor, c.people).at(drawn, kTargets);
  for (std::size_t i = 0; i < kTargets.size(); ++i) expect_equal(after[i], before[i]);
}

TEST(WeightedRoc, RefusesWhatHasNoAnswer) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<PairScore> genuine = {{1, {0, 0}}}, impostor = {{0, {0, 1}}};
  const auto message = [](const std::vector<PairScore>& g, const std::vector<PairScore>& i, double far) {
    return test::error_of(ErrorKind::kData, [&] { WeightedRoc(g, i, 2).at({far}); });
  };
  EXPECT_THAT(message({}, impostor, 0.1), HasSubstr("no genuine pairs"));
  EXPECT_THAT(message(genuine, {}, 0.1), HasSubstr("no impostor pairs"));
  EXPECT_THAT(message({{nan, {0, 0}}}, impostor, 0.1), HasSubstr("genuine pair is not finite"));
  EXPECT_THAT(message(genuine, {{0, {0, 2}}}, 0.1), HasSubstr("person 2 (expected 0 to 1)"));
  EXPECT_THAT(message(genuine, impostor, 1.5), HasSubstr("target 1.5"));
  EXPECT_THAT(message(genuine, impostor, nan), HasSubstr("target nan"));
}

TEST(UnmeasurableFar, NeedsOneAllowedImpostor) {
  EXPECT_EQ(unmeasurable_far(1e-6, 3000), "needs 1,000,000 impostor pairs, has 3,000");
  EXPECT_EQ(unmeasurable_far(1e-6, 999999), "needs 1,000,000 impostor pairs, has 999,999");
  EXPECT_EQ(unmeasurable_far(1e-6, 1000000), "");
  EXPECT_EQ(unmeasurable_far(0.1, 9, "impostor probes"), "needs 10 impostor probes, has 9");
  EXPECT_EQ(unmeasurable_far(0.3, 3), "needs 4 impostor pairs, has 3");
  EXPECT_EQ(unmeasurable_far(0.1, 10), "");
  EXPECT_THAT(unmeasurable_far(0, 10), HasSubstr("no number of impostor pairs is enough"));
  for (int digits = 1; digits < 10; ++digits) {
    const auto n = static_cast<std::uint64_t>(std::llround(std::pow(10, digits)));
    EXPECT_EQ(unmeasurable_far(std::pow(10, -digits), n), "") << digits;
    EXPECT_NE(unmeasurable_far(std::pow(10, -digits), n - 1), "") << digits;
  }
}

TEST(FarFigures, AreTheRocUnderEachDrawForAnyThreads) {
  Random random(2);
  std::vector<PairScore> genuine, impostor;
  for (std::uint32_t i = 0; i < 40; ++i) {
    genuine.push_back({static_cast<float>(random.normal() + 1), {i, i}});
    for (std::uint32_t j = 0; j < i; ++j) impostor.push_back({static_cast<float>(random.normal()), {i, j}});
  }
  const WeightedRoc roc(genuine, impostor, 40);
  for (const int threads : {1, 3}) {
    BootstrapOptions options;
    options.replicates = 64;
    options.threads = threads;
    const std::vector<Figure> figures = far_figures(roc, {1e-5, 0.1}, options);
    ASSERT_EQ(figures.size(), 4u);
    EXPECT_EQ(figures[0].name, "tar_at_far/1e-05");
    EXPECT_EQ(figures[1].name, "threshold_at_far/1e-05");
    EXPECT_EQ(figures[1].unmeasurable, "needs 100,000 impostor pairs, has 780");
    EXPECT_TRUE(std::isnan(figures[1].value));
    EXPECT_TRUE(figures[1].replicates.empty());
    EXPECT_EQ(figures[2].name, "tar_at_far/0.1");
    EXPECT_EQ(figures[2].value, roc.at({0.1})[0].tar);
    EXPECT_EQ(figures[3].value, roc.at({0.1})[0].threshold);
    for (std::int64_t r = 0; r < 64; ++r) {
      const TarAtFar point = roc.at(draw_identities(40, options.seed, r), {0.1})[0];
      EXPECT_EQ(figures[2].replicates[static_cast<std::size_t>(r)], static_cast<float>(point.tar));
      EXPECT_EQ(figures[3].replicates[static_cast<std::size_t>(r)], static_cast<float>(point.threshold));
    }
  }
}

TEST(FarFigures, ATailThatIsTooShortIsSaid) {
  const std::vector<PairScore> genuine = {{1, {0, 0}}}, impostor = {{0, {0, 1}}};
  const WeightedRoc roc(genuine, impostor, 2, ThresholdRule::kWithinTarget,
                        [](Span<const std::uint16_t> drawn) { return 100u * drawn[0] * drawn[1]; });
  const auto figures = far_figures(roc, {0.1}, {});
  EXPECT_THAT(figures[0].unmeasurable, HasSubstr("highest impostor pairs than were kept"));
  EXPECT_TRUE(std::isnan(figures[0].value));
}

}  // namespace
}  // namespace aface
