#include <gtest/gtest.h>

#include "aface/nearest/inverted_file.h"
#include "tests/support/brute_force.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

constexpr std::size_t kRows = 900;
constexpr std::size_t kDim = 40;

class InvertedFileState : public testing::Test {
 protected:
  InvertedFileState() : index_(options()) {
    index_.build(view());
    const std::vector<float> fresh = clustered_unit_rows(50, kDim, 10, 0.7, 52);
    std::vector<std::int32_t> ids;
    for (std::int32_t i = 0; i < 50; ++i) {
      ids.push_back(i * 17);
      std::copy_n(&fresh[static_cast<std::size_t>(i) * kDim], kDim, &rows_[static_cast<std::size_t>(i) * 17 * kDim]);
    }
    index_.update(ids, {fresh.data(), 50, kDim});
    index_.save(state_);
  }
  static IndexOptions options() {
    IndexOptions options;
    options.lists = 150;
    options.probes = 3;
    options.threads = 2;
    return options;
  }
  RowMatrix view() const { return {rows_.data(), kRows, kDim}; }
  std::string refused(ErrorKind kind, RowMatrix rows) {
    InvertedFile other(options());
    return test::error_of(kind, [&] { other.load(state_, row_blocks_of(rows)); });
  }

  std::vector<float> rows_ = clustered_unit_rows(kRows, kDim, 40, 0.7, 51);
  InvertedFile index_;
  NamedArrays state_;
};

TEST_F(InvertedFileState, AnswersAsBeforeAndGoesOnTheSameWay) {
  InvertedFile loaded(options());
  loaded.load(state_, row_blocks_of(view()));
  const auto expect_same = [&] {
    const NeighbourLists a = index_.search(view(), 9), b = loaded.search(view(), 9);
    EXPECT_EQ(a.ids, b.ids);
    EXPECT_EQ(a.similarities, b.similarities);
  };
  expect_same();
  const std::vector<std::int32_t> ids = {3, 800};
  const std::vector<float> fresh = clustered_unit_rows(2, kDim, 2, 0.7, 53);
  index_.update(ids, {fresh.data(), 2, kDim});
  loaded.update(ids, {fresh.data(), 2, kDim});
  expect_same();
}

TEST_F(InvertedFileState, RefusesAnotherPrototypeSet) {
  const std::string shorter = refused(ErrorKind::kData, {rows_.data(), kRows - 1, kDim});
  EXPECT_NE(shorter.find("expected 899 x 40, got 900 x 40"), std::string::npos) << shorter;
  refused(ErrorKind::kData, {rows_.data(), kRows, kDim / 2});
  std::swap_ranges(rows_.begin(), rows_.begin() + kDim, rows_.begin() + kDim);  // the same rows in another order
  const std::string others = refused(ErrorKind::kData, view());
  EXPECT_NE(others.find("another prototype set"), std::string::npos) << others;
}

TEST_F(InvertedFileState, RefusesDamagedState) {
  const NamedArrays good = state_;
  state_.metadata["nearest.kind"] = "graph";
  refused(ErrorKind::kData, view());
  state_ = good;
  state_.put<std::int32_t>("nearest.list_of", std::vector<std::int32_t>(kRows, 150));
  refused(ErrorKind::kFormat, view());
  state_ = good;
  state_.put<std::uint8_t>("nearest.centroids", std::vector<std::uint8_t>(150 * kDim, 1));
  refused(ErrorKind::kFormat, view());
  state_ = good;
  state_.put<float>("nearest.centroids_scale", {1.0F});
  refused(ErrorKind::kFormat, view());
  state_ = good;
  state_.put<std::int64_t>("nearest.shape", {kRows, kDim, -1});
  refused(ErrorKind::kFormat, view());
  state_ = good;
  state_.arrays.erase("nearest.digest");
  refused(ErrorKind::kFormat, view());
}

}  // namespace
}  // namespace aface
