#include "aface/sampling/shuffle_sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "tests/support/chi_square.h"

namespace aface {
namespace {

TEST(ShuffleSampler, EverySampleOnceAnEpochAcrossBatchBorders) {
  ShuffleSampler sampler(10, 5);
  std::vector<std::int64_t> drawn;
  for (int batch = 0; batch < 10; ++batch) {
    const auto ids = sampler.draw(7);
    drawn.insert(drawn.end(), ids.begin(), ids.end());
  }
  std::vector<std::int64_t> all(10);
  std::iota(all.begin(), all.end(), 0);
  for (std::size_t epoch = 0; epoch < 7; ++epoch) {
    std::vector<std::int64_t> part(drawn.begin() + long(epoch) * 10, drawn.begin() + long(epoch + 1) * 10);
    std::sort(part.begin(), part.end());
    EXPECT_EQ(part, all) << "epoch " << epoch;
  }
}

TEST(ShuffleSampler, BatchSizeDoesNotChangeTheOrder) {
  ShuffleSampler a(100, 5), b(100, 5);
  const auto whole = a.draw(250);
  std::vector<std::int64_t> parts;
  for (int i = 0; i < 25; ++i) {
    const auto ids = b.draw(10);
    parts.insert(parts.end(), ids.begin(), ids.end());
  }
  EXPECT_EQ(whole, parts);
}

TEST(ShuffleSampler, EveryOrderIsAsLikely) {
  std::vector<double> counts(24);
  ShuffleSampler sampler(4, 9);
  constexpr int kEpochs = 48000;
  for (int i = 0; i < kEpochs; ++i) {
    const auto ids = sampler.draw(4);
    std::size_t rank = 0;  // of the permutation, in the factorial number system
    for (std::size_t j = 0; j < 4; ++j) {
      std::size_t smaller = 0;
      for (std::size_t k = j + 1; k < 4; ++k) smaller += ids[k] < ids[j];
      rank = rank * (4 - j) + smaller;
    }
    ++counts[rank];
  }
  EXPECT_LT(std::abs(chi_square_deviation(counts, std::vector<double>(24, kEpochs / 24.0))), 4);
}

TEST(ShuffleSampler, RestoredStateContinuesTheStreamEvenAtTheEndOfAnEpoch) {
  for (const int before : {0, 3, 20, 37}) {
    ShuffleSampler original(20, 6);
    original.draw(before);
    NamedArrays state;
    original.save(state);
    ShuffleSampler copy(20, 999);
    copy.draw(13);
    copy.restore(state);
    EXPECT_EQ(copy.draw(50), original.draw(50)) << "after " << before;
  }
}

TEST(ShuffleSampler, ImpossibleStateIsRefused) {
  ShuffleSampler sampler(20, 6);
  NamedArrays state;
  sampler.save(state);
  state.put_scalar<std::uint64_t>("sampler.place", 21);
  EXPECT_THROW(sampler.restore(state), Error);
  state.put_scalar<std::uint64_t>("sampler.place", 0);
  state.put_scalar<std::int64_t>("sampler.epoch", -1);
  EXPECT_THROW(sampler.restore(state), Error);
}

}  // namespace
}  // namespace aface
