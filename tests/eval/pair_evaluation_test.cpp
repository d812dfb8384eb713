#include "aface/eval/pair_evaluation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"
#include "aface/eval/exact_folds.h"
#include "aface/eval/far_targets.h"
#include "aface/eval/scores.h"
#include "aface/eval/weighted_roc.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using ::testing::HasSubstr;

struct Case {
  PairList list;
  std::vector<float> scores;
};

// 30 people with four photos each; every fold has pairs of both kinds.
Case random_case(std::uint64_t seed, std::size_t fold_size = 60) {
  Random random(seed);
  Case c;
  for (int person = 0; person < 30; ++person) {
    for (int photo = 0; photo < 4; ++photo) {
      c.list.paths.push_back(std::to_string(person) + "/" + std::to_string(photo) + ".jpg");
    }
  }
  for (std::size_t i = 0; i < 10 * fold_size; ++i) {
    const bool is_same = i % 2 == 0;
    const std::int64_t a = random.below(30), b = is_same ? a : (a + 1 + random.below(29)) % 30;
    c.list.pairs.push_back({4 * a + random.below(2), 4 * b + 2 + random.below(2), is_same});
    c.scores.push_back(
        static_cast<float>(std::clamp(0.2 * random.normal() + (is_same ? 0.5 : 0.1), -1.0, 1.0)));
  }
  c.list.folds = 10;
  return c;
}

const Figure& figure(const PairEvaluation& evaluation, const std::string& name) {
  const auto found = std::find_if(evaluation.figures.begin(), evaluation.figures.end(),
                                  [&](const Figure& f) { return f.name == name; });
  if (found == evaluation.figures.end()) throw std::runtime_error("no figure " + name);
  return *found;
}

TEST(PairEvaluation, FiguresAreThoseOfTheReportWhateverTheConvention) {
  const Case c = random_case(1);
  for (const PairConvention& convention : pair_conventions()) {
    PairEvaluationOptions options;
    options.convention = convention.name;
    options.far_targets = {0.01, 0.1, 1e-6};
    options.bootstrap.replicates = 40;
    const PairEvaluation evaluation = evaluate_pairs(c.list, c.scores, c.list.paths, options);
    EXPECT_NEAR(figure(evaluation, "accuracy").value, evaluation.report.accuracy_mean, 1e-12)
        << convention.name;
    ASSERT_EQ(evaluation.report.tar_at_far.size(), 3u);
    EXPECT_EQ(evaluation.report.tar_at_far[0].far, 0.1);  // from the loosest to the strictest
    for (std::size_t i = 0; i < 2; ++i) {
      const TarAtFar& point = evaluation.report.tar_at_far[i];
      EXPECT_NEAR(figure(evaluation, far_figure_name("tar_at_far", point.far)).value, point.tar, 1e-12);
      EXPECT_EQ(figure(evaluation, far_figure_name("threshold_at_far", point.far)).value, point.threshold);
    }
    EXPECT_EQ(figure(evaluation, "tar_at_far/1e-06").unmeasurable, "needs 1,000,000 impostor pairs, has 300");
    const Interval interval = interval_of(figure(evaluation, "accuracy"));
    EXPECT_LT(interval.low, evaluation.report.accuracy_mean + 0.02);
    EXPECT_GT(interval.high, evaluation.report.accuracy_mean - 0.02);
    EXPECT_LT(interval.low, interval.high);
    if (convention.name == "insightface") {
      EXPECT_NEAR(figure(evaluation, "folded_tar_at_far/0.001").value, evaluation.report.folded_tar->tar_mean,
                  1e-12);
    }
  }
}

TEST(PairEvaluation, AReplicateOfAccuracyIsThatOfTheWeightedFolds) {
  const Case c = random_case(2);
  PairEvaluationOptions options;
  options.bootstrap.replicates = 30;
  const PairEvaluation evaluation = evaluate_pairs(c.list, c.scores, c.list.paths, options);
  const std::vector<std::uint8_t> same = same_flags(c.list);
  for (std::int64_t replicate = 0; replicate < 30; ++replicate) {
    const auto drawn = draw_identities(30, options.bootstrap.seed, replicate);
    std::vector<std::uint64_t> weights;
    for (const Pair& pair : c.list.pairs) {
      const auto a = static_cast<std::size_t>(pair.first / 4), b = static_cast<std::size_t>(pair.second / 4);
      weights.push_back(a == b ? drawn[a] : std::uint64_t{drawn[a]} * drawn[b]);
    }
    double sum = 0;
    for (const FoldResult& fold : exact_folds({c.scores, same, weights, c.list.folds})) {
      ASSERT_FALSE(std::isnan(fold.accuracy));
      sum += fold.accuracy;
    }
    EXPECT_EQ(figure(evaluation, "accuracy").replicates[static_cast<std::size_t>(replicate)],
              static_cast<float>(sum / static_cast<double>(c.list.folds)));
  }
}

TEST(PairEvaluation, RocHistogramAndWorstPairsAreThoseOfTheScores) {
  const Case c = random_case(3);
  PairEvaluationOptions options;
  options.bootstrap.replicates = 0;
  const PairEvaluation evaluation = evaluate_pairs(c.list, c.scores, c.list.paths, options);
  ASSERT_EQ(evaluation.roc_far.size(), evaluation.roc_tar.size());
  EXPECT_EQ(evaluation.roc_far.front(), 0);
  EXPECT_EQ(evaluation.roc_far.back(), 1);
  EXPECT_EQ(evaluation.roc_tar.back(), 1);
  EXPECT_TRUE(std::is_sorted(evaluation.roc_far.begin(), evaluation.roc_far.end()));
  EXPECT_TRUE(std::is_sorted(evaluation.roc_tar.begin(), evaluation.roc_tar.end()));
  // Every point is what TAR at that FAR is.
  std::vector<float> genuine, impostor;
  for (std::size_t i = 0; i < c.scores.size(); ++i) {
    (c.list.pairs[i].same_identity ? genuine : impostor).push_back(c.scores[i]);
  }
  const std::vector<TarAtFar> expected = tar_at_far(genuine, impostor, evaluation.roc_far);
  for (std::size_t k = 0; k < evaluation.roc_far.size(); ++k) {
    EXPECT_EQ(evaluation.roc_tar[k], expected[k].tar) << evaluation.roc_far[k];
  }
  std::int64_t counted = 0;
  for (std::size_t i = 0; i < evaluation.histogram.genuine.size(); ++i) {
    counted += evaluation.histogram.genuine[i] + evaluation.histogram.impostor[i];
  }
  EXPECT_EQ(counted, 600);

  ASSERT_EQ(evaluation.worst_genuine.size(), 20u);
  std::sort(genuine.begin(), genuine.end());
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(evaluation.worst_genuine[i].score, genuine[i]);
}

TEST(PairEvaluation, DoesNotDependOnTheNumberOfThreads) {
  const Case c = random_case(4);
  std::vector<std::string> texts;
  for (const int threads : {1, 4}) {
    PairEvaluationOptions options;
    options.bootstrap.replicates = 50;
    options.bootstrap.threads = threads;
    texts.push_back(to_json(evaluate_pairs(c.list, c.scores, c.list.paths, options), {}));
  }
  EXPECT_EQ(texts[0], texts[1]);
}

TEST(PairEvaluation, TheTableNamesConventionTiesPeopleAndWhatIsNotMeasured) {
  Case c = random_case(5);
  PairEvaluationOptions options;
  options.convention = "facexzoo";
  options.bootstrap.replicates = 20;
  options.far_targets = {0.1, 1e-3};
  std::string table = to_table(evaluate_pairs(c.list, c.scores, c.list.paths, options));
  EXPECT_THAT(table, HasSubstr("convention facexzoo: "));
  EXPECT_THAT(table, HasSubstr("a score at the threshold counts as an error"));
  EXPECT_THAT(table, HasSubstr("needs 1,000 impostor pairs, has 300"));
  EXPECT_THAT(table, HasSubstr("300 genuine and 300 impostor pairs of 30 people, told by their names"));
  EXPECT_THAT(table, HasSubstr("20 draws of the people, seed 1"));
  for (std::string& path : c.list.paths) std::replace(path.begin(), path.end(), '/', 'x');
  table = to_table(evaluate_pairs(c.list, c.scores, c.list.paths, options));
  EXPECT_THAT(table, HasSubstr("told by the pairs alone"));
}

TEST(PairEvaluation, WrongTargetsAndNamesAreRefused) {
  const Case c = random_case(6, 4);
  PairEvaluationOptions options;
  options.far_targets = {0};
  EXPECT_THAT(
      test::error_of(ErrorKind::kUsage, [&] { evaluate_pairs(c.list, c.scores, c.list.paths, options); }),
      HasSubstr("FAR target 0"));
  test::error_of(ErrorKind::kData, [&] { evaluate_pairs(c.list, c.scores, {"a"}, {}); });
}

}  // namespace
}  // namespace aface
