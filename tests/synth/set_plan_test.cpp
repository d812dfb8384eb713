#include "aface/synth/set_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "aface/io/pair_list.h"
#include "aface/synth/pair_index.h"
#include "tests/support/temp_dir.h"

namespace aface::synth {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

TEST(ZipfClassSizes, SmallCasesByHand) {
  EXPECT_THAT(zipf_class_sizes(3, 11, 1, 1), ElementsAre(6, 3, 2));  // 6/1, 6/2, 6/3
  EXPECT_THAT(zipf_class_sizes(3, 12, 2, 2), ElementsAre(8, 2, 2));  // 8, 8/4, and 8/9 raised to 2
  EXPECT_THAT(zipf_class_sizes(4, 12, 3, 3), ElementsAre(3, 3, 3, 3));
  EXPECT_THAT(zipf_class_sizes(3, 10, 0, 1), ElementsAre(4, 3, 3));
}

TEST(ZipfClassSizes, SumIsExactAndSizesFallButNotBelowTheLeast) {
  for (const double exponent : {0.0, 0.3, 1.0, 1.7, 4.0}) {
    for (const std::int64_t images : {200, 201, 777, 12345}) {
      const auto sizes = zipf_class_sizes(100, images, exponent, 2);
      EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}), images) << exponent;
      EXPECT_TRUE(std::is_sorted(sizes.rbegin(), sizes.rend())) << exponent << " " << images;
      EXPECT_GE(sizes.back(), 2) << exponent << " " << images;
    }
  }
}

TEST(ZipfClassSizes, FollowTheExponent) {
  for (const double exponent : {0.5, 1.0, 1.5}) {
    const auto sizes = zipf_class_sizes(50, 100000, exponent, 1);
    for (std::size_t rank = 1; rank <= sizes.size(); ++rank) {
      const double law = static_cast<double>(sizes[0]) * std::pow(static_cast<double>(rank), -exponent);
      EXPECT_NEAR(static_cast<double>(sizes[rank - 1]), law, 2) << "rank " << rank;
    }
  }
}

SynthOptions noisy_options() {
  SynthOptions options;
  options.identities = 20;
  options.images = 500;
  options.label_noise = 0.23;
  return options;
}

TEST(TrainingPlan, FlipsExactlyTheShareAskedForAndKeepsEveryIdentity) {
  const auto photos = plan_training_photos(noisy_options());
  ASSERT_EQ(photos.size(), 500u);
  std::set<std::string> labels, kept, paths;
  std::int64_t noisy = 0;
  for (const auto& photo : photos) {
    noisy += photo.is_noisy() ? 1 : 0;
    labels.insert(photo.label);
    paths.insert(photo.path);
    if (!photo.is_noisy()) kept.insert(photo.truth);
    EXPECT_THAT(photo.path, StartsWith(photo.label + "/" + photo.label + "_"));
  }
  EXPECT_EQ(noisy, 115);  // 0.23 * 500
  EXPECT_EQ(labels.size(), 20u);
  EXPECT_EQ(kept.size(), 20u);
  EXPECT_EQ(paths.size(), photos.size());
}

TEST(TrainingPlan, FlippedLabelsAreSpreadEvenlyOverTheOthers) {
  SynthOptions options;
  options.identities = 4;
  options.images = 24000;
  options.zipf_exponent = 0;
  options.label_noise = 0.5;
  std::map<std::string, int> labels_of_first;
  int noisy = 0;
  for (const auto& photo : plan_training_photos(options)) {
    if (photo.identity != 0 || !photo.is_noisy()) continue;
    ++labels_of_first[photo.label];
    ++noisy;
  }
  ASSERT_EQ(labels_of_first.size(), 3u);
  for (const auto& [label, count] : labels_of_first) {
    EXPECT_NEAR(count, noisy / 3.0, 5 * std::sqrt(noisy * 2 / 9.0)) << label;
  }
}

TEST(TrainingPlan, NumbersOfALabelHaveNoGaps) {
  std::map<std::string, std::set<std::string>> files;
  for (const auto& photo : plan_training_photos(noisy_options())) files[photo.label].insert(photo.path);
  for (const auto& [label, paths] : files) {
    for (std::size_t i = 1; i <= paths.size(); ++i) {
      char name[64];
      std::snprintf(name, sizeof name, "%s/%s_%04zu.jpg", label.c_str(), label.c_str(), i);
      EXPECT_EQ(paths.count(name), 1u) << name;
    }
  }
}

TEST(TrainingPlan, NobodyIsHeldOutToo) {
  std::set<std::int64_t> trained;
  for (const auto& photo : plan_training_photos(noisy_options())) trained.insert(photo.identity);
  for (const auto& photo : plan_heldout_photos(noisy_options())) EXPECT_EQ(trained.count(photo.identity), 0u);
}

TEST(PairIndex, CountsThroughAllPairsOnce) {
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  for (std::int64_t i = 0; i < pairs_among(60); ++i) {
    const auto [first, second] = unordered_pair(i);
    EXPECT_LE(0, first);
    EXPECT_LT(first, second);
    EXPECT_LT(second, 60);
    seen.insert({first, second});
  }
  EXPECT_EQ(static_cast<std::int64_t>(seen.size()), pairs_among(60));
}

TEST(PairIndex, IsExactForLargeNumbers) {
  const std::int64_t j = 90'000'001;
  EXPECT_EQ(unordered_pair(pairs_among(j)), std::make_pair(std::int64_t{0}, j));
  EXPECT_EQ(unordered_pair(pairs_among(j) - 1), std::make_pair(j - 2, j - 1));
}

PairList read_back(const SynthOptions& options) {
  const test::TempDir folder;
  return read_lfw_pairs(folder.write("pairs.txt", plan_pairs(options)));
}

TEST(PairPlan, IsBalancedInEveryFoldAndNeverRepeatsItself) {
  SynthOptions options;
  options.heldout_identities = 12;
  options.heldout_images = 6;
  options.pairs = 200;
  const PairList list = read_back(options);
  EXPECT_EQ(list.folds, 10);
  ASSERT_EQ(list.pairs.size(), 200u);
  std::set<std::string> planned;
  for (const auto& photo : plan_heldout_photos(options)) planned.insert(photo.path);
  std::set<std::pair<std::int64_t, std::int64_t>> seen;
  std::vector<int> same(10);
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    const Pair& pair = list.pairs[i];
    same[i / 20] += pair.same_identity ? 1 : 0;
    EXPECT_TRUE(seen.insert(std::minmax(pair.first, pair.second)).second) << "pair " << i;
    const std::string &first = list.paths[static_cast<std::size_t>(pair.first)],
                      &second = list.paths[static_cast<std::size_t>(pair.second)];
    EXPECT_EQ(planned.count(first), 1u) << first;
    EXPECT_EQ(planned.count(second), 1u) << second;
    EXPECT_NE(first, second);
    EXPECT_EQ(first.substr(0, first.find('/')) == second.substr(0, second.find('/')), pair.same_identity);
  }
  EXPECT_THAT(same, ::testing::Each(10));
}

TEST(PairPlan, CanUseEverySamePairThereIs) {
  SynthOptions options;
  options.heldout_identities = 5;
  options.heldout_images = 4;
  options.pairs = 60;  // 5 people, 4 * 3 / 2 pairs each
  std::set<std::pair<std::int64_t, std::int64_t>> same;
  for (const Pair& pair : read_back(options).pairs) {
    if (pair.same_identity) same.insert(std::minmax(pair.first, pair.second));
  }
  EXPECT_EQ(same.size(), 30u);
}

}  // namespace
}  // namespace aface::synth
