#include "aface/eval/distractor_scan.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "aface/core/random.h"
#include "aface/kernel/inner_products.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using testing::HasSubstr;

struct Set {
  std::size_t dim = 0;
  std::vector<float> values;
  std::vector<std::string> names;
  RowMatrix view() const { return {values.data(), values.size() / dim, dim}; }
};

Set random_set(std::size_t rows, std::size_t dim, std::uint64_t seed) {
  Random random(seed);
  Set set;
  set.dim = dim;
  for (std::size_t i = 0; i < rows * dim; ++i) set.values.push_back(static_cast<float>(2 * random.normal()));
  for (std::size_t i = 0; i < rows; ++i) set.names.push_back("image " + std::to_string(i));
  return set;
}

double inverse_norm(const float* row, std::size_t dim) {
  return 1 / std::sqrt(wide_inner_product(row, row, dim));
}

// All scores, and everything sorted.
struct BruteForce {
  std::vector<std::vector<float>> of_probe;  // falling
  std::vector<DistractorScore> all;          // falling, equal ones by probe and distractor

  BruteForce(const Set& probes, const Set& distractors, const std::vector<std::uint8_t>& silenced,
             float silenced_score) {
    for (std::size_t i = 0; i < probes.view().rows; ++i) {
      std::vector<float>& mine = of_probe.emplace_back();
      const float* a = probes.view().row(i);
      for (std::size_t j = 0; j < distractors.view().rows; ++j) {
        const float* b = distractors.view().row(j);
        const bool is_silenced = !silenced.empty() && silenced[j] != 0;
        const float score =
            is_silenced
                ? silenced_score
                : exact_cosine(a, b, probes.dim, inverse_norm(a, probes.dim) * inverse_norm(b, probes.dim));
        mine.push_back(score);
        all.push_back({score, std::int32_t(i), std::int32_t(j)});
      }
      std::sort(mine.begin(), mine.end(), std::greater<>());
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const DistractorScore& x, const DistractorScore& y) { return x.score > y.score; });
  }
};

void expect_brute_force(const Set& probes, const Set& distractors, DistractorScanOptions options) {
  const std::vector<std::uint8_t> silenced(options.silenced.begin(), options.silenced.end());
  const BruteForce expected(probes, distractors, silenced, options.silenced_score);
  for (const int threads : {1, 3}) {
    options.threads = threads;
    const DistractorScan scan =
        scan_distractors(probes.view(), MemoryRows(distractors.view()), distractors.names, options);
    ASSERT_EQ(scan.ranks, std::min<std::int64_t>(options.ranks, std::int64_t(distractors.view().rows)));
    for (std::size_t i = 0; i < expected.of_probe.size(); ++i) {
      for (std::size_t r = 0; r < std::size_t(scan.ranks); ++r) {
        ASSERT_EQ(scan.best[i * std::size_t(scan.ranks) + r], expected.of_probe[i][r])
            << i << " at rank " << r + 1;
      }
    }
    ASSERT_EQ(scan.tail.size(), std::min(std::size_t(options.tail_scores), expected.all.size()));
    for (std::size_t k = 0; k < scan.tail.size(); ++k) {
      ASSERT_EQ(scan.tail[k].score, expected.all[k].score) << k;
      ASSERT_EQ(scan.tail[k].probe, expected.all[k].probe) << k;
      ASSERT_EQ(scan.tail[k].distractor, expected.all[k].distractor) << k;
    }
  }
}

DistractorScanOptions wanting(std::int64_t ranks, std::int64_t tail) {
  DistractorScanOptions options;
  options.ranks = ranks;
  options.tail_scores = tail;
  return options;
}

TEST(DistractorScan, IsBruteForceOnRandomRows) {
  const Set probes = random_set(37, 48, 1), distractors = random_set(5000, 48, 2);
  expect_brute_force(probes, distractors, wanting(10, 500));
  expect_brute_force(probes, distractors, wanting(1, 1));
  expect_brute_force(probes, distractors, wanting(0, 2000));
  expect_brute_force(probes, distractors, wanting(25, 0));
}

TEST(DistractorScan, IsBruteForceWhereEverythingIsKept) {
  const Set probes = random_set(9, 7, 3), distractors = random_set(40, 7, 4);
  expect_brute_force(probes, distractors, wanting(1000, 1000000));
}

TEST(DistractorScan, IsBruteForceWhereManyRowsAreTheSame) {
  const Set probes = random_set(20, 32, 5);
  Set distractors = random_set(3000, 32, 6);
  for (std::size_t i = 0; i < 3000; ++i) {  // fifteen different rows, two hundred times each
    std::copy_n(distractors.values.begin() + std::ptrdiff_t(i % 15 * 32), 32,
                distractors.values.begin() + std::ptrdiff_t(i * 32));
  }
  expect_brute_force(probes, distractors, wanting(10, 777));
}

// The sample takes evenly spaced rows; here just those are near the probes, so that its guess at the tail is
// far too high.
TEST(DistractorScan, IsBruteForceWhereTheSampleMisleads) {
  const Set probes = random_set(5, 24, 7);
  Set distractors = random_set(12288, 24, 8);
  for (std::size_t i = 0; i < 12288; i += 3) {
    for (std::size_t k = 0; k < 24; ++k)
      distractors.values[i * 24 + k] = 0.3F * distractors.values[i * 24 + k] + probes.values[k];
  }
  expect_brute_force(probes, distractors, wanting(10, 9000));
}

TEST(DistractorScan, SilencedRowsScoreWhatTheRuleSays) {
  const Set probes = random_set(11, 16, 9), distractors = random_set(300, 16, 10);
  std::vector<std::uint8_t> silenced(300, 0);
  for (std::size_t i = 0; i < 300; i += 2) silenced[i] = 1;
  for (const float score : {-1.0F, 0.0F}) {
    for (const std::int64_t tail : {100, 3300}) {
      DistractorScanOptions options = wanting(200, tail);
      options.silenced = silenced;
      options.silenced_score = score;
      expect_brute_force(probes, distractors, options);
    }
  }
}

TEST(DistractorScan, RowsWithoutDirectionAreCountedAndNamed) {
  const Set probes = random_set(3, 8, 11);
  Set distractors = random_set(50, 8, 12);
  std::fill_n(distractors.values.begin() + 8 * 7, 8, 0.0F);
  distractors.values[8 * 20 + 3] = std::numeric_limits<float>::quiet_NaN();
  distractors.values[8 * 21] = std::numeric_limits<float>::infinity();
  DistractorScanOptions options = wanting(5, 20);
  const std::string message = error_of(ErrorKind::kData, [&] {
    scan_distractors(probes.view(), MemoryRows(distractors.view()), distractors.names, options);
  });
  EXPECT_THAT(message,
              HasSubstr("3 of 50 embeddings are zero or not finite: 'image 7' (row 7), 'image 20' (row 20)"));

  options.skip_bad = true;
  options.ranks = 50;
  options.tail_scores = 150;
  const DistractorScan scan =
      scan_distractors(probes.view(), MemoryRows(distractors.view()), distractors.names, options);
  EXPECT_EQ(scan.bad, 3);
  EXPECT_EQ(std::count(scan.best.begin(), scan.best.begin() + 50, -1.0F), 3);
  EXPECT_EQ(scan.tail.size(), 150U);
}

TEST(DistractorScan, SetsThatDoNotFitAreRefused) {
  const Set probes = random_set(3, 8, 1), distractors = random_set(4, 9, 2), few = random_set(3, 8, 3);
  EXPECT_THAT(error_of(ErrorKind::kData,
                       [&] {
                         scan_distractors(probes.view(), MemoryRows(distractors.view()), distractors.names,
                                          wanting(1, 1));
                       }),
              HasSubstr("rows of 9 values but probes of 8"));
  EXPECT_THAT(
      error_of(ErrorKind::kData,
               [&] { scan_distractors(probes.view(), MemoryRows(few.view()), {"one"}, wanting(1, 1)); }),
      HasSubstr("3 rows but 1 names"));
}

}  // namespace
}  // namespace aface
