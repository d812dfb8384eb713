#include "aface/eval/megaface.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "aface/core/random.h"
#include "aface/eval/distractor_scan.h"
#include "aface/kernel/inner_products.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using testing::HasSubstr;

struct Sets {
  std::vector<float> probe_values, distractor_values;
  MegafaceProbes probes;
  MegafaceDistractors distractors;
  std::unique_ptr<MemoryRows> rows;

  void finish(std::size_t dim) {
    probes.rows = {probe_values.data(), probe_values.size() / dim, dim};
    rows = std::make_unique<MemoryRows>(
        RowMatrix{distractor_values.data(), distractor_values.size() / dim, dim});
    distractors.rows = rows.get();
    for (std::size_t i = 0; i < probes.rows.rows; ++i) probes.paths.push_back("p" + std::to_string(i));
    for (std::size_t i = 0; i < rows->rows(); ++i) distractors.paths.push_back("d" + std::to_string(i));
  }
};

Sets random_sets(int people, std::size_t distractors, std::size_t dim, std::uint64_t seed) {
  Random random(seed);
  Sets sets;
  for (int person = 0; person < people; ++person) {
    sets.probes.identity_names.push_back("person " + std::to_string(person));
    std::vector<double> face(dim);
    for (double& value : face) value = random.normal();
    const std::int64_t images = 1 + random.below(6);
    for (std::int64_t i = 0; i < images; ++i) {
      sets.probes.identities.push_back(person);
      for (const double value : face)
        sets.probe_values.push_back(static_cast<float>(value + 1.3 * random.normal()));
    }
  }
  for (std::size_t i = 0; i < distractors * dim; ++i) {
    sets.distractor_values.push_back(static_cast<float>(random.normal()));
  }
  sets.finish(dim);
  return sets;
}

float cosine(const float* a, const float* b, std::size_t dim) {
  return exact_cosine(
      a, b, dim,
      1 / std::sqrt(wide_inner_product(a, a, dim)) * (1 / std::sqrt(wide_inner_product(b, b, dim))));
}

MegafaceOptions without_draws() {
  MegafaceOptions options;
  options.bootstrap.replicates = 0;
  return options;
}

TEST(Megaface, IsTheProtocolWrittenOut) {
  const Sets sets = random_sets(15, 700, 20, 1);
  const std::size_t dim = 20;
  MegafaceOptions options = without_draws();
  options.far = {0.5, 1e-2, 1e-3};
  const MegafaceReport report = evaluate_megaface(sets.probes, sets.distractors, options);

  std::vector<std::int64_t> right(10, 0);
  std::int64_t trials = 0;
  std::vector<float> genuine, impostor;
  const std::size_t probes = sets.probes.rows.rows;
  for (std::size_t i = 0; i < probes; ++i) {
    std::vector<float> scores;
    for (std::size_t d = 0; d < 700; ++d) {
      scores.push_back(cosine(sets.probes.rows.row(i), sets.distractor_values.data() + d * dim, dim));
    }
    impostor.insert(impostor.end(), scores.begin(), scores.end());
    for (std::size_t mate = 0; mate < probes; ++mate) {
      if (mate == i || sets.probes.identities[mate] != sets.probes.identities[i]) continue;
      const float score = cosine(sets.probes.rows.row(i), sets.probes.rows.row(mate), dim);
      ++trials;
      const auto above = std::count_if(scores.begin(), scores.end(), [&](float s) { return s > score; });
      for (std::size_t r = std::size_t(above); r < 10; ++r) ++right[r];
      if (mate < i) genuine.push_back(score);
    }
  }
  EXPECT_EQ(report.trials, trials);
  EXPECT_EQ(report.genuine_pairs, std::int64_t(genuine.size()));
  for (std::size_t r = 0; r < 10; ++r) EXPECT_EQ(report.cmc[r], double(right[r]) / double(trials)) << r;

  const std::vector<TarAtFar> expected = tar_at_far(genuine, impostor, options.far);
  ASSERT_EQ(report.tar_at_far.size(), expected.size());
  for (std::size_t f = 0; f < expected.size(); ++f) {
    EXPECT_EQ(report.tar_at_far[f].tar, expected[f].tar);
    EXPECT_EQ(report.tar_at_far[f].threshold, expected[f].threshold);
  }
  for (const TarAtFar& point : report.roc)
    EXPECT_EQ(point.tar, tar_at_far(genuine, impostor, {point.far})[0].tar);
  EXPECT_EQ(report.roc.back().far, 1);  // few enough impostors: the curve is whole
}

// A set too large for all scores to be kept: the tail answers, and its answers are those of all scores.
TEST(Megaface, TheTailGivesWhatAllScoresGive) {
  const Sets sets = random_sets(200, 9000, 16, 2);
  ASSERT_GT(sets.probes.rows.rows * 9000, std::size_t{1} << 22);
  MegafaceOptions options = without_draws();
  options.far = {1e-6, 1e-4};
  options.curve_to = 1e-3;
  const MegafaceReport tail = evaluate_megaface(sets.probes, sets.distractors, options);
  options.curve_to = 1;
  const MegafaceReport whole = evaluate_megaface(sets.probes, sets.distractors, options);
  for (std::size_t f = 0; f < 2; ++f) {
    EXPECT_EQ(tail.tar_at_far[f].tar, whole.tar_at_far[f].tar);
    EXPECT_EQ(tail.tar_at_far[f].threshold, whole.tar_at_far[f].threshold);
  }
  ASSERT_FALSE(tail.roc.empty());
  EXPECT_LT(tail.roc.size(), whole.roc.size());
  EXPECT_NEAR(tail.roc.back().far, 1e-3, 1e-12);
  for (std::size_t i = 0; i < tail.roc.size(); ++i)
    EXPECT_EQ(tail.roc[i].tar, whole.roc[i].tar) << tail.roc[i].far;
}

// Two probes of one person at cosine 0.6, and distractors that score 0.6 with one of them as well.
TEST(Megaface, ATieWithTheMateDoesNotCountAgainstIt) {
  Sets sets;
  sets.probe_values = {1, 0, 0, 0.6F, 0.8F, 0};
  sets.probes.identities = {0, 0};
  sets.probes.identity_names = {"one"};
  sets.distractor_values = {0.6F, 0, 0.8F};
  sets.finish(3);
  MegafaceOptions options = without_draws();
  options.far = {};
  MegafaceReport report = evaluate_megaface(sets.probes, sets.distractors, options);
  EXPECT_EQ(report.cmc, std::vector<double>{1});
  Sets higher;
  higher.probe_values = sets.probe_values;
  higher.probes.identities = {0, 0};
  higher.probes.identity_names = {"one"};
  higher.distractor_values = {0.61F, 0, 0.79F};  // above the mate for the first probe, below for the second
  higher.finish(3);
  report = evaluate_megaface(higher.probes, higher.distractors, options);
  EXPECT_EQ(report.cmc, std::vector<double>{0.5});
}

TEST(Megaface, DrawsOfPeopleGiveWhatRepeatedPeopleGive) {
  const Sets sets = random_sets(12, 300, 12, 3);
  MegafaceOptions options;
  options.far = {1e-2};
  options.bootstrap.replicates = 5;
  const MegafaceReport report = evaluate_megaface(sets.probes, sets.distractors, options);
  for (std::int64_t r = 0; r < 5; ++r) {
    const std::vector<std::uint16_t> drawn = draw_identities(12, options.bootstrap.seed, r);
    Sets repeated;
    repeated.distractor_values = sets.distractor_values;
    for (std::int32_t person = 0; person < 12; ++person) {
      for (int copy = 0; copy < drawn[std::size_t(person)]; ++copy) {
        const auto number = std::int32_t(repeated.probes.identity_names.size());
        repeated.probes.identity_names.push_back("copy");
        for (std::size_t i = 0; i < sets.probes.rows.rows; ++i) {
          if (sets.probes.identities[i] != person) continue;
          repeated.probes.identities.push_back(number);
          repeated.probe_values.insert(repeated.probe_values.end(), sets.probes.rows.row(i),
                                       sets.probes.rows.row(i) + 12);
        }
      }
    }
    repeated.finish(12);
    MegafaceOptions plain = without_draws();
    plain.far = {1e-2};
    const MegafaceReport expected = evaluate_megaface(repeated.probes, repeated.distractors, plain);
    for (const Figure& figure : report.figures) {
      const auto same = std::find_if(expected.figures.begin(), expected.figures.end(),
                                     [&](const Figure& other) { return other.name == figure.name; });
      ASSERT_NE(same, expected.figures.end());
      EXPECT_EQ(figure.replicates[std::size_t(r)], static_cast<float>(same->value)) << figure.name;
    }
  }
}

TEST(Megaface, NoisyProbesBecomeTheCentreOfTheCleanOnes) {
  MegafaceProbes probes;
  probes.identities = {0, 0, 0, 1, 1};
  probes.identity_names = {"a", "b"};
  probes.paths = {"a1", "a2", "a3", "b1", "b2"};
  const std::vector<float> rows = {2, 0, 0, 0, 3, 0, 0, 0, 9, 1, 0, 0, 0, 1, 0};
  std::vector<float> changed = rows;
  EXPECT_EQ(replace_noisy_probes(changed, 3, probes, {0, 0, 1, 0, 0}, NoiseRule::kFacexZoo, 1), 1);
  EXPECT_THAT(std::vector<float>(changed.begin() + 6, changed.begin() + 9), testing::ElementsAre(1, 1, 0));
  changed[6] = rows[6], changed[7] = rows[7], changed[8] = rows[8];
  EXPECT_EQ(changed, rows);

  EXPECT_EQ(replace_noisy_probes(changed, 3, probes, {0, 0, 1, 0, 0}, NoiseRule::kInsightface, 1), 1);
  for (std::size_t k = 0; k < 3; ++k) {
    const float centre = k < 2 ? 1.0F : 0.0F;
    EXPECT_NEAR(changed[6 + k], centre, 0.001F);
    EXPECT_NE(changed[6 + k], centre);
  }
  EXPECT_THAT(
      error_of(ErrorKind::kData,
               [&] {
                 replace_noisy_probes(changed, 3, probes, {0, 0, 0, 1, 1}, NoiseRule::kInsightface, 1);
               }),
      HasSubstr("'b1' is on the noise list"));
}

TEST(Megaface, RefinedSetsAreLabelledAndTheRulesDiffer) {
  Sets sets = random_sets(10, 200, 6, 4);
  MegafaceOptions options = without_draws();
  options.far = {0.05};
  const MegafaceReport raw = evaluate_megaface(sets.probes, sets.distractors, options);
  sets.distractors.is_noise.assign(200, 0);
  for (std::size_t i = 0; i < 150; ++i) sets.distractors.is_noise[i] = 1;
  const MegafaceReport refined = evaluate_megaface(sets.probes, sets.distractors, options);
  EXPECT_FALSE(raw.refined);
  EXPECT_TRUE(refined.refined);
  EXPECT_EQ(refined.noisy_distractors, 150);
  EXPECT_GT(refined.cmc[0], raw.cmc[0]);
  EXPECT_THAT(to_table(raw), HasSubstr("raw set"));
  EXPECT_THAT(to_table(refined), HasSubstr("refined set (insightface rule"));
  const auto json = nlohmann::json::parse(to_json({raw, refined}, {"a.json", "b.json"}, {}));
  EXPECT_EQ(json["set"], "raw");
  EXPECT_EQ(json["lists"]["b.json"]["set"], "refined");
  EXPECT_EQ(json["lists"]["b.json"]["rank1"].get<double>(), refined.cmc[0]);
  EXPECT_EQ(json["cmc"][0].size(), json["cmc"][1].size());
  EXPECT_EQ(json["cmc"][0][0], 0);
  EXPECT_EQ(json["tar_at_far"]["0.05"].get<double>(), raw.tar_at_far[0].tar);
}

TEST(Megaface, TargetsThatCannotBeMeasuredAreMarked) {
  const Sets sets = random_sets(10, 100, 6, 5);
  const MegafaceReport report = evaluate_megaface(sets.probes, sets.distractors, without_draws());
  EXPECT_TRUE(report.tar_at_far.empty());  // 1e-6 ... 1e-4 of a few thousand pairs
  EXPECT_THAT(to_table(report), HasSubstr("needs 1,000,000 impostor pairs"));
  const auto json = nlohmann::json::parse(to_json({report}, {"a"}, {}));
  EXPECT_TRUE(json["tar_at_far"].empty());
  EXPECT_TRUE(json["figures"]["tar_at_far/1e-06"].contains("unmeasurable"));
}

TEST(Megaface, TargetsThatWouldNotFitIntoMemoryAreRefusedBeforeTheScan) {
  const Sets sets = random_sets(200, 60000, 4, 7);  // some 40 million impostor scores
  ASSERT_GT(sets.probes.rows.rows * 60000, std::size_t{1} << 25);
  MegafaceOptions options = without_draws();
  options.far = {0.9};
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { evaluate_megaface(sets.probes, sets.distractors, options); }),
              HasSubstr("take targets up to"));
  options.far = {1e-4};
  options.curve_to = 1;
  EXPECT_THAT(error_of(ErrorKind::kUsage, [&] { evaluate_megaface(sets.probes, sets.distractors, options); }),
              HasSubstr("a ROC up to"));
}

TEST(Megaface, TheTestSetIsTheListsAndTheNoise) {
  Sets sets = random_sets(5, 30, 6, 8);
  MegafaceOptions options = without_draws();
  options.far = {0.1};
  const std::string raw = evaluate_megaface(sets.probes, sets.distractors, options).test_set;
  EXPECT_EQ(evaluate_megaface(sets.probes, sets.distractors, options).test_set, raw);
  sets.distractors.is_noise.assign(30, 0);
  EXPECT_NE(evaluate_megaface(sets.probes, sets.distractors, options).test_set, raw);
  sets.distractors.is_noise.clear();
  sets.distractors.paths[3] = "another";
  EXPECT_NE(evaluate_megaface(sets.probes, sets.distractors, options).test_set, raw);
}

TEST(Megaface, BadProbesAndLonelyPeopleAreRefused) {
  Sets sets = random_sets(3, 10, 6, 6);
  std::fill_n(sets.probe_values.begin(), 6, 0.0F);
  EXPECT_THAT(
      error_of(ErrorKind::kData, [&] { evaluate_megaface(sets.probes, sets.distractors, without_draws()); }),
      HasSubstr("probe 'p0' (row 0)"));
  Sets lonely;
  lonely.probe_values = {1, 0, 0, 1};
  lonely.probes.identities = {0, 1};
  lonely.probes.identity_names = {"a", "b"};
  lonely.distractor_values = {1, 1};
  lonely.finish(2);
  EXPECT_THAT(error_of(ErrorKind::kData,
                       [&] { evaluate_megaface(lonely.probes, lonely.distractors, without_draws()); }),
              HasSubstr("no person has two probes"));
}

}  // namespace
}  // namespace aface
