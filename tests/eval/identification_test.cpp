#include "aface/eval/identification.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "aface/core/random.h"
#include "aface/eval/gallery_search.h"
#include "aface/eval/open_set.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

struct Rows {
  std::vector<float> values;
  std::vector<std::int32_t> identities;
  std::size_t dim = 0;
  NamedRows named() const {
    NamedRows rows;
    rows.rows.rows = {values.data(), identities.size(), dim};
    rows.identities = identities;
    for (std::size_t i = 0; i < identities.size(); ++i) rows.paths.push_back("image " + std::to_string(i));
    return rows;
  }
};

// Cosines are multiples of 1/8: ties are common.
Rows rows_with_ties(std::int32_t people, std::size_t count, std::uint64_t seed) {
  Random random(seed);
  Rows rows;
  rows.dim = 16;
  for (std::size_t i = 0; i < count; ++i) {
    const auto person = static_cast<std::int32_t>(random.below(people));
    rows.identities.push_back(person);
    Random face(99, static_cast<std::uint64_t>(person));
    for (std::size_t k = 0; k < 16; ++k) {
      const float value = face.chance(0.5) ? 0.25F : -0.25F;
      rows.values.push_back(random.chance(0.2) ? -value : value);
    }
  }
  return rows;
}

std::vector<std::string> names(std::int32_t people) {
  std::vector<std::string> list;
  for (std::int32_t i = 0; i < people; ++i) list.push_back("person " + std::to_string(i));
  return list;
}

// Best score of each person in the gallery, by a plain loop.
std::map<std::int32_t, float> best_of_people(const Rows& gallery, const float* probe) {
  std::map<std::int32_t, float> best;
  for (std::size_t j = 0; j < gallery.identities.size(); ++j) {
    float sum = 0;
    for (std::size_t k = 0; k < gallery.dim; ++k) sum += probe[k] * gallery.values[j * gallery.dim + k];
    const auto [entry, is_new] = best.emplace(gallery.identities[j], sum);
    if (!is_new) entry->second = std::max(entry->second, sum);
  }
  return best;
}

TEST(GallerySearch, RankCountsPeopleAndTiesAgainstTheMate) {
  const Rows gallery = rows_with_ties(40, 90, 1), probes = rows_with_ties(60, 300, 2);
  const std::vector<ProbeOutcome> outcomes =
      search_gallery(probes.named().rows, probes.identities, gallery.named().rows, gallery.identities,
                     TieRule::kAgainstMate, 2);
  int mated = 0;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const auto best = best_of_people(gallery, probes.values.data() + i * 16);
    const auto mate = best.find(probes.identities[i]);
    ASSERT_EQ(outcomes[i].is_mated(), mate != best.end());
    float best_other = -2;
    int ahead = 0;
    for (const auto& [person, score] : best) {
      if (person == probes.identities[i]) continue;
      best_other = std::max(best_other, score);
      ahead += mate != best.end() && score >= mate->second;
    }
    EXPECT_EQ(outcomes[i].best_other_score, best_other);
    if (mate == best.end()) continue;
    ++mated;
    EXPECT_EQ(outcomes[i].mate_score, mate->second);
    EXPECT_EQ(outcomes[i].rank, 1 + ahead);
  }
  EXPECT_GT(mated, 100);
  EXPECT_LT(mated, 290);
}

TEST(Identification, IsTheDefinitionWrittenOut) {
  const Rows gallery = rows_with_ties(40, 90, 3), probes = rows_with_ties(60, 400, 4);
  IdentificationOptions options;
  options.bootstrap.replicates = 0;
  options.fpir = {0.1};
  const IdentificationReport report =
      evaluate_identification(probes.named(), gallery.named(), names(60), options);
  std::vector<float> alarms;
  std::vector<std::pair<float, int>> mates;  // score, people at or above
  for (std::size_t i = 0; i < probes.identities.size(); ++i) {
    const auto best = best_of_people(gallery, probes.values.data() + i * 16);
    const auto mate = best.find(probes.identities[i]);
    int ahead = 0;
    float highest = -2;
    for (const auto& [person, score] : best) {
      highest = std::max(highest, score);
      ahead += mate != best.end() && person != mate->first && score >= mate->second;
    }
    if (mate == best.end()) {
      alarms.push_back(highest);
    } else {
      mates.push_back({mate->second, ahead});
    }
  }
  ASSERT_EQ(report.mated_probes, std::int64_t(mates.size()));
  ASSERT_EQ(report.non_mated_probes, std::int64_t(alarms.size()));
  for (int rank = 1; rank <= 20; ++rank) {
    const auto found =
        std::count_if(mates.begin(), mates.end(), [&](const auto& m) { return m.second < rank; });
    EXPECT_EQ(report.cmc[std::size_t(rank - 1)], double(found) / double(mates.size()));
  }
  std::sort(alarms.begin(), alarms.end(), std::greater<>());
  const float threshold = alarms[std::size_t(std::llround(0.1 * double(alarms.size()))) - 1];
  const auto found = std::count_if(mates.begin(), mates.end(),
                                   [&](const auto& m) { return m.second == 0 && m.first >= threshold; });
  ASSERT_EQ(report.dir_at_fpir.size(), 1U);
  EXPECT_EQ(report.dir_at_fpir[0].threshold, threshold);
  EXPECT_EQ(report.dir_at_fpir[0].dir, double(found) / double(mates.size()));
}

TEST(Identification, DrawsOfPeopleGiveWhatRepeatedProbesGive) {
  const Rows gallery = rows_with_ties(40, 90, 5), probes = rows_with_ties(60, 400, 6);
  IdentificationOptions options;
  options.bootstrap.replicates = 4;
  options.fpir = {0.1};
  const IdentificationReport report =
      evaluate_identification(probes.named(), gallery.named(), names(60), options);
  for (std::int64_t r = 0; r < 4; ++r) {
    const std::vector<std::uint16_t> drawn = draw_identities(60, 1, r);
    Rows repeated;
    repeated.dim = 16;
    for (std::size_t i = 0; i < probes.identities.size(); ++i) {
      for (int copy = 0; copy < drawn[std::size_t(probes.identities[i])]; ++copy) {
        repeated.identities.push_back(probes.identities[i]);
        repeated.values.insert(repeated.values.end(), probes.values.begin() + std::ptrdiff_t(16 * i),
                               probes.values.begin() + std::ptrdiff_t(16 * (i + 1)));
      }
    }
    IdentificationOptions plain = options;
    plain.bootstrap.replicates = 0;
    const IdentificationReport expected =
        evaluate_identification(repeated.named(), gallery.named(), names(60), plain);
    ASSERT_EQ(report.figures.size(), expected.figures.size());
    for (std::size_t f = 0; f < report.figures.size(); ++f) {
      EXPECT_EQ(report.figures[f].replicates[std::size_t(r)], static_cast<float>(expected.figures[f].value))
          << report.figures[f].name;
    }
  }
}

TEST(Identification, WithoutStrangersOnlyTheClosedSetIsReported) {
  const Rows gallery = rows_with_ties(10, 60, 7), probes = rows_with_ties(10, 50, 8);
  ASSERT_EQ(std::set<std::int32_t>(gallery.identities.begin(), gallery.identities.end()).size(), 10U);
  const IdentificationReport report = evaluate_identification(probes.named(), gallery.named(), names(10), {});
  EXPECT_EQ(report.non_mated_probes, 0);
  EXPECT_EQ(report.cmc.size(), 10U);
  EXPECT_EQ(report.cmc.back(), 1);
  EXPECT_TRUE(report.dir_at_fpir.empty());
  EXPECT_THAT(to_table(report), HasSubstr("dir_at_fpir/0.1"));
  const auto json = nlohmann::json::parse(to_json(report, {}));
  EXPECT_TRUE(json["dir_at_fpir_rank1"].empty());
  EXPECT_EQ(json["rank1"].get<double>(), report.cmc[0]);
  EXPECT_FALSE(json.contains("roc"));
}

TEST(Identification, ListsThatDoNotFitAreRefused) {
  const Rows gallery = rows_with_ties(5, 20, 9);
  Rows strangers = rows_with_ties(5, 10, 10);
  for (std::int32_t& identity : strangers.identities) identity += 5;
  EXPECT_THAT(error_of(ErrorKind::kData,
                       [&] { evaluate_identification(strangers.named(), gallery.named(), names(10), {}); }),
              HasSubstr("no probe has a mate"));
  EXPECT_THAT(error_of(ErrorKind::kData,
                       [&] { evaluate_identification(Rows{}.named(), gallery.named(), names(5), {}); }),
              HasSubstr("the probe list is empty"));
}

}  // namespace
}  // namespace aface
