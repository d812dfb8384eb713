#include "aface/eval/blufr.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "aface/core/random.h"
#include "aface/eval/blufr_rule.h"
#include "tests/support/expect_error.h"
#include "tests/support/real_data.h"

namespace aface {
namespace {

struct Case {
  BlufrLists lists;
  std::vector<float> values;
  std::size_t dim = 0;
  UnitRows rows() const { return {{values.data(), lists.names.size(), dim}, {}}; }
};

// People with 1 to 6 images, three trials over random two thirds of the people, a random image of random half
// of them in the gallery.
Case random_lists(std::int32_t people, std::uint64_t seed) {
  Random random(seed);
  Case made;
  made.lists.identity_count = people;
  for (std::int32_t person = 0; person < people; ++person) {
    const std::int64_t images = 1 + random.below(6);
    for (std::int64_t i = 0; i < images; ++i) {
      made.lists.names.push_back("image " + std::to_string(made.lists.names.size()));
      made.lists.identities.push_back(person);
    }
  }
  for (int t = 0; t < 3; ++t) {
    BlufrTrial trial;
    std::vector<int> role(std::size_t(people), 0);  // 0: not in the trial, 1: not enrolled, 2: enrolled
    for (int& r : role) r = random.chance(0.67) ? (random.chance(0.5) ? 2 : 1) : 0;
    for (std::size_t i = 0; i < made.lists.names.size(); ++i) {
      int& r = role[std::size_t(made.lists.identities[i])];
      if (r == 0) continue;
      trial.test.push_back(std::int32_t(i));
      const bool enrols = r == 2;
      (enrols ? trial.gallery : trial.probe).push_back(std::int32_t(i));
      if (enrols) r = 3;
    }
    made.lists.trials.push_back(trial);
  }
  return made;
}

// Rows whose cosines are multiples of 1/8 and exact in float32: ties everywhere.
Case with_ties(std::uint64_t seed) {
  Case made = random_lists(120, seed);
  Random random(seed + 1);
  made.dim = 16;
  std::vector<float> face(16);
  for (std::size_t i = 0; i < made.lists.names.size(); ++i) {
    const bool is_new = i == 0 || made.lists.identities[i] != made.lists.identities[i - 1];
    if (is_new) {
      for (float& value : face) value = random.chance(0.5) ? 0.25F : -0.25F;
    }
    for (const float value : face) made.values.push_back(random.chance(0.1) ? -value : value);
  }
  return made;
}

Case without_ties(std::uint64_t seed) {
  Case made = random_lists(150, seed);
  Random random(seed + 1);
  made.dim = 40;
  std::vector<double> face(made.dim);
  for (std::size_t i = 0; i < made.lists.names.size(); ++i) {
    const bool is_new = i == 0 || made.lists.identities[i] != made.lists.identities[i - 1];
    std::vector<double> row(made.dim);
    double squares = 0;
    for (std::size_t k = 0; k < made.dim; ++k) {
      if (is_new) face[k] = random.normal();
      row[k] = face[k] + 1.2 * random.normal();
      squares += row[k] * row[k];
    }
    for (const double value : row) made.values.push_back(static_cast<float>(value / std::sqrt(squares)));
  }
  return made;
}

// The definition of EvalROC.m and OpenSetROC.m written out: all scores in double, everything sorted.
struct Literal {
  const Case& data;
  std::vector<float> scores;

  explicit Literal(const Case& data) : data(data), scores(data.lists.names.size() * data.lists.names.size()) {
    const std::size_t n = data.lists.names.size();
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::size_t k = 0; k < data.dim; ++k) {
          sum += double(data.values[i * data.dim + k]) * data.values[j * data.dim + k];
        }
        scores[i * n + j] = static_cast<float>(sum);
      }
    }
  }
  double score(std::int32_t i, std::int32_t j) const {
    return scores[std::size_t(i) * data.lists.names.size() + std::size_t(j)];
  }
  std::int32_t label(std::int32_t i) const { return data.lists.identities[std::size_t(i)]; }

  static double threshold(double far, const std::vector<double>& impostor,
                          const std::vector<double>& genuine) {
    const auto n = static_cast<double>(impostor.size());
    const double false_alarms = std::round(far * n);
    const double epsilon = std::sqrt(2.220446049250313e-16);
    if (false_alarms == 0) {
      std::vector<double> higher;
      for (const double g : genuine) {
        if (g > impostor[0]) higher.push_back(g);
      }
      return higher.empty() ? impostor[0] + epsilon
                            : (impostor[0] + *std::min_element(higher.begin(), higher.end())) / 2;
    }
    if (false_alarms == n) return std::min(impostor.back(), genuine.back()) - epsilon;
    return impostor[std::size_t(false_alarms) - 1];
  }

  double vr(const BlufrTrial& trial, double far) const {
    std::vector<double> genuine, impostor;
    for (std::size_t x = 0; x < trial.test.size(); ++x) {
      for (std::size_t y = 0; y < x; ++y) {
        const std::int32_t i = trial.test[x], j = trial.test[y];
        (label(i) == label(j) ? genuine : impostor).push_back(score(i, j));
      }
    }
    std::sort(genuine.begin(), genuine.end(), std::greater<>());
    std::sort(impostor.begin(), impostor.end(), std::greater<>());
    const double least = threshold(far, impostor, genuine);
    const auto accepted = std::count_if(genuine.begin(), genuine.end(), [&](double g) { return g >= least; });
    return double(accepted) / double(genuine.size());
  }

  double dir(const BlufrTrial& trial, double far, int rank) const {
    struct Probe {
      double score;
      int rank;
    };
    std::vector<Probe> mated;
    std::vector<double> impostor, genuine;
    for (const std::int32_t p : trial.probe) {
      std::vector<std::size_t> order(trial.gallery.size());
      for (std::size_t g = 0; g < order.size(); ++g) order[g] = g;
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return score(p, trial.gallery[a]) > score(p, trial.gallery[b]);
      });
      int place = 0;
      for (std::size_t at = 0; at < order.size() && place == 0; ++at) {
        if (label(trial.gallery[order[at]]) != label(p)) continue;
        place = int(at) + 1;
        mated.push_back({score(p, trial.gallery[order[at]]), place});
        genuine.push_back(mated.back().score);
      }
      if (place == 0) impostor.push_back(score(p, trial.gallery[order[0]]));
    }
    std::sort(genuine.begin(), genuine.end(), std::greater<>());
    std::sort(impostor.begin(), impostor.end(), std::greater<>());
    const double least = threshold(far, impostor, genuine);
    const auto found = std::count_if(mated.begin(), mated.end(),
                                     [&](const Probe& m) { return m.score >= least && m.rank <= rank; });
    return double(found) / double(mated.size());
  }
};

void expect_the_definition(const Case& data) {
  BlufrOptions options;
  options.bootstrap.replicates = 0;
  options.threads = 2;
  options.verification_far = {0.02, 1e-3};
  const BlufrReport report = evaluate_blufr(data.rows(), data.lists, options);
  const Literal literal(data);
  for (std::size_t t = 0; t < data.lists.trials.size(); ++t) {
    const BlufrTrial& trial = data.lists.trials[t];
    for (std::size_t f = 0; f < report.verification_grid.size(); ++f) {
      EXPECT_EQ(report.vr[f].trials[t], literal.vr(trial, report.verification_grid[f]))
          << report.verification_grid[f];
    }
    for (std::size_t f = 0; f < report.identification_grid.size(); ++f) {
      for (std::size_t r = 0; r < report.ranks.size(); ++r) {
        EXPECT_EQ(report.dir[r][f].trials[t],
                  literal.dir(trial, report.identification_grid[f], report.ranks[r]))
            << report.identification_grid[f] << " at rank " << report.ranks[r];
      }
    }
    ASSERT_EQ(report.vr_at_far.size(), 2U);
    EXPECT_EQ(report.vr_at_far[0].second.trials[t], literal.vr(trial, 0.02));
  }
}

TEST(Blufr, IsTheDefinitionWrittenOutOnRandomScores) { expect_the_definition(without_ties(1)); }

TEST(Blufr, IsTheDefinitionWrittenOutWhereManyScoresTie) { expect_the_definition(with_ties(5)); }

TEST(Blufr, GridsAreTheToolkits) {
  const std::vector<double> grid = blufr_far_grid(-4);
  ASSERT_EQ(grid.size(), 38U);
  EXPECT_EQ(grid[0], 0);
  EXPECT_EQ(grid[1], 1e-4);
  EXPECT_EQ(grid[3], 3e-4);
  EXPECT_EQ(grid[10], 1e-3);
  EXPECT_EQ(grid[36], 0.9);
  EXPECT_EQ(grid[37], 1);
  EXPECT_EQ(blufr_far_grid(-8).size(), 74U);
  EXPECT_EQ(blufr_ranks().size(), 19U);
}

TEST(Blufr, ThresholdIsTheRoundedCountsImpostor) {
  const std::vector<float> impostor = {0.9F, 0.8F, 0.7F, 0.6F, 0.5F};
  const auto kth = [&](std::int64_t k) { return impostor[std::size_t(k - 1)]; };
  EXPECT_EQ(blufr_threshold(0.5, 5, kth, {0.95F, 0.4F}), double(0.7F));  // 2.5 rounds away from zero
  EXPECT_EQ(blufr_threshold(0.2, 5, kth, {0.95F, 0.4F}), double(0.9F));
  EXPECT_NEAR(blufr_threshold(0, 5, kth, {1.0F, 0.95F, 0.9F}), 0.925, 1e-7);
  EXPECT_NEAR(blufr_threshold(0, 5, kth, {0.9F}), 0.9 + 1.49e-8, 1e-7);
  EXPECT_GT(blufr_threshold(0, 5, kth, {0.9F}), 0.9F);
  EXPECT_LT(blufr_threshold(1, 5, kth, {0.9F, 0.4F}), 0.4F);
  EXPECT_EQ(accepted_impostors(1e-8, 47003565), 0);
  EXPECT_EQ(accepted_impostors(2e-8, 47003565), 1);
}

TEST(Blufr, TheReportedNumberIsMeanMinusSampleDeviation) {
  const OverTrials value = over_trials({0.5, 0.7, 0.9});
  EXPECT_NEAR(value.mean, 0.7, 1e-12);
  EXPECT_NEAR(value.std, 0.2, 1e-12);  // N - 1
  EXPECT_NEAR(value.mean_minus_std(), 0.5, 1e-12);
}

TEST(Blufr, ThreadsChangeNothing) {
  const Case data = without_ties(3);
  BlufrOptions one, three;
  one.threads = one.bootstrap.threads = 1;
  three.threads = three.bootstrap.threads = 3;
  one.verification_far = three.verification_far = {0.01};
  one.bootstrap.replicates = three.bootstrap.replicates = 20;
  EXPECT_EQ(to_json(evaluate_blufr(data.rows(), data.lists, one), {}),
            to_json(evaluate_blufr(data.rows(), data.lists, three), {}));
}

// A draw that repeats people gives what the lists with those people repeated give.
TEST(Blufr, IntervalsHoldTheFigureAndAreWiderThanNothing) {
  const Case data = without_ties(4);
  BlufrOptions options;
  options.verification_far = {0.01};
  options.identification_far = {0.1};
  options.bootstrap.replicates = 200;
  const BlufrReport report = evaluate_blufr(data.rows(), data.lists, options);
  ASSERT_EQ(report.figures.size(), 4U);
  for (const Figure& figure : report.figures) {
    const Interval interval = interval_of(figure);
    EXPECT_LT(interval.low, interval.high) << figure.name;
    EXPECT_GT(interval.high, figure.value - 0.05) << figure.name;
    EXPECT_LT(interval.low, figure.value + 0.05) << figure.name;
  }
}

TEST(Blufr, TargetsBelowOneImpostorAreMarkedAndNotPrinted) {
  const Case data = without_ties(6);
  BlufrOptions options;
  options.bootstrap.replicates = 0;
  options.verification_far = {0.01, 1e-7};
  const BlufrReport report = evaluate_blufr(data.rows(), data.lists, options);
  ASSERT_EQ(report.vr_at_far.size(), 1U);
  ASSERT_EQ(report.unmeasurable.size(), 1U);
  EXPECT_THAT(report.unmeasurable[0], testing::HasSubstr("vr_at_far/1e-07"));
  const auto json = nlohmann::json::parse(to_json(report, {{"embeddings", "e.npy"}}));
  EXPECT_TRUE(json["vr_at_far"].contains("0.01"));
  EXPECT_FALSE(json["vr_at_far"].contains("1e-07"));
  EXPECT_EQ(json["vr_at_far"]["0.01"]["mean_minus_std"].get<double>(),
            report.vr_at_far[0].second.mean_minus_std());
  EXPECT_EQ(json["trials"].size(), 3U);
}

TEST(Blufr, TargetsGivenTwiceCountOnceAndHighOnesStandWithoutAnInterval) {
  const Case data = without_ties(8);
  BlufrOptions options;
  options.bootstrap.replicates = 10;
  options.verification_far = {0.01, 0.2, 0.01};
  options.identification_far = {0.1, 0.1};
  const BlufrReport report = evaluate_blufr(data.rows(), data.lists, options);
  ASSERT_EQ(report.vr_at_far.size(), 2U);
  EXPECT_EQ(report.vr_at_far[0].first, 0.2);
  EXPECT_EQ(report.dir_at_far_rank1.size(), 1U);
  for (const Figure& figure : report.figures) {
    const bool is_high = figure.name.rfind("vr_at_far/0.2/", 0) == 0;
    EXPECT_EQ(figure.replicates.size(), is_high ? 0U : 10U) << figure.name;
  }
  EXPECT_NO_THROW(to_json(report, {}));
}

TEST(Blufr, ImagesThatMatchNothingLoseAllTheirGenuinePairs) {
  Case data = without_ties(7);
  BlufrOptions options;
  options.bootstrap.replicates = 0;
  options.verification_far = {0.05};
  const double before = evaluate_blufr(data.rows(), data.lists, options).vr_at_far[0].second.mean;
  const std::vector<std::uint8_t> no_match(data.lists.names.size(), 1);
  EXPECT_GT(before, 0);
  std::vector<std::uint8_t> some(data.lists.names.size(), 0);
  for (std::size_t i = 0; i < some.size(); i += 3) some[i] = 1;
  UnitRows rows = data.rows();
  rows.no_match = some;
  EXPECT_LT(evaluate_blufr(rows, data.lists, options).vr_at_far[0].second.mean, before);
}

}  // namespace
}  // namespace aface
