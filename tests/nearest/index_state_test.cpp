// Saving and restoring of every kind of index.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "aface/core/random.h"
#include "aface/nearest/neighbour_index.h"
#include "tests/support/brute_force.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

constexpr std::size_t kRows = 900;
constexpr std::size_t kDim = 40;

IndexOptions options(const std::string& kind) {
  IndexOptions options;
  options.kind = kind;
  options.lists = 150;
  options.probes = 3;
  options.threads = 2;
  return options;
}

void update_some(NeighbourIndex& index, std::uint64_t seed) {
  const std::vector<float> fresh = clustered_unit_rows(50, kDim, 10, 0.7, seed);
  std::vector<std::int32_t> ids;
  for (std::int32_t i = 0; i < 50; ++i) ids.push_back(i * 17 + static_cast<std::int32_t>(seed % 17));
  index.update(ids, {fresh.data(), 50, kDim});
}

class IndexState : public testing::TestWithParam<const char*> {
 protected:
  IndexState()
      : rows_(clustered_unit_rows(kRows, kDim, 40, 0.7, 51)),
        index_(make_neighbour_index(options(GetParam()), kRows)) {
    index_->build(view());
    if (updates()) update_some(*index_, 52);
    index_->save(state_);
  }
  static bool updates() { return std::string(GetParam()) != "graph"; }
  RowMatrix view() const { return {rows_.data(), kRows, kDim}; }
  std::string refused(ErrorKind kind, const NamedArrays& state) {
    const auto other = make_neighbour_index(options(GetParam()), kRows);
    const std::string message = test::error_of(kind, [&] { other->restore(state); });
    EXPECT_EQ(other->size(), 0U);
    return message;
  }
  static void expect_same(const NeighbourIndex& a, const NeighbourIndex& b, RowMatrix queries) {
    const NeighbourLists x = a.search(queries, 9), y = b.search(queries, 9);
    EXPECT_EQ(x.ids, y.ids);
    EXPECT_EQ(x.similarities, y.similarities);
  }

  std::vector<float> rows_;
  std::unique_ptr<NeighbourIndex> index_;
  NamedArrays state_;
};

TEST_P(IndexState, AnswersAsBeforeAndGoesOnTheSameWay) {
  state_.own_all();
  const auto restored = make_neighbour_index(options(GetParam()), kRows);
  restored->restore(state_);
  EXPECT_EQ(restored->size(), kRows);
  EXPECT_EQ(restored->dim(), kDim);
  expect_same(*index_, *restored, view());
  if (!updates()) return;
  for (std::uint64_t seed = 53; seed < 70; ++seed) {
    update_some(*index_, seed);
    update_some(*restored, seed);
    expect_same(*index_, *restored, view());
  }
}

TEST_P(IndexState, IsTheSameAfterARoundTrip) {
  state_.own_all();
  const auto restored = make_neighbour_index(options(GetParam()), kRows);
  restored->restore(state_);
  NamedArrays again;
  restored->save(again);
  ASSERT_EQ(again.arrays.size(), state_.arrays.size());
  for (const auto& [name, array] : state_.arrays) EXPECT_TRUE(array.bytes == again.at(name).bytes) << name;
}

// A view of the index is read in pieces of any size.
TEST_P(IndexState, ArraysAreReadInAnyPieces) {
  for (const auto& [name, array] : state_.arrays) {
    const std::vector<unsigned char> whole = array.bytes.to_vector();
    Random random(3);
    std::vector<unsigned char> pieces(whole.size());
    for (std::size_t at = 0; at < whole.size();) {
      const std::size_t count = std::min(whole.size() - at, static_cast<std::size_t>(1 + random.below(777)));
      array.bytes.read(at, count, &pieces[at]);
      at += count;
    }
    EXPECT_TRUE(pieces == whole) << name;
  }
}

TEST_P(IndexState, RefusesTheStateOfAnotherKindAndMissingArrays) {
  NamedArrays bad = state_;
  bad.metadata["nearest.kind"] = "other";
  const std::string message = refused(ErrorKind::kData, bad);
  EXPECT_NE(message.find(std::string("expected ") + GetParam() + ", got other"), std::string::npos)
      << message;
  for (const auto& item : state_.arrays) {
    bad = state_;
    bad.arrays.erase(item.first);
    refused(ErrorKind::kFormat, bad);
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, IndexState, testing::Values("exact", "inverted", "graph"));

TEST(InvertedFileState, RefusesDamagedState) {
  const auto index = make_neighbour_index(options("inverted"), kRows);
  const std::vector<float> rows = clustered_unit_rows(kRows, kDim, 40, 0.7, 51);
  index->build(RowMatrix{rows.data(), kRows, kDim});
  NamedArrays good;
  index->save(good);
  const auto refused = [&](const NamedArrays& state) {
    test::error_of(ErrorKind::kFormat,
                   [&] { make_neighbour_index(options("inverted"), kRows)->restore(state); });
  };
  NamedArrays bad = good;
  bad.put<std::int32_t>("nearest.list_of", std::vector<std::int32_t>(kRows, 150));
  refused(bad);
  bad = good;
  bad.put<std::uint8_t>("nearest.centroids", std::vector<std::uint8_t>(150 * kDim, 1));
  refused(bad);
  bad = good;
  bad.put<float>("nearest.centroids_scale", {1.0F});
  refused(bad);
  bad = good;
  bad.put<std::int64_t>("nearest.shape", {kRows, kDim, -1});
  refused(bad);
  bad = good;
  bad.put<std::uint8_t>("nearest.codes", std::vector<std::uint8_t>(kRows * kDim, 255));
  refused(bad);
  bad = good;
  bad.put<float>("nearest.leads", {1.0F});
  refused(bad);
}

}  // namespace
}  // namespace aface
