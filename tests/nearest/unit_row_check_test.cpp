#include "aface/nearest/unit_row_check.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "aface/nearest/neighbour_index.h"
#include "tests/support/brute_force.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

constexpr std::size_t kRows = 600;
constexpr std::size_t kDim = 48;

class EveryIndex : public testing::TestWithParam<const char*> {
 protected:
  EveryIndex() {
    IndexOptions options;
    options.kind = GetParam();
    options.threads = 2;
    index_ = make_neighbour_index(options, kRows);
    index_->build(view());
  }
  RowMatrix view() const { return {rows_.data(), kRows, kDim}; }

  std::vector<float> rows_ = clustered_unit_rows(kRows, kDim, 30, 0.8, 3);
  std::unique_ptr<NeighbourIndex> index_;
};

TEST_P(EveryIndex, FindsAnUpdatedRowAtItsNewPlaceOnly) {
  const std::vector<float> fresh = clustered_unit_rows(3, kDim, 3, 0.1, 77);
  const std::vector<std::int32_t> ids = {5, 599, 0};
  const NeighbourLists before = index_->search({&rows_[5 * kDim], 1, kDim}, 1);
  EXPECT_EQ(before.ids[0], 5);
  index_->update(ids, {fresh.data(), 3, kDim});
  const NeighbourLists found = index_->search({fresh.data(), 3, kDim}, 1);
  EXPECT_EQ(found.ids, ids);
  for (const float similarity : found.similarities) EXPECT_NEAR(similarity, 1, 0.01);
  EXPECT_NE(index_->search({&rows_[5 * kDim], 1, kDim}, 1).ids[0], 5);
  EXPECT_EQ(index_->size(), kRows);
}

TEST_P(EveryIndex, NamesTheRowWithoutDirectionAndStaysAsItWas) {
  const NeighbourLists before = index_->search(view(), 4);
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 0.0F}) {
    std::vector<float> bad = rows_;
    std::fill_n(bad.begin() + 417 * kDim, kDim, value);
    bad[599 * kDim + 1] = std::numeric_limits<float>::quiet_NaN();
    const std::string built = test::error_of(ErrorKind::kNumeric, [&] { index_->build({bad.data(), kRows, kDim}); });
    EXPECT_NE(built.find("row 417 "), std::string::npos) << built;
    const std::vector<std::int32_t> ids = {8, 123};
    const std::string updated =
        test::error_of(ErrorKind::kNumeric, [&] { index_->update(ids, {&bad[416 * kDim], 2, kDim}); });
    EXPECT_NE(updated.find("row 123 "), std::string::npos) << updated;
    const std::string asked = test::error_of(ErrorKind::kNumeric, [&] { index_->search({bad.data(), 500, kDim}, 3); });
    EXPECT_NE(asked.find("query 417 "), std::string::npos) << asked;
  }
  EXPECT_EQ(index_->search(view(), 4).ids, before.ids);
}

TEST_P(EveryIndex, RefusesWhatIsOurOwnFault) {
  const std::vector<std::int32_t> twice = {7, 7}, outside = {3, 600}, two = {1, 2};
  for (const auto& ids : {twice, outside}) {
    test::error_of(ErrorKind::kInternal, [&] { index_->update(ids, {rows_.data(), 2, kDim}); });
  }
  test::error_of(ErrorKind::kInternal, [&] { index_->update(two, {rows_.data(), 1, kDim}); });
  test::error_of(ErrorKind::kInternal, [&] { index_->update(two, {rows_.data(), 2, kDim / 2}); });
  std::vector<float> longer = rows_;
  for (std::size_t i = 0; i < kDim; ++i) longer[i] *= 1.01F;
  test::error_of(ErrorKind::kInternal, [&] { index_->build({longer.data(), kRows, kDim}); });
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryIndex, testing::Values("exact", "graph", "inverted"));

}  // namespace
}  // namespace aface
