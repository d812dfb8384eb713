#include "aface/gallery/recall_probes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/gallery/people.h"

namespace aface::test {
namespace {

double cosine(const float* a, const float* b, std::size_t dim) {
  double sum = 0;
  for (std::size_t k = 0; k < dim; ++k) sum += double(a[k]) * double(b[k]);
  return sum;
}

TEST(RecallProbes, AreAsNearToThePhotosOfOnePersonAndStayAmongTheDirectionsOfTheOthers) {
  constexpr std::size_t kDim = 24, kRows = 300, kUsed = 12, kProbes = 60;
  std::vector<float> rows;  // in the first half of the space only
  std::vector<std::int32_t> people;
  for (std::uint64_t i = 0; i < kRows; ++i) {
    // The first hundred people have one row, the others two, alike as twins are not: cosine 0.5 or so.
    const auto person = static_cast<std::int32_t>(i < 100 ? i : 100 + (i - 100) / 2);
    const std::vector<float> own = unit_row(i, kUsed),
                             face = unit_row(5000 + static_cast<std::uint64_t>(person), kUsed);
    std::vector<float> row(kDim, 0.0F);
    double squares = 0;
    for (std::size_t k = 0; k < kUsed; ++k) {
      row[k] = own[k] + face[k];
      squares += double(row[k]) * double(row[k]);
    }
    for (float& value : row) value /= static_cast<float>(std::sqrt(squares));
    rows.insert(rows.end(), row.begin(), row.end());
    people.push_back(person);
  }
  const RowMatrix view{rows.data(), kRows, kDim};
  const std::vector<float> probes = looks_at(view, people, kProbes, 0.6, 3);
  ASSERT_EQ(probes.size(), kProbes * kDim);
  std::size_t of_two = 0;
  for (std::size_t q = 0; q < kProbes; ++q) {
    const float* probe = probes.data() + q * kDim;
    EXPECT_NEAR(cosine(probe, probe, kDim), 1, 1e-5);
    double off = 1;
    for (std::size_t i = 0; i < kRows; ++i) {
      const bool has_two = i >= 100;
      if (has_two && i % 2 == 1) continue;
      const double first = cosine(probe, view.row(i), kDim),
                   mean = has_two ? (first + cosine(probe, view.row(i + 1), kDim)) / 2 : first;
      if (std::abs(mean - 0.6) < 1e-5) of_two += has_two;
      off = std::min(off, std::abs(mean - 0.6));
    }
    EXPECT_LT(off, 1e-5);
    for (std::size_t k = kUsed; k < kDim; ++k) EXPECT_EQ(probe[k], 0);
  }
  EXPECT_GT(of_two, kProbes / 3);
  EXPECT_LT(of_two, kProbes);
  EXPECT_EQ(looks_at(view, people, kProbes, 0.6, 3), probes);
  EXPECT_NE(looks_at(view, people, kProbes, 0.6, 4), probes);
}

TEST(RecallProbes, RowsThatAreAllAlikeOrOfAPersonWithoutAMeanAreTakenAsTheyAre) {
  const std::vector<float> row = unit_row(1, 8);
  std::vector<float> rows;
  for (int i = 0; i < 3; ++i) rows.insert(rows.end(), row.begin(), row.end());
  const std::vector<std::int32_t> people = {0, 0, 1};
  const std::vector<float> probe = looks_at({rows.data(), 3, 8}, people, 1, 0.6, 1);
  EXPECT_NEAR(cosine(probe.data(), row.data(), 8), 1, 1e-5);
  for (std::size_t k = 8; k < 16; ++k) rows[k] = -rows[k];  // the two of person 0 point away from each other
  for (const float value : looks_at({rows.data(), 3, 8}, people, 20, 0.6, 1))
    EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace aface::test
