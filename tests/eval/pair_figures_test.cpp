#include "aface/eval/pair_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "aface/core/random.h"
#include "aface/eval/roc.h"
#include "aface/eval/weighted_roc.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Case {
  std::vector<float> scores;
  std::vector<std::uint8_t> same;
  std::vector<std::uint32_t> first, second;
  std::int64_t people = 0;

  IdentifiedPairs view() const { return {scores, same, first, second, people}; }
  void add(double score, std::uint32_t a, std::uint32_t b) {
    scores.push_back(static_cast<float>(score));
    same.push_back(a == b);
    first.push_back(a);
    second.push_back(b);
  }
};

// Both kinds among few people, ties common for a small grid.
Case random_case(std::uint64_t seed, std::uint32_t pairs, double grid) {
  Random random(seed);
  Case c;
  c.people = 8;
  const auto person = [&] { return static_cast<std::uint32_t>(random.below(c.people)); };
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const std::uint32_t a = person();
    const bool is_same = i == 0 || (i != 1 && random.chance(0.4));
    std::uint32_t b = a;
    while (!is_same && b == a) b = person();
    c.add(std::round((random.normal() + (is_same ? 1.5 : 0)) * grid) / grid, a, b);
  }
  return c;
}

TEST(EqualErrorRate, AWeightIsARepetition) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Case c = random_case(seed, 48, seed % 2 ? 4 : 1e4);
    Case repeated;
    repeated.people = c.people;
    std::vector<std::uint64_t> weights;
    for (std::size_t i = 0; i < c.scores.size(); ++i) {
      weights.push_back(static_cast<std::uint64_t>(random.below(4)));
      for (std::uint64_t k = 0; k < weights[i]; ++k) repeated.add(c.scores[i], c.first[i], c.second[i]);
    }
    const std::vector<std::uint64_t> once(repeated.scores.size(), 1);
    EXPECT_EQ(equal_error_rate(c.view())(weights), equal_error_rate(repeated.view())(once));
  }
}

TEST(EqualErrorRate, HandMadeCurves) {
  const auto rate = [](const std::vector<double>& genuine, const std::vector<double>& impostor) {
    Case c;
    c.people = 2;
    for (const double score : genuine) c.add(score, 0, 0);
    for (const double score : impostor) c.add(score, 0, 1);
    return equal_error_rate(c.view())(std::vector<std::uint64_t>(c.scores.size(), 1));
  };
  EXPECT_EQ(rate({3, 4}, {1, 2}), 0);
  EXPECT_EQ(rate({1, 2}, {3, 4}), 1);
  EXPECT_EQ(rate({2, 4}, {1, 3}), 0.5);  // FAR 1/2 and FRR 1/2 at the threshold 3
  EXPECT_EQ(rate({1}, {1}), 0.5);        // one tie: half way along the diagonal
  // FAR and FRR are 1/4 at the threshold 2.
  EXPECT_EQ(rate({1, 3, 4, 5}, {0, 0.5, 0.7, 2}), 0.25);
  // Genuine 2 and 1, impostor 3 of 3 at 0: perfect; one impostor of three at 1.5: between (FAR 0, FRR 1/2)
  // and (1/3, 1/2), then (1/3, 0): crossing at FAR = FRR = 1/3.
  EXPECT_NEAR(rate({2, 1}, {0, 0, 1.5}), 1.0 / 3, 1e-15);
}

TEST(EqualErrorRate, ADrawWithoutAKindHasNone) {
  Case c;
  c.people = 2;
  c.add(1, 0, 0);
  c.add(0, 0, 1);
  EXPECT_TRUE(std::isnan(equal_error_rate(c.view())(std::vector<std::uint64_t>{1, 0})));
  EXPECT_TRUE(std::isnan(equal_error_rate(c.view())(std::vector<std::uint64_t>{0, 1})));
}

TEST(PairFigures, NamesValuesAndReplicates) {
  const Case c = random_case(5, 200, 1e4);
  BootstrapOptions options;
  options.replicates = 40;
  const std::vector<Figure> figures = pair_figures(c.view(), {0.1, 1e-4}, options);
  std::vector<std::string> names;
  for (const Figure& figure : figures) names.push_back(figure.name);
  EXPECT_THAT(names, ElementsAre("eer", "tar_at_far/0.1", "threshold_at_far/0.1", "tar_at_far/0.0001",
                                 "threshold_at_far/0.0001"));
  std::vector<float> genuine, impostor;
  for (std::size_t i = 0; i < c.scores.size(); ++i) (c.same[i] ? genuine : impostor).push_back(c.scores[i]);
  const TarAtFar point = tar_at_far(genuine, impostor, {0.1})[0];
  EXPECT_EQ(figures[1].value, point.tar);
  EXPECT_EQ(figures[2].value, point.threshold);
  EXPECT_THAT(figures[3].unmeasurable, HasSubstr("needs 10,000 impostor pairs"));

  // Replicate 7 by hand.
  const auto drawn = draw_identities(c.people, options.seed, 7);
  std::vector<std::uint64_t> weights;
  for (std::size_t i = 0; i < c.scores.size(); ++i) {
    const std::uint64_t a = drawn[c.first[i]], b = drawn[c.second[i]];
    weights.push_back(c.first[i] == c.second[i] ? a : a * b);
  }
  EXPECT_EQ(figures[0].replicates[7], static_cast<float>(equal_error_rate(c.view())(weights)));

  options.threads = 1;
  const std::vector<Figure> one_thread = pair_figures(c.view(), {0.1, 1e-4}, options);
  for (std::size_t i = 0; i < figures.size(); ++i) {
    EXPECT_EQ(one_thread[i].replicates, figures[i].replicates);
  }
}

TEST(PairFigures, BadInputIsNamed) {
  const auto message = [](const std::function<void(Case&)>& spoil) {
    Case c = random_case(5, 20, 1e4);
    spoil(c);
    return test::error_of(ErrorKind::kData, [&] { pair_figures(c.view(), {0.1}, {}); });
  };
  EXPECT_THAT(message([](Case& c) { c.scores[3] = std::numeric_limits<float>::quiet_NaN(); }),
              HasSubstr("score of pair 4 is not finite"));
  EXPECT_THAT(message([](Case& c) { c.same.pop_back(); }), HasSubstr("20 scores but 19 same flags"));
  EXPECT_THAT(message([](Case& c) { c.second.push_back(0); }), HasSubstr("20 scores but 21 second people"));
  EXPECT_THAT(message([](Case& c) { c.first[0] = 8; }), HasSubstr("person 8 (expected 0 to 7)"));
  EXPECT_THAT(message([](Case& c) { c.same.assign(20, 1); }), HasSubstr("no impostor pairs"));
}

double normal_quantile(double share) {
  double low = -10, high = 10;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2)) < share ? low : high) = middle;
  }
  return low;
}

// People differ: some are recognised well and some badly, and some look like many others. Genuine scores of
// person p are 2 + 0.7 effect(p) + 0.7 noise, impostor scores of p and q (effect(p) + effect(q)) / 2 + noise
// / sqrt 2, so both have variance about 1 and the true TAR at FAR 0.1 is known.
TEST(FarFigures, TheIntervalByIdentityCoversAndTheOneByPairIsTooNarrow) {
  constexpr int kRepeats = 200;
  const double sigma_genuine = std::sqrt(2 * 0.49);
  const double truth = 0.5 * std::erfc((normal_quantile(0.9) - 2) / sigma_genuine / std::sqrt(2));
  int by_identity = 0, by_pair = 0;
  for (std::uint64_t repeat = 0; repeat < kRepeats; ++repeat) {
    Random random(repeat, 77);
    constexpr std::uint32_t kPeople = 60;
    std::vector<double> recognised(kPeople), common(kPeople);
    Case c;
    c.people = kPeople;
    for (std::uint32_t p = 0; p < kPeople; ++p) {
      recognised[p] = random.normal();
      common[p] = random.normal();
      for (int i = 0; i < 6; ++i) c.add(2 + 0.7 * recognised[p] + 0.7 * random.normal(), p, p);
      for (std::uint32_t q = 0; q < p; ++q) {
        c.add((common[p] + common[q]) / 2 + random.normal() * std::sqrt(0.5), p, q);
      }
    }
    BootstrapOptions options;
    options.replicates = 150;
    options.seed = repeat;
    const auto covers = [&](const Case& pairs) {
      std::vector<PairScore> genuine, impostor;
      for (std::size_t i = 0; i < pairs.scores.size(); ++i) {
        (pairs.same[i] ? genuine : impostor).push_back({pairs.scores[i], {pairs.first[i], pairs.second[i]}});
      }
      const WeightedRoc roc(std::move(genuine), std::move(impostor), pairs.people);
      const Interval interval = interval_of(far_figures(roc, {0.1}, options)[0]);
      return interval.low <= truth && truth <= interval.high;
    };
    by_identity += covers(c);
    // Every pair on its own, as if no two shared a person.
    std::iota(c.first.begin(), c.first.end(), 0u);
    c.second = c.first;
    c.people = static_cast<std::int64_t>(c.first.size());
    by_pair += covers(c);
  }
  RecordProperty("by_identity", by_identity);
  RecordProperty("by_pair", by_pair);
  EXPECT_GE(by_identity, 0.90 * kRepeats);
  EXPECT_LE(by_identity, 0.99 * kRepeats);
  EXPECT_LE(by_pair, 0.75 * kRepeats);
}

}  // namespace
}  // namespace aface
